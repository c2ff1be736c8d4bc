/* SPDX-License-Identifier: Apache-2.0 */
/* hub_sub.c - the states of a subscription on its loop: attaching, live,
 * leaving, ended.
 *
 * An unsubscribe command takes its place in the channel's order: the hub sends
 * a detach and then a barrier, and the subscription ends when the barrier
 * returns, after the replies to all earlier requests of the client.  If the
 * client subscribes to the channel again meanwhile, that is another
 * subscription.  A session that closes ends its subscriptions at once.
 *
 * Invariant: for each attach exactly one detach is sent later.  A subscription
 * is freed when it has ended and all results that refer to it have arrived. */
#include "hub_private.h"

#include <assert.h>
#include <stdlib.h>

#include "channels_mail.h"
#include "code.h"
#include "mail.h"
#include "pub.h"

enum {
    RETRY_MS = 50,
    SERIALS = 1 << 24 /* the values of the field `serial` */
};

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
    if (!sub->is_leaving)
        u->sub_count--;
    pl_gauge_drop(h->options.metrics, PL_METRIC_SUBSCRIPTIONS, 1);
}

static uint16_t attach_flags(unsigned sub_flags)
{
    static const struct {
        uint16_t sub, attach;
    } rows[] = {
        {PL_SUB_RECOVER, PL_ATTACH_RECOVER},
        {PL_SUB_JOIN_LEAVE, PL_ATTACH_JOIN_LEAVE},
        {PL_SUB_HIDDEN, PL_ATTACH_HIDDEN},
        {PL_SUB_REJECT, PL_ATTACH_REJECT},
        {PL_SUB_SERVER_SIDE, PL_ATTACH_SERVER_SIDE},
        {PL_SUB_UNPOSITIONED, PL_ATTACH_UNPOSITIONED},
        {PL_SUB_UNRECOVERABLE, PL_ATTACH_UNRECOVERABLE},
        {PL_SUB_UNLISTED, PL_ATTACH_UNLISTED},
        {PL_SUB_LISTED, PL_ATTACH_LISTED},
        {PL_SUB_UNTOLD, PL_ATTACH_UNTOLD},
        {PL_SUB_TOLD, PL_ATTACH_TOLD},
    };
    unsigned flags = 0;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        flags |= sub_flags & rows[i].sub ? rows[i].attach : 0u;
    return (uint16_t)flags;
}

static void send_attach(struct pl_hub *h, struct pl_attach_mail *m,
                        struct pl_sub *sub, const struct pl_subscribe_ask *ask)
{
    struct pl_hub_channel *c = sub->channel;

    m->origin = pl_hub_origin(sub->subscriber, sub, ask->command, ask->kind);
    m->channel = pl_blob_hold(c->name);
    m->hash = c->node.hash;
    m->client = pl_client_hold(sub->subscriber->client);
    m->rules = pl_rules_hold(c->rules->rules);
    m->flags = attach_flags(ask->flags);
    pl_epoch_copy(m->epoch, ask->epoch);
    m->offset = ask->offset;
    m->expires_at_s = ask->expires_at_s;
    pl_actor_send(&h->actor, pl_hub_owner(h, m->hash), &m->msg);
}

static bool fill_terms(struct pl_attach_mail *m, const struct pl_client *client,
                       const struct pl_subscribe_ask *ask)
{
    if (ask->data.at != NULL && (m->data = pl_blob_create(ask->data)) == NULL)
        return false;
    return ask->info.at == NULL ||
           pl_client_create_shown(&m->shown, client, ask->info) == PL_OK;
}

/* NULL: out of memory. */
static struct pl_attach_mail *create_attach(const struct pl_client *client,
                                            const struct pl_subscribe_ask *ask)
{
    struct pl_attach_mail *m = pl_attach_mail_create();

    if (m == NULL || fill_terms(m, client, ask))
        return m;
    pl_mail_destroy(&m->msg);
    return NULL;
}

/* NULL: out of memory. */
static struct pl_sub *create_sub(struct pl_hub *h, struct pl_hub_channel *c,
                                 struct pl_subscriber *u, uint16_t flags,
                                 const struct pl_attach_mail *m)
{
    struct pl_sub *sub = pl_hub_channel_add(c, u, flags);

    if (sub == NULL || pl_hub_show(h, sub, m->shown) == PL_OK)
        return sub;
    pl_hub_channel_remove(c, sub);
    free(sub);
    return NULL;
}

/* Skip 0 and 1: as out-queue tags they mean "never drop" and PL_OUT_LOSSY. */
static uint32_t next_serial(struct pl_hub *h)
{
    h->serial = (h->serial + 1) % SERIALS;
    if (h->serial < 2)
        h->serial = 2;
    return h->serial;
}

