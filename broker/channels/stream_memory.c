/* SPDX-License-Identifier: Apache-2.0 */
/* stream_memory.c - see stream_memory.h.
 *
 * A line is one channel's stream: a ring of held publications that grows up to
 * its bound as they come.  Age is measured on the monotonic clock, since a
 * wall clock that is set right would else empty every history at once.  What
 * is too old is dropped before a line is read, so it is never returned; the
 * timer is only there for the memory of lines that nobody reads, and may be
 * late by up to a second, so that a busy line wakes nobody for each
 * publication.
 *
 * A line that is empty waits in `idle`, least recently used first, for its
 * meta TTL or for a new line that needs its place.  Whether somebody is
 * subscribed is asked only there: a line that has subscribers leaves `idle`
 * and runs no timer, and the hint of the last one's leaving puts it back.
 *
 * Invariant: the publications held have the offsets top - count + 1 to top. */
#include "stream_memory.h"

#include <stdlib.h>

#include "list.h"
#include "loop.h"
#include "map.h"
#include "metrics.h"
#include "random.h"
#include "timer.h"

enum { FIRST_RING = 4, SLACK_MS_MAX = 1000 };

struct held {
    struct pl_pub *pub;
    uint64_t due_ms; /* when it expires */
};

struct memory {
    struct pl_stream stream;
    struct pl_loop *loop;
    struct pl_stream_memory_options options;
    pl_stream_is_used *is_used;
    void *owner;
    struct pl_map map;
    struct pl_list idle; /* of empty lines */
};

struct line {
    struct pl_map_node node;
    struct pl_list idle; /* linked: empty, nobody known to be subscribed */
    struct pl_timer timer;
    struct memory *memory;
    struct held *ring;
    uint64_t top;
    uint64_t used_ms;
    uint32_t cap;
    uint32_t first;
    uint32_t count;
    uint16_t name_len;
    char epoch[PL_EPOCH_MAX];
    char name[];
};

static struct pl_span name_of(const struct line *l)
{
    return (struct pl_span){l->name, l->name_len};
}

static bool match(const struct pl_map_node *n, const void *key)
{
    return pl_span_equal(name_of((const struct line *)n),
                         *(const struct pl_span *)key);
}

static struct line *find(struct memory *m, struct pl_span channel,
                         uint64_t hash)
{
    return (struct line *)pl_map_find(&m->map, hash, match, &channel);
}

/* The publication at `offset`, which is held. */
static struct pl_pub *at_offset(const struct line *l, uint64_t offset)
{
    uint64_t i = l->first + (offset - (l->top - l->count + 1));

    return l->ring[i % l->cap].pub;
}

static void drop_first(struct line *l)
{
    pl_pub_release(l->ring[l->first].pub);
    l->ring[l->first].pub = NULL;
    l->first = (l->first + 1) % l->cap;
    l->count--;
}

static void drop_all(struct line *l)
{
    while (l->count > 0)
        drop_first(l);
    free(l->ring);
    l->ring = NULL;
    l->cap = l->first = 0;
}

static void drop_expired(struct line *l)
{
    uint64_t now = pl_loop_now_ms(l->memory->loop);

    while (l->count > 0 && l->ring[l->first].due_ms <= now)
        drop_first(l);
    if (l->count == 0)
        drop_all(l);
}

static void destroy_line(struct line *l)
{
    struct memory *m = l->memory;

    pl_timer_stop(m->loop, &l->timer);
    pl_list_remove(&l->idle);
    pl_map_remove(&m->map, &l->node);
    if (m->options.metrics != NULL)
        pl_gauge_drop(m->options.metrics, PL_METRIC_STREAMS, 1);
    drop_all(l);
    free(l);
}

/* Let the timer fire when the oldest publication expires, or the empty line
 * itself. */
static void arm(struct line *l)
{
    struct memory *m = l->memory;
    uint64_t slack = m->options.ttl_ms / 8;
    uint64_t now = pl_loop_now_ms(m->loop);
    uint64_t due = l->used_ms + m->options.meta_ttl_ms;

    if (slack > SLACK_MS_MAX)
        slack = SLACK_MS_MAX;
    if (l->count > 0)
        due = l->ring[l->first].due_ms + slack;
    pl_timer_start(m->loop, &l->timer, due > now ? due - now : 0);
}

static bool is_used(const struct line *l)
{
    const struct memory *m = l->memory;

    return m->is_used != NULL && m->is_used(m->owner, name_of(l), l->node.hash);
}

/* The line was used, or has become empty: an empty one goes to the end of the
 * queue of those that may go. */
