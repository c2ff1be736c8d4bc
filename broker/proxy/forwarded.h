/* SPDX-License-Identifier: Apache-2.0 */
/* forwarded.h - which client a proxy of HTTP speaks for: X-Forwarded-For, and
 * Forwarded (RFC 7239). */
#ifndef PL_FORWARDED_H
#define PL_FORWARDED_H

#include <stddef.h>

#include "ip.h"
#include "span.h"

/* Each proxy puts the address of whom it heard from behind the list that it
 * got.  So the list is believed from its end, as long as those who wrote are
 * among the `trusted`: the result is the last address that is none of them,
 * or, when all are or what stands before is no address, the one that was
 * reached: `peer`, which is trusted itself, when that is the last element.  At
 * most the last 64 are looked at. */
struct pl_ip pl_forwarded_for(struct pl_ip peer, struct pl_span list,
                              const struct pl_ip_net *trusted, size_t count);

/* The same for the list of a Forwarded field. */
struct pl_ip pl_forwarded(struct pl_ip peer, struct pl_span list,
                          const struct pl_ip_net *trusted, size_t count);

#endif