enum pl_err pl_hub_subscribe(struct pl_hub *h, struct pl_subscriber *u,
                             const struct pl_subscribe_ask *ask)
{
    assert(!pl_form_is_text((enum pl_form)u->form) ||
           u->encoding == PL_ENCODING_JSON);
    if (pl_hub_find(h, u, ask->channel, ask->hash) != NULL)
        return PL_EEXIST;
    if (pl_hub_is_backlogged(h, pl_hub_owner(h, ask->hash)))
        return PL_EFULL;
    struct pl_hub_channel *c =
        pl_hub_channel_get(h, ask->hash, ask->channel, ask->rules);
    if (c == NULL)
        return PL_ENOMEM;
    struct pl_attach_mail *m = create_attach(u->client, ask);
    struct pl_sub *sub = m == NULL ? NULL : create_sub(h, c, u, ask->flags, m);
    if (sub == NULL) {
        if (m != NULL)
            pl_mail_destroy(&m->msg);
        pl_hub_channel_drop(h, c);
        return PL_ENOMEM;
    }
    sub->awaits = 1;
    sub->serial = next_serial(h);
    link_sub(h, sub);
    send_attach(h, m, sub, ask);
    return PL_OK;
}

static bool is_found(const struct pl_sub *sub, const struct pl_subscriber *u,
                     const struct pl_hub_channel *c)
{
    return sub->state != PL_SUB_ENDED && sub->subscriber == u &&
           sub->channel == c && !sub->is_leaving;
}

static struct pl_sub *find_in_channel(const struct pl_hub_channel *c,
                                      const struct pl_subscriber *u)
{
    for (uint32_t i = 0; i < c->count; i++) {
        if (is_found(c->subs[i], u, c))
            return c->subs[i];
    }
    return NULL;
}

static struct pl_sub *find_in_subscriber(const struct pl_subscriber *u,
                                         const struct pl_hub_channel *c)
{
    for (struct pl_sub *sub = u->subs; sub != NULL; sub = sub->next) {
        if (is_found(sub, u, c))
            return sub;
    }
    return NULL;
}

/* Search the shorter of the two lists. */
struct pl_sub *pl_hub_find(struct pl_hub *h, const struct pl_subscriber *u,
                           struct pl_span channel, uint64_t hash)
{
    if (u->subs == NULL)
        return NULL;
    struct pl_hub_channel *c = pl_hub_channel_find(h, hash, channel);
    if (c == NULL)
        return NULL;
    return c->count < u->sub_count ? find_in_channel(c, u)
                                   : find_in_subscriber(u, c);
}

static bool send_detach(struct pl_hub *h, const struct pl_sub *sub,
                        struct pl_client *client)
{
    struct pl_hub_channel *c = sub->channel;
    struct pl_detach_mail *m = pl_detach_mail_create();

    if (m == NULL)
        return false;
    m->channel = pl_blob_hold(c->name);
    m->hash = c->node.hash;
    m->client = pl_client_hold(client);
    m->shown = pl_hub_take_shown(h, sub);
    m->flags = attach_flags(sub->flags);
    pl_actor_send(&h->actor, pl_hub_owner(h, m->hash), &m->msg);
    return true;
}

static void free_sub(struct pl_hub *h, struct pl_sub *sub)
{
    struct pl_hub_channel *c = sub->channel;

    pl_hub_channel_remove(c, sub);
    free(sub);
    pl_hub_channel_drop(h, c);
}

/* Free an ended subscription if no result and no detach is pending. */
static void free_if_resolved(struct pl_hub *h, struct pl_sub *sub)
{
    if (sub->awaits == 0 && sub->client == NULL)
        free_sub(h, sub);
}

/* Retry the detach later, because allocation failed and it must not be lost. */
static void leave_later(struct pl_hub *h, struct pl_sub *sub,
                        struct pl_client *client)
{
    sub->client = pl_client_hold(client);
    sub->next = h->leaving;
    h->leaving = sub;
    if (!pl_timer_is_running(&h->retry))
        pl_timer_start(h->actor.loop, &h->retry, RETRY_MS);
}

void pl_hub_retry_leaving(struct pl_timer *t)
{
    struct pl_hub *h = PL_CONTAINER(t, struct pl_hub, retry);

    while (h->leaving != NULL) {
        struct pl_sub *sub = h->leaving;
        struct pl_client *client = sub->client;

        if (!send_detach(h, sub, client)) {
            pl_timer_start(h->actor.loop, &h->retry, RETRY_MS);
            return;
        }
        h->leaving = sub->next;
        pl_client_release(client);
        sub->client = NULL;
        free_if_resolved(h, sub);
    }
}

