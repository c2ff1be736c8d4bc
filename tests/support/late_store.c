/* SPDX-License-Identifier: Apache-2.0 */
/* late_store.c - see late_store.h.
 *
 * A lane is one channel's queue of requests in one store.  Its oldest request
 * is done when the lane's task or timer runs; then the next one gets a delay
 * of its own.  The three stores share no lane, so an append and a presence
 * change of one channel complete in any order, as they would on two servers.
 *
 * A request is done for the inner store in the moment it completes, not when
 * it is submitted: what the store knows and what it has said agree always.
 *
 * Invariant: a lane exists while it has a request, and is due exactly once. */
#include "late_store.h"

#include <assert.h>
#include <stdlib.h>

#include "bus_memory.h"
#include "late_echo.h"
#include "list.h"
#include "loop.h"
#include "map.h"
#include "presence_memory.h"
#include "random.h"
#include "stream_memory.h"
#include "timer.h"

struct late;

/* What to do with the inner store. */
typedef void apply_call(struct late *late, struct pl_store_op *op);

struct entry {
    struct entry *next;
    apply_call *apply;
    struct pl_store_op *op;
};

struct lane {
    struct pl_map_node node;
    struct late *late;
    struct entry *first;
    struct entry *last;
    struct pl_task task;
    struct pl_timer timer;
    size_t name_len;
    char name[];
};

struct late {
    struct pl_loop *loop;
    struct pl_late_options options;
    struct pl_random random;
    struct pl_map lanes;
    uint32_t in_flight;
    const struct pl_bus_events *events;
    void *owner;
    union {
        struct pl_stream *stream;
        struct pl_bus *bus;
        struct pl_presence *presence;
    } inner;
};

struct late_stream {
    struct pl_stream stream;
    struct late late;
};

struct late_bus {
    struct pl_bus bus;
    struct late late;
    struct pl_late_echo echo;
};

struct late_presence {
    struct pl_presence presence;
    struct late late;
};

/* --- Lanes --- */

static bool match(const struct pl_map_node *n, const void *key)
{
    const struct lane *l = (const struct lane *)n;

    return pl_span_equal((struct pl_span){l->name, l->name_len},
                         *(const struct pl_span *)key);
}

static void schedule(struct lane *lane)
{
    struct late *late = lane->late;
    uint64_t delay =
        pl_random_below(&late->random, (uint64_t)late->options.delay_ms + 1);

    if (delay == 0 || pl_random_below(&late->random, 2) == 0)
        pl_loop_defer(late->loop, PL_STAGE_READY, &lane->task);
    else
        pl_timer_start(late->loop, &lane->timer, delay);
}

static void destroy_lane(struct lane *lane)
{
    struct late *late = lane->late;

    pl_loop_cancel(late->loop, &lane->task);
    pl_timer_stop(late->loop, &lane->timer);
    pl_map_remove(&late->lanes, &lane->node);
    while (lane->first != NULL) {
        struct entry *e = lane->first;

        lane->first = e->next;
        free(e);
    }
    free(lane);
}

static bool chance(struct late *late, uint32_t permille)
{
    return pl_random_below(&late->random, 1000) < permille;
}

static void do_oldest(struct lane *lane)
{
    struct late *late = lane->late;
    struct entry e = *lane->first;

    free(lane->first);
    lane->first = e.next;
    late->in_flight--;
    if (lane->first != NULL)
        schedule(lane);
    else
        destroy_lane(lane); /* a new request makes a new one */
    if (chance(late, late->options.fail_permille))
        e.op->error = PL_EIO;
    else
        e.apply(late, e.op);
    e.op->done(e.op);
}

static void run_task(struct pl_task *t)
{
    do_oldest(PL_CONTAINER(t, struct lane, task));
}

static void run_timer(struct pl_timer *t)
{
    do_oldest(PL_CONTAINER(t, struct lane, timer));
}

static struct lane *create_lane(struct late *late, const struct pl_store_op *op)
{
    struct lane *lane = calloc(1, sizeof *lane + op->channel.len);

    if (lane == NULL)
        return NULL;
    lane->late = late;
    lane->task.run = run_task;
    lane->timer.fire = run_timer;
    lane->name_len = op->channel.len;
    memcpy(lane->name, op->channel.at, op->channel.len);
    if (pl_map_add(&late->lanes, &lane->node, op->hash) != PL_OK) {
        free(lane);
        return NULL;
    }
    schedule(lane);
    return lane;
}

