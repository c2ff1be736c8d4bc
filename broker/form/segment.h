/* SPDX-License-Identifier: Apache-2.0 */
/* segment.h - messages of one turn in one piece of memory, shared by reference.
 *
 * A segment holds whole messages, one after the other, in its native form:
 * WebSocket frames, with the length of the message in the header.  A derived
 * segment has the same messages in another form (form.h).  pl_segment_length()
 * finds the next message in both, so readers of segments parse no frames.
 *
 * A segment belongs to one loop, so its reference count is not atomic.  It
 * grows until it is sealed; until then, refer to a part by offsets, never by
 * pointers.
 *
 * Thread: the loop's own. */
#ifndef PL_SEGMENT_H
#define PL_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "form.h"

/* Offsets have 32 bits.  A quarter of them is reserved for derived forms that
 * are longer than the native one, as those of messages under 16 bytes may
 * be. */
#define PL_SEGMENT_MAX (3u << 30)

struct pl_segment {
    struct pl_buf buf; /* whole messages */
    uint32_t holders;
    uint32_t messages; /* in buf */
    union {
        struct pl_derived *derived; /* by form, without the native one; NULL: no
                                       subscriber needed another */
        struct pl_segment *next;    /* in the pool */
    };
    uint8_t form; /* enum pl_form of `buf` */
};

/* The free segments of one loop with their buffers.  All code that creates or
 * releases segments on that loop shares one pool. */
struct pl_segment_pool; /* opaque */

/* Create a pool with one reference; NULL: out of memory. */
struct pl_segment_pool *pl_segment_pool_create(void);
struct pl_segment_pool *pl_segment_pool_hold(struct pl_segment_pool *p);
/* NULL is allowed. */
void pl_segment_pool_release(struct pl_segment_pool *p);

/* Return an empty segment with one reference; NULL: out of memory. */
struct pl_segment *pl_segment_create(struct pl_segment_pool *p);

static inline struct pl_segment *pl_segment_hold(struct pl_segment *s)
{
    s->holders++;
    return s;
}

/* Put `s` back into the pool, or free it, after its last reference was
 * dropped. */
void pl_segment_recycle(struct pl_segment_pool *p, struct pl_segment *s);

/* NULL is allowed. */
static inline void pl_segment_release(struct pl_segment_pool *p,
                                      struct pl_segment *s)
{
    if (s != NULL && --s->holders == 0)
        pl_segment_recycle(p, s);
}

/* Begin a message after the content of `s`.  The caller then appends the
 * message to s->buf and passes the result to pl_segment_end_message(). */
size_t pl_segment_begin(struct pl_segment *s);

/* End the message begun at `mark`.  Return false if out of memory or if the
 * segment would exceed 32-bit offsets; `s` is then as before the message. */
bool pl_segment_end_message(struct pl_segment *s, size_t mark, bool is_text);

/* Like pl_segment_end_message(), for a complete framed message that the caller
 * wrote from `mark`, the former end of s->buf, on. */
static inline bool pl_segment_end_bytes(struct pl_segment *s, size_t mark)
{
    if (s->buf.failed || s->buf.len > PL_SEGMENT_MAX) {
        s->buf.len = mark;
        s->buf.failed = false;
        return false;
    }
    s->messages++;
    return true;
}

/* The length of the message that begins at `at`.  Cold, like all functions that
 * iterate over messages: otherwise the compiler inlines them into each
 * delivery, which then saves registers for them. */
uint32_t pl_segment_length(const struct pl_segment *s, uint32_t at)
    __attribute__((cold, noinline));

/* pl_segment_count() for a part. */
uint32_t pl_segment_count_part(const struct pl_segment *s, uint32_t from,
                               uint32_t to) __attribute__((cold, noinline));

/* The number of whole messages in [from, to); a message must begin at
 * `from`. */
static inline uint32_t pl_segment_count(const struct pl_segment *s,
                                        uint32_t from, uint32_t to)
{
    return from == 0 && to == s->buf.len ? s->messages
                                         : pl_segment_count_part(s, from, to);
}

/* Release the derived forms of `s`, which has some. */
void pl_segment_drop_derived(struct pl_segment_pool *p, struct pl_segment *s)
    __attribute__((cold, noinline));

/* Seal `s`, which grows no more: release its derived forms.  NULL is
 * allowed. */
static inline void pl_segment_seal(struct pl_segment_pool *p,
                                   struct pl_segment *s)
{
    if (s != NULL && s->derived != NULL)
        pl_segment_drop_derived(p, s);
}

/* The size of a derived form in bytes. */
static inline uint32_t pl_derived_len(const struct pl_derived *d)
{
    return d->segment == NULL ? 0 : (uint32_t)d->segment->buf.len;
}

#endif
