/* SPDX-License-Identifier: Apache-2.0 */
/* rest.c - see sim_run.h: all is heard out, and compared.
 *
 * Compared with what clients know: presence, positions, the numbers of the
 * server API and of the ledgers, who came and went.  And, since a timer that
 * is lost is only seen when time goes by: pings come, tokens end, who says
 * nothing is let go of, and who waits for a handler is told that it is late. */
#include "sim_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "code.h"
#include "faults.h"
#include "post.h"
#include "trace.h"

enum {
    CALM_MS = 100,     /* longer than anything is retried or late */
    CALM_ROUNDS = 400, /* then something never comes to its end */
    CALM_ENOUGH = 4,   /* rounds in which nothing came */
    PATIENCE = 12,     /* seconds, beyond connect.timeout */
    SLICE_MS = 500,    /* shorter than a pong may take */
    SLACK_MS = 3000,   /* for what is carried late */
    GRACE_MS = 25000   /* for a token that is over */
};

/* All that is on its way gets where it goes; false: nothing was. */
static bool carry_all(struct sim_run *f)
{
    bool any = false;

    for (unsigned i = 0; i <= CLIENTS; i++) {
        struct client *c = f->clients[i];

        while (c->link != NULL &&
               (client_post_next(c) || link_carry_up(c->link, SIZE_MAX)))
            any = true;
        while (c->link != NULL && link_carry_down(c->link, SIZE_MAX))
            any = true;
    }
    while (!f->holds_calls && world_answer_call(&f->world))
        any = true;
    return any;
}

/* What is heard; and a throttled client may have more that runs. */
static uint64_t count_news(const struct sim_run *f)
{
    uint64_t news = world_metric(&f->world, PL_METRIC_READS_PAUSED_RATE);

    for (unsigned i = 0; i <= CLIENTS; i++)
        news += f->clients[i]->news;
    return news;
}

static void carry_until_still(struct sim_run *f)
{
    unsigned rounds = 0;

    do {
        world_pass(&f->world, 0);
        if (++rounds == CALM_ROUNDS)
            trace_fail("there is no end to what is said");
    } while (carry_all(f));
}

/* Until nothing but pings comes any more, though time passes. */
static void hear_out(struct sim_run *f)
{
    unsigned quiet = 0;

    for (unsigned i = 0; quiet < CALM_ENOUGH; i++) {
        uint64_t before = count_news(f);

        if (i == CALM_ROUNDS)
            trace_fail("it never becomes quiet");
        carry_until_still(f);
        for (unsigned k = 0; k < CLIENTS; k++) {
            if (f->clients[k]->stage == STAGE_IN)
                client_resubscribe(f->clients[k]);
        }
        carry_until_still(f);
        world_pass(&f->world, CALM_MS);
        quiet = count_news(f) != before ? 0 : quiet + 1;
    }
}

static void check_client(const struct client *c)
{
    if (c->stage != STAGE_AWAY && c->stage != STAGE_IN)
        trace_fail("client %u: stuck in stage %u (%s)", c->index, c->stage,
                   c->link == NULL ? "no link" : link_state(c->link));
    if (c->asked_count > 0)
        trace_fail("client %u: command %u (verb %u) has no answer", c->index,
                   c->asked[0].id, c->asked[0].verb);
    if (c->link != NULL && link_is_paused(c->link))
        trace_fail("client %u: reading is paused for ever", c->index);
    if (c->in.len > 0)
        trace_fail("client %u: half a frame", c->index);
}

static bool is_live(const struct client *c, unsigned room)
{
    return c->stage == STAGE_IN && c->subs[room].state == SUB_LIVE;
}

/* Whose inbox it has, or would have if there were a place for it. */
static bool has_user(const struct client *c)
{
    return c->stage == STAGE_IN && c->inbox_user >= 0;
}

