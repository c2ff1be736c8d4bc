/* SPDX-License-Identifier: Apache-2.0 */
/* outq.c - see outq.h.
 *
 * Items refer to segments that many connections share, so a publication costs
 * one small item per subscriber and turn, and no copy.  Items come from a free
 * list of the loop; an idle connection owns none.
 *
 * Invariant: `bytes` is the sum of to - from; the ledger's gauge of queued
 * deliveries counts exactly the owed frames that are not yet wholly sent. */
#include "outq.h"

#include <stdlib.h>

/* Free items kept per loop, at most 1 MiB.  A turn needs as many when 10,000
 * subscribers get a delivery.  With 4,096, malloc() and free() were a third of
 * the instructions of such a turn. */
enum { KEEP = 16384 };

/* A stalled queue copies ranges of at most so many bytes, into segments of
 * about the same size. */
enum { SMALL = 16 * 1024 };

void pl_out_pool_fini(struct pl_out_pool *p)
{
    while (p->free != NULL) {
        struct pl_out_item *i = p->free;

        p->free = i->next;
        free(i);
    }
    p->count = 0;
    pl_segment_pool_release(p->segments);
}

static struct pl_out_item *take(struct pl_out_pool *p)
{
    struct pl_out_item *i = p->free;

    if (i == NULL)
        return malloc(sizeof *i);
    p->free = i->next;
    p->count--;
    __builtin_prefetch(p->free, 1); /* the next item is not in the cache */
    return i;
}

static void give_back(struct pl_out_pool *p, struct pl_out_item *i)
{
    pl_segment_release(p->segments, i->segment);
    if (p->count >= KEEP) {
        free(i);
        return;
    }
    i->next = p->free;
    p->free = i;
    p->count++;
}

static struct pl_out_item *make(struct pl_outq *q, struct pl_out_pool *p,
                                struct pl_segment *s, uint32_t from,
                                uint32_t to)
{
    struct pl_out_item *i = take(p);

    if (i == NULL)
        return NULL;
    *i = (struct pl_out_item){
        .segment = pl_segment_hold(s), .start = from, .from = from, .to = to};
    q->bytes += to - from;
    pl_count(p->metrics, PL_METRIC_QUEUE_BYTES, to - from);
    return i;
}

/* inline: each delivery calls this function, see put() in session_output.c. */
inline bool pl_outq_append(struct pl_outq *q, struct pl_out_pool *p,
                           struct pl_segment *s, uint32_t from, uint32_t to,
                           uint32_t frames, uint32_t owed, uint32_t tag)
{
    struct pl_out_item *last = q->last;

    if (last != NULL && last->segment == s && last->to == from &&
        last->tag == tag) {
        last->to = to;
        last->frames += frames;
        last->owed += owed;
        q->bytes += to - from;
        pl_count(p->metrics, PL_METRIC_QUEUE_BYTES, to - from);
        return true;
    }
    struct pl_out_item *i = make(q, p, s, from, to);
    if (i == NULL)
        return false;
    i->frames = frames;
    i->owed = owed;
    i->tag = tag;
    if (last == NULL)
        q->first = i;
    else
        last->next = i;
    q->last = i;
    return true;
}

/* The item can grow in place if it has the only reference to the segment and
 * ends at its tail. */
static bool can_grow(const struct pl_out_item *i, uint8_t form, uint32_t more,
                     uint32_t frames, uint32_t owed, uint32_t tag)
{
    const struct pl_segment *s = i->segment;

    return s->holders == 1 && s->form == form && s->derived == NULL &&
           i->to == s->buf.len && i->to + more <= SMALL && i->tag == tag &&
           i->frames > 0 && frames > 0 && (i->owed > 0) == (owed > 0);
}

static bool grow(struct pl_outq *q, struct pl_out_pool *p, struct pl_span bytes,
                 uint32_t frames, uint32_t owed)
{
    struct pl_out_item *i = q->last;
    struct pl_segment *s = i->segment;

    pl_buf_put_span(&s->buf, bytes);
    if (s->buf.failed) {
        s->buf.failed = false;
        s->buf.len = i->to;
        return false;
    }
    s->messages += frames;
    i->to += (uint32_t)bytes.len;
    i->frames += frames;
    i->owed += owed;
    q->bytes += bytes.len;
    pl_count(p->metrics, PL_METRIC_QUEUE_BYTES, bytes.len);
    return true;
}

