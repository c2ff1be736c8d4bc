/* SPDX-License-Identifier: Apache-2.0 */
/* hub_channel.c - see hub_channel.h.
 *
 * A publication is encoded once per encoding, into the channel's open segment.
 * The end of the turn seals the segment and gives each subscriber a reference.
 * If a subscriber needs other output before (a reply, a join), its pending part
 * is delivered first, and `pos` records its read position.
 *
 * A subscriber with another form gets ranges of that form; its `pos` counts
 * bytes of that form.  If the form cannot be allocated, the rest of the segment
 * is not derived, and `pos` counts on as if the native rest followed.  A form
 * that may fall back gets that rest.  Otherwise it is dropped, and a positioned
 * subscription ends with 2500 at the end of the turn, because the hub may be
 * walking its subscribers.  Joins and leaves stay native where a form allows.
 *
 * Rejected: sealing at each reply, because in a room where everyone publishes
 * output becomes one write per frame.
 *
 * Invariant: a live subscriber has got exactly [0, pos) of its form of the open
 * segment if its pos_serial is the channel's, otherwise nothing; lost bytes
 * count as delivered. */
#include "hub_channel.h"

#include <assert.h>
#include <stdlib.h>

#include "arena.h"
#include "blob.h"
#include "hub_private.h"
#include "pub.h"

/* Approximate cost in units of pl_loop_add_work(). */
enum {
    WORK_DELIVERY = 20, /* of one delivery, with its share of a write */
    WORK_LOOK = 1       /* of visiting a subscriber that may get nothing */
};

static uint32_t pos_of(const struct pl_hub_channel *c, const struct pl_sub *sub)
{
    return sub->pos_serial == c->serial ? sub->pos : 0;
}

/* `slow` is that of the rules of the channel. */
static void deliver(struct pl_sub *sub, struct pl_segment *s, uint32_t from,
                    uint8_t slow)
{
    uint32_t to = s == NULL ? 0 : (uint32_t)s->buf.len;

    if (from >= to)
        return;
    struct pl_delivery d = {.sub = sub,
                            .segment = s,
                            .from = from,
                            .to = to,
                            .frames = pl_segment_count(s, from, to),
                            .slow = slow};
    sub->subscriber->ops->deliver(sub->subscriber, &d);
}

/* Return the offset in the native segment of the first byte that a subscriber
 * at read position `from` must get in native form. */
static uint32_t native_from(const struct pl_derived *d, uint32_t from)
{
    uint32_t len = pl_derived_len(d);

    return d->covered + (from > len ? from - len : 0);
}

static const struct pl_derived *
derive(struct pl_hub_channel *c, struct pl_segment *s, const struct pl_sub *sub)
{
    return pl_segment_derive(pl_hub_forms(pl_hub_of(c)), s,
                             (enum pl_form)sub->subscriber->form);
}

static bool falls_back(const struct pl_sub *sub)
{
    return pl_form_may_fall_back((enum pl_form)sub->subscriber->form);
}

static void count_lost(struct pl_hub_channel *c, uint32_t messages)
{
    struct pl_metrics *m = pl_hub_metrics(pl_hub_of(c));

    pl_gauge_drop(m, PL_METRIC_FRAMES_QUEUED, messages);
    pl_count(m, PL_METRIC_FRAMES_DROPPED_MEMORY, messages);
}

/* The rest after `from` cannot be derived, because allocation failed: count it
 * as dropped. */
static void lose_rest(struct pl_hub_channel *c, struct pl_sub *sub,
                      const struct pl_segment *s, uint32_t from)
{
    if (from >= s->buf.len)
        return;
    count_lost(c, pl_segment_count(s, from, (uint32_t)s->buf.len));
    if (sub->is_positioned)
        pl_hub_lose(pl_hub_of(c), sub);
}

/* Deliver in another form than the native one. */
__attribute__((noinline)) static void deliver_derived(struct pl_hub_channel *c,
                                                      struct pl_sub *sub,
                                                      struct pl_segment *s,
                                                      uint32_t from)
{
    const struct pl_derived *d = derive(c, s, sub);
    uint8_t slow = c->rules->rules->slow;

    deliver(sub, d->segment, from, slow);
    from = native_from(d, from);
    if (falls_back(sub))
        deliver(sub, s, from, slow);
    else
        lose_rest(c, sub, s, from);
}

