/* SPDX-License-Identifier: Apache-2.0 */
/* client_hear.c - see client.h: what a client hears, and whether it may be.
 *
 * Checked here: nothing of a channel before the subscribe's answer and nothing
 * behind its end; offsets without gap or repetition, also across a recovery; a
 * recovery that could be is; the order of each speaker, and who it is; who
 * comes and goes, one after the other; why subscriptions end. */
#include "client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "hear.h"
#include "history.h"
#include "trace.h"

_Noreturn void client_malformed(const struct client *c)
{
    trace_fail("client %u: malformed reply", c->index);
}

/* --- What may fail in this run --- */

bool client_may_miss(const struct client *c)
{
    const struct world *w = c->world;

    return w->is_late || w->fails_allocations ||
           world_has_slow(w, PL_SLOW_DROP_OLDEST) ||
           world_has_slow(w, PL_SLOW_LATEST);
}

bool client_sees_all(const struct client *c)
{
    const struct world *w = c->world;

    return !world_has_slow(w, PL_SLOW_DROP_OLDEST) &&
           !world_has_slow(w, PL_SLOW_LATEST) &&
           world_metric(w, PL_METRIC_EVENTS_LOST) == 0 &&
           world_metric(w, PL_METRIC_FRAMES_DROPPED_MEMORY) == 0;
}

/* --- Publications --- */

/* A speaker's sayings come in its order. */
static void check_order(struct client *c, unsigned channel, uint64_t number)
{
    const struct saying *s = truth_saying(c->truth, number);
    struct heard *h = &c->heard[channel][s->client];

    if (s->connection == h->connection && number <= h->number)
        trace_fail("client %u: %s: %" PRIu64 " of connection %u after %" PRIu64,
                   c->index, world_channel_name(channel), number, s->connection,
                   h->number);
    *h = (struct heard){s->connection, number};
}

static void take_publication(struct client *c, struct sub *sub,
                             const struct hear_publication *p)
{
    unsigned channel = client_channel(c, (unsigned)(sub - c->subs));

    trace_note("hears", (int)c->index, channel, p->offset);
    uint64_t number = truth_hear(c->truth, channel, sub->epoch, p);
    if ((p->offset != 0) != world_has_history(c->world, channel) ||
        (p->offset != 0 && p->offset != sub->offset + 1))
        trace_fail("client %u: %s: offset %" PRIu64 " after %" PRIu64, c->index,
                   world_channel_name(channel), p->offset, sub->offset);
    sub->offset = p->offset;
    check_order(c, channel, number);
}

static struct sub *sub_of(struct client *c, struct pl_span name)
{
    unsigned channel = truth_channel(name);

    if (channel < ROOMS)
        return &c->subs[channel];
    if (c->inbox_user >= 0 && channel == client_channel(c, INBOX))
        return &c->subs[INBOX];
    trace_fail("client %u: a push for %.*s", c->index, (int)name.len, name.at);
}

static bool is_on(const struct sub *sub)
{
    return sub->state == SUB_LIVE || sub->state == SUB_LEAVING;
}

/* To this connection alone, at most once. */
static void hear_direct(struct client *c, const struct peer_reply *r)
{
    struct saying *s = truth_saying(c->truth, truth_number(r->data));

    if (c->has_inbox != (r->kind == PEER_PUBLICATION))
        trace_fail("client %u: a message in the wrong place", c->index);
    if (s == NULL || s->channel != CHANNELS || s->target != c->connection)
        trace_fail("client %u: a message for somebody else", c->index);
    if (s->offset++ != 0)
        trace_fail("client %u: a message came twice", c->index);
}

/* --- Who comes and goes --- */

static struct joined *find_joined(struct sub *sub, struct pl_span id)
{
    for (unsigned i = 0; i < sub->joined_count; i++) {
        if (pl_span_equal(pl_span_of(sub->joined[i].id), id))
            return &sub->joined[i];
    }
    return NULL;
}

static void hear_coming(struct client *c, struct sub *sub,
                        const struct peer_reply *r)
{
    bool is_join = r->kind == PEER_JOIN;
    struct pl_span id;

    if (!sub->takes_joins)
        trace_fail("client %u: a join or leave that it did not ask for",
                   c->index);
    if (!hear_who(c->encoding, r->body, &id) || id.len == 0)
        client_malformed(c);
    struct joined *j = find_joined(sub, id);
    if (j != NULL && j->is_in == is_join && client_sees_all(c))
        trace_fail("client %u: %.*s came or went twice", c->index, (int)id.len,
                   id.at);
    if (j == NULL) {
        if (sub->joined_count == JOINED_MAX)
            return;
        if (sub->joined == NULL)
            sub->joined = calloc(JOINED_MAX, sizeof *sub->joined);
        j = &sub->joined[sub->joined_count++];
        snprintf(j->id, sizeof j->id, "%.*s", (int)id.len, id.at);
    }
    j->is_in = is_join;
}

