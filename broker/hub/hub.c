/* SPDX-License-Identifier: Apache-2.0 */
/* hub.c - see hub.h: the actor and its routing.  hub_sub.c has the
 * subscriptions, hub_publisher.c the publishers.
 *
 * A request to the channel's owner returns as the same message, after all mail
 * that the owner sent before.  So the result of a subscribe marks the position
 * in the channel's order at which the subscriber becomes live.
 *
 * A gap in a channel's offsets, or another epoch, means lost publications: the
 * hub unsubscribes positioned subscribers with 2500, and SDKs recover.  An
 * offset at or below the last one is a duplicate, which is dropped and counted.
 *
 * Rejected: taking a duplicate for a gap, because each costs every subscriber a
 * recovery.  Buffering live publications during a recovery, because one ordered
 * path from the owner leaves nothing to merge.
 *
 * Invariant: the hub gives no reply to a stale session. */
#include "hub.h"

#include <assert.h>
#include <stdlib.h>

#include "channels_mail.h"
#include "code.h"
#include "hub_mail.h"
#include "hub_private.h"
#include "mail.h"
#include "mail_origin.h"
#include "monitor.h"
#include "system.h"

static bool name_matches(const struct pl_map_node *n, const void *key)
{
    const struct pl_hub_channel *c =
        PL_CONTAINER(n, const struct pl_hub_channel, node);
    const struct pl_span *name = key;

    return pl_span_equal(pl_blob_span(c->name), *name);
}

struct pl_hub_channel *pl_hub_channel_find(struct pl_hub *h, uint64_t hash,
                                           struct pl_span name)
{
    struct pl_map_node *n =
        pl_map_find(&h->channels, hash, name_matches, &name);

    return n == NULL ? NULL : PL_CONTAINER(n, struct pl_hub_channel, node);
}

static struct pl_hub_channel *create_channel(struct pl_hub *h, uint64_t hash,
                                             struct pl_span name,
                                             struct pl_rules *rules)
{
    struct pl_rules_use *use = pl_rules_use_take(&h->rules, rules);
    struct pl_hub_channel *c =
        use == NULL ? NULL : pl_hub_channel_create(use, name);

    if (c == NULL || pl_map_add(&h->channels, &c->node, hash) != PL_OK) {
        pl_hub_channel_destroy(c);
        pl_rules_use_drop(&h->rules, use);
        return NULL;
    }
    pl_count(h->options.metrics, PL_METRIC_HUB_CHANNELS, 1);
    return c;
}

/* A channel that exists takes newer rules; out of memory, it keeps its own. */
struct pl_hub_channel *pl_hub_channel_get(struct pl_hub *h, uint64_t hash,
                                          struct pl_span name,
                                          struct pl_rules *rules)
{
    struct pl_hub_channel *c = pl_hub_channel_find(h, hash, name);

    if (c == NULL)
        return create_channel(h, hash, name, rules);
    pl_rules_use_renew(&h->rules, &c->rules, rules);
    return c;
}

void pl_hub_channel_drop(struct pl_hub *h, struct pl_hub_channel *c)
{
    if (c->count > 0)
        return;
    struct pl_rules_use *use = c->rules;

    pl_map_remove(&h->channels, &c->node);
    pl_hub_channel_destroy(c);
    pl_rules_use_drop(&h->rules, use);
    pl_gauge_drop(h->options.metrics, PL_METRIC_HUB_CHANNELS, 1);
}

struct pl_loop *pl_hub_loop(struct pl_hub *h)
{
    return h->actor.loop;
}

struct pl_metrics *pl_hub_metrics(struct pl_hub *h)
{
    return h->options.metrics;
}

struct pl_tracer *pl_hub_tracer(struct pl_hub *h)
{
    return h->tracer;
}

struct pl_segment *pl_hub_presence_segment(struct pl_hub *h,
                                           enum pl_encoding encoding)
{
    if (h->presence[encoding] == NULL)
        h->presence[encoding] = pl_segment_create(h->segments);
    pl_loop_defer(h->actor.loop, PL_STAGE_SEAL, &h->seal_presence);
    return h->presence[encoding];
}

static void seal_presence(struct pl_task *t)
{
    struct pl_hub *h = PL_CONTAINER(t, struct pl_hub, seal_presence);

    for (int e = 0; e < PL_ENCODING_COUNT; e++) {
        pl_segment_seal(h->segments, h->presence[e]);
        pl_segment_release(h->segments, h->presence[e]);
        h->presence[e] = NULL;
    }
}

struct pl_segment_pool *pl_hub_segments(struct pl_hub *h)
{
    return h->segments;
}

struct pl_forms *pl_hub_forms(struct pl_hub *h)
{
    return h->forms;
}

const struct pl_hash_key *pl_hub_key(const struct pl_hub *h)
{
    return h->options.key;
}

uint64_t pl_hub_hash(const struct pl_hub *h, struct pl_span channel)
{
    return pl_hash(h->options.key, channel);
}