/* Changes when a client comes, goes or changes a subscription. */
static uint64_t fingerprint(const struct sim_run *f)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < CLIENTS; i++) {
        const struct client *c = f->clients[i];

        sum = sum * 31 + c->connection * 8 + c->stage;
        for (unsigned s = 0; s < SUBS; s++)
            sum = sum * 31 + c->subs[s].generation * 4 + c->subs[s].state;
    }
    return sum;
}

/* Ask until the store does not fail; then the answer is in `watch`. */
static bool watch(struct sim_run *f, enum verb verb, unsigned room)
{
    struct client *c = f->clients[CLIENTS];

    c->watch.error = 0;
    for (unsigned tries = 0; tries < 20; tries++) {
        if (c->stage == STAGE_AWAY)
            client_open(c);
        hear_out(f);
        if (c->watch.error == PL_ERROR_LIMIT_EXCEEDED)
            return false; /* no place for the channel, or for an inbox */
        if (c->stage != STAGE_IN)
            continue;
        uint64_t before = fingerprint(f);
        uint32_t id = client_ask(c, verb, room);
        hear_out(f);
        if (c->watch.id == id && c->watch.error == 0 &&
            before == fingerprint(f))
            return true; /* nothing has changed meanwhile */
    }
    trace_fail("room %u: no answer to verb %u, but error %u", room, verb,
               c->watch.error);
}

static bool is_present(const struct watch *w, const char *id)
{
    for (unsigned i = 0; i < w->count; i++) {
        if (strcmp(w->clients[i], id) == 0)
            return true;
    }
    return false;
}

static void check_presence(struct sim_run *f, unsigned room)
{
    const struct watch *w = &f->clients[CLIENTS]->watch;
    unsigned live = 0;

    if (!watch(f, VERB_PRESENCE, room))
        return;
    for (unsigned i = 0; i < CLIENTS; i++) {
        const struct client *c = f->clients[i];

        if (!is_live(c, room))
            continue;
        live++;
        if (!is_present(w, c->id))
            trace_fail("room %u: client %u is not in presence", room, i);
    }
    if (w->count != live)
        trace_fail("room %u: presence has %u clients, there are %u", room,
                   w->count, live);
}

static void check_stats(struct sim_run *f, unsigned room)
{
    const struct watch *w = &f->clients[CLIENTS]->watch;
    unsigned live = 0, users = 0, seen = 0;

    if (!watch(f, VERB_STATS, room))
        return;
    for (unsigned i = 0; i < CLIENTS; i++) {
        const struct client *c = f->clients[i];

        if (!is_live(c, room))
            continue;
        unsigned bit = has_user(c) ? 1u << c->inbox_user : 1u << USERS;
        live++;
        users += (seen & bit) == 0;
        seen |= bit;
    }
    if (w->count != live || w->users != users)
        trace_fail("room %u: %u clients of %u users counted, not %u of %u",
                   room, w->count, w->users, live, users);
}

static void check_position(struct sim_run *f, unsigned room)
{
    const struct watch *w = &f->clients[CLIENTS]->watch;

    if (!world_has_history(&f->world, room) || !watch(f, VERB_HISTORY, room))
        return;
    for (unsigned i = 0; i < CLIENTS; i++) {
        const struct client *c = f->clients[i];
        const struct sub *sub = &c->subs[room];

        if (is_live(c, room) &&
            (strcmp(sub->epoch, w->epoch) != 0 || sub->offset != w->offset))
            trace_fail("room %u: client %u is at %s %" PRIu64
                       ", the channel at %s %" PRIu64,
                       room, i, sub->epoch, sub->offset, w->epoch, w->offset);
    }
}

/* Without history there is no position that would tell of a loss: so of each
 * speaker, the newest of what is surely published was heard by all who were
 * there before it was said. */
