/* SPDX-License-Identifier: Apache-2.0 */
/* addresses.h - the addresses of a server, in the order in which they are
 * tried. */
#ifndef PLC_ADDRESSES_H
#define PLC_ADDRESSES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addrinfo;

enum {
    PLC_ADDRESSES_MAX = 16, /* more are ignored */
    PLC_ADDRESS_TEXT = 64   /* "[2001:db8::1]:8000" */
};

union plc_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* All zero: none. */
struct plc_addresses {
    union plc_address at[PLC_ADDRESSES_MAX];
    size_t count;
};

/* Append the numeric address `text`, as "127.0.0.1", "::1" or "fe80::1%eth0".
 * Return false if it is none. */
bool plc_addresses_add_text(struct plc_addresses *a, const char *text,
                            uint16_t port);

/* Append those of a result of getaddrinfo(). */
void plc_addresses_add_list(struct plc_addresses *a,
                            const struct addrinfo *list, uint16_t port);

/* Sort by RFC 8305 section 4: the families take turns, IPv6 first, and each
 * keeps its order. */
void plc_addresses_interleave(struct plc_addresses *a);

void plc_address_text(const union plc_address *a, char text[PLC_ADDRESS_TEXT]);

#endif