static enum pl_store_reply refuse(struct pl_store_op *op, enum pl_err err)
{
    op->error = err;
    return PL_STORE_DONE;
}

static enum pl_store_reply submit(struct late *late, struct pl_store_op *op,
                                  apply_call *apply)
{
    if (late->options.limit > 0 && late->in_flight >= late->options.limit)
        return refuse(op, PL_EFULL);
    struct entry *e = malloc(sizeof *e);
    if (e == NULL)
        return refuse(op, PL_ENOMEM);
    struct lane *lane =
        (struct lane *)pl_map_find(&late->lanes, op->hash, match, &op->channel);
    if (lane == NULL && (lane = create_lane(late, op)) == NULL) {
        free(e);
        return refuse(op, PL_ENOMEM);
    }
    *e = (struct entry){.apply = apply, .op = op};
    if (lane->first == NULL)
        lane->first = e;
    else
        lane->last->next = e;
    lane->last = e;
    late->in_flight++;
    return PL_STORE_LATER;
}

static void late_init(struct late *late, struct pl_loop *loop,
                      const struct pl_late_options *options)
{
    late->loop = loop;
    late->options = *options;
    pl_random_init_seeded(&late->random, options->seed);
}

static void free_lane(struct pl_map_node *n, void *arg)
{
    (void)arg;
    destroy_lane((struct lane *)n);
}

static void late_fini(struct late *late)
{
    pl_map_each(&late->lanes, free_lane, NULL);
    pl_map_fini(&late->lanes);
}

static void now(enum pl_store_reply reply)
{
    assert(reply == PL_STORE_DONE);
    (void)reply;
}

/* --- The stream --- */

static void apply_append(struct late *l, struct pl_store_op *op)
{
    now(l->inner.stream->ops->append(l->inner.stream,
                                     (struct pl_stream_append *)op));
}

static void apply_top(struct late *l, struct pl_store_op *op)
{
    now(l->inner.stream->ops->top(l->inner.stream, (struct pl_stream_top *)op));
}

static void apply_range(struct late *l, struct pl_store_op *op)
{
    now(l->inner.stream->ops->range(l->inner.stream,
                                    (struct pl_stream_range *)op));
}

static void apply_forget(struct late *l, struct pl_store_op *op)
{
    now(l->inner.stream->ops->remove(l->inner.stream, op));
}

static enum pl_store_reply append(struct pl_stream *s,
                                  struct pl_stream_append *r)
{
    return submit(&((struct late_stream *)s)->late, &r->op, apply_append);
}

static enum pl_store_reply top(struct pl_stream *s, struct pl_stream_top *r)
{
    return submit(&((struct late_stream *)s)->late, &r->op, apply_top);
}

static enum pl_store_reply range(struct pl_stream *s, struct pl_stream_range *r)
{
    return submit(&((struct late_stream *)s)->late, &r->top.op, apply_range);
}

static enum pl_store_reply forget(struct pl_stream *s, struct pl_store_op *r)
{
    return submit(&((struct late_stream *)s)->late, r, apply_forget);
}

static void idle(struct pl_stream *s, struct pl_span channel, uint64_t hash)
{
    struct pl_stream *inner = ((struct late_stream *)s)->late.inner.stream;

    inner->ops->idle(inner, channel, hash);
}

static void shed(struct pl_stream *s, uint64_t bytes)
{
    struct pl_stream *inner = ((struct late_stream *)s)->late.inner.stream;

    inner->ops->shed(inner, bytes);
}

static void bind_stream(struct pl_stream *s, pl_stream_is_used *is_used,
                        void *owner)
{
    struct pl_stream *inner = ((struct late_stream *)s)->late.inner.stream;

    inner->ops->bind(inner, is_used, owner);
}

static void guard_stream(struct pl_stream *s, pl_stream_may_begin *may_begin)
{
    struct pl_stream *inner = ((struct late_stream *)s)->late.inner.stream;

    inner->ops->guard(inner, may_begin);
}

static void destroy_stream(struct pl_stream *s)
{
    struct late_stream *l = (struct late_stream *)s;

    late_fini(&l->late);
    l->late.inner.stream->ops->destroy(l->late.inner.stream);
    free(l);
}