static void check_heard(const struct sim_run *f)
{
    for (uint64_t n = truth_count(f->truth); n > 0; n--) {
        const struct saying *s = truth_saying(f->truth, n);

        if (s->fate != FATE_DONE || s->rooms != 0 || s->channel >= ROOMS ||
            world_has_history(&f->world, s->channel))
            continue;
        for (unsigned i = 0; i < CLIENTS; i++) {
            const struct client *c = f->clients[i];
            const struct heard *h = &c->heard[s->channel][s->client];

            if (is_live(c, s->channel) &&
                c->subs[s->channel].live_step < s->step &&
                (h->connection < s->connection ||
                 (h->connection == s->connection && h->number < n)))
                trace_fail("client %u: room %u: did not hear %" PRIu64, i,
                           s->channel, n);
        }
    }
}

/* limits.user_connections: of each user that has a name. */
static void check_users(const struct sim_run *f)
{
    unsigned limit = f->world.config->supervisor.limits.user_connections;
    unsigned in[USERS] = {0};

    if (limit == 0)
        return;
    for (unsigned i = 0; i <= CLIENTS; i++) {
        const struct client *c = f->clients[i];

        if (has_user(c) && ++in[c->inbox_user] > limit)
            trace_fail("u%d has %u connections", c->inbox_user,
                       in[c->inbox_user]);
    }
}

/* All who have no name are one user. */
static void check_user_gauges(struct sim_run *f)
{
    unsigned in[USERS + 1] = {0}, users = 0, single = 0;

    for (unsigned i = 0; i <= CLIENTS; i++) {
        const struct client *c = f->clients[i];

        if (c->stage == STAGE_IN)
            in[has_user(c) ? c->inbox_user : USERS]++;
    }
    for (unsigned u = 0; u <= USERS; u++) {
        users += in[u] > 0;
        single += in[u] == 1;
    }
    uint64_t told = world_metric(&f->world, PL_METRIC_USERS);
    uint64_t told_single = world_metric(&f->world, PL_METRIC_USERS_SINGLE);
    if (told != users || told_single != single)
        trace_fail("%u users, %u with one connection; counted %" PRIu64
                   " and %" PRIu64,
                   users, single, told, told_single);
}

static void check_gauges(struct sim_run *f)
{
    unsigned in = 0, subs = 0;

    for (unsigned i = 0; i <= CLIENTS; i++) {
        const struct client *c = f->clients[i];

        in += c->stage == STAGE_IN;
        for (unsigned s = 0; s < SUBS; s++)
            subs += is_live(c, s);
    }
    if (world_metric(&f->world, PL_METRIC_CLIENTS) != in ||
        world_metric(&f->world, PL_METRIC_CONNECTIONS) != in ||
        world_metric(&f->world, PL_METRIC_SUBSCRIPTIONS) != subs)
        trace_fail("%u clients with %u subscriptions; counted %" PRIu64
                   ", %" PRIu64 " and %" PRIu64,
                   in, subs, world_metric(&f->world, PL_METRIC_CLIENTS),
                   world_metric(&f->world, PL_METRIC_CONNECTIONS),
                   world_metric(&f->world, PL_METRIC_SUBSCRIPTIONS));
}

/* --- The server API --- */

/* As fingerprint(), with the watcher. */
static uint64_t everybody(const struct sim_run *f)
{
    const struct client *c = f->clients[CLIENTS];

    return fingerprint(f) * 31 + c->connection * 8 + c->stage;
}

static unsigned count_live(const struct sim_run *f, unsigned channel)
{
    unsigned live = 0;

    for (unsigned i = 0; i <= CLIENTS; i++) {
        const struct client *c = f->clients[i];

        live += channel < ROOMS
                    ? is_live(c, channel)
                    : is_live(c, INBOX) && client_channel(c, INBOX) == channel;
    }
    return live;
}

/* Ask until the store does not fail. */
static bool ask_backend(struct sim_run *f,
                        void (*ask)(struct backend *, unsigned),
                        unsigned channel, const struct watch **out)
{
    for (unsigned tries = 0; tries < 20; tries++) {
        uint64_t before = everybody(f);

        ask(f->backend, channel);
        hear_out(f);
        if (backend_answer(f->backend, out) && before == everybody(f))
            return true;
    }
    if (f->world.config->channels.limits.channels < 1000)
        return false; /* no place for the channel */
    trace_fail("room %u: the server API does not answer", channel);
}

