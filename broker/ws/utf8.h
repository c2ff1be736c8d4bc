/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.h - incremental check of UTF-8 (RFC 3629). */
#ifndef PL_UTF8_H
#define PL_UTF8_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

/* The state between two pieces; all zero: at the start, or after a complete
 * character. */
struct pl_utf8 {
    uint32_t state;
};

/* Check the next piece.  Return false at the first byte that no continuation
 * can make valid. */
bool pl_utf8_feed(struct pl_utf8 *u, struct pl_span piece);

static inline bool pl_utf8_is_complete(const struct pl_utf8 *u)
{
    return u->state == 0;
}

/* True if all of `text` is valid. */
bool pl_utf8_is_valid(struct pl_span text);

#endif
