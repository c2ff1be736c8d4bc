/* SPDX-License-Identifier: Apache-2.0 */
/* buf.c - see buf.h.
 *
 * The capacity doubles when it is exceeded.  The buffer remembers a failed
 * allocation, so a codec writes without a check after each byte and checks once
 * at the end. */
#include "buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST = 64 }; /* bytes; a small reply needs no second allocation */

void pl_buf_fini(struct pl_buf *b)
{
    free(b->data);
    *b = (struct pl_buf){0};
}

char *pl_buf_reserve_slow(struct pl_buf *b, size_t more)
{
    size_t cap = b->cap > 0 ? b->cap : FIRST;

    if (b->failed || more > SIZE_MAX / 4 - b->len) {
        b->failed = true;
        return NULL;
    }
    while (cap - b->len < more)
        cap *= 2;
    char *data = realloc(b->data, cap);
    if (data == NULL) {
        b->failed = true;
        return NULL;
    }
    b->data = data;
    b->cap = cap;
    return data + b->len;
}

void pl_buf_printf(struct pl_buf *b, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *at = len < 0 ? NULL : pl_buf_reserve(b, (size_t)len + 1);
    if (at != NULL) {
        vsnprintf(at, (size_t)len + 1, format, again);
        b->len += (size_t)len;
    } else {
        b->failed = true;
    }
    va_end(again);
}
