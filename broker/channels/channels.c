/* SPDX-License-Identifier: Apache-2.0 */
/* channels.c - see channels.h: the actor, its mail, the events of the bus, and
 * the end.
 *
 * channel_requests.h lists the files of the requests.  Stores complete requests
 * on this loop, at once or later, so no lock is needed and everything about a
 * channel happens in one place.
 *
 * Rejected: one actor per channel, because it needs a slot and a mailbox for
 * what mostly is a few numbers, and mail of hubs must find it by name anyway.
 *
 * Invariant: each accepted request gets one result: when its store completes or
 * fails, or with 503 when the actor stops. */
#include <stdlib.h>

#include "bus_memory.h"
#include "channel.h"
#include "channel_requests.h"
#include "channels_private.h"
#include "channels_settings.h"
#include "hub_mail.h"
#include "log.h"
#include "look_mail.h"
#include "mail.h"
#include "memory_mail.h"
#include "monitor.h"
#include "pending_request.h"
#include "presence_memory.h"
#include "rules_mail.h"
#include "stream_memory.h"
#include "system.h"

enum { MAILBOX_LIMIT = 65536 };

/* --- Events of the bus ---
 *
 * Joins and leaves without a subscriber that takes them are dropped here, after
 * the bus.  Rejected: dropping them before the bus.  A subscriber that attaches
 * while a join is on the bus receives that join, so it must receive the leave
 * after it, although no subscriber took joins when that was submitted. */

static void tell_hub(struct pl_channel *ch, unsigned loop,
                     struct pl_client *client, bool is_join)
{
    struct pl_channels *c = pl_channel_owner(ch);
    struct pl_presence_event_mail *m = pl_presence_event_mail_create();

    if (m == NULL) {
        pl_channels_lose_event(c);
        return;
    }
    m->channel = pl_blob_hold(ch->name);
    m->hash = ch->node.hash;
    m->client = pl_client_hold(client);
    m->is_join = is_join;
    pl_actor_send(&c->actor, c->hubs[loop], &m->msg);
}

static void tell_hubs(struct pl_channels *c, struct pl_span channel,
                      uint64_t hash, struct pl_client *client, bool is_join)
{
    struct pl_channel *ch = pl_channel_find(c, channel, hash);

    if (ch == NULL || ch->join_leave_subs == 0)
        return;
    for (unsigned l = 0; l < c->loop_count; l++)
        if (ch->at_loop[l] > 0)
            tell_hub(ch, l, client, is_join);
}

static void on_join(void *owner, struct pl_span channel, uint64_t hash,
                    struct pl_client *client)
{
    tell_hubs(owner, channel, hash, client, true);
}

static void on_leave(void *owner, struct pl_span channel, uint64_t hash,
                     struct pl_client *client)
{
    tell_hubs(owner, channel, hash, client, false);
}

static void on_gap(void *owner, struct pl_span channel, uint64_t hash)
{
    struct pl_channel *ch = pl_channel_find(owner, channel, hash);

    if (ch != NULL)
        pl_order_tell_gaps(ch);
}

static void on_retry(struct pl_timer *t)
{
    struct pl_channels *c = PL_CONTAINER(t, struct pl_channels, retry);

    pl_leave_retry(c);
    pl_order_retry_gaps(c);
}

static const struct pl_bus_events bus_events = {
    .publication = pl_channels_on_publication,
    .join = on_join,
    .leave = on_leave,
    .gap = on_gap,
};

static bool is_used(void *owner, struct pl_span channel, uint64_t hash)
{
    const struct pl_channel *ch = pl_channel_find(owner, channel, hash);

    return ch != NULL && pl_channel_subscribers(ch) > 0;
}

static bool may_begin(void *owner, struct pl_store_op *op)
{
    const struct pl_pending_request *rq = pl_pending_request_of(op);

    return rq->msg == NULL || pl_channels_may_begin(owner, rq->msg);
}

/* --- The end --- */

static void destroy_stores(struct pl_channels *c)
{
    if (c->stream != NULL)
        c->stream->ops->destroy(c->stream);
    if (c->bus != NULL)
        c->bus->ops->destroy(c->bus);
    if (c->presence != NULL)
        c->presence->ops->destroy(c->presence);
    c->stream = NULL;
    c->bus = NULL;
    c->presence = NULL;
}

/* Destroy the stores first: they complete no request any more. */
static void release_all(struct pl_channels *c)
{
    destroy_stores(c);
    pl_timer_stop(c->actor.loop, &c->retry);
    pl_channels_free_all(c);
    pl_pending_requests_free_all(c);
    pl_id_table_fini(&c->ids);
    pl_publish_rate_fini(&c->publish_rate);
    pl_makers_fini(&c->makers);
    pl_leaving_fini(c);
    pl_joined_users_fini(&c->joined);
    pl_rule_cache_fini(&c->rules);
}

static void reap(struct pl_actor *a)
{
    struct pl_channels *c = (struct pl_channels *)a;

    release_all(c);
    free(c);
}

static void stop(struct pl_channels *c)
{
    pl_pending_requests_refuse(c);
    release_all(c);
    pl_actor_exit(&c->actor, "stopped");
}

/* --- Mail --- */