/* Return a new segment with a copy of `bytes`, `frames` messages of `of`; NULL:
 * out of memory. */
static struct pl_segment *copy_of(struct pl_out_pool *p,
                                  const struct pl_segment *of,
                                  struct pl_span bytes, uint32_t frames)
{
    struct pl_segment *s = pl_segment_create(p->segments);

    if (s == NULL)
        return NULL;
    pl_buf_put_span(&s->buf, bytes);
    s->messages = frames;
    s->form = of->form;
    if (!s->buf.failed)
        return s;
    pl_segment_release(p->segments, s);
    return NULL;
}

bool pl_outq_append_small(struct pl_outq *q, struct pl_out_pool *p,
                          struct pl_segment *s, uint32_t from, uint32_t to,
                          uint32_t frames, uint32_t owed, uint32_t tag)
{
    struct pl_span bytes = {s->buf.data + from, to - from};
    struct pl_segment *copy = NULL;

    if (to - from <= SMALL) {
        if (q->last != NULL &&
            can_grow(q->last, s->form, to - from, frames, owed, tag) &&
            grow(q, p, bytes, frames, owed))
            return true;
        copy = copy_of(p, s, bytes, frames);
    }
    if (copy != NULL) {
        s = copy;
        from = 0;
        to = (uint32_t)bytes.len;
    }
    bool is_put = pl_outq_append(q, p, s, from, to, frames, owed, tag);
    pl_segment_release(p->segments, copy);
    return is_put;
}

void pl_outq_splice(struct pl_outq *to, struct pl_outq *from)
{
    if (from->first == NULL)
        return;
    if (to->last == NULL)
        to->first = from->first;
    else
        to->last->next = from->first;
    to->last = from->last;
    to->bytes += from->bytes;
    *from = (struct pl_outq){0};
}

int pl_outq_peek(const struct pl_outq *q, struct iovec *iov, int max)
{
    int n = 0;

    for (struct pl_out_item *i = q->first; i != NULL && n < max; i = i->next) {
        iov[n].iov_base = i->segment->buf.data + i->from;
        iov[n++].iov_len = i->to - i->from;
    }
    return n;
}

static void pop(struct pl_outq *q, struct pl_out_pool *p)
{
    struct pl_out_item *i = q->first;

    q->first = i->next;
    if (q->first == NULL)
        q->last = NULL;
    give_back(p, i);
}

static void finish(struct pl_outq *q, struct pl_out_pool *p)
{
    struct pl_out_item *i = q->first;

    pl_count(p->metrics, PL_METRIC_MESSAGES_OUT, i->frames);
    pl_count(p->metrics, PL_METRIC_FRAMES_SENT, i->owed);
    pl_gauge_drop(p->metrics, PL_METRIC_FRAMES_QUEUED, i->owed);
    pop(q, p);
}

void pl_outq_sent(struct pl_outq *q, struct pl_out_pool *p, uint64_t bytes)
{
    q->bytes -= bytes;
    pl_gauge_drop(p->metrics, PL_METRIC_QUEUE_BYTES, bytes);
    while (bytes > 0) {
        struct pl_out_item *i = q->first;
        uint32_t left = i->to - i->from;

        if (bytes < left) {
            i->from += (uint32_t)bytes;
            return;
        }
        bytes -= left;
        finish(q, p);
    }
}

/* Copy the range of `i` into a segment of its own, from its start: frames are
 * counted from their first byte.  If allocation fails, `i` does not change. */
