/* SPDX-License-Identifier: Apache-2.0 */
/* reading.c - reads publications of a channel from its stream in parts.
 *
 * A long history is never one reply of the store (stream.h).  Each part is
 * requested after the last publication of the part before.  The channel goes on
 * meanwhile; the result equals one reply at the moment of the last part:
 * - New publications are read too, and the top is that of the last part.  So
 *   the position of an attach is where it is with one reply.
 * - The oldest publications may be dropped.  If that leaves a hole before a
 *   part, what was read before the hole is dropped too.
 * - A lost stream has another epoch: the read starts again.
 * A read that is slower than the publishers ends at its budget.
 *
 * Rejected: holding the channel's order until the last part, because one client
 * that recovers then delays all others.  Rejected: a cursor in the store, which
 * needs memory and a timeout there; the offset serves as one.
 *
 * Invariant: the publications have consecutive offsets and one epoch. */
#include "reading.h"

#include <stdlib.h>

#include "channels_private.h"
#include "pending_request.h"

static struct pl_reading *reading_of(struct pl_pending_request *rq)
{
    return &rq->store.reading;
}

void pl_reading_drop(struct pl_reading *r)
{
    for (uint32_t i = 0; i < r->count; i++)
        pl_pub_release(r->pubs[i]);
    free(r->pubs);
    r->pubs = NULL;
    r->count = r->space = 0;
    r->bytes = 0;
}

struct pl_pub **pl_reading_take(struct pl_reading *r, uint32_t *count)
{
    struct pl_pub **pubs = r->pubs;

    *count = r->count;
    r->pubs = NULL;
    r->count = r->space = 0;
    return pubs;
}

/* --- A part --- */

static void free_part(struct pl_stream_range *g)
{
    for (uint32_t i = 0; i < g->count; i++)
        pl_pub_release(g->pubs[i]);
    free(g->pubs);
    g->pubs = NULL;
    g->count = 0;
}

static enum pl_err make_space(struct pl_reading *r, uint32_t more)
{
    size_t space = r->space;

    if (r->count + more <= space)
        return PL_OK;
    space = space * 2 > r->count + more ? space * 2 : r->count + more;
    struct pl_pub **pubs = realloc(r->pubs, space * sizeof(struct pl_pub *));
    if (pubs == NULL)
        return PL_ENOMEM;
    r->pubs = pubs;
    r->space = (uint32_t)space;
    return PL_OK;
}

static bool fits(struct pl_reading *r, const struct pl_pub *p)
{
    uint64_t cost = pl_pub_cost(p);

    if (r->byte_budget > 0 && r->bytes + cost > r->byte_budget)
        return false;
    r->bytes += cost;
    return true;
}

/* Move the publications that fit the budget from the part to `r`. */
static void join(struct pl_reading *r)
{
    struct pl_stream_range *g = &r->range;
    uint32_t n = 0;

    while (n < g->count && fits(r, g->pubs[n]))
        r->pubs[r->count++] = g->pubs[n++];
    r->has_more = n < g->count;
    for (uint32_t i = n; i < g->count; i++)
        pl_pub_release(g->pubs[i]);
    free(g->pubs);
    g->pubs = NULL;
}

/* Whether publications are missing between `r` and the part. */
static bool follows_a_hole(const struct pl_reading *r)
{
    const struct pl_stream_range *g = &r->range;

    if (r->count == 0 || g->reverse)
        return false;
    uint64_t next = r->pubs[r->count - 1]->offset + 1;
    return g->count > 0 ? g->pubs[0]->offset != next : g->top.offset >= next;
}

static bool is_of_other_epoch(const struct pl_reading *r)
{
    return r->parts > 0 && strcmp(r->epoch, r->range.top.epoch) != 0;
}

static void begin_again(struct pl_reading *r)
{
    free_part(&r->range);
    pl_reading_drop(r);
    r->parts = 0;
    r->range.since = r->since;
    r->range.has_since = r->has_since;
}

/* Take the part; *more: request another one. */
static enum pl_err take_part(struct pl_pending_request *rq, bool *more)
{
    struct pl_reading *r = reading_of(rq);
    struct pl_stream_range *g = &r->range;
    uint64_t before;

    if (is_of_other_epoch(r)) {
        begin_again(r);
        *more = true;
        return PL_OK;
    }
    if (follows_a_hole(r))
        pl_reading_drop(r);
    memcpy(r->epoch, g->top.epoch, sizeof r->epoch);
    r->parts++;
    if (make_space(r, g->count) != PL_OK) {
        free_part(g);
        return PL_ENOMEM;
    }
    before = r->bytes;
    uint32_t came = g->count;
    join(r);
    if (!rq->owner->is_immediate)
        pl_pending_request_charge(rq, r->bytes - before);
    *more = g->has_more && came > 0 && !r->has_more && r->count < r->limit;
    r->has_more = r->has_more || g->has_more;
    if (*more) {
        g->since = r->pubs[r->count - 1]->offset;
        g->has_since = true;
    }
    return PL_OK;
}

/* --- The whole --- */

static void finish(struct pl_pending_request *rq, enum pl_err err)
{
    struct pl_reading *r = reading_of(rq);

    rq->is_reading = false;
    if (err != PL_OK)
        pl_reading_drop(r);
    r->done(rq, err);
}

/* False: that was the last part, and `rq` may be freed. */
static bool on_answer(struct pl_pending_request *rq)
{
    enum pl_err rc = reading_of(rq)->range.top.op.error;
    bool more = false;

    if (rc == PL_OK)
        rc = take_part(rq, &more);
    if (!more)
        finish(rq, rc);
    return more;
}

static void go_on(struct pl_pending_request *rq);

static void on_part(struct pl_store_op *op)
{
    struct pl_pending_request *rq = pl_pending_request_of(op);

    if (on_answer(rq))
        go_on(rq);
}

static enum pl_store_reply ask(struct pl_pending_request *rq)
{
    struct pl_stream *s = rq->owner->stream;
    struct pl_reading *r = reading_of(rq);
    struct pl_span channel = r->range.top.op.channel;

    pl_pending_request_prepare_top(rq, channel, r->range.top.op.hash, on_part);
    r->range.limit = r->limit - r->count;
    return s->ops->range(s, &r->range);
}

static void go_on(struct pl_pending_request *rq)
{
    while (ask(rq) == PL_STORE_DONE)
        if (!on_answer(rq))
            return;
}

void pl_reading_begin(struct pl_pending_request *rq)
{
    struct pl_reading *r = reading_of(rq);

    r->range.since = r->since;
    r->range.has_since = r->has_since;
    r->pubs = NULL;
    r->count = r->space = r->parts = 0;
    r->bytes = 0;
    r->has_more = false;
    rq->is_reading = true;
    go_on(rq);
}
