/* SPDX-License-Identifier: Apache-2.0 */
/* blob.c - see blob.h.
 *
 * The count and the bytes share one allocation: a payload costs one malloc(),
 * however many loops and histories refer to it. */
#include "blob.h"

#include <stdlib.h>

#include "refs.h"

struct pl_blob {
    struct pl_refs refs;
    size_t len;
    char bytes[]; /* `len` bytes and a zero byte */
};

struct pl_blob *pl_blob_create(struct pl_span bytes)
{
    struct pl_blob *b = malloc(sizeof *b + bytes.len + 1);

    if (b == NULL)
        return NULL;
    pl_refs_init(&b->refs);
    b->len = bytes.len;
    if (bytes.len > 0)
        memcpy(b->bytes, bytes.at, bytes.len);
    b->bytes[bytes.len] = '\0';
    return b;
}

struct pl_blob *pl_blob_hold(struct pl_blob *b)
{
    if (b != NULL)
        pl_refs_hold(&b->refs);
    return b;
}

void pl_blob_release(struct pl_blob *b)
{
    if (b != NULL && pl_refs_release(&b->refs))
        free(b);
}

struct pl_span pl_blob_span(const struct pl_blob *b)
{
    if (b == NULL)
        return (struct pl_span){NULL, 0};
    return (struct pl_span){b->bytes, b->len};
}