static void copy_part(struct pl_out_pool *p, struct pl_out_item *i)
{
    struct pl_segment *s = pl_segment_create(p->segments);

    if (s == NULL)
        return;
    pl_buf_put(&s->buf, i->segment->buf.data + i->start, i->to - i->start);
    if (s->buf.failed) {
        pl_segment_release(p->segments, s);
        return;
    }
    s->messages = i->frames;
    s->form = i->segment->form;
    pl_segment_release(p->segments, i->segment);
    i->segment = s;
    i->from -= i->start;
    i->to -= i->start;
    i->start = 0;
}

void pl_outq_compact(struct pl_outq *q, struct pl_out_pool *p)
{
    for (struct pl_out_item *i = q->first; i != NULL; i = i->next) {
        if (i->to - i->start < i->segment->buf.cap / 2 &&
            i->segment->buf.cap > 1024)
            copy_part(p, i);
    }
}

/* Return the end of the partly sent frame, or i->from if no frame is partly
 * sent.  An item without frames, such as an HTTP response, counts as partly
 * sent: without it the client cannot read what follows. */
static uint32_t begun_until(const struct pl_out_item *i)
{
    uint32_t at = i->start;

    if (i->frames == 0)
        return i->to;
    if (i->from == i->start)
        return i->from;
    while (at < i->from)
        at += pl_segment_length(i->segment, at);
    return at;
}

static void count_dropped(struct pl_out_pool *p, enum pl_metric why,
                          uint32_t owed)
{
    pl_count(p->metrics, why, owed);
    pl_gauge_drop(p->metrics, PL_METRIC_FRAMES_QUEUED, owed);
}

/* Return the number of whole frames of `i` before `until`. */
static uint32_t frames_until(const struct pl_out_item *i, uint32_t until)
{
    if (i->frames == 0 || until == i->start)
        return 0;
    return pl_segment_count(i->segment, i->start, until);
}

/* Truncate the first item at `until`, the end of its partly sent frame.  Its
 * frames are all owed or all not: a queue never mixes both in one item. */
static void drop_first_frames(struct pl_outq *q, struct pl_out_pool *p,
                              enum pl_metric why, uint32_t until)
{
    struct pl_out_item *i = q->first;
    uint32_t kept = frames_until(i, until);
    uint32_t gone = i->to - until;

    if (i->owed > 0) {
        count_dropped(p, why, i->owed - kept);
        i->owed = kept;
    }
    i->frames = kept;
    i->to = until;
    q->bytes -= gone;
    pl_gauge_drop(p->metrics, PL_METRIC_QUEUE_BYTES, gone);
    q->last = i;
}

/* Drop the first item.  Its frames that are wholly sent count as sent. */
static void drop_first(struct pl_outq *q, struct pl_out_pool *p,
                       enum pl_metric why)
{
    struct pl_out_item *i = q->first;
    uint32_t given = frames_until(i, i->from);

    pl_count(p->metrics, PL_METRIC_MESSAGES_OUT, given);
    if (i->owed > 0) {
        pl_count(p->metrics, PL_METRIC_FRAMES_SENT, given);
        pl_gauge_drop(p->metrics, PL_METRIC_FRAMES_QUEUED, given);
        count_dropped(p, why, i->owed - given);
    }
    q->bytes -= i->to - i->from;
    pl_gauge_drop(p->metrics, PL_METRIC_QUEUE_BYTES, i->to - i->from);
    pop(q, p);
}

void pl_outq_drop(struct pl_outq *q, struct pl_out_pool *p, enum pl_metric why,
                  bool all)
{
    struct pl_out_item *kept = NULL;

    if (q->first != NULL && !all) {
        uint32_t until = begun_until(q->first);

        if (until > q->first->from) {
            kept = q->first;
            struct pl_out_item *rest = kept->next;

            drop_first_frames(q, p, why, until);
            q->first = rest;
        }
    }
    while (q->first != NULL)
        drop_first(q, p, why);
    q->first = q->last = kept;
    if (kept != NULL)
        kept->next = NULL;
}

/* --- Splitting an item between frames --- */

/* The sent bytes of `i` are `given` whole frames: count them as sent and remove
 * them from `i`. */
