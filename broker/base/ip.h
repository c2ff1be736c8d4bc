/* SPDX-License-Identifier: Apache-2.0 */
/* ip.h - IP addresses and networks (RFC 4291, RFC 4632). */
#ifndef PL_IP_H
#define PL_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"

struct sockaddr;

/* In network byte order.  An IPv4 address is always ::ffff:a.b.c.d, so that one
 * host has one form. */
struct pl_ip {
    uint8_t at[16];
};

struct pl_ip_net {
    struct pl_ip ip;
    uint8_t bits; /* of 128 */
};

enum { PL_IP_TEXT_MAX = 46 }; /* with the final zero byte */

/* Parse "192.0.2.1" or "2001:db8::1".  Return false if the text is neither;
 * *out is then unchanged. */
bool pl_ip_parse(struct pl_ip *out, struct pl_span text);

/* The address of a socket; all zero if it is neither IPv4 nor IPv6. */
struct pl_ip pl_ip_of_socket(const struct sockaddr *sa);

void pl_ip_format(const struct pl_ip *ip, char text[PL_IP_TEXT_MAX]);

bool pl_ip_is_four(const struct pl_ip *ip);
bool pl_ip_equal(const struct pl_ip *a, const struct pl_ip *b);

/* Parse "192.0.2.0/24", "2001:db8::/32", or a single address.  Return false if
 * the text is none of these or has bits set after the prefix; *out is then
 * unchanged. */
bool pl_ip_net_parse(struct pl_ip_net *out, struct pl_span text);

/* True if one of the networks contains the address. */
bool pl_ip_is_in(const struct pl_ip *ip, const struct pl_ip_net *nets,
                 size_t count);

#endif
