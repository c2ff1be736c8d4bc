/* SPDX-License-Identifier: Apache-2.0 */
/* host.c - see host.h.
 *
 * The name is split from its port before any comparison, so a star of a pattern
 * never matches a colon, and "a.example:80.evil" is no host.  A missing port is
 * the default of the scheme, which is unknown because a proxy may terminate
 * TLS: it matches either default.
 *
 * An address in brackets is compared as text: programs that build a request
 * from a URL write each address in one form only.
 *
 * Invariant: a split name or port has no character that could mean something
 * else where it is compared or logged. */
#include "host.h"

#include <arpa/inet.h>

#include "http.h"

static bool is_digits(struct pl_span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
    return true;
}

static bool is_hex(char c)
{
    char low = pl_http_lower(c);

    return (c >= '0' && c <= '9') || (low >= 'a' && low <= 'f');
}

/* The grammar allows a comma in a name; here it means that two Hosts were
 * joined to a list. */
static bool is_name(struct pl_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        char low = pl_http_lower(s.at[i]);

        if ((low >= 'a' && low <= 'z') || (low >= '0' && low <= '9') ||
            (low != '\0' && strchr("-._~!$&'()*+;=", low) != NULL))
            continue;
        if (low != '%' || s.len - i < 3 || !is_hex(s.at[i + 1]) ||
            !is_hex(s.at[i + 2]))
            return false;
    }
    return s.len > 0;
}

/* True for an IPv6 address without its brackets. */
static bool is_literal(struct pl_span s)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr ignored;

    if (s.len >= sizeof text || memchr(s.at, '\0', s.len) != NULL)
        return false;
    memcpy(text, s.at, s.len);
    text[s.len] = '\0';
    return inet_pton(AF_INET6, text, &ignored) == 1;
}

/* The end of the name: after the bracket, or before the colon. */
static size_t name_length(struct pl_span whole)
{
    bool in_brackets = whole.len > 0 && *whole.at == '[';
    const char *end =
        whole.len == 0 ? NULL
                       : memchr(whole.at, in_brackets ? ']' : ':', whole.len);

    if (end == NULL)
        return whole.len;
    return (size_t)(end - whole.at) + in_brackets;
}

static void split(struct pl_span whole, struct pl_span *name,
                  struct pl_span *port)
{
    size_t len = name_length(whole);

    *name = (struct pl_span){whole.at, len};
    *port = (struct pl_span){NULL, 0};
    if (len < whole.len)
        *port = (struct pl_span){whole.at + len + 1, whole.len - len - 1};
}

bool pl_host_split(struct pl_span whole, struct pl_span *name,
                   struct pl_span *port)
{
    struct pl_span n, p;

    split(whole, &n, &p);
    if (p.at != NULL && (p.at[-1] != ':' || !is_digits(p)))
        return false;
    if (n.len > 2 && *n.at == '[' && n.at[n.len - 1] == ']') {
        if (!is_literal((struct pl_span){n.at + 1, n.len - 2}))
            return false;
    } else if (!is_name(n)) {
        return false;
    }
    *name = n;
    *port = p;
    return true;
}

static bool port_matches(struct pl_span wanted, struct pl_span port)
{
    if (wanted.at == NULL || pl_span_equal(wanted, PL_SPAN("*")))
        return true;
    if (port.len == 0)
        return pl_span_equal(wanted, PL_SPAN("80")) ||
               pl_span_equal(wanted, PL_SPAN("443"));
    return pl_span_equal(wanted, port);
}

bool pl_host_is_allowed(struct pl_span host, const char *const *allowed,
                        size_t count)
{
    struct pl_span name, port, wanted[2];

    split(host, &name, &port);
    for (size_t i = 0; i < count; i++) {
        split(pl_span_of(allowed[i]), &wanted[0], &wanted[1]);
        if (pl_http_matches(wanted[0], name) && port_matches(wanted[1], port))
            return true;
    }
    return count == 0;
}

/* Four decimal numbers, of which the first is 127.  Other forms (127.1,
 * 0x7f000001) never come from a browser, which writes each address in one form
 * only. */
static bool is_loopback_four(struct pl_span name)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr four;

    if (name.len >= sizeof text)
        return false;
    memcpy(text, name.at, name.len);
    text[name.len] = '\0';
    return inet_pton(AF_INET, text, &four) == 1 &&
           ntohl(four.s_addr) >> 24 == 127;
}

bool pl_host_is_loopback(struct pl_span host)
{
    const struct pl_span domain = PL_SPAN(".localhost"); /* RFC 6761, 6.3 */
    struct pl_span name, port;

    if (!pl_host_split(host, &name, &port))
        return false;
    if (pl_http_equal(name, PL_SPAN("localhost")) ||
        pl_http_equal(name, PL_SPAN("[::1]")) || is_loopback_four(name))
        return true;
    return name.len > domain.len &&
           pl_http_equal(
               (struct pl_span){name.at + name.len - domain.len, domain.len},
               domain);
}