/* --- The end of a subscription --- */

static bool has_expired(const struct client *c, const struct sub *sub)
{
    enum { GRACE_MS = 25000, HELD_MS = 1000 };

    return sub->valid_until_ms != 0 &&
           c->world->now_ms + HELD_MS >= sub->valid_until_ms + GRACE_MS;
}

static void hear_end(struct client *c, struct sub *sub, uint32_t code)
{
    bool is_gap = code == PL_UNSUBSCRIBE_INSUFFICIENT;
    unsigned channel = client_channel(c, (unsigned)(sub - c->subs));

    trace_note("unsubscribed", (int)c->index, code, channel);
    if (is_gap &&
        (!world_has_history(c->world, channel) || !client_may_miss(c)))
        trace_fail("client %u: a gap where none can be", c->index);
    if (is_gap && (sub->is_server || sub == &c->subs[INBOX]))
        trace_fail("client %u: a gap ends no server-side subscription",
                   c->index);
    if (code == PL_UNSUBSCRIBE_EXPIRED
            ? !has_expired(c, sub)
            : !is_gap && (code != PL_UNSUBSCRIBE_SERVER || !sub->may_kick))
        trace_fail("client %u: unsubscribed with %u", c->index, code);
    sub->state = SUB_NONE;
    sub->is_server = sub->is_kicked = sub->must_end = false;
    sub->valid_until_ms = sub->expires_ms = 0;
}

void client_take_time(struct client *c, struct sub *sub, struct pl_span body,
                      uint64_t said_ms)
{
    uint32_t ttl;

    if (!hear_sub_ttl(c->encoding, body, &ttl))
        client_malformed(c);
    if (ttl > 0 && !c->world->has_court)
        trace_fail("client %u: a subscription expires that nobody judged",
                   c->index);
    sub->expires_ms = ttl == 0 ? 0 : c->world->now_ms + ttl * 1000;
    sub->valid_until_ms = ttl == 0 ? 0 : said_ms + ttl * 1000;
}

/* --- Positions --- */

struct catching {
    struct client *client;
    struct sub *sub;
};

/* Could it have been recovered?  All that was missed is younger than the
 * subscription that heard the last of it, or than the question, and no history
 * has been shed since. */
static bool had_to_recover(const struct catching *k,
                           const struct hear_position *p)
{
    const struct world *w = k->client->world;
    const struct pl_settings *c = w->config;
    unsigned channel =
        client_channel(k->client, (unsigned)(k->sub - k->client->subs));

    if (!pl_span_equal(p->epoch, pl_span_of(k->sub->epoch)) ||
        p->offset < k->sub->offset)
        return false;
    if (p->offset == k->sub->offset)
        return true;
    return p->offset - k->sub->offset <= world_history_size(w, channel) &&
           c->session.limits.outgoing_queue > 1 << 19 &&
           w->now_ms - k->sub->heard_ms < c->rules.history_ttl_ms &&
           w->removed_ms[channel] < k->sub->heard_ms &&
           history_shed(w) == k->sub->heard_shed;
}

static void take_position(void *arg, const struct hear_position *p)
{
    const struct catching *k = arg;
    struct sub *sub = k->sub;
    bool is_same = pl_span_equal(p->epoch, pl_span_of(sub->epoch));
    unsigned channel =
        client_channel(k->client, (unsigned)(sub - k->client->subs));

    if (p->is_recoverable != world_has_history(k->client->world, channel))
        trace_fail("client %u: recoverable or not?", k->client->index);
    if (p->is_recovered &&
        (!sub->is_recovering || !is_same || p->offset != sub->offset))
        trace_fail("client %u: recovered from %" PRIu64 ", asked from %" PRIu64,
                   k->client->index, p->offset, sub->offset);
    if (!p->is_recovered && sub->is_recovering && p->is_recoverable &&
        had_to_recover(k, p))
        trace_fail("client %u: not recovered from %" PRIu64 " to %" PRIu64,
                   k->client->index, sub->offset, p->offset);
    snprintf(sub->epoch, sizeof sub->epoch, "%.*s", (int)p->epoch.len,
             p->epoch.at == NULL ? "" : p->epoch.at);
    sub->offset = p->offset;
    sub->heard_ms = sub->said_ms;
    sub->heard_shed = sub->said_shed;
}

static void take_missed(void *arg, const struct hear_publication *p)
{
    const struct catching *k = arg;

    take_publication(k->client, k->sub, p);
}

