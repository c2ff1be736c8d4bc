/* SPDX-License-Identifier: Apache-2.0 */
/* session_output.c - the output of a session: replies, deliveries, and what its
 * link puts between them.
 *
 * All sessions of a loop write replies into one segment per turn, so an idle
 * session owns no buffer and a reply costs no allocation.  Deliveries are
 * ranges of the hub's segments.  Both become items of the output queue.
 *
 * `channels.slow` decides how to treat a slow reader.  Publications are dropped
 * one by one only in channels without positions, where clients do not count on
 * all of them.  A subscription with positions ends with 2500, and its client
 * recovers.  It ends at the end of the turn, because the hub may be iterating
 * over its subscribers.  Replies are never dropped: publications are dropped
 * instead, and if that is not enough the connection closes, as without a
 * policy.
 *
 * A client may recover more bytes than the queue limit allows.  Often a full
 * queue is the reason it was closed, and one turn may answer several
 * subscriptions.  So recovered publications have an allowance over all
 * subscriptions; a subscription that exceeds it is not recovered.  Replies to
 * history and presence share the allowance; one that exceeds it becomes error
 * 111.  Rejected: counting recovered bytes against the queue limit.  A
 * returning client was closed as slow before its first write, on each attempt.
 *
 * Invariant: the queue holds at most limits.outgoing_queue bytes and the
 * allowance.  Exceptions: one message of any size in an empty queue, the pushes
 * that unsubscribe a slow client, and what the link puts without a limit. */
#include "session_private.h"

#include "session_manager_private.h"
#include "login.h"
#include "output.h"
#include "trace.h"

int pl_session_output(struct pl_session *s, struct iovec *iov, int max)
{
    return pl_outq_peek(&s->out, iov, max);
}

bool pl_session_is_closing(const struct pl_session *s)
{
    return s->ending == PL_ENDING_CLOSED;
}

uint64_t pl_session_output_bytes(const struct pl_session *s)
{
    return s->out.bytes;
}

/* During a login, recovered publications are not in s->out yet, so their
 * allowance stays. */
static void on_empty(struct pl_session *s)
{
    s->is_slow = false;
    if (s->state != PL_SESSION_LOGIN)
        s->allowance = 0;
}

void pl_session_sent(struct pl_session *s, uint64_t bytes)
{
    pl_outq_sent(&s->out, &s->manager->pool, bytes);
    if (s->out.bytes == 0)
        on_empty(s);
    if (s->holds & PL_HOLD_OUTPUT)
        pl_session_release(s, PL_HOLD_OUTPUT);
}

void pl_session_stalled(struct pl_session *s)
{
    s->is_slow = s->out.bytes > 0;
    pl_outq_compact(&s->out, &s->manager->pool);
}

void pl_session_waits(struct pl_session *s)
{
    if (!s->is_slow)
        pl_session_stalled(s);
}

/* Until the connect reply is sent, deliveries wait in a queue of the login. */
static struct pl_outq *queue_of(struct pl_session *s, uint32_t owed)
{
    if (s->state == PL_SESSION_LOGIN && owed > 0)
        return pl_login_deferred(s->login);
    return &s->out;
}

static uint64_t limit_of(const struct pl_session *s)
{
    return s->manager->options.config->limits.outgoing_queue + s->allowance;
}

static bool is_over_limit(struct pl_session *s, uint64_t more, uint32_t owed)
{
    const struct pl_outq *q = queue_of(s, owed);

    return q->bytes > 0 && q->bytes + more > limit_of(s);
}

bool pl_session_has_space(struct pl_session *s, uint64_t bytes)
{
    bytes += s->allowance;
    if (bytes > pl_session_recover_bytes(s->manager->options.config))
        return false;
    s->allowance = (uint32_t)bytes;
    return true;
}

bool pl_session_can_wait(struct pl_session *s, uint64_t bytes)
{
    if (s->out.bytes + bytes <= limit_of(s) || pl_session_has_space(s, bytes))
        return true;
    return s->out.bytes == 0 || pl_outq_has_lossy(&s->out);
}

/* The Close notifies the client that frames were dropped. */
void pl_session_give_up_slow(struct pl_session *s)
{
    pl_outq_drop(&s->out, &s->manager->pool, PL_METRIC_FRAMES_DROPPED_SLOW,
                 false);
    if (s->state == PL_SESSION_LOGIN)
        pl_outq_drop(pl_login_deferred(s->login), &s->manager->pool,
                     PL_METRIC_FRAMES_DROPPED_SLOW, true);
    pl_session_schedule_close(s, PL_DISCONNECT_SLOW);
}

