/* SPDX-License-Identifier: Apache-2.0 */
/* segment.h - frames of one turn in one piece, shared by reference.
 *
 * One loop's thread makes it, holds it and lets it go: no atomic count.  It
 * grows while it is open; whoever refers to a part of it names offsets, never
 * pointers, until it is sealed. */
#ifndef PL_SEGMENT_H
#define PL_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "deflate.h"
#include "frame.h"

/* The compressed form of a segment, as far as it was asked for. */
struct pl_packed {
    struct pl_segment *segment; /* held; NULL: none yet */
    uint32_t covered;           /* bytes of the source whose frames are in it */
    bool is_given_up;           /* out of memory: the rest is sent as it is */
};

struct pl_segment {
    struct pl_buf buf; /* whole WebSocket frames, one behind the other */
    uint32_t holders;
    uint32_t frames;          /* how many are in buf */
    struct pl_packed *packed; /* by kind, without NONE; NULL: not asked for */
    struct pl_segment *next;  /* in the pool */
};

/* The free segments of one loop, with the room that they had.  All who make
 * segments or let go of them on that loop hold the same one. */
struct pl_segment_pool;

/* One holder; NULL: out of memory. */
struct pl_segment_pool *pl_segment_pool_create(void);
struct pl_segment_pool *pl_segment_pool_hold(struct pl_segment_pool *p);
/* NULL is allowed. */
void pl_segment_pool_release(struct pl_segment_pool *p);

/* An empty one with one holder, or NULL: out of memory. */
struct pl_segment *pl_segment_create(struct pl_segment_pool *p);

static inline struct pl_segment *pl_segment_hold(struct pl_segment *s)
{
    s->holders++;
    return s;
}

/* Take `s` back into the pool, or free it: its last holder released it. */
void pl_segment_recycle(struct pl_segment_pool *p, struct pl_segment *s);

/* NULL is allowed. */
static inline void pl_segment_release(struct pl_segment_pool *p,
                                      struct pl_segment *s)
{
    if (s != NULL && --s->holders == 0)
        pl_segment_recycle(p, s);
}

/* End the frame that pl_ws_frame_begin() began behind what was there before,
 * at `mark`.  False: out of memory, or beyond what offsets of 32 bits reach;
 * `s` is then as it was before the frame. */
static inline bool pl_segment_end_frame(struct pl_segment *s, size_t mark,
                                        enum pl_ws_opcode opcode)
{
    pl_ws_frame_end(&s->buf, mark, opcode);
    if (s->buf.failed || s->buf.len > UINT32_MAX) {
        s->buf.len = mark;
        s->buf.failed = false;
        return false;
    }
    s->frames++;
    return true;
}

/* The compressed form for `kind`, not NONE, brought up to date: frame by frame
 * the same, each compressed where that makes it smaller.  It covers all of `s`
 * unless it is given up. */
const struct pl_packed *pl_segment_pack(struct pl_segment_pool *p,
                                        struct pl_segment *s,
                                        enum pl_deflate kind,
                                        struct pl_deflater *d);

/* The same as far as it was made before. */
const struct pl_packed *pl_segment_packed(const struct pl_segment *s,
                                          enum pl_deflate kind);

/* Let go of the compressed forms: `s` is sealed.  NULL is allowed. */
void pl_segment_seal(struct pl_segment_pool *p, struct pl_segment *s);

/* Bytes of a compressed form. */
static inline uint32_t pl_packed_len(const struct pl_packed *p)
{
    return p->segment == NULL ? 0 : (uint32_t)p->segment->buf.len;
}

/* The length of the frame that begins at `at`.  Cold, like all that walks
 * over frames: without the attributes the compiler puts it into the functions
 * of every delivery, which then save registers for it. */
uint32_t pl_segment_length(const struct pl_segment *s, uint32_t at)
    __attribute__((cold, noinline));

/* pl_segment_count() of a part. */
uint32_t pl_segment_count_part(const struct pl_segment *s, uint32_t from,
                               uint32_t to) __attribute__((cold, noinline));

/* The number of whole frames in [from, to); a frame begins at `from`. */
static inline uint32_t pl_segment_count(const struct pl_segment *s,
                                        uint32_t from, uint32_t to)
{
    return from == 0 && to == s->buf.len ? s->frames
                                         : pl_segment_count_part(s, from, to);
}

#endif
