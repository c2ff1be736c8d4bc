/* SPDX-License-Identifier: Apache-2.0 */
/* name_pattern.h - the regular expression that the names of a namespace's
 * channels match.
 *
 * Immutable and reference-counted, because each reload and each pattern of the
 * embedding program makes a rulebook that has the same ones.
 *
 * Thread: any. */
#ifndef PL_NAME_PATTERN_H
#define PL_NAME_PATTERN_H

#include <stdbool.h>

#include "err.h"
#include "span.h"

struct pl_name_pattern; /* opaque */

/* Compile `text`; see pattern.h.
 * Owner:  the caller owns the reference.
 * Errors: PL_EINVAL (no such expression), PL_ENOMEM. */
enum pl_err pl_name_pattern_create(struct pl_name_pattern **out,
                                   const char *text);

/* Both allow NULL. */
struct pl_name_pattern *pl_name_pattern_hold(struct pl_name_pattern *p);
void pl_name_pattern_release(struct pl_name_pattern *p);

bool pl_name_pattern_matches(const struct pl_name_pattern *p,
                             struct pl_span name);

#endif