/* put(), append() and queue_delivery() run for each delivery.  Without the word
 * `inline`, or with a pointer to the function to call, they took a tenth of the
 * instructions of a delivery in a small room. */
static inline bool put(struct pl_session *s, const struct pl_delivery *d,
                       uint32_t owed, uint32_t tag)
{
    struct pl_outq *q = queue_of(s, owed);
    struct pl_out_pool *p = &s->manager->pool;

    if (s->is_slow)
        return pl_outq_append_small(q, p, d->segment, d->from, d->to, d->frames,
                                    owed, tag);
    return pl_outq_append(q, p, d->segment, d->from, d->to, d->frames, owed,
                          tag);
}

static inline bool append(struct pl_session *s, const struct pl_delivery *d,
                          uint32_t owed, uint32_t tag)
{
    if (!put(s, d, owed, tag)) {
        pl_session_schedule_close(s, PL_DISCONNECT_SERVER_ERROR);
        return false;
    }
    pl_session_mark_dirty(s);
    return true;
}

/* `sub` may be NULL. */
__attribute__((cold, noinline)) static void drop_owed(struct pl_session *s,
                                                      const struct pl_sub *sub,
                                                      enum pl_metric why,
                                                      uint32_t frames)
{
    if (pl_tracer_is_on(s->manager->tracer))
        pl_session_trace_drop(s, sub, why, frames);
    pl_count(metrics(s), why, frames);
    pl_gauge_drop(metrics(s), PL_METRIC_FRAMES_QUEUED, frames);
}

/* Drop queued publications to get space for `more` bytes.  Return false if they
 * do not fit. */
static bool make_space(struct pl_session *s, uint64_t more, uint32_t owed)
{
    struct pl_outq *q = queue_of(s, owed);

    if (pl_tracer_is_on(s->manager->tracer) && pl_outq_has_lossy(q))
        pl_session_trace_drop(s, NULL, PL_METRIC_FRAMES_DROPPED_OLDEST, 1);
    pl_outq_shed(q, &s->manager->pool, 0, q->bytes + more - limit_of(s),
                 PL_METRIC_FRAMES_DROPPED_OLDEST);
    return !is_over_limit(s, more, owed);
}

static void drop_first_frame(struct pl_session *s, struct pl_delivery *d,
                             enum pl_metric why)
{
    d->from += pl_segment_length(d->segment, d->from);
    d->frames--;
    drop_owed(s, d->sub, why, 1);
}

/* Drop the oldest frames of `d`, up to all of them, until the rest fits.  An
 * empty queue keeps the newest frame, whatever its size. */
static void trim(struct pl_session *s, struct pl_delivery *d)
{
    uint64_t limit = limit_of(s);
    uint64_t queued = queue_of(s, d->frames)->bytes;
    uint32_t least = queued == 0 ? 1 : 0;

    while (d->frames > least && queued + (d->to - d->from) > limit)
        drop_first_frame(s, d, PL_METRIC_FRAMES_DROPPED_OLDEST);
}

/* Replace the queued publications of `tag` by the newest one of `d`. */
static void replace(struct pl_session *s, struct pl_delivery *d, uint32_t tag)
{
    pl_outq_shed(queue_of(s, d->frames), &s->manager->pool, tag, UINT64_MAX,
                 PL_METRIC_FRAMES_DROPPED_REPLACED);
    while (d->frames > 1)
        drop_first_frame(s, d, PL_METRIC_FRAMES_DROPPED_REPLACED);
}

/* Mark the subscription: its client recovers `d` and what follows after the
 * unsubscribe. */
static void start_dropping(struct pl_session *s, const struct pl_delivery *d)
{
    drop_owed(s, d->sub, PL_METRIC_FRAMES_DROPPED_RECOVER, d->frames);
    d->sub->is_dropping = true;
    s->has_dropping = true;
    pl_session_mark_dirty(s);
}

void pl_session_unsubscribe_dropping(struct pl_session *s)
{
    struct pl_sub *next;

    s->has_dropping = false;
    if (s->state >= PL_SESSION_CLOSING)
        return;
    for (struct pl_sub *sub = s->subscriber.subs; sub != NULL; sub = next) {
        next = sub->next;
        if (!sub->is_dropping || sub->is_leaving)
            continue;
        pl_count(metrics(s), PL_METRIC_UNSUBSCRIBED_SLOW, 1);
        pl_hub_drop(s->manager->options.hub, sub, PL_UNSUBSCRIBE_INSUFFICIENT);
    }
}