static void forget_given(struct pl_out_pool *p, struct pl_out_item *i,
                         uint32_t given)
{
    pl_count(p->metrics, PL_METRIC_MESSAGES_OUT, given);
    pl_count(p->metrics, PL_METRIC_FRAMES_SENT, given);
    pl_gauge_drop(p->metrics, PL_METRIC_FRAMES_QUEUED, given);
    i->frames -= given;
    i->owed -= given;
    i->start = i->from;
}

/* Split the first item, whose frames are owed, after its partly sent frame, so
 * that the rest can be dropped or overtaken.  If allocation fails, the item
 * stays whole. */
static void split_begun(struct pl_outq *q, struct pl_out_pool *p)
{
    struct pl_out_item *i = q->first;
    uint32_t until = begun_until(i), kept = frames_until(i, until);

    if (until == i->from) {
        forget_given(p, i, kept);
        return;
    }
    struct pl_out_item *rest = until == i->to ? NULL : take(p);
    if (rest == NULL)
        return;
    *rest = *i;
    pl_segment_hold(rest->segment);
    rest->start = rest->from = until;
    rest->frames -= kept;
    rest->owed -= kept;
    i->to = until;
    i->frames = i->owed = kept;
    i->next = rest;
    if (q->last == i)
        q->last = rest;
}

bool pl_outq_append_ahead(struct pl_outq *q, struct pl_out_pool *p,
                          struct pl_segment *s, uint32_t from, uint32_t to)
{
    struct pl_out_item *frame, **at = &q->first;
    struct pl_segment *copy = NULL;

    if (q->first != NULL) /* stalled: see pl_outq_append_small() */
        copy =
            copy_of(p, s, (struct pl_span){s->buf.data + from, to - from}, 1);
    frame =
        copy == NULL ? make(q, p, s, from, to) : make(q, p, copy, 0, to - from);
    pl_segment_release(p->segments, copy);
    if (frame == NULL)
        return false;
    frame->frames = 1;
    if (q->first != NULL && q->first->owed > 0)
        split_begun(q, p);
    for (struct pl_out_item *i = q->first; i != NULL; i = i->next) {
        if (i->owed == 0 || i->from != i->start)
            at = &i->next;
    }
    frame->next = *at;
    *at = frame;
    if (frame->next == NULL)
        q->last = frame;
    return true;
}

/* Drop the first frame of `i`, of which nothing is sent.  Return its length. */
static uint32_t drop_frame(struct pl_outq *q, struct pl_out_pool *p,
                           struct pl_out_item *i, enum pl_metric why)
{
    uint32_t len = pl_segment_length(i->segment, i->start);

    i->start = i->from = i->start + len;
    i->frames--;
    i->owed--;
    q->bytes -= len;
    pl_gauge_drop(p->metrics, PL_METRIC_QUEUE_BYTES, len);
    count_dropped(p, why, 1);
    return len;
}

/* Remove *at, which is empty and comes after `before`, from the queue. */
static void unlink_empty(struct pl_outq *q, struct pl_out_pool *p,
                         struct pl_out_item *before, struct pl_out_item **at)
{
    struct pl_out_item *i = *at;

    *at = i->next;
    if (q->last == i)
        q->last = before;
    give_back(p, i);
}

bool pl_outq_has_lossy(const struct pl_outq *q)
{
    const struct pl_out_item *i = q->first;

    while (i != NULL && i->tag == 0)
        i = i->next;
    return i != NULL;
}

void pl_outq_shed(struct pl_outq *q, struct pl_out_pool *p, uint32_t tag,
                  uint64_t bytes, enum pl_metric why)
{
    struct pl_out_item **at = &q->first, *before = NULL, *i;
    uint64_t gone = 0;

    if (q->first != NULL && q->first->tag != 0)
        split_begun(q, p);
    while ((i = *at) != NULL && gone < bytes) {
        bool is_meant = tag == 0 ? i->tag != 0 : i->tag == tag;

        while (is_meant && i->from == i->start && i->from < i->to &&
               gone < bytes)
            gone += drop_frame(q, p, i, why);
        if (i->from == i->to) {
            unlink_empty(q, p, before, at);
            continue;
        }
        before = i;
        at = &i->next;
    }
}
