/* SPDX-License-Identifier: Apache-2.0 */
/* life.c - see life.h.
 *
 * Events come by chance: turns of loops, bytes that are carried on, clients
 * that act, time.  Now and then all troubles end and everybody is heard out;
 * then the broker is at rest, and must know exactly what its clients know.
 * A life ends with a stop, at any moment, also while one is under way. */
#include "life.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "code.h"
#include "faults.h"
#include "trace.h"

enum {
    TROUBLES = 8000,     /* steps between two rests, at most */
    CALM_MS = 100,       /* longer than anything is retried or late */
    CALM_ROUNDS = 400,   /* then something never comes to its end */
    CALM_ENOUGH = 4,     /* rounds in which nothing came */
    PATIENCE = 12,       /* seconds, beyond connect.timeout */
    STOP_SLACK_MS = 2000 /* beyond the deadlines of the phases */
};

struct life {
    struct world world;
    struct truth *truth;
    struct client *clients[CLIENTS + 1]; /* the last one watches */
    uint64_t last_step;
    unsigned alloc_odds;
};

/* --- Events --- */

/* Cut anywhere: often short, sometimes everything. */
static size_t draw_piece(struct world *w)
{
    static const size_t most[] = {3, 40, 600, 1 << 20, 1 << 20};

    return 1 + world_draw(w, (unsigned)most[world_draw(w, 5)]);
}

static struct client *draw_client(struct life *f)
{
    return f->clients[world_draw(&f->world, CLIENTS)];
}

static void carry(struct life *f, bool up)
{
    struct client *c = draw_client(f);

    if (c->link == NULL)
        return;
    if (up)
        link_carry_up(c->link, draw_piece(&f->world));
    else if (!c->is_mute)
        link_carry_down(c->link, draw_piece(&f->world));
}

static void let_time_go(struct life *f)
{
    static const unsigned most[] = {1, 1, 5, 5, 20, 60, 300};
    unsigned ms = world_draw(&f->world, most[world_draw(&f->world, 7)] + 1);

    world_jump(&f->world, ms);
}

static void jump(struct life *f)
{
    struct world *w = &f->world;
    unsigned ms = world_draw(w, 40000);

    trace_note("clock jumps", -1, ms, 0);
    world_jump(w, ms);
    if (world_draw(w, 2) == 0)
        pl_sim_set_wall(w->sim, WORLD_WALL_MS + world_draw(w, 100000));
}

static void kick(struct life *f)
{
    struct world *w = &f->world;
    static const char *const users[USERS] = {"u0", "u1", "u2", "u3"};
    bool is_sub = world_draw(w, 2) == 0;

    if (w->is_stopping)
        return;
    trace_note("kick", -1, is_sub, 0);
    world_kick(w, users[world_draw(w, USERS)],
               is_sub ? truth_channel_name(world_draw(w, ROOMS)) : NULL);
}

static void rare_event(struct life *f)
{
    switch (world_draw(&f->world, 16)) {
    case 0:
        jump(f);
        return;
    case 1:
    case 2:
        kick(f);
        return;
    default:
        if (world_answer_call(&f->world))
            trace_place.step++;
    }
}

static void one_event(struct life *f)
{
    unsigned what = world_draw(&f->world, 1000);

    if (what < 450)
        world_turn(&f->world);
    else if (what < 650)
        carry(f, true);
    else if (what < 860)
        carry(f, false);
    else if (what < 960)
        trace_place.step += client_act(draw_client(f));
    else if (what < 993)
        let_time_go(f);
    else
        rare_event(f);
}

static bool is_over(const struct life *f)
{
    return trace_place.step >= f->last_step;
}

static void trouble(struct life *f, uint64_t steps)
{
    uint64_t end = trace_place.step + steps;

    faults_fail_allocations(f->alloc_odds, world_draw(&f->world, UINT32_MAX));
    while (trace_place.step < end && !is_over(f) && !f->world.is_stopped)
        one_event(f);
    faults_fail_allocations(0, 1);
}

/* --- Rest --- */

/* All that is on its way gets where it goes; false: nothing was. */
static bool carry_all(struct life *f)
{
    bool any = false;

    for (unsigned i = 0; i <= CLIENTS; i++) {
        struct client *c = f->clients[i];

        while (c->link != NULL && link_carry_up(c->link, SIZE_MAX))
            any = true;
        while (c->link != NULL && link_carry_down(c->link, SIZE_MAX))
            any = true;
    }
    while (world_answer_call(&f->world))
        any = true;
    return any;
}