struct pl_span pl_sub_channel(const struct pl_sub *sub)
{
    return pl_blob_span(sub->channel->name);
}

const struct pl_rules *pl_sub_rules(const struct pl_sub *sub)
{
    return sub->channel->rules->rules;
}

struct pl_address pl_hub_owner(const struct pl_hub *h, uint64_t hash)
{
    return h->options.channels[hash % h->options.channel_owners];
}

bool pl_hub_is_backlogged(const struct pl_hub *h, struct pl_address owner)
{
    struct pl_system *s = pl_loop_system(h->actor.loop);

    return pl_loop_backlog(pl_system_loop(s, owner.loop)) >
           h->options.backlog_limit;
}

struct pl_origin pl_hub_origin(struct pl_subscriber *u, struct pl_sub *sub,
                               uint32_t command, uint32_t kind)
{
    return (struct pl_origin){
        .session = pl_client_address(u->client),
        .subscriber = u,
        .sub = sub,
        .command = command,
        .kind = kind,
    };
}

struct pl_subscriber *pl_hub_asker(struct pl_hub *h, const struct pl_origin *o)
{
    if (pl_address_is_none(o->session) ||
        pl_actor_find(h->actor.loop, o->session) == NULL)
        return NULL;
    return o->subscriber;
}

/* --- Publications --- */

void pl_hub_fan_out(struct pl_hub *h, const struct pl_pub *p)
{
    struct pl_hub_channel *c =
        pl_hub_channel_find(h, p->hash, pl_pub_channel(p));

    if (c == NULL)
        return;
    enum pl_hub_fit fit = pl_hub_channel_fit(c, p);
    if (pl_tracer_is_on(h->tracer))
        pl_hub_trace_publication(
            h, c, p, fit == PL_HUB_FIT_AGAIN ? "it came before" : NULL);
    if (fit == PL_HUB_FIT_AGAIN) {
        pl_hub_channel_skip(c);
        return;
    }
    if (fit == PL_HUB_FIT_GAP) {
        pl_hub_drop_positioned(h, c);
        c = pl_hub_channel_find(h, p->hash, pl_pub_channel(p));
        if (c == NULL)
            return;
    }
    bool is_gathered = pl_hub_channel_publish(c, p);
    if (p->offset != 0) /* else it is beside the history, if there is one */
        pl_hub_channel_move(c, p->epoch, p->offset);
    if (!is_gathered)
        pl_hub_drop_positioned(h, c);
}

uint32_t pl_hub_undelivered(const struct pl_msg *msg)
{
    return msg->status == PL_EFULL ? PL_ERROR_TOO_MANY_REQUESTS
                                   : PL_ERROR_STOPPING;
}

/* Walk the shorter list; otherwise each reply to a client with 1,000
 * subscriptions scans all of them. */
void pl_hub_deliver_pending(struct pl_hub *h, struct pl_subscriber *u,
                            uint64_t hash, struct pl_span channel)
{
    struct pl_hub_channel *c =
        u->subs == NULL ? NULL : pl_hub_channel_find(h, hash, channel);

    if (c == NULL)
        return;
    if (c->count < u->sub_count) {
        pl_hub_channel_deliver_all_pending(c, u);
        return;
    }
    for (struct pl_sub *sub = u->subs; sub != NULL; sub = sub->next) {
        if (sub->channel == c) /* one may be leaving, with a successor */
            pl_hub_channel_deliver_pending(c, sub);
    }
}

static void on_publication(struct pl_hub *h, struct pl_publication_mail *m)
{
    pl_hub_fan_out(h, m->pub);
    pl_mail_destroy(&m->msg);
}

static void on_presence_event(struct pl_hub *h,
                              struct pl_presence_event_mail *m)
{
    struct pl_hub_channel *c =
        pl_hub_channel_find(h, m->hash, pl_blob_span(m->channel));

    if (c != NULL)
        pl_hub_channel_tell(c, m->client, m->is_join);
    pl_mail_destroy(&m->msg);
}

static void on_trace(struct pl_hub *h, struct pl_trace_mail *m)
{
    pl_tracer_execute(h->tracer, m);
    pl_mail_answer(&h->actor, &m->msg);
}

static void on_gap(struct pl_hub *h, struct pl_gap_mail *m)
{
    struct pl_hub_channel *c =
        pl_hub_channel_find(h, m->hash, pl_blob_span(m->channel));

    if (c != NULL)
        pl_hub_drop_positioned(h, c);
    pl_mail_destroy(&m->msg);
}

/* --- Queries --- */

