/* SPDX-License-Identifier: Apache-2.0 */
/* late_store.c - see late_store.h.
 *
 * Wrappers whose requests go through the lanes of late_lane.c.  The three
 * stores share no lane, so an append and a presence change of one channel
 * complete in any order, as they would on two servers. */
#include "late_store.h"

#include <assert.h>
#include <stdlib.h>

#include "bus_memory.h"
#include "late_echo.h"
#include "late_lane.h"
#include "loop.h"
#include "presence_memory.h"
#include "stream_memory.h"

struct late {
    struct pl_late_lanes lanes; /* first */
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

static struct late *late_of(struct pl_late_lanes *lanes)
{
    return (struct late *)lanes;
}

static enum pl_store_reply ask(struct late *late, struct pl_store_op *op,
                               pl_late_apply *apply)
{
    return pl_late_lanes_submit(&late->lanes, op, apply, false);
}

static enum pl_store_reply change(struct late *late, struct pl_store_op *op,
                                  pl_late_apply *apply)
{
    return pl_late_lanes_submit(&late->lanes, op, apply, true);
}

static void now(enum pl_store_reply reply)
{
    assert(reply == PL_STORE_DONE);
    (void)reply;
}

/* --- The stream --- */

static void apply_append(struct pl_late_lanes *lanes, struct pl_store_op *op)
{
    struct late *l = late_of(lanes);
    now(l->inner.stream->ops->append(l->inner.stream,
                                     (struct pl_stream_append *)op));
}

static void apply_top(struct pl_late_lanes *lanes, struct pl_store_op *op)
{
    struct late *l = late_of(lanes);
    now(l->inner.stream->ops->top(l->inner.stream, (struct pl_stream_top *)op));
}

static void apply_range(struct pl_late_lanes *lanes, struct pl_store_op *op)
{
    struct late *l = late_of(lanes);
    now(l->inner.stream->ops->range(l->inner.stream,
                                    (struct pl_stream_range *)op));
}

static void apply_forget(struct pl_late_lanes *lanes, struct pl_store_op *op)
{
    struct late *l = late_of(lanes);
    now(l->inner.stream->ops->remove(l->inner.stream, op));
}

static enum pl_store_reply append(struct pl_stream *s,
                                  struct pl_stream_append *r)
{
    return change(&((struct late_stream *)s)->late, &r->op, apply_append);
}

static enum pl_store_reply top(struct pl_stream *s, struct pl_stream_top *r)
{
    return ask(&((struct late_stream *)s)->late, &r->op, apply_top);
}

static enum pl_store_reply range(struct pl_stream *s, struct pl_stream_range *r)
{
    return ask(&((struct late_stream *)s)->late, &r->top.op, apply_range);
}

static enum pl_store_reply forget(struct pl_stream *s, struct pl_store_op *r)
{
    return change(&((struct late_stream *)s)->late, r, apply_forget);
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

