/* SPDX-License-Identifier: Apache-2.0 */
/* forwarded.h - finds the client that an HTTP proxy forwards for:
 * X-Forwarded-For, and Forwarded (RFC 7239). */
#ifndef PL_FORWARDED_H
#define PL_FORWARDED_H

#include <stddef.h>

#include "ip.h"
#include "span.h"

/* Each proxy appends the address of its peer to the list that it received.  So
 * the list is evaluated from its end, as long as the addresses are among the
 * `trusted`.  The result is the last address that is not trusted.  If all are,
 * or the next element is no address, it is the last address evaluated; that is
 * `peer`, which must be trusted, if the last element already is no address.  At
 * most the last 64 elements are evaluated. */
struct pl_ip pl_forwarded_for(struct pl_ip peer, struct pl_span list,
                              const struct pl_ip_net *trusted, size_t count);

/* Like pl_forwarded_for(), for the list of a Forwarded field. */
struct pl_ip pl_forwarded(struct pl_ip peer, struct pl_span list,
                          const struct pl_ip_net *trusted, size_t count);

#endif