/* Whether a client is let in whose login found no place in the channel.  The
 * broker tries again, and a store that answers late has the client before it
 * hears of it. */
static bool is_anyone_coming(const struct sim_run *f, unsigned channel)
{
    unsigned sub = channel < ROOMS ? channel : INBOX;

    for (unsigned i = 0; i < CLIENTS; i++) {
        const struct client *c = f->clients[i];

        if (c->stage == STAGE_IN && c->subs[sub].state == SUB_NONE &&
            (channel < ROOMS ? c->token_rooms >> channel & 1
                             : client_channel(c, INBOX) == channel))
            return f->world.config->channels.limits.channels < 1000;
    }
    return false;
}

/* Whether the channel's number of clients is as it should be.  The answer may
 * be of the moment in which one came: it is asked for again. */
static bool is_right(struct sim_run *f, unsigned channel, uint64_t told,
                     unsigned *tries)
{
    unsigned live = count_live(f, channel);

    if (told == live)
        return true;
    if (!is_anyone_coming(f, channel) || ++*tries == 20)
        trace_fail("%s: told of %" PRIu64 " clients, there are %u",
                   world_channel_name(channel), told, live);
    hear_out(f);
    return false;
}

static void check_api_presence(struct sim_run *f, unsigned room)
{
    const struct watch *w;
    unsigned tries = 0;

    do {
        if (!ask_backend(f, backend_ask_presence, room, &w))
            return;
    } while (!is_right(f, room, w->count, &tries));
}

static void ask_channels(struct backend *b, unsigned unused)
{
    (void)unused;
    backend_ask_channels(b);
}

static void ask_info(struct backend *b, unsigned unused)
{
    (void)unused;
    backend_ask_info(b);
}

/* How many clients the answer lists for the channel.  Those without are not
 * listed. */
static uint64_t listed(struct pl_span list, unsigned channel)
{
    struct pl_span one = {0};

    hear_member(list, world_channel_name(channel), &one);
    uint64_t count = one.at == NULL ? 0 : hear_number(one, "num_clients");
    if (one.at != NULL && count == 0)
        trace_fail("%s: listed without clients", world_channel_name(channel));
    return count;
}

static bool is_list_right(struct sim_run *f, unsigned *tries)
{
    struct pl_span list = PL_SPAN("{}");

    hear_member(backend_text(f->backend), "channels", &list);
    for (unsigned i = 0; i < CHANNELS; i++)
        if (!is_right(f, i, listed(list, i), tries))
            return false;
    return true;
}

/* Those with subscribers, and how many. */
static void check_api_channels(struct sim_run *f)
{
    const struct watch *unused;
    unsigned tries = 0;

    do {
        if (!ask_backend(f, ask_channels, 0, &unused))
            return;
    } while (!is_list_right(f, &tries));
}

static void check_api_info(struct sim_run *f)
{
    const struct watch *unused;
    struct pl_span nodes = PL_SPAN("[]");
    unsigned in = 0;

    if (!ask_backend(f, ask_info, 0, &unused))
        return;
    for (unsigned i = 0; i <= CLIENTS; i++)
        in += f->clients[i]->stage == STAGE_IN;
    hear_member(backend_text(f->backend), "nodes", &nodes);
    nodes = (struct pl_span){nodes.at + 1, nodes.len - 2}; /* there is one */
    if (hear_number(nodes, "num_clients") != in)
        trace_fail("info tells of %" PRIu64 " clients, there are %u",
                   hear_number(nodes, "num_clients"), in);
}

