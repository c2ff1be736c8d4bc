/* SPDX-License-Identifier: Apache-2.0 */
/* glob.h - patterns of names: `*` any text, `?` one character, `[a-z]` one of a
 * class, `[!a]` one of no class, `{a,b}` alternatives, `\` takes the next
 * character as it is. */
#ifndef PL_GLOB_H
#define PL_GLOB_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"
#include "span.h"

enum {
    PL_GLOB_ALTERNATIVES_MAX = 64,
    PL_GLOB_BYTES_MAX = 4096 /* of all alternatives */
};

/* Append to `out` the patterns without braces that `pattern` stands for, a zero
 * byte after each.
 * Errors: PL_EINVAL (an unclosed brace or class, a zero byte), PL_ETOOBIG,
 *         PL_ENOMEM. */
enum pl_err pl_glob_expand(struct pl_span pattern, struct pl_buf *out);

/* Return true if one of `patterns`, from pl_glob_expand(), matches the whole
 * `name`, in time proportional to the product of their lengths. */
bool pl_glob_matches(struct pl_span patterns, struct pl_span name);

#endif
