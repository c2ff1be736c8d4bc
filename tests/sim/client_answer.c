/* SPDX-License-Identifier: Apache-2.0 */
/* client_answer.c - see client.h: the answers to commands.
 *
 * Checked here: one answer for each command, and no error without a reason; a
 * publisher's own push before its answer; the subscriptions of the token, all
 * of them and no other; what handlers and addresses answer. */
#include "client.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "code.h"
#include "hear.h"
#include "trace.h"

/* --- Let in --- */

struct entry {
    struct client *client;
    unsigned rooms; /* that came */
    unsigned inboxes;
    bool has_inbox;
};

static void take_inbox(struct client *c, unsigned channel, struct pl_span body)
{
    int user = (int)channel - ROOMS;

    if (c->inbox_user >= 0 && c->inbox_user != user && !c->world->has_judge)
        trace_fail("client %u: the inbox of another user", c->index);
    c->inbox_user = user;
    client_go_live(c, &c->subs[INBOX], body);
}

static void take_own_inbox(struct entry *e, struct pl_span channel)
{
    struct pl_span id = {channel.at + 1, channel.len - 1};

    if (!e->client->has_inbox || e->has_inbox ||
        !pl_span_equal(id, pl_span_of(e->client->id)))
        trace_fail("client %u: subscribed to %.*s", e->client->index,
                   (int)channel.len, channel.at);
    e->has_inbox = true;
}

static void take_entry(void *arg, struct pl_span channel, struct pl_span body)
{
    struct entry *e = arg;
    struct client *c = e->client;
    unsigned i = truth_channel(channel);

    if (channel.len > 0 && channel.at[0] == '@') {
        take_own_inbox(e, channel);
        return;
    }
    if (i == CHANNELS || (i < ROOMS && (~c->token_rooms | e->rooms) >> i & 1) ||
        (i >= ROOMS && e->inboxes++ > 0))
        trace_fail("client %u: subscribed to %.*s", c->index, (int)channel.len,
                   channel.at);
    if (i >= ROOMS) {
        take_inbox(c, i, body);
        return;
    }
    e->rooms |= 1u << i;
    c->subs[i].is_server = true;
    c->subs[i].takes_joins = false;
    c->subs[i].generation++;
    client_go_live(c, &c->subs[i], body);
}

static void take_expiry(struct client *c, const struct asked *a,
                        struct pl_span body)
{
    uint32_t ttl;

    if (!hear_ttl(c->encoding, body, &ttl))
        client_malformed(c);
    if (ttl > 0 && !c->is_expiring)
        trace_fail("client %u: a token without an end expires", c->index);
    c->expires_ms = ttl == 0 ? 0 : c->world->now_ms + ttl * 1000;
    c->valid_until_ms = ttl == 0 ? 0 : a->said_ms + ttl * 1000;
}

/* One without a token is let in by the connect handler, where there is to be
 * one, and by nobody else: not while it is not registered yet or not any more,
 * nor when its word came too late. */
static void check_judged(const struct client *c, unsigned inboxes)
{
    if (c->user >= 0 || !c->world->has_judge)
        return;
    if (!world_was_admitted(c->world, pl_span_of(c->id)))
        trace_fail("client %u: is in, and nobody let it in", c->index);
    if ((inboxes != 1 && c->world->config->channels.limits.channels >= 1000) ||
        c->inbox_user != 0)
        trace_fail("client %u: is not whom the handler said", c->index);
}