    pl_late_lanes_fini(&l->late.lanes);
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
    pl_late_lanes_init(&l->late.lanes, loop, options);
    l->late.inner.stream = inner;
    *out = &l->stream;
    return PL_OK;
}

/* --- The bus --- */

static void apply_attach(struct pl_late_lanes *lanes, struct pl_store_op *op)
{
    struct late *l = late_of(lanes);
    now(l->inner.bus->ops->attach(l->inner.bus, op));
}

static void apply_detach(struct pl_late_lanes *lanes, struct pl_store_op *op)
{
    struct late *l = late_of(lanes);
    now(l->inner.bus->ops->detach(l->inner.bus, op));
}

/* Bring one that went before again, which this owner cannot know as its own. */
static void repeat(struct late *l, struct pl_pub *pub)
{
    struct late_bus *bus = PL_CONTAINER(l, struct late_bus, late);

    if (pl_late_lanes_chance(&l->lanes, l->lanes.options.again_permille)) {
        struct pl_pub *p = pl_late_echo_pick(&bus->echo, pub, &l->lanes.random);

        if (p != NULL)
            l->events->publication(l->owner, p, NULL);
        pl_pub_release(p);
    }
    pl_late_echo_put(&bus->echo, pub);
}

static void apply_publish(struct pl_late_lanes *lanes, struct pl_store_op *op)
{
    struct late *l = late_of(lanes);
    struct pl_bus_publish *r = (struct pl_bus_publish *)op;
    bool is_repeated =
        r->kind == PL_BUS_PUBLICATION && l->lanes.options.again_permille > 0;
    struct pl_pub *pub = is_repeated ? pl_pub_hold(r->pub) : NULL;

    now(l->inner.bus->ops->publish(l->inner.bus, r));
    if (is_repeated)
        repeat(l, pub);
    pl_pub_release(pub);
    if (pl_late_lanes_chance(&l->lanes, l->lanes.options.fail_permille / 2))
        op->error = PL_EIO;
}

static enum pl_store_reply attach(struct pl_bus *b, struct pl_store_op *r)
{
    return ask(&((struct late_bus *)b)->late, r, apply_attach);
}

static enum pl_store_reply detach(struct pl_bus *b, struct pl_store_op *r)
{
    return ask(&((struct late_bus *)b)->late, r, apply_detach);
}

static enum pl_store_reply publish(struct pl_bus *b, struct pl_bus_publish *r)
{
    return change(&((struct late_bus *)b)->late, &r->op, apply_publish);
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

    pl_late_lanes_fini(&l->late.lanes);
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
    pl_late_lanes_init(&l->late.lanes, loop, options);
    l->late.inner.bus = inner;
    *out = &l->bus;
    return PL_OK;
}

void pl_late_bus_gap(struct pl_bus *bus, struct pl_span channel, uint64_t hash)
{
    struct late *late = &((struct late_bus *)bus)->late;

    late->events->gap(late->owner, channel, hash);
}

void pl_late_bus_bring(struct pl_bus *bus, struct pl_pub *pub)
{
    struct late *late = &((struct late_bus *)bus)->late;

    late->events->publication(late->owner, pub, NULL);
}

/* --- Presence --- */

static void apply_add(struct pl_late_lanes *lanes, struct pl_store_op *op)
{
    struct late *l = late_of(lanes);
    now(l->inner.presence->ops->add(l->inner.presence,
                                    (struct pl_presence_change *)op));
}

static void apply_remove(struct pl_late_lanes *lanes, struct pl_store_op *op)
{
    struct late *l = late_of(lanes);
    now(l->inner.presence->ops->remove(l->inner.presence,
                                       (struct pl_presence_change *)op));
}

static void apply_get(struct pl_late_lanes *lanes, struct pl_store_op *op)
{
    struct late *l = late_of(lanes);
    now(l->inner.presence->ops->get(l->inner.presence,
                                    (struct pl_presence_get *)op));
}

static void apply_stats(struct pl_late_lanes *lanes, struct pl_store_op *op)
{
    struct late *l = late_of(lanes);
    now(l->inner.presence->ops->stats(l->inner.presence,
                                      (struct pl_presence_stats *)op));
}

static enum pl_store_reply add(struct pl_presence *p,
                               struct pl_presence_change *r)
{
    return change(&((struct late_presence *)p)->late, &r->op, apply_add);
}

static enum pl_store_reply remove_client(struct pl_presence *p,
                                         struct pl_presence_change *r)
{
    return change(&((struct late_presence *)p)->late, &r->op, apply_remove);
}

static enum pl_store_reply get(struct pl_presence *p, struct pl_presence_get *r)
{
    return ask(&((struct late_presence *)p)->late, &r->op, apply_get);
}

static enum pl_store_reply stats(struct pl_presence *p,
                                 struct pl_presence_stats *r)
{
    return ask(&((struct late_presence *)p)->late, &r->op, apply_stats);
}

static void destroy_presence(struct pl_presence *p)
{
    struct late_presence *l = (struct late_presence *)p;

    pl_late_lanes_fini(&l->late.lanes);
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
    pl_late_lanes_init(&l->late.lanes, loop, options);
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