static void deliver_rest(struct pl_hub_channel *c, struct pl_sub *sub,
                         uint8_t slow)
{
    struct pl_segment *s = c->open[sub->subscriber->encoding];
    uint32_t from = pos_of(c, sub);

    if (s == NULL)
        return;
    if (sub->subscriber->form == PL_FORM_FRAMES)
        deliver(sub, s, from, slow);
    else
        deliver_derived(c, sub, s, from);
}

static void mark_pos(struct pl_hub_channel *c, struct pl_sub *sub)
{
    struct pl_segment *s = c->open[sub->subscriber->encoding];

    sub->pos = s == NULL ? 0 : (uint32_t)s->buf.len;
    if (s != NULL && sub->subscriber->form != PL_FORM_FRAMES) {
        const struct pl_derived *d = derive(c, s, sub);

        sub->pos += pl_derived_len(d) - d->covered;
    }
    sub->pos_serial = c->serial;
}

/* Prefetch the next subscribers while this one is served: they are scattered in
 * memory, and each is a cache miss or two. */
static void fetch_ahead(const struct pl_hub_channel *c, uint32_t i)
{
    if (i + 4 < c->count)
        __builtin_prefetch(c->subs[i + 4]);
    if (i + 2 < c->count) {
        /* An ended subscription may have NULL here: add to no pointer. */
        uintptr_t next = (uintptr_t)c->subs[i + 2]->subscriber;

        __builtin_prefetch((const void *)next);
        __builtin_prefetch((const void *)(next + 64));
    }
}

/* Serials wrap around, and old values of `pos` must not match. */
static void reset_positions(struct pl_hub_channel *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->subs[i]->state == PL_SUB_LIVE)
            c->subs[i]->pos = 0;
    }
}

static void seal(struct pl_task *t)
{
    struct pl_hub_channel *c = PL_CONTAINER(t, struct pl_hub_channel, seal);
    struct pl_hub *h = pl_hub_of(c);
    struct pl_segment_pool *pool = pl_hub_segments(h);
    uint8_t slow = c->rules->rules->slow;

    if (pl_tracer_is_on(pl_hub_tracer(h)))
        pl_hub_trace_deliveries(h, c);
    for (uint32_t i = 0; i < c->count; i++) {
        fetch_ahead(c, i);
        if (c->subs[i]->state == PL_SUB_LIVE)
            deliver_rest(c, c->subs[i], slow);
    }
    for (int e = 0; e < PL_ENCODING_COUNT; e++) {
        pl_segment_seal(pool, c->open[e]);
        pl_segment_release(pool, c->open[e]);
        c->open[e] = NULL;
    }
    if (++c->serial == 0)
        reset_positions(c);
    if (pl_hub_has_lost(h))
        pl_hub_drop_lost(h, c); /* last: may free `c` */
}

struct pl_hub_channel *pl_hub_channel_create(struct pl_rules_use *rules,
                                             struct pl_span name)
{
    struct pl_hub_channel *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    c->rules = rules;
    c->serial = 1; /* a new subscription, all zero, does not match */
    c->seal.run = seal;
    c->name = pl_blob_create(name);
    if (c->name == NULL) {
        free(c);
        return NULL;
    }
    return c;
}

void pl_hub_channel_destroy(struct pl_hub_channel *c)
{
    if (c == NULL)
        return;
    assert(c->count == 0);
    pl_loop_cancel(pl_hub_loop(pl_hub_of(c)), &c->seal);
    for (int e = 0; e < PL_ENCODING_COUNT; e++)
        pl_segment_release(pl_hub_segments(pl_hub_of(c)), c->open[e]);
    pl_blob_release(c->name);
    free(c->subs);
    free(c);
}

