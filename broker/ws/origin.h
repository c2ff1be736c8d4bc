/* SPDX-License-Identifier: Apache-2.0 */
/* origin.h - may a page of this origin open a connection here (RFC 6454)? */
#ifndef PL_WS_ORIGIN_H
#define PL_WS_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "span.h"

/* True without an Origin; else, when `allowed` is empty, if its host and port
 * equal Host; else if one of the `count` patterns matches: "*" alone matches
 * all, "*" inside a pattern matches any characters but "/" (so
 * "*.example.org" behind a scheme names subdomains), letters in any case. */
bool pl_origin_is_allowed(struct pl_span origin, struct pl_span host,
                          const char *const *allowed, size_t count);

#endif