static void on_connected(struct client *c, const struct asked *a,
                         const struct peer_reply *r)
{
    struct entry e = {.client = c};

    c->stage = STAGE_IN;
    c->pinged_ms = c->world->now_ms;
    c->unanswered_ms = 0;
    snprintf(c->id, sizeof c->id, "%.*s", (int)r->client.len, r->client.at);
    if (!hear_subs(c->encoding, r->body, take_entry, &e))
        client_malformed(c);
    if ((unsigned)__builtin_popcount(e.rooms) >
        c->world->config->session.limits.connection_channels)
        trace_fail("client %u: let in with %x", c->index, e.rooms);
    bool may_lack = c->world->config->channels.limits.channels < 1000;
    if (e.inboxes == 0 && may_lack) /* who it is all the same */
        c->inbox_user = c->user >= 0 ? c->user : c->world->has_judge ? 0 : -1;
    if ((e.rooms != c->token_rooms && !may_lack) ||
        e.has_inbox != c->has_inbox ||
        (c->user >= 0 && e.inboxes != 1 && !may_lack) ||
        (e.inboxes == 1 && c->user >= 0 && c->inbox_user != c->user) ||
        (c->user < 0 && !c->world->has_judge && e.inboxes > 0))
        trace_fail("client %u: rooms %x, not %x; inboxes %u and %u", c->index,
                   e.rooms, c->token_rooms, e.inboxes, e.has_inbox);
    check_judged(c, e.inboxes);
    take_expiry(c, a, r->body);
    client_post_begin(c);
}

/* --- A watcher's answers, and the history of others --- */

struct reading {
    struct client *client;
    unsigned channel;
    uint64_t last;
    uint64_t asked_ms;
};

static void take_history_position(void *arg, const struct hear_position *p)
{
    struct watch *w = &((struct reading *)arg)->client->watch;

    w->offset = p->offset;
    snprintf(w->epoch, sizeof w->epoch, "%.*s", (int)p->epoch.len,
             p->epoch.at == NULL ? "" : p->epoch.at);
}

/* It had not expired yet when it was asked for. */
static void check_young(const struct reading *r, uint64_t number)
{
    enum { HELD_MS = 1000 }; /* a loop's time is that of its turn's beginning */
    const struct client *c = r->client;
    const struct saying *s = truth_saying(c->truth, number);
    uint64_t ttl = c->world->config->rules.history_ttl_ms;

    if (s->done_ms > 0 && s->done_ms + ttl + HELD_MS < r->asked_ms)
        trace_fail("client %u: %" PRIu64 " should have expired", c->index,
                   number);
}

static void take_past(void *arg, const struct hear_publication *p)
{
    struct reading *r = arg;
    struct watch *w = &r->client->watch;

    if (r->last != 0 && p->offset != r->last + 1)
        trace_fail("client %u: a hole in the history", r->client->index);
    r->last = p->offset;
    w->count++;
    check_young(r, truth_hear(r->client->truth, r->channel, w->epoch, p));
}

static void take_present(void *arg, struct pl_span id)
{
    struct watch *w = &((struct reading *)arg)->client->watch;

    if (w->count < WATCH_MAX)
        snprintf(w->clients[w->count++], sizeof w->clients[0], "%.*s",
                 (int)id.len, id.at);
}

static const struct hear_ops reading_ops = {
    .publication = take_past,
    .position = take_history_position,
    .client = take_present,
};

static void on_queried(struct client *c, const struct asked *a,
                       const struct peer_reply *r)
{
    struct reading k = {.client = c, .channel = a->sub, .asked_ms = a->said_ms};
    bool ok = true;

    c->watch.count = 0;
    if (a->verb == VERB_HISTORY || a->verb == VERB_HISTORY_ALL)
        ok = hear_history(c->encoding, r->body, &reading_ops, &k);
    else if (a->verb == VERB_PRESENCE)
        ok = hear_presence(c->encoding, r->body, &reading_ops, &k);
    else
        ok = hear_stats(c->encoding, r->body, &c->watch.count, &c->watch.users);
    if (!ok)
        client_malformed(c);
}

/* --- Replies --- */

