/* SPDX-License-Identifier: Apache-2.0 */
/* origin.h - decides whether a page of an origin may open a connection (RFC
 * 6454). */
#ifndef PL_WS_ORIGIN_H
#define PL_WS_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "span.h"

/* True without an Origin.  If `allowed` is empty, its scheme must be https, or
 * http on a connection without TLS, and its host and port must equal Host.
 * Otherwise one of the `count` patterns must match.  "*" alone matches all; "*"
 * inside a pattern matches any characters except "/" (so "*.example.org" after
 * a scheme names subdomains); case is ignored.  A value that is not a scheme, a
 * host and optionally a port matches only "*". */
bool pl_origin_is_allowed(struct pl_span origin, struct pl_span host,
                          bool is_tls, const char *const *allowed,
                          size_t count);

/* True without an Origin, or if it is http or https on a name of this machine
 * itself (pl_host_is_loopback()), with any port. */
bool pl_origin_is_loopback(struct pl_span origin);

#endif