/* No publication is there any more, but the position is the same. */
static void check_removal(struct sim_run *f, unsigned room)
{
    const struct watch *w = &f->clients[CLIENTS]->watch, *unused;

    if (!world_has_history(&f->world, room) || !watch(f, VERB_HISTORY, room))
        return;
    struct watch before = *w;
    if (!ask_backend(f, backend_remove_history, room, &unused) ||
        !watch(f, VERB_HISTORY_ALL, room))
        return;
    if (strcmp(before.epoch, w->epoch) != 0 || before.offset != w->offset ||
        w->count > 0)
        trace_fail("room %u: %u left of a history, now at %s %" PRIu64
                   ", before at %s %" PRIu64,
                   room, w->count, w->epoch, w->offset, before.epoch,
                   before.offset);
}

/* --- Joins and leaves --- */

static const struct client *client_of(const struct sim_run *f, const char *id)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (strcmp(f->clients[i]->id, id) == 0)
            return f->clients[i];
    }
    return NULL;
}

static bool has_joined(const struct sub *sub, const char *id)
{
    for (unsigned i = 0; i < sub->joined_count; i++) {
        if (strcmp(sub->joined[i].id, id) == 0)
            return sub->joined[i].is_in;
    }
    return false;
}

static void check_joined(const struct sim_run *f, const struct client *c,
                         unsigned room)
{
    const struct sub *sub = &c->subs[room];

    for (unsigned i = 0; i < sub->joined_count; i++) {
        const struct client *other = client_of(f, sub->joined[i].id);
        bool is_there = other != NULL && is_live(other, room);

        if (is_there != sub->joined[i].is_in)
            trace_fail("client %u: room %u: %s is there: %d", c->index, room,
                       sub->joined[i].id, is_there);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        const struct client *other = f->clients[i];

        if (is_live(other, room) &&
            other->subs[room].said_step > sub->live_step &&
            sub->joined_count < JOINED_MAX && !has_joined(sub, other->id))
            trace_fail("client %u: room %u: no join of client %u", c->index,
                       room, i);
    }
}

static void check_all_joined(const struct sim_run *f)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        const struct client *c = f->clients[i];

        for (unsigned room = 0; room < ROOMS; room++) {
            if (is_live(c, room) && c->subs[room].takes_joins &&
                client_sees_all(c))
                check_joined(f, c, room);
        }
    }
}

/* --- What time brings --- */

static void let_pass(struct sim_run *f, uint64_t ms)
{
    for (uint64_t at = 0; at < ms; at += SLICE_MS) {
        world_pass(&f->world, SLICE_MS);
        carry_until_still(f);
    }
}

static void check_time(const struct client *c, unsigned i)
{
    const struct sub *sub = &c->subs[i];

    if (sub->state == SUB_LIVE && sub->expires_ms != 0 &&
        c->world->now_ms > sub->expires_ms + GRACE_MS + SLACK_MS)
        trace_fail("client %u: its subscription to %u is over", c->index, i);
}

static void check_age(const struct sim_run *f, const struct client *c)
{
    const struct pl_settings *config = f->world.config;
    uint64_t now = f->world.now_ms, interval = config->session.ping.interval_ms;

    if (c->stage != STAGE_IN)
        return;
    if (c->expires_ms != 0 && now > c->expires_ms + GRACE_MS + SLACK_MS)
        trace_fail("client %u: its token is over", c->index);
    for (unsigned i = 0; i < SUBS; i++)
        check_time(c, i);
    if (interval > 0 && now > c->pinged_ms + interval + SLACK_MS)
        trace_fail("client %u: was not pinged for %" PRIu64 " ms", c->index,
                   now - c->pinged_ms);
    if (interval > 0 && client_must_pong(c) &&
        now > c->unanswered_ms + config->session.ping.timeout_ms + SLACK_MS)
        trace_fail("client %u: owes a pong and is there", c->index);
}

/* So long that all timers of a connection have had their turn. */
static void check_ages(struct sim_run *f)
{
    const struct pl_settings *c = f->world.config;
    uint64_t ms = c->session.ping.interval_ms + c->session.ping.timeout_ms;

    if (world_draw(&f->world, 2) == 0)
        ms = 40000; /* beyond the end of any token that has one */
    let_pass(f, ms + SLACK_MS);
    hear_out(f);
    for (unsigned i = 0; i < CLIENTS; i++)
        check_age(f, f->clients[i]);
}

