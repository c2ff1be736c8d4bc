/* SPDX-License-Identifier: Apache-2.0 */
/* segment.c - see segment.h.
 *
 * A plain buffer with a plain count.  One contiguous piece was measured a
 * third cheaper to send than a vector of single frames.
 *
 * A compressed form is made when the first subscriber that can read it is
 * delivered to, and is then shared like the segment itself; so each frame is
 * compressed at most once a kind, and only where somebody wants it.  It never
 * needs more bytes than its source, so the memory for it is reserved before it
 * is changed.
 *
 * Invariant: the frames of packed[k].segment are, in order, those of the
 * source's first packed[k].covered bytes. */
#include "segment.h"

#include <stdlib.h>

#include "frame.h"

struct pl_segment *pl_segment_create(void)
{
    /* unlike calloc(), malloc() takes what a thread freed before */
    struct pl_segment *s = malloc(sizeof *s);

    if (s != NULL)
        *s = (struct pl_segment){.holders = 1};
    return s;
}

void pl_segment_release(struct pl_segment *s)
{
    if (s == NULL || --s->holders > 0)
        return;
    pl_segment_seal(s);
    pl_buf_fini(&s->buf);
    free(s);
}

/* Give back the room that compressing did not need, since queues of slow
 * readers may hold `s` for long. */
static void fit(struct pl_segment *s)
{
    char *data = s->buf.len == 0 ? NULL : realloc(s->buf.data, s->buf.len);

    if (data == NULL)
        return; /* it stays larger than it needs */
    s->buf.data = data;
    s->buf.cap = s->buf.len;
}

void pl_segment_seal(struct pl_segment *s)
{
    for (int k = 0; s != NULL && k < PL_DEFLATE_COUNT - 1; k++) {
        struct pl_segment *packed = s->packed[k].segment;

        if (packed == NULL)
            continue;
        if (packed->holders > 1)
            fit(packed);
        pl_segment_release(packed);
        s->packed[k].segment = NULL;
    }
}

/* Room for `more` bytes behind what is compressed already.  False: out of
 * memory. */
static bool make_room(struct pl_packed *p, size_t more)
{
    if (p->segment == NULL)
        p->segment = pl_segment_create();
    if (p->segment == NULL)
        return false;
    bool has_room = pl_buf_reserve(&p->segment->buf, more) != NULL;
    p->segment->buf.failed = false;
    return has_room;
}

const struct pl_packed *pl_segment_pack(struct pl_segment *s,
                                        enum pl_deflate kind,
                                        struct pl_deflater *d)
{
    struct pl_packed *p = &s->packed[kind - 1];

    if (p->covered == s->buf.len || p->is_given_up)
        return p;
    p->is_given_up = !make_room(p, s->buf.len - p->covered);
    while (p->covered < s->buf.len && !p->is_given_up) {
        struct pl_span rest = {s->buf.data + p->covered,
                               s->buf.len - p->covered};

        rest.len = pl_ws_frame_length(rest);
        pl_deflate_frame(d, kind, &p->segment->buf, rest);
        p->segment->frames++;
        p->covered += (uint32_t)rest.len;
    }
    return p;
}

uint32_t pl_segment_count(const struct pl_segment *s, uint32_t from,
                          uint32_t to)
{
    if (from == 0 && to == s->buf.len)
        return s->frames;
    struct pl_span rest = {s->buf.data + from, s->buf.len - from};
    return (uint32_t)pl_ws_frame_count(rest, to - from);
}