static bool make_space(struct pl_hub_channel *c)
{
    uint32_t cap = c->cap == 0 ? 1 : c->cap * 2;

    if (c->count < c->cap)
        return true;
    struct pl_sub **subs = realloc(c->subs, cap * sizeof *subs);
    if (subs == NULL)
        return false;
    c->subs = subs;
    c->cap = cap;
    return true;
}

struct pl_sub *pl_hub_channel_add(struct pl_hub_channel *c,
                                  struct pl_subscriber *u, uint16_t flags)
{
    struct pl_sub *sub = make_space(c) ? calloc(1, sizeof *sub) : NULL;

    if (sub == NULL)
        return NULL;
    sub->channel = c;
    sub->subscriber = u;
    sub->state = PL_SUB_ATTACHING;
    sub->flags = flags & PL_SUB_KEPT;
    sub->index = c->count;
    c->subs[c->count++] = sub;
    return sub;
}

void pl_hub_channel_deactivate(struct pl_hub_channel *c,
                               const struct pl_sub *sub)
{
    if (sub->state != PL_SUB_LIVE)
        return;
    c->live[sub->subscriber->encoding]--;
    if (sub->flags & PL_SUB_JOIN_LEAVE)
        c->join_leave_subs--;
}

static void shrink(struct pl_hub_channel *c)
{
    if (c->cap <= 8 || c->count > c->cap / 4)
        return;
    struct pl_sub **subs = realloc(c->subs, c->cap / 2 * sizeof *subs);
    if (subs == NULL)
        return; /* keep the larger array */
    c->subs = subs;
    c->cap /= 2;
}

void pl_hub_channel_remove(struct pl_hub_channel *c, struct pl_sub *sub)
{
    assert(c->subs[sub->index] == sub);
    struct pl_sub *last = c->subs[--c->count];
    c->subs[sub->index] = last;
    last->index = sub->index;
    shrink(c);
}

void pl_hub_channel_go_live(struct pl_hub_channel *c, struct pl_sub *sub)
{
    sub->state = PL_SUB_LIVE;
    c->live[sub->subscriber->encoding]++;
    if (sub->flags & PL_SUB_JOIN_LEAVE)
        c->join_leave_subs++;
    mark_pos(c, sub);
}

/* Copy data that is not known to be JSON, and check the copy; raw line feeds in
 * it become spaces, no data becomes null.  PL_EBADMSG: not JSON. */
static enum pl_err json_of(struct pl_span data, struct pl_buf *copy)
{
    pl_buf_put_span(copy, data.len > 0 ? data : PL_SPAN("null"));
    if (copy->failed)
        return PL_ENOMEM;
    return pl_json_accepts(pl_buf_span(copy)) ? PL_OK : PL_EBADMSG;
}

static void refuse_binary(struct pl_hub_channel *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        struct pl_sub *sub = c->subs[i];

        if (sub->state == PL_SUB_LIVE &&
            sub->subscriber->encoding == PL_ENCODING_JSON)
            sub->subscriber->ops->cannot_encode(sub->subscriber);
    }
}

/* Append one push to `s`.  Return false, with `s` unchanged, if allocation
 * fails or the segment is full. */
static bool put_push(struct pl_segment *s, enum pl_encoding encoding,
                     const struct pl_push *push)
{
    size_t mark = pl_segment_begin(s);

    pl_push_encode(encoding, &s->buf, push);
    return pl_segment_end_message(s, mark, encoding == PL_ENCODING_JSON);
}

/* Allocation failed: count the publication as dropped for all live subscribers
 * of this encoding. */
static void lose(struct pl_hub_channel *c, enum pl_encoding encoding)
{
    struct pl_metrics *m = pl_hub_metrics(pl_hub_of(c));

    pl_count(m, PL_METRIC_FRAMES_OWED, c->live[encoding]);
    pl_count(m, PL_METRIC_FRAMES_DROPPED_MEMORY, c->live[encoding]);
}

enum pl_hub_fit pl_hub_channel_fit(const struct pl_hub_channel *c,
                                   const struct pl_pub *p)
{
    if (p->offset == 0)
        return PL_HUB_FIT_NEXT;
    if (!pl_hub_channel_is_of(c, p->epoch))
        return PL_HUB_FIT_GAP;
    if (p->offset <= c->last)
        return PL_HUB_FIT_AGAIN;
    return p->offset == c->last + 1 ? PL_HUB_FIT_NEXT : PL_HUB_FIT_GAP;
}