static void go_live(struct client *c, struct sub *sub, struct pl_span body,
                    bool (*hear)(enum peer_encoding e, struct pl_span body,
                                 const struct hear_ops *ops, void *arg))
{
    static const struct hear_ops ops = {.publication = take_missed,
                                        .position = take_position};
    struct catching k = {c, sub};

    sub->state = SUB_LIVE;
    sub->live_step = trace_place.step;
    sub->joined_count = 0;
    sub->is_kicked = false;
    sub->valid_until_ms = sub->expires_ms = 0;
    sub->must_end = sub->kicked != 0 && sub->kicked == sub->generation;
    if (!hear(c->encoding, body, &ops, &k))
        client_malformed(c);
}

void client_go_live(struct client *c, struct sub *sub, struct pl_span body)
{
    go_live(c, sub, body, hear_subscribe);
}

/* --- Pushes --- */

/* What its login could not have without a place comes later. */
static void hear_begin(struct client *c, const struct peer_reply *r)
{
    unsigned i = truth_channel(r->channel);
    bool is_room = i < ROOMS;
    struct sub *sub = &c->subs[is_room ? i : INBOX];

    if (c->world->config->channels.limits.channels >= 1000 || i == CHANNELS ||
        sub->state == SUB_LIVE || (is_room && !(c->token_rooms >> i & 1)) ||
        (!is_room && c->user >= 0 && (int)i - ROOMS != c->user))
        trace_fail("client %u: subscribed to %.*s unasked", c->index,
                   (int)r->channel.len, r->channel.at);
    trace_note("gets", (int)c->index, i, 0);
    if (!is_room)
        c->inbox_user = (int)i - ROOMS;
    sub->is_server = is_room;
    sub->takes_joins = sub->is_recovering = false;
    sub->generation++;
    sub->said_ms = c->world->now_ms;
    go_live(c, sub, r->body, hear_begun);
}

static void hear_push(struct client *c, const struct peer_reply *r)
{
    if (r->kind == PEER_SUBSCRIBED) {
        hear_begin(c, r);
        return;
    }
    if (r->kind == PEER_MESSAGE) {
        hear_direct(c, r);
        return;
    }
    if (r->channel.len > 0 && r->channel.at[0] == '@' &&
        r->kind == PEER_PUBLICATION &&
        pl_span_equal((struct pl_span){r->channel.at + 1, r->channel.len - 1},
                      pl_span_of(c->id))) {
        hear_direct(c, r);
        return;
    }
    struct sub *sub = sub_of(c, r->channel);
    struct hear_publication p;
    if (!is_on(sub))
        trace_fail("client %u: push %d of %.*s without a subscription",
                   c->index, r->kind, (int)r->channel.len, r->channel.at);
    if (sub->must_end && r->kind != PEER_UNSUBSCRIBED &&
        !c->world->fails_allocations)
        trace_fail("client %u: hears of what was ended before the verdict",
                   c->index);
    c->world->tally.pushes += r->kind != PEER_UNSUBSCRIBED;
    if (r->kind == PEER_UNSUBSCRIBED)
        hear_end(c, sub, r->code);
    else if (r->kind != PEER_PUBLICATION)
        hear_coming(c, sub, r);
    else if (!hear_publication(c->encoding, r->body, &p))
        client_malformed(c);
    else
        take_publication(c, sub, &p);
}

/* --- Messages --- */

bool client_must_pong(const struct client *c)
{
    return c->unanswered_ms != 0 && !c->is_rude &&
           c->world->config->session.limits.commands_per_second == 0 &&
           !link_is_paused(c->link) && link_pauses(c->link) == c->pauses_before;
}

static void hear_ping(struct client *c)
{
    struct pl_buf b = {0};

    c->pinged_ms = c->world->now_ms;
    if (client_must_pong(c))
        trace_fail("client %u: pinged again, but it owes a pong", c->index);
    if (c->unanswered_ms == 0) {
        c->pauses_before = c->pauses;
        /* A later ping may be in transit; then its window is not known. */
        c->pauses =
            link_pings(c->link) == 1 ? link_pauses(c->link) : UINT64_MAX;
    }
    if (c->is_silent || c->is_rude) {
        c->unanswered_ms = c->world->now_ms;
        return;
    }
    c->world->tally.silent++;
    say_pong(&b, c->encoding);
    client_tell(c, &b);
}

void client_hear_message(struct client *c, struct pl_span batch)
{
    struct peer_reply r;

    while (batch.len > 0 && c->link != NULL) {
        if (!peer_decode(c->encoding, &batch, &r))
            client_malformed(c);
        c->news += r.kind != PEER_PING;
        if (r.kind == PEER_PING)
            hear_ping(c);
        else if (r.id != 0)
            client_hear_answer(c, &r);
        else
            hear_push(c, &r);
    }
}
