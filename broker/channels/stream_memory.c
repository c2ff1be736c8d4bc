/* SPDX-License-Identifier: Apache-2.0 */
/* stream_memory.c - see stream_memory.h: the operations.
 *
 * channel_stream.c has the stream of one channel; stream_space.c limits the
 * number of streams and their bytes.  A use moves a stream to the end of its
 * list and of its account's, so both are in the order of use, and the least
 * recently used stream is found without a search.  A busy stream is moved ten
 * times a second, not for each publication.  An empty stream waits for its meta
 * TTL, or for a new stream that needs its place.
 *
 * Invariant: a stream with publications is in `rested` or `busy`. */
#include "stream_memory.h"

#include <stdlib.h>

#include "random.h"
#include "stream_private.h"

enum { ORDER_MS = 100 }; /* precision of the order of use */

/* Note a use of the stream.  `is_other`: it may belong in another list now. */
static void note_use(struct pl_channel_stream *l, bool is_other)
{
    l->used_ms = pl_loop_now_ms(pl_channel_stream_store(l)->loop);
    if (is_other || l->used_ms - l->queued_ms >= ORDER_MS)
        pl_stream_space_queue(l);
    if (l->count == 0 && !pl_timer_is_running(&l->timer))
        pl_channel_stream_arm(l);
}

/* Create the stream.  The owner counts new channels per client (may_begin), so
 * it is asked only if there is a place; a client that is refused takes none. */
static enum pl_err begin_stream(struct pl_stream_store *m,
                                struct pl_store_op *op, struct pl_rules *rules,
                                struct pl_channel_stream **out)
{
    struct pl_channel_stream *old;
    enum pl_err rc = pl_stream_space_find(m, &old);

    if (rc != PL_OK)
        return rc;
    if (m->may_begin != NULL && !m->may_begin(m->owner, op))
        return PL_EFULL;
    if (old != NULL)
        pl_stream_space_evict(old);
    return pl_channel_stream_create(out, m, op, rules);
}

/* Find the channel's stream and drop what has expired, or create the stream. */
static enum pl_err take_stream(struct pl_stream_store *m,
                               struct pl_store_op *op, struct pl_rules *rules,
                               struct pl_channel_stream **out)
{
    struct pl_channel_stream *l =
        pl_channel_stream_find(m, op->channel, op->hash);

    if (l == NULL)
        return begin_stream(m, op, rules, out);
    pl_rules_use_renew(&m->uses, &l->rules, rules);
    pl_channel_stream_expire(l);
    *out = l;
    return PL_OK;
}

/* Like take_stream(), for a request that may come from a new subscriber. */
static enum pl_err take_to_read(struct pl_stream_store *m,
                                struct pl_stream_top *r,
                                struct pl_channel_stream **out)
{
    enum pl_err rc = take_stream(m, &r->op, r->rules, out);

    if (rc == PL_OK)
        (*out)->has_subscribers = pl_channel_stream_is_used(*out);
    return rc;
}

/* A stream that does not exist knows no ids, and none begins for a
 * question. */
static enum pl_store_reply look_for_id(struct pl_stream_store *m,
                                       struct pl_stream_append *r)
{
    struct pl_channel_stream *l =
        pl_channel_stream_find(m, r->op.channel, r->op.hash);

    r->op.error = PL_OK;
    if (l == NULL)
        r->outcome = PL_APPEND_SKIPPED;
    else
        pl_stream_terms_resolve(l, r);
    return PL_STORE_DONE;
}

static enum pl_store_reply append(struct pl_stream *s,
                                  struct pl_stream_append *r)
{
    struct pl_channel_stream *l;

    if (r->terms != NULL && r->terms->skips_history)
        return look_for_id((struct pl_stream_store *)s, r);
    r->op.error =
        take_stream((struct pl_stream_store *)s, &r->op, r->rules, &l);
    if (r->op.error != PL_OK)
        return PL_STORE_DONE;
    if (r->terms != NULL && pl_stream_terms_resolve(l, r))
        return PL_STORE_DONE;
    r->op.error = r->terms != NULL
                      ? pl_stream_terms_push(l, r)
                      : pl_channel_stream_push(l, r->pub, r->unused);
    memcpy(r->epoch, l->epoch, sizeof r->epoch);
    note_use(l, l->count <= 1);
    if (l->count == 1)
        pl_channel_stream_arm(l); /* the timer did not run, or ran for the empty
                                     stream */
    if (r->op.error == PL_OK)
        pl_stream_space_fit(l);
    return PL_STORE_DONE;
}

