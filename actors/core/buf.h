/* SPDX-License-Identifier: Apache-2.0 */
/* buf.h - a growing byte buffer with one owner. */
#ifndef PL_BUF_H
#define PL_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "span.h"

/* All zero is an empty buffer that owns nothing.  After an allocation failed
 * the buffer is `failed`, keeps what it had, and ignores further writes: a
 * writer checks once, at the end. */
struct pl_buf {
    char *data; /* owned; NULL while cap is 0 */
    size_t len;
    size_t cap;
    bool failed;
};

/* Free what the buffer owns and make it empty again. */
void pl_buf_fini(struct pl_buf *b);

/* Room for `more` bytes behind the content: a pointer to write them at, or
 * NULL when out of memory (the buffer is then failed).  Writing there does
 * not change len; add to it what was written. */
char *pl_buf_reserve_slow(struct pl_buf *b, size_t more);

static inline char *pl_buf_reserve(struct pl_buf *b, size_t more)
{
    if (!b->failed && b->cap - b->len >= more && b->data != NULL)
        return b->data + b->len;
    return pl_buf_reserve_slow(b, more);
}

static inline void pl_buf_put(struct pl_buf *b, const void *bytes, size_t len)
{
    char *at = pl_buf_reserve(b, len);

    if (at == NULL)
        return;
    if (len > 0)
        memcpy(at, bytes, len);
    b->len += len;
}

static inline void pl_buf_put_span(struct pl_buf *b, struct pl_span s)
{
    pl_buf_put(b, s.at, s.len);
}

static inline void pl_buf_put_byte(struct pl_buf *b, char byte)
{
    pl_buf_put(b, &byte, 1);
}

static inline struct pl_span pl_buf_span(const struct pl_buf *b)
{
    return (struct pl_span){b->data, b->len};
}

/* printf behind the content. */
void pl_buf_printf(struct pl_buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
