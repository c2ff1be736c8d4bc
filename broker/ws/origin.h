/* SPDX-License-Identifier: Apache-2.0 */
/* origin.h - may a page of this origin open a connection here (RFC 6454)? */
#ifndef PL_WS_ORIGIN_H
#define PL_WS_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "span.h"

/* True without an Origin.  Otherwise, when `allowed` is empty: its scheme is
 * https, or http where the connection is without TLS, and its host and port
 * equal Host.  Otherwise: one of the `count` patterns matches.  "*" alone
 * matches all; "*" inside a pattern matches any characters but "/" (so
 * "*.example.org" after a scheme names subdomains); letters may be in any case.
 * What is not a scheme, a host and maybe a port matches "*" alone. */
bool pl_origin_is_allowed(struct pl_span origin, struct pl_span host,
                          bool is_tls, const char *const *allowed,
                          size_t count);

/* True without an Origin, or when it is http or https of a name that is this
 * machine's own (pl_host_is_loopback()), with any port. */
bool pl_origin_is_loopback(struct pl_span origin);

#endif