enum pl_err pl_hub_query(struct pl_hub *h, struct pl_subscriber *u,
                         struct pl_query_mail *q, struct pl_span channel,
                         uint32_t command, uint32_t kind)
{
    struct pl_address owner = pl_hub_owner(h, q->hash);
    enum pl_err rc = PL_EFULL;

    if (pl_hub_is_backlogged(h, owner))
        goto fail;
    rc = PL_ENOMEM;
    q->channel = pl_blob_create(channel);
    if (q->channel == NULL)
        goto fail;
    q->client = pl_client_hold(u->client);
    q->origin = pl_hub_origin(u, NULL, command, kind);
    pl_actor_send(&h->actor, owner, &q->msg);
    return PL_OK;

fail:
    pl_mail_destroy(&q->msg);
    return rc;
}

static void on_queried(struct pl_hub *h, struct pl_query_mail *m)
{
    pl_hub_tell_publishers(h);
    if (m->kind == PL_QUERY_BARRIER) {
        pl_hub_on_barrier(h, m);
        return;
    }
    struct pl_subscriber *u = pl_hub_asker(h, &m->origin);
    if (m->msg.returned)
        m->error = pl_hub_undelivered(&m->msg);
    if (u != NULL) {
        pl_hub_deliver_pending(h, u, m->hash, pl_blob_span(m->channel));
        u->ops->queried(u, m);
    }
    pl_mail_destroy(&m->msg);
}

struct pl_client_info pl_client_info_of(const struct pl_client *c)
{
    return (struct pl_client_info){
        .user = pl_client_user(c),
        .client = pl_client_id(c),
        .conn_info = pl_client_conn_info(c),
        .chan_info = pl_client_chan_info(c),
    };
}

/* --- The actor --- */

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct pl_hub *h = (struct pl_hub *)a;

    switch (msg->type) {
    case PL_MAIL_PUBLISH:
        pl_hub_on_published(h, (struct pl_publish_mail *)msg);
        return;
    case PL_MAIL_PUBLICATION:
        on_publication(h, (struct pl_publication_mail *)msg);
        return;
    case PL_MAIL_ATTACH:
        pl_hub_on_attached(h, (struct pl_attach_mail *)msg);
        return;
    case PL_MAIL_QUERY:
        on_queried(h, (struct pl_query_mail *)msg);
        return;
    case PL_MAIL_PRESENCE_EVENT:
        on_presence_event(h, (struct pl_presence_event_mail *)msg);
        return;
    case PL_MAIL_GAP:
        on_gap(h, (struct pl_gap_mail *)msg);
        return;
    case PL_MAIL_TRACE:
        on_trace(h, (struct pl_trace_mail *)msg);
        return;
    case PL_MSG_STOP:
        pl_mail_destroy(msg);
        pl_actor_exit(&h->actor, "stopped");
        return;
    default:
        pl_actor_refuse(a, msg);
    }
}

/* Free ended subscriptions without a result, because the channel owner exited
 * first. */
static void free_channel(struct pl_map_node *n, void *arg)
{
    struct pl_hub_channel *c = PL_CONTAINER(n, struct pl_hub_channel, node);
    struct pl_hub *h = arg;

    while (c->count > 0) {
        struct pl_sub *sub = c->subs[0];

        assert(sub->state == PL_SUB_ENDED);
        pl_hub_channel_remove(c, sub);
        pl_client_release(sub->client);
        free(sub);
    }
    pl_hub_channel_drop(h, c);
}

static void reap(struct pl_actor *a)
{
    struct pl_hub *h = (struct pl_hub *)a;

    pl_tracer_fini(h->tracer);
    pl_hub_free_publishers(h);
    pl_map_each(&h->channels, free_channel, h);
    pl_map_fini(&h->channels);
    pl_hub_forget_shown(h);
    pl_rules_uses_fini(&h->rules);
    pl_loop_cancel(a->loop, &h->seal_presence);
    pl_timer_stop(a->loop, &h->retry);
    for (int e = 0; e < PL_ENCODING_COUNT; e++)
        pl_segment_release(h->segments, h->presence[e]);
    pl_forms_release(h->forms);
    free(h);
}

static const struct pl_actor_ops ops = {
    .name = "hub",
    .mailbox_limit = 65536,
    .receive = receive,
    .reap = reap,
};

enum pl_err pl_hub_create(struct pl_hub **out, struct pl_loop *loop,
                          const struct pl_hub_options *options)
{
    struct pl_hub *h = calloc(1, sizeof *h);

    if (h == NULL)
        return PL_ENOMEM;
    h->options = *options;
    h->tracer = options->tracer != NULL ? options->tracer : &pl_tracer_none;
    h->rules.owner = h;
    h->seal_presence.run = seal_presence;
    pl_hub_init_publishers(h);
    h->retry.fire = pl_hub_retry_leaving;
    h->forms = pl_forms_create();
    enum pl_err rc =
        h->forms == NULL ? PL_ENOMEM : pl_actor_init(&h->actor, loop, &ops);
    if (rc != PL_OK) {
        pl_forms_release(h->forms);
        free(h);
        return rc;
    }
    h->segments = pl_forms_pool(h->forms);
    *out = h;
    return PL_OK;
}

struct pl_address pl_hub_address(const struct pl_hub *h)
{
    return pl_actor_address(&h->actor);
}