/* End the subscription.  Its memory stays while results that refer to it are in
 * transit, or while its detach waits for memory. */
static void end(struct pl_hub *h, struct pl_sub *sub)
{
    struct pl_client *client = sub->subscriber->client;

    unlink_sub(h, sub);
    if (sub->state == PL_SUB_LOST)
        h->lost--;
    pl_hub_channel_deactivate(sub->channel, sub);
    sub->state = PL_SUB_ENDED;
    sub->client = NULL;
    if (!sub->is_leaving && !send_detach(h, sub, client))
        leave_later(h, sub, client);
    free_if_resolved(h, sub);
}

void pl_hub_leave(struct pl_hub *h, struct pl_subscriber *u)
{
    while (u->subs != NULL) {
        struct pl_sub *sub = u->subs;

        pl_hub_channel_cancel(sub->channel, sub);
        end(h, sub);
    }
}

/* --- Leaving in order --- */

enum pl_err pl_hub_unsubscribe_ask(struct pl_hub *h, struct pl_sub *sub,
                                   uint32_t command)
{
    struct pl_hub_channel *c = sub->channel;
    struct pl_query_mail *m = pl_query_mail_create();

    if (m == NULL)
        return PL_ENOMEM;
    if (!send_detach(h, sub, sub->subscriber->client)) {
        pl_mail_destroy(&m->msg);
        return PL_ENOMEM;
    }
    sub->is_leaving = true;
    sub->subscriber->sub_count--; /* pl_hub_find() does not return it any
                                     more */
    sub->awaits++;
    if (sub->state == PL_SUB_ATTACHING)
        sub->leave_command = command;
    m->kind = PL_QUERY_BARRIER;
    m->msg.flags |= PL_MSG_RESERVED; /* of a detach that was sent before it */
    m->channel = pl_blob_hold(c->name);
    m->hash = c->node.hash;
    m->origin = pl_hub_origin(sub->subscriber, sub, command, 0);
    pl_actor_send(&h->actor, pl_hub_owner(h, m->hash), &m->msg);
    return PL_OK;
}

/* The results of its attach and its barrier have both arrived. */
static void finish_leaving(struct pl_hub *h, struct pl_sub *sub,
                           uint32_t command)
{
    struct pl_subscriber *u = sub->subscriber;

    pl_hub_channel_deliver_pending(sub->channel, sub);
    end(h, sub);
    u->ops->unsubscribed(u, command);
}

void pl_hub_on_barrier(struct pl_hub *h, struct pl_query_mail *m)
{
    struct pl_sub *sub = m->origin.sub;

    sub->awaits--;
    if (sub->state == PL_SUB_ENDED)
        free_if_resolved(h, sub);
    else if (sub->awaits == 0)
        finish_leaving(h, sub, m->origin.command);
    pl_mail_destroy(&m->msg);
}

/* --- Attaching --- */

/* Return true if a publication arrived before the attach result that the result
 * does not include. */
static bool is_overtaken(const struct pl_hub_channel *c,
                         const struct pl_attach_mail *m)
{
    return m->positioned && pl_hub_channel_is_of(c, m->epoch) &&
           m->offset < c->last;
}

/* Return true if the attach result continues the position of the channel, or if
 * the channel has no live subscriber. */
static bool follows(const struct pl_hub_channel *c,
                    const struct pl_attach_mail *m)
{
    if (c->last == m->offset && pl_hub_channel_is_of(c, m->epoch))
        return true;
    return c->live[PL_ENCODING_JSON] + c->live[PL_ENCODING_PROTOBUF] == 0;
}

void pl_hub_drop(struct pl_hub *h, struct pl_sub *sub, uint32_t code)
{
    if (sub->state == PL_SUB_ATTACHING) {
        sub->drop_code = code;
        return;
    }
    pl_hub_channel_deliver_pending(sub->channel, sub);
    sub->subscriber->ops->dropped(sub->subscriber, sub, code);
    end(h, sub);
}

void pl_hub_keep(struct pl_sub *sub)
{
    if (sub->state == PL_SUB_ATTACHING)
        sub->drop_code = 0;
}

/* Deliver no more to a leaving subscription after a gap, so that its client can
 * resubscribe and recover from its last offset. */
static void suspend(struct pl_hub_channel *c, struct pl_sub *sub)
{
    pl_hub_channel_deliver_pending(c, sub);
    pl_hub_channel_deactivate(c, sub);
    sub->state = PL_SUB_ATTACHING;
}