/* What is heard; and who is held back may have more that runs. */
static uint64_t count_news(const struct life *f)
{
    uint64_t news = world_metric(&f->world, PL_METRIC_READS_PAUSED_RATE);

    for (unsigned i = 0; i <= CLIENTS; i++)
        news += f->clients[i]->news;
    return news;
}

static void carry_until_still(struct life *f)
{
    unsigned rounds = 0;

    do {
        world_pass(&f->world, 0);
        if (++rounds == CALM_ROUNDS)
            trace_fail("there is no end to what is said");
    } while (carry_all(f));
}

/* Until nothing but pings comes any more, though time passes. */
static void hear_out(struct life *f)
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

/* Changes when a client comes, goes or changes a subscription. */
static uint64_t fingerprint(const struct life *f)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < CLIENTS; i++) {
        const struct client *c = f->clients[i];

        sum = sum * 31 + c->connection * 8 + c->stage;
        for (unsigned s = 0; s < SUBS; s++)
            sum = sum * 31 + c->subs[s].life * 4 + c->subs[s].state;
    }
    return sum;
}

/* Ask until the store does not fail; then the answer is in `watch`. */
static bool watch(struct life *f, enum verb verb, unsigned room)
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

static void check_presence(struct life *f, unsigned room)
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

static void check_position(struct life *f, unsigned room)
{
    const struct watch *w = &f->clients[CLIENTS]->watch;

    if (!f->world.has_history || !watch(f, VERB_HISTORY, room))
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

static void check_gauges(struct life *f)
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

static void rest(struct life *f)
{
    trace_note("rest", -1, 0, 0);
    f->world.is_calm = true;
    if (f->world.is_overloaded)
        world_pass(&f->world, 2000); /* until the keepers know */
    for (unsigned i = 0; i <= CLIENTS; i++) {
        if (f->clients[i]->is_rude) /* half a frame waits for its rest */
            client_leave(f->clients[i]);
        client_calm(f->clients[i]);
    }
    hear_out(f);
    for (unsigned i = 0; i < PATIENCE && f->world.fails_allocations; i++) {
        world_pass(&f->world, 1000); /* who could not be told is cut */
        hear_out(f);
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        check_client(f->clients[i]);
    for (unsigned room = 0; room < ROOMS; room++) {
        check_presence(f, room);
        check_position(f, room);
    }
    carry_until_still(f);
    check_gauges(f);
    world_check_rest(&f->world);
    f->world.is_calm = false;
}

/* --- From beginning to end --- */

static void begin(struct life *f, uint64_t seed, bool is_late)
{
    world_begin(&f->world, seed, is_late);
    f->truth = truth_create();
    for (unsigned i = 0; i <= CLIENTS; i++)
        f->clients[i] = client_create(&f->world, f->truth, i, f->clients);
    if (world_draw(&f->world, 3) == 0) {
        f->alloc_odds = 20 + world_draw(&f->world, 400);
        f->world.fails_allocations = true;
    }
    trace_place.fails_allocations = f->world.fails_allocations;
    trace_note("life", -1, seed, f->world.workers);
}

/* The supervisor ends it in time, whatever clients and handlers do; what the
 * clock jumps before does not count. */
static void stop(struct life *f)
{
    struct world *w = &f->world;
    const struct pl_config *c = w->config;

    if (world_draw(w, 2) == 0)
        f->alloc_odds = 0;
    trace_note("stop", -1, 0, 0);
    world_stop(w, world_draw(w, 4) == 0);
    trouble(f, world_draw(w, 2000));
    uint64_t deadline = w->now_ms + c->shutdown.grace_ms +
                        c->shutdown.disconnect_ms + c->shutdown.cancel_ms +
                        STOP_SLACK_MS;
    while (!w->is_stopped && w->now_ms < deadline)
        world_pass(w, 10);
    if (!w->is_stopped)
        trace_fail("the broker has not stopped in time");
}

static void end(struct life *f)
{
    for (unsigned i = 0; i <= CLIENTS; i++)
        client_destroy(f->clients[i]);
    world_end(&f->world);
    truth_destroy(f->truth);
}

void life_run(uint64_t seed, bool is_late, uint64_t last_step)
{
    struct life *f = calloc(1, sizeof *f);

    f->last_step = last_step;
    trace_place.seed = seed;
    trace_place.is_late = is_late;
    trace_place.life_step = trace_place.step;
    begin(f, seed, is_late);
    unsigned chapters = world_draw(&f->world, 4);
    for (unsigned i = 0; i < chapters && !is_over(f); i++) {
        trouble(f, 100 + world_draw(&f->world, TROUBLES));
        rest(f);
    }
    trouble(f, world_draw(&f->world, TROUBLES));
    stop(f);
    end(f);
    free(f);
}
