/* SPDX-License-Identifier: Apache-2.0 */
/* hub.c - see hub.h.
 *
 * Requests go to the channel's owner and come back as the same message; what
 * the owner sent before an answer is handled before it, so the answer to a
 * subscribe marks the exact place in the channel's order from which on the
 * subscriber is live.  A subscription that ends while its attach is on its way
 * stays as an ended one until the answer comes; its detach follows at once.
 *
 * A jump in a channel's offsets can only mean loss (a store or bus that failed
 * half-way): positioned subscribers are then unsubscribed with 2500, which
 * makes SDKs recover.  Buffering live publications during a recovery was
 * rejected: with one ordered path from the owner there is nothing to merge.
 *
 * Invariant: for each attach sent exactly one detach is sent, later. */
#include "hub.h"

#include <assert.h>
#include <stdlib.h>

#include "code.h"
#include "hub_channel.h"
#include "monitor.h"
#include "system.h"

struct pl_hub {
    struct pl_actor actor; /* first */
    struct pl_hub_options options;
    struct pl_map channels;
    struct pl_segment *aside[PL_ENCODING_COUNT]; /* joins and leaves */
    struct pl_task seal_aside;
    struct pl_sub *leaving; /* ended, waiting for memory for their detach */
    struct pl_timer retry;
};

enum { RETRY_MS = 50 };

static bool name_matches(const struct pl_map_node *n, const void *key)
{
    const struct pl_hub_channel *c =
        PL_CONTAINER(n, const struct pl_hub_channel, node);
    const struct pl_span *name = key;

    return pl_span_equal(pl_blob_span(c->name), *name);
}

static struct pl_hub_channel *find(struct pl_hub *h, uint64_t hash,
                                   struct pl_span name)
{
    struct pl_map_node *n =
        pl_map_find(&h->channels, hash, name_matches, &name);

    return n == NULL ? NULL : PL_CONTAINER(n, struct pl_hub_channel, node);
}

static struct pl_hub_channel *find_or_create(struct pl_hub *h, uint64_t hash,
                                             struct pl_span name)
{
    struct pl_hub_channel *c = find(h, hash, name);

    if (c != NULL)
        return c;
    c = pl_hub_channel_create(h, name);
    if (c == NULL || pl_map_add(&h->channels, &c->node, hash) != PL_OK) {
        pl_hub_channel_destroy(c);
        return NULL;
    }
    pl_count(h->options.metrics, PL_METRIC_HUB_CHANNELS, 1);
    return c;
}

