/* SPDX-License-Identifier: Apache-2.0 */
/* top.h - the best rows of many, found one after the other.
 *
 * Most items are rejected by one comparison, and one that is taken costs a few
 * more: nothing is ever sorted while a loop has other work. */
#ifndef PL_TOP_H
#define PL_TOP_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

enum { PL_TOP_MAX = 200 };

struct pl_top_row {
    uint64_t score;
    struct pl_buf text;
};

/* A heap with the worst row first.  All zero but `most` is empty. */
struct pl_top {
    uint32_t most; /* at most PL_TOP_MAX */
    uint32_t count;
    struct pl_top_row *rows; /* owned; NULL: none yet */
};

/* True if a row with this score belongs to the best so far. */
static inline bool pl_top_wants(const struct pl_top *t, uint64_t score)
{
    return t->count < t->most || (t->most > 0 && score > t->rows[0].score);
}

/* Enter a wanted row, in place of the worst one if there are enough.  Return
 * the buffer for its text, which is empty and valid until the next call; NULL:
 * out of memory. */
struct pl_buf *pl_top_enter(struct pl_top *t, uint64_t score);

/* Append the rows to `out`, the best first, with commas between them.  Rows
 * that lack memory are left out.  The top is then empty. */
void pl_top_write(struct pl_top *t, struct pl_buf *out);

void pl_top_fini(struct pl_top *t);

#endif