void pl_hub_channel_skip(struct pl_hub_channel *c)
{
    struct pl_metrics *m = pl_hub_metrics(pl_hub_of(c));
    uint32_t live = c->live[PL_ENCODING_JSON] + c->live[PL_ENCODING_PROTOBUF];

    pl_count(m, PL_METRIC_FRAMES_OWED, live);
    pl_count(m, PL_METRIC_FRAMES_DROPPED_DUPLICATE, live);
}

/* Append a push to the open segment.  Return false if allocation fails. */
static bool gather(struct pl_hub_channel *c, enum pl_encoding encoding,
                   const struct pl_push *push)
{
    struct pl_hub *h = pl_hub_of(c);
    struct pl_metrics *m = pl_hub_metrics(h);

    if (c->open[encoding] == NULL) {
        c->open[encoding] = pl_segment_create(pl_hub_segments(h));
        pl_loop_add_work(pl_hub_loop(h),
                         (uint64_t)c->live[encoding] * WORK_DELIVERY);
    }
    struct pl_segment *s = c->open[encoding];
    size_t before = s == NULL ? 0 : s->buf.len;
    if (s == NULL || !put_push(s, encoding, push)) {
        lose(c, encoding);
        return false;
    }
    pl_loop_add_output(pl_hub_loop(h), s->buf.len - before);
    pl_count(m, PL_METRIC_FRAMES_OWED, c->live[encoding]);
    pl_count(m, PL_METRIC_FRAMES_QUEUED, c->live[encoding]);
    pl_loop_defer(pl_hub_loop(h), PL_STAGE_SEAL, &c->seal);
    return true;
}

static bool gather_json(struct pl_hub_channel *c, const struct pl_pub *p,
                        struct pl_push *push)
{
    struct pl_buf copy = {0};
    enum pl_err rc =
        p->is_json ? PL_OK : json_of(push->publication.data, &copy);
    bool is_gathered = true;

    if (rc == PL_OK) {
        if (!p->is_json)
            push->publication.data = pl_buf_span(&copy);
        is_gathered = gather(c, PL_ENCODING_JSON, push);
    } else if (rc == PL_EBADMSG) {
        refuse_binary(c);
    } else {
        lose(c, PL_ENCODING_JSON);
        is_gathered = false;
    }
    pl_buf_fini(&copy);
    return is_gathered;
}

bool pl_hub_channel_publish(struct pl_hub_channel *c, const struct pl_pub *p)
{
    struct pl_client_info info;
    struct pl_push push = {
        .kind = PL_PUSH_PUBLICATION,
        .channel = pl_blob_span(c->name),
        .publication = {.data = pl_pub_data(p), .offset = p->offset},
    };
    bool is_gathered = true;

    c->publications.count++;
    if (p->client != NULL) {
        info = pl_client_info_of(p->client);
        push.publication.info = &info;
    } else {
        push.publication.tags = pl_pub_tags(p);
    }
    if (c->live[PL_ENCODING_PROTOBUF] > 0)
        is_gathered = gather(c, PL_ENCODING_PROTOBUF, &push);
    if (c->live[PL_ENCODING_JSON] > 0)
        is_gathered &= gather_json(c, p, &push);
    return is_gathered;
}

/* Select the join or leave, the last message of `said`, in the form of `sub`.
 * Return false if allocation fails. */
static bool choose_form(struct pl_hub_channel *c, const struct pl_sub *sub,
                        struct pl_segment *said, struct pl_delivery *d)
{
    if (falls_back(sub))
        return true;
    const struct pl_derived *made = derive(c, said, sub);
    if (made->covered < said->buf.len)
        return false;
    d->segment = made->segment;
    d->from = made->last;
    d->to = pl_derived_len(made);
    return true;
}