static void drop_if_empty(struct pl_hub *h, struct pl_hub_channel *c)
{
    if (c->count > 0)
        return;
    pl_map_remove(&h->channels, &c->node);
    pl_hub_channel_destroy(c);
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

struct pl_segment *pl_hub_aside(struct pl_hub *h, enum pl_encoding encoding)
{
    if (h->aside[encoding] == NULL)
        h->aside[encoding] = pl_segment_create();
    pl_loop_defer(h->actor.loop, PL_STAGE_SEAL, &h->seal_aside);
    return h->aside[encoding];
}

static void seal_aside(struct pl_task *t)
{
    struct pl_hub *h = PL_CONTAINER(t, struct pl_hub, seal_aside);

    for (int e = 0; e < PL_ENCODING_COUNT; e++) {
        pl_segment_release(h->aside[e]);
        h->aside[e] = NULL;
    }
}

uint64_t pl_hub_hash(const struct pl_hub *h, struct pl_span channel)
{
    return pl_hash(h->options.key, channel);
}

struct pl_span pl_sub_channel(const struct pl_sub *sub)
{
    return pl_blob_span(sub->channel->name);
}

static struct pl_address owner_of(const struct pl_hub *h, uint64_t hash)
{
    return h->options.channels[hash % h->options.channel_owners];
}

static bool is_behind(const struct pl_hub *h, struct pl_address owner)
{
    struct pl_system *s = pl_loop_system(h->actor.loop);

    return pl_loop_backlog(pl_system_loop(s, owner.loop)) >
           h->options.backlog_limit;
}

static struct pl_origin origin_of(struct pl_subscriber *u, struct pl_sub *sub,
                                  uint32_t command, uint32_t kind)
{
    return (struct pl_origin){
        .session = u == NULL ? (struct pl_address){0} : u->address,
        .subscriber = u,
        .sub = sub,
        .command = command,
        .kind = kind,
    };
}

/* The subscriber an answer is for, or NULL when it has gone. */
static struct pl_subscriber *asker(struct pl_hub *h, const struct pl_origin *o)
{
    if (pl_address_is_none(o->session) ||
        pl_actor_find(h->actor.loop, o->session) == NULL)
        return NULL;
    return o->subscriber;
}

/* --- Subscriptions --- */

static void link_sub(struct pl_hub *h, struct pl_sub *sub)
{
    struct pl_subscriber *u = sub->subscriber;

    sub->next = u->subs;
    u->subs = sub;
    u->sub_count++;
    pl_count(h->options.metrics, PL_METRIC_SUBSCRIPTIONS, 1);
}

static void unlink_sub(struct pl_hub *h, struct pl_sub *sub)
{
    struct pl_subscriber *u = sub->subscriber;
    struct pl_sub **at = &u->subs;

    while (*at != sub)
        at = &(*at)->next;
    *at = sub->next;
    u->sub_count--;
    pl_gauge_drop(h->options.metrics, PL_METRIC_SUBSCRIPTIONS, 1);
}

static uint8_t attach_flags(uint8_t sub_flags)
{
    uint8_t flags = 0;

    if (sub_flags & PL_SUB_RECOVER)
        flags |= PL_ATTACH_RECOVER;
    if (sub_flags & PL_SUB_JOIN_LEAVE)
        flags |= PL_ATTACH_JOIN_LEAVE;
    if (sub_flags & PL_SUB_HIDDEN)
        flags |= PL_ATTACH_HIDDEN;
    if (sub_flags & PL_SUB_REJECT)
        flags |= PL_ATTACH_REJECT;
    return flags;
}

static void send_attach(struct pl_hub *h, struct pl_attach_mail *m,
                        struct pl_sub *sub, const struct pl_subscribe_ask *ask)
{
    struct pl_hub_channel *c = sub->channel;

    m->origin = origin_of(sub->subscriber, sub, ask->command, ask->kind);
    m->channel = pl_blob_hold(c->name);
    m->hash = c->node.hash;
    m->client = pl_client_hold(sub->subscriber->client);
    m->flags = attach_flags(ask->flags);
    pl_epoch_copy(m->epoch, ask->epoch);
    m->offset = ask->offset;
    pl_actor_send(&h->actor, owner_of(h, m->hash), &m->msg);
}

enum pl_err pl_hub_subscribe(struct pl_hub *h, struct pl_subscriber *u,
                             const struct pl_subscribe_ask *ask)
{
    uint64_t hash = pl_hub_hash(h, ask->channel);

    if (pl_hub_find(h, u, ask->channel) != NULL)
        return PL_EEXIST;
    if (is_behind(h, owner_of(h, hash)))
        return PL_EFULL;
    struct pl_hub_channel *c = find_or_create(h, hash, ask->channel);
    if (c == NULL)
        return PL_ENOMEM;
    struct pl_attach_mail *m = pl_attach_mail_create();
    struct pl_sub *sub =
        m == NULL ? NULL : pl_hub_channel_add(c, u, ask->flags);
    if (sub == NULL) {
        if (m != NULL)
            pl_mail_destroy(&m->msg);
        drop_if_empty(h, c);
        return PL_ENOMEM;
    }
    link_sub(h, sub);
    send_attach(h, m, sub, ask);
    return PL_OK;
}

struct pl_sub *pl_hub_find(struct pl_hub *h, const struct pl_subscriber *u,
                           struct pl_span channel)
{
    if (u->subs == NULL)
        return NULL;
    struct pl_hub_channel *c = find(h, pl_hub_hash(h, channel), channel);
    if (c == NULL)
        return NULL;
    for (struct pl_sub *sub = u->subs; sub != NULL; sub = sub->next) {
        if (sub->channel == c)
            return sub;
    }
    return NULL;
}

static bool send_detach(struct pl_hub *h, const struct pl_sub *sub,
                        struct pl_client *client, bool failed)
{
    struct pl_hub_channel *c = sub->channel;
    struct pl_detach_mail *m = pl_detach_mail_create();

    if (m == NULL)
        return false;
    m->channel = pl_blob_hold(c->name);
    m->hash = c->node.hash;
    m->client = pl_client_hold(client);
    m->flags = attach_flags(sub->flags);
    m->failed = failed;
    pl_actor_send(&h->actor, owner_of(h, m->hash), &m->msg);
    return true;
}

static void free_sub(struct pl_hub *h, struct pl_sub *sub)
{
    struct pl_hub_channel *c = sub->channel;

    pl_hub_channel_remove(c, sub);
    free(sub);
    drop_if_empty(h, c);
}

/* A detach must not be lost for want of memory: the sub waits for it. */
static void leave_later(struct pl_hub *h, struct pl_sub *sub,
                        struct pl_client *client)
{
    sub->client = pl_client_hold(client);
    sub->next = h->leaving;
    h->leaving = sub;
    if (!pl_timer_is_running(&h->retry))
        pl_timer_start(h->actor.loop, &h->retry, RETRY_MS);
}

static void retry_leaving(struct pl_timer *t)
{
    struct pl_hub *h = PL_CONTAINER(t, struct pl_hub, retry);

    while (h->leaving != NULL) {
        struct pl_sub *sub = h->leaving;
        struct pl_client *client = sub->client;

        if (!send_detach(h, sub, client, false)) {
            pl_timer_start(h->actor.loop, &h->retry, RETRY_MS);
            return;
        }
        h->leaving = sub->next;
        pl_client_release(client);
        free_sub(h, sub);
    }
}

/* The sub leaves its subscriber.  While its answer is on the way it stays, and
 * sub->client tells whether its detach could not be sent yet. */
static void end(struct pl_hub *h, struct pl_sub *sub, bool failed)
{
    struct pl_client *client = sub->subscriber->client;
    bool is_attaching = sub->state == PL_SUB_ATTACHING && !failed;

    unlink_sub(h, sub);
    pl_hub_channel_still(sub->channel, sub);
    sub->state = PL_SUB_ENDED;
    sub->client = NULL;
    bool is_sent = send_detach(h, sub, client, failed);
    if (is_attaching)
        sub->client = is_sent ? NULL : pl_client_hold(client);
    else if (is_sent)
        free_sub(h, sub);
    else
        leave_later(h, sub, client);
}

void pl_hub_unsubscribe(struct pl_hub *h, struct pl_sub *sub, bool closing)
{
    if (closing)
        pl_hub_channel_cancel(sub->channel, sub);
    else
        pl_hub_channel_settle(sub->channel, sub);
    end(h, sub, false);
}

void pl_hub_leave(struct pl_hub *h, struct pl_subscriber *u)
{
    while (u->subs != NULL)
        pl_hub_unsubscribe(h, u->subs, true);
}

/* The answer to the attach of a sub that ended meanwhile. */
static void bury(struct pl_hub *h, struct pl_sub *sub, bool is_undelivered)
{
    struct pl_client *client = sub->client;

    if (client == NULL || is_undelivered || send_detach(h, sub, client, false))
        free_sub(h, sub);
    else
        leave_later(h, sub, client);
    pl_client_release(client);
}

/* What came before the answer and what it says must fit together. */
static bool follows(struct pl_hub_channel *c, const struct pl_attach_mail *m)
{
    if (c->last == 0 || c->last == m->offset)
        return true;
    return c->live[PL_ENCODING_JSON] + c->live[PL_ENCODING_PROTOBUF] == 0;
}

static void drop_positioned(struct pl_hub *h, struct pl_hub_channel *c)
{
    for (uint32_t i = c->count; i-- > 0;) {
        struct pl_sub *sub = c->subs[i];

        if (sub->state != PL_SUB_LIVE || !sub->is_positioned)
            continue;
        pl_hub_channel_settle(c, sub);
        sub->subscriber->ops->dropped(sub->subscriber, sub,
                                      PL_UNSUBSCRIBE_INSUFFICIENT);
        end(h, sub, false);
    }
}

static void go_live(struct pl_hub *h, struct pl_sub *sub,
                    const struct pl_attach_mail *m)
{
    struct pl_hub_channel *c = sub->channel;

    if (m->positioned && !follows(c, m))
        drop_positioned(h, c);
    sub->is_positioned = m->positioned;
    if (m->positioned)
        c->last = m->offset;
    sub->subscriber->ops->attached(sub->subscriber, sub, m);
    pl_hub_channel_go_live(c, sub);
}

static void on_attached(struct pl_hub *h, struct pl_attach_mail *m)
{
    struct pl_sub *sub = m->origin.sub;

    if (m->msg.returned)
        m->error = PL_ERROR_STOPPING;
    if (sub->state == PL_SUB_ENDED) {
        bury(h, sub, m->msg.returned);
    } else if (m->error == 0) {
        go_live(h, sub, m);
    } else {
        sub->subscriber->ops->attached(sub->subscriber, sub, m);
        end(h, sub, true);
    }
    pl_mail_destroy(&m->msg);
}

/* --- Publications --- */

static void fan_out(struct pl_hub *h, const struct pl_pub *p)
{
    struct pl_hub_channel *c = find(h, p->hash, pl_pub_channel(p));

    if (c == NULL)
        return;
    if (p->offset != 0 && c->last != 0 && p->offset != c->last + 1) {
        drop_positioned(h, c);
        c = find(h, p->hash, pl_pub_channel(p));
        if (c == NULL)
            return;
    }
    pl_hub_channel_publish(c, p);
    c->last = p->offset;
}

enum pl_err pl_hub_publish(struct pl_hub *h, struct pl_subscriber *u,
                           const struct pl_publish_ask *ask)
{
    uint64_t hash = pl_hub_hash(h, ask->channel);

    if (is_behind(h, owner_of(h, hash)))
        return PL_EFULL;
    struct pl_publish_mail *m = pl_publish_mail_create();
    if (m == NULL)
        return PL_ENOMEM;
    m->pub = pl_pub_create(ask->channel, hash, ask->data, u->client);
    if (m->pub == NULL) {
        pl_mail_destroy(&m->msg);
        return PL_ENOMEM;
    }
    m->pub->is_json = ask->is_json;
    m->origin = origin_of(u, NULL, ask->command, ask->kind);
    pl_actor_send(&h->actor, owner_of(h, hash), &m->msg);
    return PL_OK;
}

static uint32_t undelivered_error(const struct pl_msg *msg)
{
    return msg->status == PL_EFULL ? PL_ERROR_TOO_MANY_REQUESTS
                                   : PL_ERROR_STOPPING;
}

/* A publisher sees its own publication before the reply. */
static void settle_channel(struct pl_hub *h, struct pl_subscriber *u,
                           uint64_t hash, struct pl_span channel)
{
    struct pl_hub_channel *c = u->subs == NULL ? NULL : find(h, hash, channel);

    if (c == NULL)
        return;
    for (struct pl_sub *sub = u->subs; sub != NULL; sub = sub->next) {
        if (sub->channel == c) {
            pl_hub_channel_settle(c, sub);
            return;
        }
    }
}

static void on_published(struct pl_hub *h, struct pl_publish_mail *m)
{
    struct pl_subscriber *u = asker(h, &m->origin);

    if (m->msg.returned)
        m->error = undelivered_error(&m->msg);
    else if (m->fan_out)
        fan_out(h, m->pub);
    if (u != NULL) {
        settle_channel(h, u, m->pub->hash, pl_pub_channel(m->pub));
        u->ops->published(u, m);
    }
    pl_mail_destroy(&m->msg);
}

static void on_publication(struct pl_hub *h, struct pl_publication_mail *m)
{
    fan_out(h, m->pub);
    pl_mail_destroy(&m->msg);
}

static void on_presence_event(struct pl_hub *h,
                              struct pl_presence_event_mail *m)
{
    struct pl_hub_channel *c = find(h, m->hash, pl_blob_span(m->channel));

    if (c != NULL)
        pl_hub_channel_tell(c, m->client, m->is_join);
    pl_mail_destroy(&m->msg);
}

static void on_gap(struct pl_hub *h, struct pl_gap_mail *m)
{
    struct pl_hub_channel *c = find(h, m->hash, pl_blob_span(m->channel));

    if (c != NULL)
        drop_positioned(h, c);
    pl_mail_destroy(&m->msg);
}

/* --- Queries --- */

enum pl_err pl_hub_query(struct pl_hub *h, struct pl_subscriber *u,
                         struct pl_query_mail *q, struct pl_span channel,
                         uint32_t command, uint32_t kind)
{
    uint64_t hash = pl_hub_hash(h, channel);
    enum pl_err rc = PL_EFULL;

    if (is_behind(h, owner_of(h, hash)))
        goto fail;
    rc = PL_ENOMEM;
    q->channel = pl_blob_create(channel);
    if (q->channel == NULL)
        goto fail;
    q->hash = hash;
    q->origin = origin_of(u, NULL, command, kind);
    pl_actor_send(&h->actor, owner_of(h, hash), &q->msg);
    return PL_OK;

fail:
    pl_mail_destroy(&q->msg);
    return rc;
}

static void on_queried(struct pl_hub *h, struct pl_query_mail *m)
{
    struct pl_subscriber *u = asker(h, &m->origin);

    if (m->msg.returned)
        m->error = undelivered_error(&m->msg);
    if (u != NULL) {
        settle_channel(h, u, m->hash, pl_blob_span(m->channel));
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
    };
}

/* --- The actor --- */

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct pl_hub *h = (struct pl_hub *)a;

    switch (msg->type) {
    case PL_MAIL_PUBLISH:
        on_published(h, (struct pl_publish_mail *)msg);
        return;
    case PL_MAIL_PUBLICATION:
        on_publication(h, (struct pl_publication_mail *)msg);
        return;
    case PL_MAIL_ATTACH:
        on_attached(h, (struct pl_attach_mail *)msg);
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
    case PL_MSG_STOP:
        pl_mail_destroy(msg);
        pl_hub_stop(h);
        return;
    default:
        pl_mail_destroy(msg); /* handled: a type that it ignores */
    }
}

