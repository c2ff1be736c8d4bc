/* SPDX-License-Identifier: Apache-2.0 */
/* top.c - see top.h.
 *
 * Rejected: to gather all rows and sort them, because a loop has a million of
 * them and a turn no time; to count sizes in classes as overload.c does,
 * because the rows have names, which must be copied before their items are
 * gone.
 *
 * Invariant: rows[0] has the lowest score, and the parent of each row has no
 * higher one. */
#include "top.h"

#include <stdlib.h>

static void swap(struct pl_top *t, uint32_t a, uint32_t b)
{
    struct pl_top_row row = t->rows[a];

    t->rows[a] = t->rows[b];
    t->rows[b] = row;
}

/* Move the row at `i` up to its place; return it. */
static uint32_t rise(struct pl_top *t, uint32_t i)
{
    while (i > 0 && t->rows[(i - 1) / 2].score > t->rows[i].score) {
        swap(t, i, (i - 1) / 2);
        i = (i - 1) / 2;
    }
    return i;
}

/* Move the row at `i` down to its place; return it. */
static uint32_t sink(struct pl_top *t, uint32_t i)
{
    for (;;) {
        uint32_t child = 2 * i + 1;

        if (child + 1 < t->count &&
            t->rows[child + 1].score < t->rows[child].score)
            child++;
        if (child >= t->count || t->rows[child].score >= t->rows[i].score)
            return i;
        swap(t, i, child);
        i = child;
    }
}

struct pl_buf *pl_top_enter(struct pl_top *t, uint64_t score)
{
    uint32_t at = 0;

    if (t->rows == NULL)
        t->rows = calloc(t->most, sizeof *t->rows);
    if (t->rows == NULL)
        return NULL;
    if (t->count < t->most) {
        at = t->count++;
        t->rows[at].score = score;
        at = rise(t, at);
    } else {
        t->rows[0].score = score;
        at = sink(t, 0);
    }
    t->rows[at].text.len = 0;
    return &t->rows[at].text;
}

/* Take the worst rows away, from the last place on. */
static void order(struct pl_top *t)
{
    uint32_t count = t->count;

    while (t->count > 1) {
        swap(t, 0, --t->count);
        sink(t, 0);
    }
    t->count = count;
}

void pl_top_write(struct pl_top *t, struct pl_buf *out)
{
    const char *between = "";

    order(t);
    for (uint32_t i = 0; i < t->count; i++) {
        const struct pl_buf *text = &t->rows[i].text;

        if (text->failed || text->len == 0)
            continue;
        pl_buf_put_span(out, pl_span_of(between));
        pl_buf_put_span(out, pl_buf_span(text));
        between = ",";
    }
    pl_top_fini(t);
}

void pl_top_fini(struct pl_top *t)
{
    for (uint32_t i = 0; t->rows != NULL && i < t->most; i++)
        pl_buf_fini(&t->rows[i].text);
    free(t->rows);
    t->rows = NULL;
    t->count = 0;
}
