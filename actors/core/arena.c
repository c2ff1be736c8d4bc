/* SPDX-License-Identifier: Apache-2.0 */
/* arena.c - see arena.h.
 *
 * A pointer that only moves forward through blocks.  The oldest block has
 * always the common size and stays, so that an arena used once a message
 * calls malloc only for the unusual message; what is larger than a block gets
 * one of its own, which the reset gives back.  Rejected: to double the size of
 * the blocks; one large message would then be paid for in memory for ever.
 *
 * Invariant: `block` is NULL, or the last of its chain has BLOCK bytes and
 * `at` and `end` lie in the first. */
#include "arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

enum { BLOCK = 4096 - 64, ALIGN = alignof(max_align_t) };

struct pl_arena_block {
    struct pl_arena_block *older;
    alignas(max_align_t) char bytes[];
};

static int push_block(struct pl_arena *a, size_t size)
{
    struct pl_arena_block *b = malloc(sizeof *b + size);

    if (b == NULL)
        return 0;
    b->older = a->block;
    a->block = b;
    a->at = b->bytes;
    a->end = b->bytes + size;
    return 1;
}

/* Room for `need` bytes, which the newest block has not. */
static int grow(struct pl_arena *a, size_t need)
{
    if (a->block == NULL && !push_block(a, BLOCK))
        return 0;
    if ((size_t)(a->end - a->at) >= need)
        return 1;
    return push_block(a, need > BLOCK ? need : BLOCK);
}

void *pl_arena_alloc(struct pl_arena *a, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size_t need = (size + (size == 0) + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (a->limit > 0 && (a->used > a->limit || need > a->limit - a->used))
        return NULL;
    /* without a block both are NULL, which has no room */
    if (a->block == NULL || (size_t)(a->end - a->at) < need) {
        if (!grow(a, need))
            return NULL;
    }
    void *at = a->at;
    a->at += need;
    a->used += need;
    return at;
}

/* Free the blocks that are newer than `keep`. */
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
    a->end = oldest->bytes + BLOCK;
}

void pl_arena_fini(struct pl_arena *a)
{
    pop_blocks(a, NULL);
    a->at = a->end = NULL;
    a->used = 0;
}