void pl_hub_drop_positioned(struct pl_hub *h, struct pl_hub_channel *c)
{
    for (uint32_t i = c->count; i-- > 0;) {
        struct pl_sub *sub = c->subs[i];

        if (sub->state != PL_SUB_LIVE || !sub->is_positioned)
            continue;
        if (sub->is_leaving)
            suspend(c, sub);
        else
            pl_hub_drop(h, sub, PL_UNSUBSCRIBE_INSUFFICIENT);
    }
}

/* --- Lost publications --- */

void pl_hub_lose(struct pl_hub *h, struct pl_sub *sub)
{
    pl_hub_channel_deactivate(sub->channel, sub);
    sub->state = PL_SUB_LOST;
    h->lost++;
}

bool pl_hub_has_lost(const struct pl_hub *h)
{
    return h->lost > 0;
}

/* Iterate from the end, because removing an element moves the last one to its
 * place.  `c` is freed with its last subscription, at the end of the loop. */
void pl_hub_drop_lost(struct pl_hub *h, struct pl_hub_channel *c)
{
    for (uint32_t i = c->count; i-- > 0;) {
        struct pl_sub *sub = c->subs[i];

        if (sub->state != PL_SUB_LOST)
            continue;
        if (sub->is_leaving) {
            sub->state = PL_SUB_ATTACHING; /* like suspend() */
            h->lost--;
        } else {
            pl_hub_drop(h, sub, PL_UNSUBSCRIBE_INSUFFICIENT);
        }
    }
}

/* Set `sub` to live.  An overtaken subscription missed a publication and is
 * dropped next, so it does not change the position of the channel. */
static void go_live(struct pl_hub *h, struct pl_sub *sub,
                    const struct pl_attach_mail *m)
{
    struct pl_hub_channel *c = sub->channel;

    sub->is_positioned =
        m->positioned && (m->flags & PL_ATTACH_UNPOSITIONED) == 0;
    if (m->positioned && !is_overtaken(c, m)) {
        if (!follows(c, m))
            pl_hub_drop_positioned(h, c);
        pl_hub_channel_move(c, m->epoch, m->offset);
    }
    sub->subscriber->ops->attached(sub->subscriber, sub, m);
    pl_hub_channel_go_live(c, sub);
}

static void check_allowance(const struct pl_sub *sub, struct pl_attach_mail *m)
{
    bool (*has_space)(struct pl_subscriber *, const struct pl_attach_mail *) =
        sub->subscriber->ops->has_space;

    if (m->pub_count > 0 && has_space != NULL &&
        !has_space(sub->subscriber, m)) {
        pl_attach_mail_unrecover(m);
        if (m->flags & PL_ATTACH_REJECT)
            m->error = PL_ERROR_UNRECOVERABLE;
    }
}

void pl_hub_on_attached(struct pl_hub *h, struct pl_attach_mail *m)
{
    struct pl_sub *sub = m->origin.sub;
    uint32_t leave_command = sub->leave_command, drop_code = sub->drop_code;

    pl_hub_tell_publishers(h);
    sub->awaits--;
    if (m->msg.returned)
        m->error = PL_ERROR_STOPPING;
    if (sub->state != PL_SUB_ENDED && m->error == 0)
        check_allowance(sub, m);
    if (sub->state == PL_SUB_ENDED) {
        free_if_resolved(h, sub);
    } else if (m->error == 0) {
        if (drop_code == 0 && is_overtaken(sub->channel, m))
            drop_code = PL_UNSUBSCRIBE_INSUFFICIENT;
        go_live(h, sub, m);
        if (sub->is_leaving && sub->awaits == 0)
            finish_leaving(h, sub, leave_command);
        else if (!sub->is_leaving && drop_code != 0)
            pl_hub_drop(h, sub, drop_code);
    } else {
        sub->subscriber->ops->attached(sub->subscriber, sub, m);
        if (sub->is_leaving && sub->awaits == 0)
            finish_leaving(h, sub, leave_command);
        else if (!sub->is_leaving)
            end(h, sub);
    }
    pl_mail_destroy(&m->msg);
}

uint64_t pl_hub_rate(const struct pl_hub *h, const struct pl_subscriber *u)
{
    uint64_t now_ms = pl_loop_now_ms(h->actor.loop), sum = 0;
    const struct pl_sub *sub = u->subs;

    for (int i = 0; sub != NULL && i < PL_HUB_RATE_SUBS; i++, sub = sub->next) {
        if (sub->state == PL_SUB_LIVE)
            sum += pl_rate_read(&sub->channel->publications, now_ms);
    }
    return sum;
}
