/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - memory that is freed all at once. */
#ifndef PL_ARENA_H
#define PL_ARENA_H

#include <stddef.h>

struct pl_arena_block;

/* All zero is an empty arena without a limit. */
struct pl_arena {
    struct pl_arena_block *block; /* newest first; the oldest is kept */
    char *at;                     /* free space of the newest block */
    char *end;
    size_t used;  /* bytes handed out since the last reset */
    size_t limit; /* 0 is none; bytes that one use may take */
};

/* `size` bytes aligned for anything, or NULL: out of memory or over limit.
 * Owner: the arena, until pl_arena_reset() or pl_arena_fini(). */
void *pl_arena_alloc(struct pl_arena *a, size_t size);

/* Take back everything handed out; one block is kept for the next use. */
void pl_arena_reset(struct pl_arena *a);

/* Free everything.  The arena is empty afterwards and can be used again. */
void pl_arena_fini(struct pl_arena *a);

#endif