static enum pl_store_reply top(struct pl_stream *s, struct pl_stream_top *r)
{
    struct pl_channel_stream *l;

    r->op.error = take_to_read((struct pl_stream_store *)s, r, &l);
    if (r->op.error != PL_OK)
        return PL_STORE_DONE;
    r->offset = l->top;
    memcpy(r->epoch, l->epoch, sizeof r->epoch);
    note_use(l, true);
    return PL_STORE_DONE;
}

static enum pl_store_reply range(struct pl_stream *s, struct pl_stream_range *r)
{
    struct pl_channel_stream *l;

    r->pubs = NULL;
    r->count = 0;
    r->has_more = false;
    r->top.op.error = take_to_read((struct pl_stream_store *)s, &r->top, &l);
    if (r->top.op.error != PL_OK)
        return PL_STORE_DONE;
    r->top.op.error = pl_channel_stream_range(l, r);
    note_use(l, true);
    return PL_STORE_DONE;
}

static enum pl_store_reply forget(struct pl_stream *s, struct pl_store_op *r)
{
    struct pl_stream_store *m = (struct pl_stream_store *)s;
    struct pl_channel_stream *l =
        pl_channel_stream_find(m, r->channel, r->hash);

    r->error = PL_OK;
    if (l == NULL)
        return PL_STORE_DONE;
    pl_channel_stream_empty(l);
    pl_timer_stop(m->loop, &l->timer);
    note_use(l, true);
    return PL_STORE_DONE;
}

static void idle(struct pl_stream *s, struct pl_span channel, uint64_t hash)
{
    struct pl_channel_stream *l =
        pl_channel_stream_find((struct pl_stream_store *)s, channel, hash);

    if (l == NULL)
        return;
    pl_channel_stream_expire(l);
    l->has_subscribers = pl_channel_stream_is_used(l);
    note_use(l, true);
}

static void shed(struct pl_stream *s, uint64_t bytes)
{
    pl_stream_space_shed((struct pl_stream_store *)s, bytes);
}

static void bind(struct pl_stream *s, pl_stream_is_used *call, void *owner)
{
    struct pl_stream_store *m = (struct pl_stream_store *)s;

    m->is_used = call;
    m->owner = owner;
}

static void guard(struct pl_stream *s, pl_stream_may_begin *may_begin)
{
    ((struct pl_stream_store *)s)->may_begin = may_begin;
}

static void free_stream(struct pl_map_node *n, void *arg)
{
    (void)arg;
    pl_channel_stream_destroy((struct pl_channel_stream *)n);
}

static void destroy(struct pl_stream *s)
{
    struct pl_stream_store *m = (struct pl_stream_store *)s;

    pl_loop_cancel(m->loop, &m->task);
    pl_map_each(&m->map, free_stream, NULL);
    pl_map_fini(&m->map);
    pl_map_fini(&m->accounts);
    pl_map_fini(&m->versions);
    pl_id_table_fini(&m->ids);
    pl_rules_uses_fini(&m->uses);
    free(m->anonymous);
    free(m);
}

static const struct pl_stream_ops ops = {
    .traits = PL_STORE_IMMEDIATE | PL_STORE_ATOMIC | PL_STORE_RELIABLE,
    .append = append,
    .top = top,
    .range = range,
    .remove = forget,
    .idle = idle,
    .shed = shed,
    .bind = bind,
    .guard = guard,
    .destroy = destroy,
};

enum pl_err
pl_stream_memory_create(struct pl_stream **out, struct pl_loop *loop,
                        const struct pl_stream_memory_options *options)
{
    struct pl_stream_store *m = calloc(1, sizeof *m);
    struct pl_stream_account *anonymous = calloc(1, sizeof *anonymous);

    if (m == NULL || anonymous == NULL) {
        free(anonymous);
        free(m);
        return PL_ENOMEM;
    }
    pl_list_init(&anonymous->streams);
    m->stream.ops = &ops;
    m->loop = loop;
    m->options = *options;
    m->uses.owner = m;
    m->anonymous = anonymous;
    m->task.run = pl_stream_space_on_task;
    pl_random_bytes(pl_loop_random(loop), &m->key, sizeof m->key);
    pl_list_init(&m->idle);
    pl_list_init(&m->rested);
    pl_list_init(&m->busy);
    pl_id_table_init(&m->ids, loop, options->metrics);
    *out = &m->stream;
    return PL_OK;
}