static uint32_t tag_of(const struct pl_delivery *d)
{
    if (d->slow == PL_SLOW_CLOSE || d->sub->is_positioned)
        return 0;
    return d->is_presence ? PL_OUT_LOSSY : d->sub->serial;
}

static inline void queue_delivery(struct pl_session *s,
                                  const struct pl_delivery *d, uint32_t tag)
{
    if (d->frames > 0 && !append(s, d, d->frames, tag))
        drop_owed(s, d->sub, PL_METRIC_FRAMES_DROPPED_MEMORY, d->frames);
}

static void deliver_over_limit(struct pl_session *s, struct pl_delivery *d,
                               uint32_t tag)
{
    if (d->slow == PL_SLOW_CLOSE) {
        drop_owed(s, d->sub, PL_METRIC_FRAMES_DROPPED_SLOW, d->frames);
        pl_session_give_up_slow(s);
    } else if (!make_space(s, d->to - d->from, d->frames) && tag == 0) {
        start_dropping(s, d);
    } else {
        if (tag != 0)
            trim(s, d);
        queue_delivery(s, d, tag);
    }
}

/* The session takes nothing more, or nothing of this subscription. */
__attribute__((cold, noinline)) static void refuse(struct pl_session *s,
                                                   const struct pl_delivery *d)
{
    drop_owed(s, d->sub,
              s->ending >= PL_ENDING_SCHEDULED
                  ? PL_METRIC_FRAMES_CANCELLED
                  : PL_METRIC_FRAMES_DROPPED_RECOVER,
              d->frames);
}

/* The `deliver` operation of a subscriber; see hub.h. */
void pl_session_deliver(struct pl_subscriber *u, const struct pl_delivery *it)
{
    struct pl_session *s = PL_CONTAINER(u, struct pl_session, subscriber);

    if (s->ending >= PL_ENDING_SCHEDULED || it->sub->is_dropping) {
        refuse(s, it);
        return;
    }
    struct pl_delivery d = *it;
    uint32_t tag = tag_of(it);
    if (tag > PL_OUT_LOSSY && s->is_slow && d.slow == PL_SLOW_LATEST)
        replace(s, &d, tag);
    if (is_over_limit(s, d.to - d.from, d.frames))
        deliver_over_limit(s, &d, tag);
    else
        queue_delivery(s, &d, tag);
}

enum { REPLIES_MAX = 256 * 1024 }; /* bytes; then a new segment begins */

/* Return the segment of this turn's replies; NULL: out of memory. */
static inline struct pl_segment *open_replies(struct pl_session *s)
{
    struct pl_session_manager *k = s->manager;

    if (k->replies != NULL && k->replies->buf.len > REPLIES_MAX) {
        pl_segment_release(k->pool.segments, k->replies);
        k->replies = NULL;
    }
    if (k->replies == NULL)
        k->replies = pl_segment_create(k->pool.segments);
    if (k->replies == NULL) {
        pl_session_schedule_close(s, PL_DISCONNECT_SERVER_ERROR);
        return NULL;
    }
    pl_loop_defer(s->actor.loop, PL_STAGE_SEAL, &k->seal);
    return k->replies;
}

/* Queue a ping before publications.  Otherwise a slow reader would be closed
 * for a missing pong before it has received the ping, whatever channels.slow
 * says. */
static void queue_ahead(struct pl_session *s, const struct pl_delivery *d)
{
    if (!pl_outq_append_ahead(&s->out, &s->manager->pool, d->segment, d->from,
                              d->to))
        pl_session_schedule_close(s, PL_DISCONNECT_SERVER_ERROR);
    pl_session_mark_dirty(s);
}

enum place { IN_TURN, IN_TURN_OVER_LIMIT, AHEAD };

/* Queue the message that ends `seg` and begins at `mark`.  Each reply passes
 * here, and the function has one caller, so that it is inlined. */
static inline void queue_message(struct pl_session *s, struct pl_segment *seg,
                                 size_t mark, enum place place)
{
    struct pl_delivery d = {.segment = seg,
                            .from = (uint32_t)mark,
                            .to = (uint32_t)seg->buf.len,
                            .frames = 1};
    uint32_t len = d.to - d.from;

    if (s->ending == PL_ENDING_SCHEDULED)
        return;
    if (place != IN_TURN_OVER_LIMIT && is_over_limit(s, len, 0) &&
        !make_space(s, len, 0))
        pl_session_give_up_slow(s);
    else if (place == AHEAD)
        queue_ahead(s, &d);
    else
        append(s, &d, 0, 0);
}