/* Ended subs whose answer never came, since the owner went first. */
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
    drop_if_empty(h, c);
}

static void reap(struct pl_actor *a)
{
    struct pl_hub *h = (struct pl_hub *)a;

    pl_map_each(&h->channels, free_channel, h);
    pl_map_fini(&h->channels);
    pl_loop_cancel(a->loop, &h->seal_aside);
    pl_timer_stop(a->loop, &h->retry);
    for (int e = 0; e < PL_ENCODING_COUNT; e++)
        pl_segment_release(h->aside[e]);
    free(h);
}

static const struct pl_actor_ops ops = {
    .name = "hub",
    .mailbox = {.limit = 65536, .when_full = PL_FULL_REFUSE},
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
    h->seal_aside.run = seal_aside;
    h->retry.fire = retry_leaving;
    enum pl_err rc = pl_actor_init(&h->actor, loop, &ops);
    if (rc != PL_OK) {
        free(h);
        return rc;
    }
    *out = h;
    return PL_OK;
}

void pl_hub_set_owners(struct pl_hub *h, const struct pl_address *channels,
                       unsigned owners)
{
    h->options.channels = channels;
    h->options.channel_owners = owners;
}

void pl_hub_stop(struct pl_hub *h)
{
    pl_actor_exit(&h->actor, "stopped");
}

struct pl_address pl_hub_address(const struct pl_hub *h)
{
    return pl_actor_address(&h->actor);
}
