/* SPDX-License-Identifier: Apache-2.0 */
/* segment.h - frames of one turn in one piece, shared by reference.
 *
 * One loop's thread makes it, holds it and lets it go: no atomic count.  It
 * grows while it is open; whoever refers to a part of it names offsets, never
 * pointers, until it is sealed. */
#ifndef PL_SEGMENT_H
#define PL_SEGMENT_H

#include <stdint.h>

#include "buf.h"

struct pl_segment {
    struct pl_buf buf; /* whole WebSocket frames, one behind the other */
    uint32_t holders;
    uint32_t frames; /* how many are in buf */
};

/* An empty one with one holder, or NULL: out of memory. */
struct pl_segment *pl_segment_create(void);

static inline struct pl_segment *pl_segment_hold(struct pl_segment *s)
{
    s->holders++;
    return s;
}

/* NULL is allowed. */
void pl_segment_release(struct pl_segment *s);

/* The frames in the part from `from`, a frame's first byte, to `to`. */
uint32_t pl_segment_count(const struct pl_segment *s, uint32_t from,
                          uint32_t to);

#endif