/* Commands about one channel are judged one after the other, so each may wait
 * for a judge that does not answer. */
static bool has_waits(struct sim_run *f)
{
    return world_metric(&f->world, PL_METRIC_COMMANDS_WAITING) > 0;
}

/* Who says too little is cut at connect.timeout; who waits for a handler that
 * does not answer gets error 408, or is cut while it connects. */
static void outwait(struct sim_run *f)
{
    const struct pl_settings *c = f->world.config;
    bool is_anyone_lazy = false;

    for (unsigned i = 0; i < CLIENTS; i++)
        is_anyone_lazy |= f->clients[i]->is_lazy && f->clients[i]->link != NULL;
    uint64_t ms = f->holds_calls ? c->session.handlers.timeout_ms : 0;
    if ((f->holds_calls || is_anyone_lazy) &&
        ms < c->session.connect.timeout_ms)
        ms = c->session.connect.timeout_ms;
    if (ms == 0)
        return;
    for (unsigned i = 0; i == 0 || has_waits(f); i++) {
        if (i == CALM_ROUNDS)
            trace_fail("commands wait for verdicts without end");
        let_pass(f, ms + CALM_MS);
        hear_out(f);
    }
}

/* Until no store has anything to do: a leave whose store failed is retried each
 * 100 ms, and a late store answers after 40 ms at most.  What is left then was
 * counted and never given back. */
static void await_stores(struct sim_run *f)
{
    for (unsigned i = 0; i < CALM_ROUNDS; i++) {
        if (world_metric(&f->world, PL_METRIC_STORE_REQUESTS) == 0 &&
            world_metric(&f->world, PL_METRIC_LEAVING) == 0)
            return;
        world_pass(&f->world, CALM_MS);
        carry_until_still(f);
    }
}

/* --- All of it --- */

static void make_calm(struct sim_run *f)
{
    f->world.is_calm = true;
    world_seat_judge(&f->world, true);
    world_tell_lost(&f->world);
    f->holds_calls = world_draw(&f->world, 4) == 0;
    if (f->world.is_overloaded)
        world_pass(&f->world, 2000); /* until the session managers know */
    for (unsigned i = 0; i <= CLIENTS; i++) {
        if (f->clients[i]->is_rude) /* half a frame waits for its rest */
            client_leave(f->clients[i]);
        client_calm(f->clients[i]);
    }
    hear_out(f);
    f->world.is_still = true;
    outwait(f);
    for (unsigned i = 0; i < PATIENCE && f->world.fails_allocations; i++) {
        world_pass(&f->world, 1000); /* who could not be told is cut */
        hear_out(f);
    }
}

void sim_run_rest(struct sim_run *f)
{
    trace_note("rest", -1, 0, 0);
    make_calm(f);
    pl_loop_awake(f->world.at[f->world.workers].loop);
    readers_leave(f->readers);
    for (unsigned i = 0; i < CLIENTS; i++)
        check_client(f->clients[i]);
    f->holds_calls = false;
    hear_out(f);
    backend_check(f->backend);
    for (unsigned room = 0; room < ROOMS; room++) {
        check_presence(f, room);
        check_position(f, room);
    }
    unsigned room = world_draw(&f->world, ROOMS);
    check_api_presence(f, room);
    check_api_channels(f);
    check_api_info(f);
    check_stats(f, room);
    check_removal(f, room);
    check_ages(f);
    check_all_joined(f);
    carry_until_still(f);
    await_stores(f);
    check_gauges(f);
    check_user_gauges(f);
    check_users(f);
    if (!client_may_miss(f->clients[0]))
        check_heard(f);
    post_check(&f->world);
    world_check_rest(&f->world);
    world_check_tally(&f->world);
    f->world.is_calm = f->world.is_still = false;
}