static const struct pl_stream_ops stream_ops = {
    .traits = PL_STORE_ATOMIC | PL_STORE_RELIABLE,
    .append = append,
    .top = top,
    .range = range,
    .remove = forget,
    .idle = idle,
    .shed = shed,
    .bind = bind_stream,
    .guard = guard_stream,
    .destroy = destroy_stream,
};

enum pl_err pl_late_stream_create(struct pl_stream **out, struct pl_loop *loop,
                                  struct pl_stream *inner,
                                  const struct pl_late_options *options)
{
    struct late_stream *l = calloc(1, sizeof *l);

    if (l == NULL)
        return PL_ENOMEM;
    l->stream.ops = &stream_ops;
    late_init(&l->late, loop, options);
    l->late.inner.stream = inner;
    *out = &l->stream;
    return PL_OK;
}

/* --- The bus --- */

static void apply_attach(struct late *l, struct pl_store_op *op)
{
    now(l->inner.bus->ops->attach(l->inner.bus, op));
}

static void apply_detach(struct late *l, struct pl_store_op *op)
{
    now(l->inner.bus->ops->detach(l->inner.bus, op));
}

/* Bring one that went before again, which this owner cannot know as its own. */
static void repeat(struct late *l, struct pl_pub *pub)
{
    struct late_bus *bus = PL_CONTAINER(l, struct late_bus, late);

    if (chance(l, l->options.again_permille)) {
        struct pl_pub *p = pl_late_echo_pick(&bus->echo, pub, &l->random);

        if (p != NULL)
            l->events->publication(l->owner, p, NULL);
        pl_pub_release(p);
    }
    pl_late_echo_put(&bus->echo, pub);
}

static void apply_publish(struct late *l, struct pl_store_op *op)
{
    struct pl_bus_publish *r = (struct pl_bus_publish *)op;
    bool is_repeated =
        r->kind == PL_BUS_PUBLICATION && l->options.again_permille > 0;
    struct pl_pub *pub = is_repeated ? pl_pub_hold(r->pub) : NULL;

    now(l->inner.bus->ops->publish(l->inner.bus, r));
    if (is_repeated)
        repeat(l, pub);
    pl_pub_release(pub);
    if (chance(l, l->options.fail_permille / 2))
        op->error = PL_EIO;
}

static enum pl_store_reply attach(struct pl_bus *b, struct pl_store_op *r)
{
    return submit(&((struct late_bus *)b)->late, r, apply_attach);
}

static enum pl_store_reply detach(struct pl_bus *b, struct pl_store_op *r)
{
    return submit(&((struct late_bus *)b)->late, r, apply_detach);
}

static enum pl_store_reply publish(struct pl_bus *b, struct pl_bus_publish *r)
{
    return submit(&((struct late_bus *)b)->late, &r->op, apply_publish);
}

static void bind_bus(struct pl_bus *b, const struct pl_bus_events *events,
                     void *owner)
{
    struct late *late = &((struct late_bus *)b)->late;

    late->events = events;
    late->owner = owner;
    late->inner.bus->ops->bind(late->inner.bus, events, owner);
}

static void destroy_bus(struct pl_bus *b)
{
    struct late_bus *l = (struct late_bus *)b;

    late_fini(&l->late);
    pl_late_echo_fini(&l->echo);
    l->late.inner.bus->ops->destroy(l->late.inner.bus);
    free(l);
}

static const struct pl_bus_ops bus_ops = {
    .attach = attach,
    .detach = detach,
    .publish = publish,
    .bind = bind_bus,
    .destroy = destroy_bus,
};

enum pl_err pl_late_bus_create(struct pl_bus **out, struct pl_loop *loop,
                               struct pl_bus *inner,
                               const struct pl_late_options *options)
{
    struct late_bus *l = calloc(1, sizeof *l);

    if (l == NULL)
        return PL_ENOMEM;
    l->bus.ops = &bus_ops;
    late_init(&l->late, loop, options);
    l->late.inner.bus = inner;
    *out = &l->bus;
    return PL_OK;
}

void pl_late_bus_gap(struct pl_bus *bus, struct pl_span channel, uint64_t hash)
{
    struct late *late = &((struct late_bus *)bus)->late;

    late->events->gap(late->owner, channel, hash);
}

/* --- Presence --- */

static void apply_add(struct late *l, struct pl_store_op *op)
{
    now(l->inner.presence->ops->add(l->inner.presence,
                                    (struct pl_presence_change *)op));
}