/* The publisher has seen its own by now. */
static void on_published(struct client *c, const struct asked *a)
{
    const struct sub *sub = &c->subs[a->sub];
    const struct heard *h = &c->heard[a->sub][c->index];

    if (!world_may_publish(c->world, a->sub, a->rules))
        trace_fail("client %u: published to %s, where it may not", c->index,
                   world_channel_name(a->sub));
    truth_saying(c->truth, a->number)->fate = FATE_DONE;
    truth_saying(c->truth, a->number)->done_ms = c->world->now_ms;
    if (sub->state != SUB_LIVE || a->sub_generation != sub->generation)
        return;
    unsigned channel = client_channel(c, a->sub);
    if (world_may_drop(c->world, channel) ||
        (!world_has_history(c->world, channel) && client_may_miss(c)))
        return; /* it may be dropped, which is told later or not at all */
    if (h->connection != c->connection || h->number < a->number)
        trace_fail("client %u: the reply to %" PRIu64 " came before the push",
                   c->index, a->number);
}

static void on_subscribed(struct client *c, struct sub *sub,
                          struct pl_span body)
{
    unsigned live = 0;

    sub->is_server = false;
    client_go_live(c, sub, body);
    client_take_time(c, sub, body, sub->said_ms);
    for (unsigned i = 0; i < ROOMS; i++)
        live += c->subs[i].state == SUB_LIVE;
    if (live > c->world->config->session.limits.connection_channels)
        trace_fail("client %u: %u channels", c->index, live);
}

/* A subscription that the client leaves may still expire before the broker
 * hears of it, so its time counts too. */
static void on_refreshed(struct client *c, const struct asked *a,
                         struct pl_span body)
{
    struct sub *sub = &c->subs[a->sub];
    bool is_on = sub->state == SUB_LIVE || sub->state == SUB_LEAVING;

    if (is_on && sub->generation == a->sub_generation)
        client_take_time(c, sub, body, a->said_ms);
}

/* A message is accepted, or a handler gives back what it was given. */
static void check_called(struct client *c, const struct asked *a,
                         const struct peer_reply *r)
{
    static const char accepted[] = "{\"accepted\":";

    if (a->is_forged)
        trace_fail("client %u: nobody has accepted a message", c->index);
    if (a->number == 0)
        return;
    unsigned channel = truth_saying(c->truth, a->number)->channel;
    if (channel < ROOMS && !world_may_publish(c->world, channel, a->rules))
        trace_fail("client %u: sent to %s, where it may not", c->index,
                   world_channel_name(channel));
    if (r->data.len < sizeof accepted - 1 ||
        memcmp(r->data.at, accepted, sizeof accepted - 1) != 0)
        trace_fail("client %u: a message is answered %.*s", c->index,
                   (int)r->data.len, r->data.at);
    truth_saying(c->truth, a->number)->fate = FATE_DONE;
}

static void on_result(struct client *c, const struct asked *a,
                      const struct peer_reply *r)
{
    struct sub *sub = &c->subs[a->sub];

    if (a->is_wrong && sub->state == SUB_LIVE &&
        sub->generation == a->sub_generation)
        trace_fail("client %u: what its token brought can be left", c->index);
    switch (a->verb) {
    case VERB_CONNECT:
        on_connected(c, a, r);
        return;
    case VERB_REFRESH:
        if (a->number != 0)
            trace_fail("client %u: a token may bring other rooms", c->index);
        take_expiry(c, a, r->body);
        return;
    case VERB_SUB_REFRESH:
        on_refreshed(c, a, r->body);
        return;
    case VERB_RPC:
        check_called(c, a, r);
        return;
    case VERB_SUBSCRIBE:
        on_subscribed(c, sub, r->body);
        return;
    case VERB_UNSUBSCRIBE:
        if (sub->state == SUB_LEAVING && sub->command == a->id)
            sub->state = SUB_NONE;
        return;
    case VERB_PUBLISH:
        on_published(c, a);
        return;
    case VERB_HISTORY:
    case VERB_HISTORY_ALL:
    case VERB_PRESENCE:
    case VERB_STATS:
        on_queried(c, a, r);
        return;
    default:
        return;
    }
}

