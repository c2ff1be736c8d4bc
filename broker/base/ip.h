/* SPDX-License-Identifier: Apache-2.0 */
/* ip.h - addresses of hosts, and networks of them (RFC 4291, RFC 4632). */
#ifndef PL_IP_H
#define PL_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"

struct sockaddr;

/* In network order; an IPv4 address is ::ffff:a.b.c.d, whatever it came as, so
 * that one host has one form. */
struct pl_ip {
    uint8_t at[16];
};

struct pl_ip_net {
    struct pl_ip ip;
    uint8_t bits; /* of 128 */
};

enum { PL_IP_TEXT_MAX = 46 }; /* bytes, the final zero included */

/* Read "192.0.2.1" or "2001:db8::1".  False: it is neither, and *out is
 * untouched. */
bool pl_ip_parse(struct pl_ip *out, struct pl_span text);

/* Of a socket; all zero for a family that is not of the net. */
struct pl_ip pl_ip_of_socket(const struct sockaddr *sa);

void pl_ip_format(const struct pl_ip *ip, char text[PL_IP_TEXT_MAX]);

bool pl_ip_is_four(const struct pl_ip *ip);
bool pl_ip_equal(const struct pl_ip *a, const struct pl_ip *b);

/* Read "192.0.2.0/24", "2001:db8::/32", or an address alone.  False: it is
 * none of these, or has bits behind its network's; *out is then untouched. */
bool pl_ip_net_parse(struct pl_ip_net *out, struct pl_span text);

/* Whether one of the networks has the address. */
bool pl_ip_is_in(const struct pl_ip *ip, const struct pl_ip_net *nets,
                 size_t count);

#endif
