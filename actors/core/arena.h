/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - an allocator that frees all its memory at once. */
#ifndef PL_ARENA_H
#define PL_ARENA_H

#include <stddef.h>

#include "span.h"

struct pl_arena_block;

/* An all-zero struct is an empty arena without a limit. */
struct pl_arena {
    struct pl_arena_block *block; /* newest first; a reset keeps the oldest */
    char *at;                     /* free space of the newest block */
    char *end;
    size_t used;  /* bytes allocated since the last reset */
    size_t limit; /* most bytes between two resets; 0: no limit */
    size_t size;  /* of a block, in bytes; constant; 0: 4,032 */
};

/* Return `size` bytes aligned for any type, or NULL: out of memory or over the
 * limit.
 * Owner:  the arena, until pl_arena_reset() or pl_arena_fini(). */
void *pl_arena_alloc(struct pl_arena *a, size_t size);

/* Return a copy of `text` with a zero byte behind it, or NULL: as above. */
char *pl_arena_text(struct pl_arena *a, struct pl_span text);

/* Free all allocations.  The arena keeps one block for the next use. */
void pl_arena_reset(struct pl_arena *a);

/* Free everything.  The arena is then empty and can be used again. */
void pl_arena_fini(struct pl_arena *a);

/* Likewise, and overwrite it first: it held secrets. */
void pl_arena_wipe(struct pl_arena *a);

#endif