/* A long answer may find no room behind what waits already, unless some of
 * that may be dropped. */
static bool may_be_too_long(const struct world *w, const struct asked *a)
{
    return (a->verb == VERB_HISTORY || a->verb == VERB_PRESENCE) &&
           w->config->session.limits.outgoing_queue < 1 << 19;
}

/* It may begin a channel, and there is a rate of that. */
static bool may_be_new(const struct world *w, const struct asked *a)
{
    bool begins = a->verb == VERB_SUBSCRIBE ||
                  (w->has_history &&
                   (a->verb == VERB_PUBLISH || a->verb == VERB_RPC ||
                    a->verb == VERB_HISTORY || a->verb == VERB_HISTORY_ALL));

    return begins && w->config->channels.limits.new_channels_per_minute < 600;
}

/* It was judged, or waited behind what was. */
static bool may_be_judged(const struct world *w, const struct asked *a,
                          uint32_t code)
{
    bool is_asked = a->verb == VERB_SUBSCRIBE || a->verb == VERB_PUBLISH ||
                    a->verb == VERB_SUB_REFRESH ||
                    (a->verb == VERB_RPC && a->number != 0);

    (void)w;
    if (code == PL_ERROR_TOO_MANY_REQUESTS)
        return a->verb != VERB_CONNECT && a->verb != VERB_REFRESH;
    return is_asked &&
           (code == 403 || code == 1001 || code == PL_ERROR_TIMED_OUT);
}

/* What it wanted to refresh has ended meanwhile, as it has heard. */
static bool has_ended(const struct client *c, const struct asked *a)
{
    const struct sub *sub = &c->subs[a->sub];

    return a->verb == VERB_SUB_REFRESH &&
           (sub->state != SUB_LIVE || sub->generation != a->sub_generation);
}

/* The rules let nobody publish, since a reload or until one. */
static bool may_be_closed(const struct client *c, const struct asked *a)
{
    const struct saying *s = truth_saying(c->truth, a->number);

    return s != NULL && s->channel < ROOMS &&
           !world_must_publish(c->world, s->channel, a->rules);
}

/* Errors that a client which makes no mistake may get. */
static bool is_error_allowed(const struct client *c, const struct asked *a,
                             uint32_t code)
{
    const struct world *w = c->world;

    if (w->has_court && may_be_judged(w, a, code))
        return true;
    switch (code) {
    case PL_ERROR_INTERNAL:
        return w->fails_allocations || w->is_late ||
               a->verb == VERB_CONNECT; /* a login that takes too long */
    case PL_ERROR_LIMIT_EXCEEDED:       /* channels, of all or of one */
        return w->config->channels.limits.channels < 1000 ||
               w->config->session.limits.connection_channels < ROOMS;
    case PL_ERROR_TOO_MANY_REQUESTS:
        return w->is_late || w->has_backlog || w->has_full_mail ||
               w->is_overloaded || may_be_too_long(w, a) || may_be_new(w, a);
    case PL_ERROR_STOPPING: /* or a mailbox is full */
        return w->is_stopping || w->has_full_mail;
    case PL_ERROR_PERMISSION_DENIED:
        return a->is_wrong || has_ended(c, a) || may_be_closed(c, a);
    case PL_ERROR_UNRECOVERABLE:
        return a->is_strict;
    case PL_ERROR_ALREADY_SUBSCRIBED: /* a leave that waits for memory */
        return (w->fails_allocations ||
                w->config->channels.limits.channels < 1000) &&
               a->verb == VERB_SUBSCRIBE; /* or its token's, which came late */
    case PL_ERROR_TOKEN_EXPIRED:
        return c->is_expiring;
    case PL_ERROR_NOT_AVAILABLE:
        return a->verb == VERB_HISTORY &&
               !world_has_history(w, client_channel(c, a->sub));
    case PL_ERROR_METHOD_NOT_FOUND:
    case PL_ERROR_NOT_FOUND:
    case PL_ERROR_GONE:
    case PL_ERROR_TIMED_OUT:
    case 1000:
        return a->verb == VERB_RPC;
    case 403:
        return a->verb == VERB_CONNECT;
    default:
        return false;
    }
}

