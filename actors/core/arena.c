/* SPDX-License-Identifier: Apache-2.0 */
/* arena.c - see arena.h.
 *
 * Allocation advances a pointer through blocks.  The oldest block always has
 * the common size and survives a reset, so an arena that serves one message at
 * a time calls malloc() only for an unusually large message.  A request larger
 * than the common size gets its own block, which the reset frees.
 *
 * `size` is for an arena with a few strings, of which a program has many.
 *
 * Rejected: doubling the block size, because one large message would then keep
 * its memory forever.
 *
 * Invariant: `block` is NULL, or the last block of its chain has the common
 * size and `at` and `end` point into the first. */
#include "arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 4096 - 64, ALIGN = alignof(max_align_t) };

struct pl_arena_block {
    struct pl_arena_block *older;
    size_t size; /* of `bytes` */
    alignas(max_align_t) char bytes[];
};

static int push_block(struct pl_arena *a, size_t size)
{
    struct pl_arena_block *b = malloc(sizeof *b + size);

    if (b == NULL)
        return 0;
    b->older = a->block;
    b->size = size;
    a->block = b;
    a->at = b->bytes;
    a->end = b->bytes + size;
    return 1;
}

static size_t size_of(const struct pl_arena *a)
{
    return a->size == 0 ? BLOCK : a->size;
}

/* Make space for `need` bytes, which the newest block lacks. */
static int grow(struct pl_arena *a, size_t need)
{
    if (a->block == NULL && !push_block(a, size_of(a)))
        return 0;
    if ((size_t)(a->end - a->at) >= need)
        return 1;
    return push_block(a, need > size_of(a) ? need : size_of(a));
}

void *pl_arena_alloc(struct pl_arena *a, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size_t need = (size + (size == 0) + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (a->limit > 0 && (a->used > a->limit || need > a->limit - a->used))
        return NULL;
    /* Before the first block `at` and `end` are NULL. */
    if (a->block == NULL || (size_t)(a->end - a->at) < need) {
        if (!grow(a, need))
            return NULL;
    }
    void *at = a->at;
    a->at += need;
    a->used += need;
    return at;
}

char *pl_arena_text(struct pl_arena *a, struct pl_span text)
{
    char *copy = pl_arena_alloc(a, text.len + 1);

    if (copy == NULL)
        return NULL;
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    return copy;
}

/* Free all blocks newer than `keep`. */
static void pop_blocks(struct pl_arena *a, const struct pl_arena_block *keep)
{
    while (a->block != keep) {
        struct pl_arena_block *b = a->block;

        a->block = b->older;
        free(b);
    }
}

void pl_arena_reset(struct pl_arena *a)
{
    struct pl_arena_block *oldest = a->block;

    a->used = 0;
    if (oldest == NULL)
        return;
    while (oldest->older != NULL)
        oldest = oldest->older;
    pop_blocks(a, oldest);
    a->at = oldest->bytes;
    a->end = oldest->bytes + oldest->size;
}

void pl_arena_fini(struct pl_arena *a)
{
    pop_blocks(a, NULL);
    a->at = a->end = NULL;
    a->used = 0;
}

void pl_arena_wipe(struct pl_arena *a)
{
    for (struct pl_arena_block *b = a->block; b != NULL; b = b->older)
        explicit_bzero(b->bytes, b->size);
    pl_arena_fini(a);
}