static void on_rules(struct pl_channels *c, struct pl_rules_mail *m)
{
    pl_rule_cache_set(&c->rules, m->book);
    pl_mail_destroy(&m->msg);
}

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct pl_channels *c = (struct pl_channels *)a;

    switch (msg->type) {
    case PL_MAIL_PUBLISH:
        pl_channels_publish(c, (struct pl_publish_mail *)msg);
        return;
    case PL_MAIL_ATTACH:
        pl_channels_attach(c, (struct pl_attach_mail *)msg);
        return;
    case PL_MAIL_DETACH:
        pl_channels_detach(c, (struct pl_detach_mail *)msg);
        return;
    case PL_MAIL_QUERY:
        pl_channels_query(c, (struct pl_query_mail *)msg);
        return;
    case PL_MAIL_LIST:
        pl_channels_list(c, (struct pl_list_mail *)msg);
        return;
    case PL_MAIL_LOOK:
        pl_channels_rank(&c->actor, &c->map, (struct pl_look_mail *)msg);
        return;
    case PL_MAIL_RULES:
        on_rules(c, (struct pl_rules_mail *)msg);
        return;
    case PL_MAIL_MEMORY:
        c->stream->ops->shed(c->stream,
                             ((struct pl_memory_mail *)msg)->shed_bytes);
        pl_mail_destroy(msg);
        return;
    case PL_MSG_STOP:
        pl_mail_destroy(msg);
        stop(c);
        return;
    default:
        pl_actor_refuse(a, msg);
    }
}

static const struct pl_actor_ops actor_ops = {
    .name = "channels",
    .mailbox_limit = MAILBOX_LIMIT,
    .receive = receive,
    .reap = reap,
};

/* --- The beginning --- */

struct pl_stream_memory_options
pl_channels_stream_options(const struct pl_channels_options *o)
{
    return (struct pl_stream_memory_options){
        .limit = o->channel_limit,
        .client_bytes = o->client_history_bytes,
        .bytes = o->history_bytes,
        .metrics = o->metrics,
    };
}

static enum pl_err make_stream(struct pl_channels *c, struct pl_loop *loop)
{
    struct pl_stream_memory_options memory =
        pl_channels_stream_options(&c->options);

    return pl_stream_memory_create(&c->stream, loop, &memory);
}

/* Create the stores that were not given.  A channel may get a history, and
 * presence, with other rules. */
static enum pl_err make_stores(struct pl_channels *c, struct pl_loop *loop)
{
    const struct pl_channels_options *o = &c->options;

    if (o->stream == NULL && make_stream(c, loop) != PL_OK)
        return PL_ENOMEM;
    if (o->bus == NULL && pl_bus_memory_create(&c->bus) != PL_OK)
        return PL_ENOMEM;
    if (o->presence_store == NULL &&
        pl_presence_memory_create(&c->presence, pl_loop_random(loop)) != PL_OK)
        return PL_ENOMEM;
    return PL_OK;
}

/* Take over the given stores. */
static void take_stores(struct pl_channels *c)
{
    const struct pl_channels_options *o = &c->options;

    if (o->stream != NULL)
        c->stream = o->stream;
    if (o->bus != NULL)
        c->bus = o->bus;
    if (o->presence_store != NULL)
        c->presence = o->presence_store;
}

static void bind_stores(struct pl_channels *c)
{
    unsigned traits = c->bus->ops->traits;

    c->bus->ops->bind(c->bus, &bus_events, c);
    c->stream->ops->bind(c->stream, is_used, c);
    c->stream->ops->guard(c->stream, may_begin);
    traits &= c->stream->ops->traits & c->presence->ops->traits;
    c->is_immediate = (traits & PL_STORE_IMMEDIATE) != 0;
}

struct pl_channels_options
pl_channels_options_of(const struct pl_channels_settings *s)
{
    return (struct pl_channels_options){
        .channel_limit = s->limits.channels,
        .client_history_bytes = s->limits.client_history.bytes,
        .history_bytes = s->limits.history.bytes,
        .new_channels = s->limits.new_channels_per_minute,
        .new_channels_burst = s->limits.new_channels_per_minute,
        .in_flight_limit = PL_CHANNELS_IN_FLIGHT,
        .in_flight_bytes = PL_CHANNELS_IN_FLIGHT_BYTES,
        .answer_request = PL_TIME_SHARE_USUAL,
    };
}

enum pl_err pl_channels_create(struct pl_channels **out, struct pl_loop *loop,
                               const struct pl_channels_options *options)
{
    unsigned loops = pl_system_loop_count(pl_loop_system(loop));
    struct pl_channels *c = calloc(1, sizeof *c + loops * sizeof c->hubs[0]);

    if (c == NULL)
        return PL_ENOMEM;
    c->options = *options;
    c->tracer = options->tracer != NULL ? options->tracer : &pl_tracer_none;
    c->loop_count = loops;
    c->retry.fire = on_retry;
    c->answers.most = c->lists.most = options->answer_request;
    pl_list_init(&c->pending);
    c->uses.owner = c;
    pl_rule_cache_set(&c->rules, options->rules);
    if (make_stores(c, loop) != PL_OK ||
        pl_leaving_init(&c->leaving) != PL_OK ||
        pl_actor_init(&c->actor, loop, &actor_ops) != PL_OK) {
        destroy_stores(c); /* the caller still owns the given stores */
        pl_rule_cache_fini(&c->rules);
        pl_leaving_fini(c);
        free(c);
        return PL_ENOMEM;
    }
    pl_id_table_init(&c->ids, loop, options->metrics);
    pl_makers_init(&c->makers, options->new_channels,
                   options->new_channels_burst, pl_loop_random(loop));
    pl_joined_users_init(&c->joined, pl_loop_random(loop));
    take_stores(c);
    bind_stores(c);
    *out = c;
    return PL_OK;
}

struct pl_address pl_channels_address(const struct pl_channels *c)
{
    return pl_actor_address(&c->actor);
}

void pl_channels_set_hubs(struct pl_channels *c, const struct pl_address *hubs,
                          unsigned count)
{
    for (unsigned l = 0; l < c->loop_count && l < count; l++)
        c->hubs[l] = hubs[l];
}
