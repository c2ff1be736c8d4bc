/* SPDX-License-Identifier: Apache-2.0 */
/* ip.c - see ip.h.
 *
 * A listener on [::] shows IPv4 peers as ::ffff:a.b.c.d, one on 0.0.0.0 as
 * a.b.c.d; a proxy may write either.  With one form for both, a network
 * configured as 10.0.0.0/8 matches them all, and a limit counts each host
 * once. */
#include "ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { FOUR_BITS = 96 }; /* bits before those of an IPv4 address */

static const uint8_t four[12] = {[10] = 0xff, [11] = 0xff};

static struct pl_ip of_four(const void *bytes)
{
    struct pl_ip ip;

    memcpy(ip.at, four, sizeof four);
    memcpy(ip.at + sizeof four, bytes, 4);
    return ip;
}

bool pl_ip_parse(struct pl_ip *out, struct pl_span text)
{
    char copy[INET6_ADDRSTRLEN];
    struct in_addr small;
    struct in6_addr large;

    if (text.len >= sizeof copy || text.len == 0 ||
        memchr(text.at, '\0', text.len) != NULL)
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, &small) == 1)
        *out = of_four(&small);
    else if (inet_pton(AF_INET6, copy, &large) == 1)
        memcpy(out->at, &large, sizeof out->at);
    else
        return false;
    return true;
}

struct pl_ip pl_ip_of_socket(const struct sockaddr *sa)
{
    struct pl_ip ip = {{0}};

    if (sa->sa_family == AF_INET)
        return of_four(&((const struct sockaddr_in *)sa)->sin_addr);
    if (sa->sa_family == AF_INET6)
        memcpy(ip.at, &((const struct sockaddr_in6 *)sa)->sin6_addr,
               sizeof ip.at);
    return ip;
}

bool pl_ip_is_four(const struct pl_ip *ip)
{
    return memcmp(ip->at, four, sizeof four) == 0;
}

void pl_ip_format(const struct pl_ip *ip, char text[PL_IP_TEXT_MAX])
{
    bool is_four = pl_ip_is_four(ip);

    inet_ntop(is_four ? AF_INET : AF_INET6,
              is_four ? ip->at + sizeof four : ip->at, text, PL_IP_TEXT_MAX);
}

bool pl_ip_equal(const struct pl_ip *a, const struct pl_ip *b)
{
    return memcmp(a->at, b->at, sizeof a->at) == 0;
}

/* Parse one to three digits without leading zeros. */
static bool read_bits(struct pl_span text, unsigned *out)
{
    unsigned n = 0;

    if (text.len == 0 || text.len > 3 || (text.len > 1 && *text.at == '0'))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        n = n * 10 + (unsigned)(text.at[i] - '0');
    }
    *out = n;
    return true;
}

/* Byte `i` of the mask of a network. */
static uint8_t mask(unsigned bits, unsigned i)
{
    if (bits >= (i + 1) * 8)
        return 0xff;
    return bits <= i * 8 ? 0 : (uint8_t)(0xff << (8 - (bits - i * 8)));
}

bool pl_ip_net_parse(struct pl_ip_net *out, struct pl_span text)
{
    const char *slash = text.len == 0 ? NULL : memchr(text.at, '/', text.len);
    size_t len = slash == NULL ? text.len : (size_t)(slash - text.at);
    struct pl_ip ip;
    unsigned bits = 128;

    if (!pl_ip_parse(&ip, (struct pl_span){text.at, len}))
        return false;
    bool is_four = memchr(text.at, ':', len) == NULL;
    if (slash != NULL) {
        if (!read_bits((struct pl_span){slash + 1, text.len - len - 1}, &bits))
            return false;
        bits += is_four ? FOUR_BITS : 0;
    }
    if (bits > 128)
        return false;
    for (unsigned i = 0; i < sizeof ip.at; i++)
        if ((ip.at[i] & ~mask(bits, i)) != 0)
            return false;
    *out = (struct pl_ip_net){ip, (uint8_t)bits};
    return true;
}

static bool has(const struct pl_ip_net *net, const struct pl_ip *ip)
{
    for (unsigned i = 0; i < sizeof ip->at; i++)
        if (((ip->at[i] ^ net->ip.at[i]) & mask(net->bits, i)) != 0)
            return false;
    return true;
}

bool pl_ip_is_in(const struct pl_ip *ip, const struct pl_ip_net *nets,
                 size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (has(&nets[i], ip))
            return true;
    return false;
}