static void tell_one(struct pl_hub_channel *c, struct pl_sub *sub,
                     const uint32_t from[], struct pl_segment *said[])
{
    enum pl_encoding e = sub->subscriber->encoding;
    struct pl_metrics *m = pl_hub_metrics(pl_hub_of(c));

    pl_count(m, PL_METRIC_FRAMES_OWED, 1);
    pl_count(m, PL_METRIC_FRAMES_QUEUED, 1);
    if (said[e] == NULL) { /* allocation failed */
        count_lost(c, 1);
        return;
    }
    pl_hub_channel_deliver_pending(c, sub);
    struct pl_delivery d = {.sub = sub,
                            .segment = said[e],
                            .from = from[e],
                            .to = (uint32_t)said[e]->buf.len,
                            .frames = 1,
                            .is_presence = true,
                            .slow = c->rules->rules->slow};
    if (sub->state == PL_SUB_LIVE && choose_form(c, sub, said[e], &d))
        sub->subscriber->ops->deliver(sub->subscriber, &d);
    else
        count_lost(c, 1);
}

void pl_hub_channel_tell(struct pl_hub_channel *c, struct pl_client *client,
                         bool is_join)
{
    struct pl_segment *said[PL_ENCODING_COUNT] = {NULL};
    uint32_t from[PL_ENCODING_COUNT] = {0};
    struct pl_push push = {
        .kind = is_join ? PL_PUSH_JOIN : PL_PUSH_LEAVE,
        .channel = pl_blob_span(c->name),
        .client = pl_client_info_of(client),
    };

    if (c->join_leave_subs == 0)
        return;
    pl_loop_add_work(pl_hub_loop(pl_hub_of(c)),
                     (uint64_t)c->count * WORK_LOOK +
                         (uint64_t)c->join_leave_subs * WORK_DELIVERY);
    for (int e = 0; e < PL_ENCODING_COUNT; e++) {
        struct pl_segment *s =
            c->live[e] == 0
                ? NULL
                : pl_hub_presence_segment(pl_hub_of(c), (enum pl_encoding)e);

        from[e] = s == NULL ? 0 : (uint32_t)s->buf.len;
        if (s == NULL || !put_push(s, (enum pl_encoding)e, &push))
            continue;
        pl_loop_add_output(pl_hub_loop(pl_hub_of(c)), s->buf.len - from[e]);
        said[e] = s;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->subs[i]->state == PL_SUB_LIVE &&
            c->subs[i]->flags & PL_SUB_JOIN_LEAVE)
            tell_one(c, c->subs[i], from, said);
    }
}

void pl_hub_channel_deliver_pending(struct pl_hub_channel *c,
                                    struct pl_sub *sub)
{
    if (sub->state != PL_SUB_LIVE)
        return;
    deliver_rest(c, sub, c->rules->rules->slow);
    mark_pos(c, sub);
}

void pl_hub_channel_deliver_all_pending(struct pl_hub_channel *c,
                                        const struct pl_subscriber *u)
{
    struct pl_sub **end = c->subs + c->count;

    /* an ended subscription has a client here, never `u` */
    for (struct pl_sub **at = c->subs; at < end; at++) {
        if ((*at)->subscriber == u)
            pl_hub_channel_deliver_pending(c, *at);
    }
}

void pl_hub_channel_cancel(struct pl_hub_channel *c, struct pl_sub *sub)
{
    struct pl_segment *s = c->open[sub->subscriber->encoding];
    uint32_t from = pos_of(c, sub), frames = 0;
    struct pl_metrics *m = pl_hub_metrics(pl_hub_of(c));

    if (sub->state != PL_SUB_LIVE || s == NULL)
        return;
    if (sub->subscriber->form != PL_FORM_FRAMES) {
        const struct pl_derived *d =
            pl_segment_derived(s, (enum pl_form)sub->subscriber->form);

        if (from < pl_derived_len(d))
            frames = pl_segment_count(d->segment, from, pl_derived_len(d));
        from = native_from(d, from);
    }
    frames += pl_segment_count(s, from, (uint32_t)s->buf.len);
    pl_gauge_drop(m, PL_METRIC_FRAMES_QUEUED, frames);
    pl_count(m, PL_METRIC_FRAMES_CANCELLED, frames);
}