/* Convert the last message of `seg`, which begins at `mark`, for a client that
 * does not use native messages.  If its form may fall back, the message stays
 * in `seg`.  Other forms get a segment of their own, because all messages of a
 * segment have one form.  Return NULL if out of memory; the session then closes
 * at the end of the turn. */
__attribute__((cold, noinline)) static struct pl_segment *
convert(struct pl_session *s, struct pl_segment *seg, size_t mark)
{
    enum pl_form form = (enum pl_form)s->subscriber.form;

    if (pl_form_may_fall_back(form)) {
        pl_segment_convert_last(s->manager->forms, seg, mark, form);
        return seg;
    }
    struct pl_segment *own =
        pl_segment_take_last(s->manager->forms, seg, mark, form);
    if (own == NULL)
        pl_session_schedule_close(s, PL_DISCONNECT_SERVER_ERROR);
    return own;
}

/* Send what was written to `seg` from `mark` on.  Close the session if the
 * message is not whole. */
static inline void send_message(struct pl_session *s, struct pl_segment *seg,
                                size_t mark, bool is_whole, enum place place)
{
    if (!is_whole) {
        pl_session_schedule_close(s, PL_DISCONNECT_SERVER_ERROR);
        return;
    }
    pl_loop_add_output(s->actor.loop, seg->buf.len - mark);
    struct pl_segment *to = seg;
    if (s->subscriber.form != PL_FORM_FRAMES &&
        (to = convert(s, seg, mark)) == NULL)
        return;
    queue_message(s, to, to == seg ? mark : 0, place);
    if (to != seg)
        pl_segment_release(s->manager->pool.segments, to);
}

static void end_message(struct pl_session *s, struct pl_segment *seg,
                        size_t mark, enum place place)
{
    bool is_text = s->subscriber.encoding == PL_ENCODING_JSON;

    send_message(s, seg, mark, pl_segment_end_message(seg, mark, is_text),
                 place);
}

void pl_session_say(struct pl_session *s, const struct pl_reply *reply)
{
    struct pl_segment *seg = open_replies(s);

    if (seg == NULL)
        return;
    size_t mark = pl_segment_begin(seg);
    pl_reply_encode(s->subscriber.encoding, &seg->buf, reply);
    end_message(s, seg, mark, IN_TURN);
}

static void push(struct pl_session *s, const struct pl_push *p,
                 enum place place)
{
    struct pl_segment *seg = open_replies(s);

    if (seg == NULL)
        return;
    size_t mark = pl_segment_begin(seg);
    pl_push_encode(s->subscriber.encoding, &seg->buf, p);
    end_message(s, seg, mark, place);
}

void pl_session_push(struct pl_session *s, const struct pl_push *p)
{
    push(s, p, IN_TURN);
}

void pl_session_push_over_limit(struct pl_session *s, const struct pl_push *p)
{
    push(s, p, IN_TURN_OVER_LIMIT);
}

struct pl_buf *pl_session_put_begin(struct pl_session *s, size_t *mark)
{
    struct pl_segment *seg = open_replies(s);

    if (seg == NULL)
        return NULL;
    *mark = seg->buf.len;
    return &seg->buf;
}

void pl_session_put_end(struct pl_session *s, size_t mark, enum pl_put how)
{
    struct pl_segment *seg = s->manager->replies;

    send_message(s, seg, mark, pl_segment_end_bytes(seg, mark),
                 how == PL_PUT_BOUNDED ? IN_TURN : IN_TURN_OVER_LIMIT);
}

void pl_session_say_ping(struct pl_session *s)
{
    struct pl_segment *seg = open_replies(s);

    if (seg == NULL)
        return;
    size_t mark = pl_segment_begin(seg);
    pl_ping_encode(s->subscriber.encoding, &seg->buf);
    end_message(s, seg, mark, AHEAD);
}

bool pl_session_put_bytes(struct pl_session *s, const struct pl_buf *bytes)
{
    struct pl_segment_pool *pool = s->manager->pool.segments;
    struct pl_segment *seg = bytes->failed ? NULL : pl_segment_create(pool);
    bool is_put = false;

    if (seg != NULL) {
        pl_buf_put_span(&seg->buf, pl_buf_span(bytes));
        is_put = !seg->buf.failed &&
                 pl_outq_append(&s->out, &s->manager->pool, seg, 0,
                                (uint32_t)seg->buf.len, 0, 0, 0);
    }
    pl_segment_release(pool, seg);
    pl_session_mark_dirty(s);
    return is_put;
}