/* Where there is no place it does not try to come back to. */
static void end_asking(struct sub *sub, uint32_t code)
{
    sub->state = SUB_NONE;
    if (code == PL_ERROR_LIMIT_EXCEEDED || code == PL_ERROR_UNRECOVERABLE)
        sub->epoch[0] = '\0';
}

/* It has surely not been published. */
static bool is_refusal(uint32_t code)
{
    return code == PL_ERROR_TOO_MANY_REQUESTS || code == 403 || code == 1001 ||
           code == PL_ERROR_PERMISSION_DENIED;
}

static void on_error(struct client *c, const struct asked *a, uint32_t code)
{
    struct sub *sub = &c->subs[a->sub];

    if (!is_error_allowed(c, a, code))
        trace_fail("client %u: error %u to verb %u", c->index, code, a->verb);
    if (a->is_wrong)
        return;
    if (a->verb == VERB_CONNECT)
        client_leave(c);
    else if (a->verb == VERB_SUBSCRIBE && !sub->is_server)
        end_asking(sub, code);
    else if (a->verb == VERB_UNSUBSCRIBE && sub->state == SUB_LEAVING)
        sub->state = SUB_LIVE; /* nothing has changed */
    else if (a->number != 0)
        truth_saying(c->truth, a->number)->fate =
            is_refusal(code) ? FATE_REFUSED : FATE_UNKNOWN;
}

/* Late stores answer all but publications whenever they like. */
static bool has_turn(const struct world *w, const struct asked *a)
{
    switch (a->verb) {
    case VERB_PUBLISH:
        return true;
    case VERB_SUBSCRIBE:
    case VERB_UNSUBSCRIBE:
    case VERB_HISTORY:
    case VERB_HISTORY_ALL:
    case VERB_PRESENCE:
    case VERB_STATS:
        return !w->is_late;
    default:
        return false;
    }
}

/* What is asked of a channel is answered in that order, but for errors, which
 * may come from anywhere on the way, and for leaving what has ended. */
static void check_turn(const struct client *c, unsigned i)
{
    const struct asked *a = &c->asked[i];

    if (!has_turn(c->world, a) || a->verb == VERB_UNSUBSCRIBE)
        return;
    for (unsigned k = 0; k < i; k++) {
        if (has_turn(c->world, &c->asked[k]) && c->asked[k].sub == a->sub)
            trace_fail("client %u: command %u is answered before %u", c->index,
                       a->id, c->asked[k].id);
    }
}

void client_hear_answer(struct client *c, const struct peer_reply *r)
{
    unsigned i = 0;

    while (i < c->asked_count && c->asked[i].id != r->id)
        i++;
    if (i == c->asked_count)
        trace_fail("client %u: an answer to %u, which waits for none", c->index,
                   r->id);
    if (r->kind != PEER_ERROR)
        check_turn(c, i);
    struct asked a = c->asked[i];
    c->asked_count--;
    memmove(&c->asked[i], &c->asked[i + 1], (c->asked_count - i) * sizeof a);
    trace_note("answer", (int)c->index, a.verb, r->code);
    if (a.verb == VERB_SUB_REFRESH)
        c->subs[a.sub].is_refreshing = false;
    c->world->tally.errors += r->kind == PEER_ERROR;
    c->world->tally.results += r->kind != PEER_ERROR;
    if (r->kind == PEER_ERROR)
        on_error(c, &a, r->code);
    else
        on_result(c, &a, r);
    c->watch.id = a.id;
    c->watch.error = r->kind == PEER_ERROR ? r->code : 0;
}
