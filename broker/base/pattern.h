/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.h - regular expressions of the configuration, matched against what
 * untrusted peers send.
 *
 * Immutable after its creation, so several threads may use one.
 *
 * Thread: any. */
#ifndef PL_PATTERN_H
#define PL_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "span.h"

struct pl_pattern; /* opaque */

/* Compile `text`, an expression of PCRE2 over UTF-8.  Those of RE2, which
 * Centrifugo takes, mean the same here.
 * Owner:  the caller destroys *out.
 * Errors: PL_EINVAL (no such expression), PL_ENOMEM. */
enum pl_err pl_pattern_create(struct pl_pattern **out, struct pl_span text);
void pl_pattern_destroy(struct pl_pattern *p); /* NULL is allowed */

/* Return PL_OK if `text` is such an expression.  Otherwise write to `why` what
 * is wrong with it, and at which byte.
 * Errors: PL_EINVAL, PL_ENOMEM. */
enum pl_err pl_pattern_check(struct pl_span text, char *why, size_t size);

/* Return true if a part of `text` matches.  False also if the match takes too
 * many steps or too much memory, or `text` is not UTF-8. */
bool pl_pattern_matches(const struct pl_pattern *p, struct pl_span text);

/* Set *out to the part of `text` that the group `name` matches.  False: `text`
 * does not match, or has no such group. */
bool pl_pattern_group(const struct pl_pattern *p, struct pl_span text,
                      const char *name, struct pl_span *out);

#endif