static void touch(struct line *l)
{
    pl_list_remove(&l->idle);
    l->used_ms = pl_loop_now_ms(l->memory->loop);
    if (l->count > 0)
        return;
    pl_list_append(&l->memory->idle, &l->idle);
    if (!pl_timer_is_running(&l->timer))
        arm(l);
}

static void fire(struct pl_timer *t)
{
    struct line *l = PL_CONTAINER(t, struct line, timer);
    struct memory *m = l->memory;
    bool was_empty = l->count == 0;

    drop_expired(l);
    if (l->count == 0 && is_used(l)) {
        pl_list_remove(&l->idle);
    } else if (l->count == 0 && was_empty &&
               l->used_ms + m->options.meta_ttl_ms <= pl_loop_now_ms(m->loop)) {
        destroy_line(l);
    } else {
        if (l->count == 0 && !was_empty)
            pl_list_append(&m->idle, &l->idle);
        arm(l);
    }
}

/* Make room for one more line. */
static enum pl_err evict(struct memory *m)
{
    while (m->options.limit > 0 && m->map.count >= m->options.limit) {
        struct pl_list *oldest = pl_list_pop(&m->idle);

        if (oldest == NULL)
            return PL_ELIMIT;
        struct line *l = PL_CONTAINER(oldest, struct line, idle);
        if (!is_used(l))
            destroy_line(l);
    }
    return PL_OK;
}

static void make_epoch(struct memory *m, char epoch[PL_EPOCH_MAX])
{
    for (int i = 0; i < PL_EPOCH_MAX - 1; i++) {
        uint64_t letter = pl_random_below(pl_loop_random(m->loop), 52);

        epoch[i] = (char)(letter < 26 ? 'a' + letter : 'A' + letter - 26);
    }
    epoch[PL_EPOCH_MAX - 1] = '\0';
}

static enum pl_err create_line(struct memory *m, const struct pl_store_op *op,
                               struct line **out)
{
    enum pl_err rc = evict(m);

    if (rc != PL_OK)
        return rc;
    struct line *l = calloc(1, sizeof *l + op->channel.len);
    if (l == NULL)
        return PL_ENOMEM;
    l->memory = m;
    l->timer.fire = fire;
    l->name_len = (uint16_t)op->channel.len;
    memcpy(l->name, op->channel.at, op->channel.len);
    if (pl_map_add(&m->map, &l->node, op->hash) != PL_OK) {
        free(l);
        return PL_ENOMEM;
    }
    make_epoch(m, l->epoch);
    if (m->options.metrics != NULL)
        pl_count(m->options.metrics, PL_METRIC_STREAMS, 1);
    *out = l;
    return PL_OK;
}

/* The channel's line, without what has expired; made when there is none. */
static enum pl_err take_line(struct memory *m, const struct pl_store_op *op,
                             struct line **out)
{
    struct line *l = find(m, op->channel, op->hash);

    if (l == NULL)
        return create_line(m, op, out);
    drop_expired(l);
    *out = l;
    return PL_OK;
}

static enum pl_err grow(struct line *l)
{
    uint32_t size = l->memory->options.size;
    uint64_t cap = l->cap == 0 ? FIRST_RING : (uint64_t)l->cap * 2;
    struct held *ring;

    if (cap > size)
        cap = size;
    ring = malloc(cap * sizeof *ring);
    if (ring == NULL)
        return PL_ENOMEM;
    for (uint32_t i = 0; i < l->count; i++)
        ring[i] = l->ring[(l->first + i) % l->cap];
    free(l->ring);
    l->ring = ring;
    l->cap = (uint32_t)cap;
    l->first = 0;
    return PL_OK;
}

static enum pl_err push(struct line *l, struct pl_pub *pub)
{
    const struct memory *m = l->memory;

    if (l->count == m->options.size)
        drop_first(l);
    else if (l->count == l->cap && grow(l) != PL_OK)
        return PL_ENOMEM;
    pub->offset = ++l->top;
    l->ring[(l->first + l->count) % l->cap] = (struct held){
        pl_pub_hold(pub), pl_loop_now_ms(m->loop) + m->options.ttl_ms};
    l->count++;
    return PL_OK;
}

static enum pl_store_reply append(struct pl_stream *s,
                                  struct pl_stream_append *r)
{
    struct line *l;

    r->op.error = take_line((struct memory *)s, &r->op, &l);
    if (r->op.error != PL_OK)
        return PL_STORE_DONE;
    r->op.error = push(l, r->pub);
    memcpy(r->epoch, l->epoch, sizeof r->epoch);
    touch(l);
    if (l->count == 1)
        arm(l); /* until now it ran for the empty line, or not at all */
    return PL_STORE_DONE;
}

