/* SPDX-License-Identifier: Apache-2.0 */
/* buf.h - a growing byte buffer with one owner. */
#ifndef PL_BUF_H
#define PL_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "span.h"

/* An all-zero struct is an empty buffer that owns nothing.  After a failed
 * allocation the buffer is `failed`, keeps its content and ignores further
 * writes: a writer checks once, at the end. */
struct pl_buf {
    char *data; /* owned; NULL while cap is 0 */
    size_t len;
    size_t cap;
    bool failed;
};

/* Free the content; the buffer is then empty and can be used again. */
void pl_buf_fini(struct pl_buf *b);

/* Reserve `more` bytes after the content.  Return a pointer to them, or NULL if
 * out of memory; the buffer is then `failed`.  The caller writes there and adds
 * the number of bytes written to `len`. */
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

/* Append formatted text, like printf(). */
void pl_buf_printf(struct pl_buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