static void apply_remove(struct late *l, struct pl_store_op *op)
{
    now(l->inner.presence->ops->remove(l->inner.presence,
                                       (struct pl_presence_change *)op));
}

static void apply_get(struct late *l, struct pl_store_op *op)
{
    now(l->inner.presence->ops->get(l->inner.presence,
                                    (struct pl_presence_get *)op));
}

static void apply_stats(struct late *l, struct pl_store_op *op)
{
    now(l->inner.presence->ops->stats(l->inner.presence,
                                      (struct pl_presence_stats *)op));
}

static enum pl_store_reply add(struct pl_presence *p,
                               struct pl_presence_change *r)
{
    return submit(&((struct late_presence *)p)->late, &r->op, apply_add);
}

static enum pl_store_reply remove_client(struct pl_presence *p,
                                         struct pl_presence_change *r)
{
    return submit(&((struct late_presence *)p)->late, &r->op, apply_remove);
}

static enum pl_store_reply get(struct pl_presence *p, struct pl_presence_get *r)
{
    return submit(&((struct late_presence *)p)->late, &r->op, apply_get);
}

static enum pl_store_reply stats(struct pl_presence *p,
                                 struct pl_presence_stats *r)
{
    return submit(&((struct late_presence *)p)->late, &r->op, apply_stats);
}

static void destroy_presence(struct pl_presence *p)
{
    struct late_presence *l = (struct late_presence *)p;

    late_fini(&l->late);
    l->late.inner.presence->ops->destroy(l->late.inner.presence);
    free(l);
}

static const struct pl_presence_ops presence_ops = {
    .traits = PL_STORE_ATOMIC | PL_STORE_RELIABLE,
    .add = add,
    .remove = remove_client,
    .get = get,
    .stats = stats,
    .destroy = destroy_presence,
};

enum pl_err pl_late_presence_create(struct pl_presence **out,
                                    struct pl_loop *loop,
                                    struct pl_presence *inner,
                                    const struct pl_late_options *options)
{
    struct late_presence *l = calloc(1, sizeof *l);

    if (l == NULL)
        return PL_ENOMEM;
    l->presence.ops = &presence_ops;
    late_init(&l->late, loop, options);
    l->late.inner.presence = inner;
    *out = &l->presence;
    return PL_OK;
}

/* --- All three --- */

static enum pl_err make_stream(struct pl_channels_options *c,
                               struct pl_loop *loop,
                               const struct pl_late_options *options)
{
    struct pl_stream_memory_options memory = pl_channels_stream_options(c);
    struct pl_stream *inner;

    if (pl_stream_memory_create(&inner, loop, &memory) != PL_OK)
        return PL_ENOMEM;
    if (pl_late_stream_create(&c->stream, loop, inner, options) == PL_OK)
        return PL_OK;
    inner->ops->destroy(inner);
    return PL_ENOMEM;
}

static enum pl_err make_bus(struct pl_channels_options *c, struct pl_loop *loop,
                            const struct pl_late_options *options)
{
    struct pl_bus *inner;

    if (pl_bus_memory_create(&inner) != PL_OK)
        return PL_ENOMEM;
    if (pl_late_bus_create(&c->bus, loop, inner, options) == PL_OK)
        return PL_OK;
    inner->ops->destroy(inner);
    return PL_ENOMEM;
}

static enum pl_err make_presence(struct pl_channels_options *c,
                                 struct pl_loop *loop,
                                 const struct pl_late_options *options)
{
    struct pl_presence *inner;

    if (pl_presence_memory_create(&inner, pl_loop_random(loop)) != PL_OK)
        return PL_ENOMEM;
    if (pl_late_presence_create(&c->presence_store, loop, inner, options) ==
        PL_OK)
        return PL_OK;
    inner->ops->destroy(inner);
    return PL_ENOMEM;
}

enum pl_err pl_late_stores_create(struct pl_channels_options *channels,
                                  struct pl_loop *loop,
                                  const struct pl_late_options *options)
{
    struct pl_channels_options c = *channels;

    if (make_stream(&c, loop, options) != PL_OK)
        return PL_ENOMEM;
    if (make_bus(&c, loop, options) != PL_OK)
        goto no_bus;
    if (make_presence(&c, loop, options) != PL_OK)
        goto no_presence;
    *channels = c;
    return PL_OK;

no_presence:
    c.bus->ops->destroy(c.bus);
no_bus:
    c.stream->ops->destroy(c.stream);
    return PL_ENOMEM;
}