static enum pl_store_reply top(struct pl_stream *s, struct pl_stream_top *r)
{
    struct line *l;

    r->op.error = take_line((struct memory *)s, &r->op, &l);
    if (r->op.error != PL_OK)
        return PL_STORE_DONE;
    r->offset = l->top;
    memcpy(r->epoch, l->epoch, sizeof r->epoch);
    touch(l);
    return PL_STORE_DONE;
}

/* The offsets asked for that are held: *from to *to, none when from > to. */
static void bounds(const struct line *l, const struct pl_stream_range *r,
                   uint64_t *from, uint64_t *to)
{
    *from = l->top - l->count + 1;
    *to = l->top;
    if (!r->has_since)
        return;
    if (r->reverse && r->since <= *to)
        *to = r->since == 0 ? 0 : r->since - 1;
    else if (!r->reverse && r->since >= *from)
        *from = r->since > *to ? *to + 1 : r->since + 1;
}

/* How many of them fit the limit and the budget. */
static uint32_t how_many(const struct line *l, const struct pl_stream_range *r,
                         uint64_t from, uint64_t to)
{
    uint64_t bytes = 0;
    uint32_t n = 0;

    for (uint64_t o = from; o <= to && n < r->limit; o++, n++) {
        if (r->byte_budget == 0)
            continue;
        bytes += pl_pub_cost(at_offset(l, r->reverse ? from + to - o : o));
        if (bytes > r->byte_budget)
            break;
    }
    return n;
}

static enum pl_err collect(const struct line *l, struct pl_stream_range *r)
{
    uint64_t from;
    uint64_t to;

    bounds(l, r, &from, &to);
    uint32_t n = how_many(l, r, from, to);
    r->is_cut = from + n <= to;
    if (n == 0)
        return PL_OK;
    r->pubs = malloc(n * sizeof(struct pl_pub *));
    if (r->pubs == NULL)
        return PL_ENOMEM;
    for (uint32_t i = 0; i < n; i++)
        r->pubs[i] = pl_pub_hold(at_offset(l, r->reverse ? to - i : from + i));
    r->count = n;
    return PL_OK;
}

static enum pl_store_reply range(struct pl_stream *s, struct pl_stream_range *r)
{
    struct line *l;

    r->pubs = NULL;
    r->count = 0;
    r->is_cut = false;
    r->top.op.error = take_line((struct memory *)s, &r->top.op, &l);
    if (r->top.op.error != PL_OK)
        return PL_STORE_DONE;
    r->top.op.error = collect(l, r);
    r->top.offset = l->top;
    memcpy(r->top.epoch, l->epoch, sizeof r->top.epoch);
    touch(l);
    return PL_STORE_DONE;
}

static enum pl_store_reply forget(struct pl_stream *s, struct pl_store_op *r)
{
    struct line *l = find((struct memory *)s, r->channel, r->hash);

    r->error = PL_OK;
    if (l == NULL)
        return PL_STORE_DONE;
    drop_all(l);
    pl_timer_stop(l->memory->loop, &l->timer);
    touch(l);
    return PL_STORE_DONE;
}

static void idle(struct pl_stream *s, struct pl_span channel, uint64_t hash)
{
    struct line *l = find((struct memory *)s, channel, hash);

    if (l == NULL)
        return;
    drop_expired(l);
    touch(l);
}

static void bind(struct pl_stream *s, pl_stream_is_used *call, void *owner)
{
    struct memory *m = (struct memory *)s;

    m->is_used = call;
    m->owner = owner;
}

static void free_line(struct pl_map_node *n, void *arg)
{
    (void)arg;
    destroy_line((struct line *)n);
}

static void destroy(struct pl_stream *s)
{
    struct memory *m = (struct memory *)s;

    pl_map_each(&m->map, free_line, NULL);
    pl_map_fini(&m->map);
    free(m);
}

static const struct pl_stream_ops ops = {
    .traits = PL_STORE_IMMEDIATE | PL_STORE_ATOMIC | PL_STORE_RELIABLE,
    .append = append,
    .top = top,
    .range = range,
    .remove = forget,
    .idle = idle,
    .bind = bind,
    .destroy = destroy,
};

enum pl_err
pl_stream_memory_create(struct pl_stream **out, struct pl_loop *loop,
                        const struct pl_stream_memory_options *options)
{
    struct memory *m = calloc(1, sizeof *m);

    if (m == NULL)
        return PL_ENOMEM;
    m->stream.ops = &ops;
    m->loop = loop;
    m->options = *options;
    pl_list_init(&m->idle);
    *out = &m->stream;
    return PL_OK;
}
