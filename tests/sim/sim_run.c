/* SPDX-License-Identifier: Apache-2.0 */
/* sim_run.c - see sim_run.h.
 *
 * Events come by chance: turns of loops, bytes that are carried on, clients
 * that act, time.  Now and then all troubles end and everybody is heard out;
 * then the broker is at rest (rest.c).
 * A run ends with a stop, at any moment, also while one is under way. */
#include "sim_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "faults.h"
#include "trace.h"

enum {
    TROUBLES = 8000,     /* steps between two rests, at most */
    STOP_SLACK_MS = 2000 /* beyond the deadlines of the phases */
};

/* --- Events --- */

/* Cut anywhere: often short, sometimes everything. */
static size_t draw_piece(struct world *w)
{
    static const size_t most[] = {3, 40, 600, 1 << 20, 1 << 20};

    return 1 + world_draw(w, (unsigned)most[world_draw(w, 5)]);
}

static struct client *draw_client(struct sim_run *f)
{
    return f->clients[world_draw(&f->world, CLIENTS)];
}

static void carry(struct sim_run *f, bool up)
{
    struct client *c = draw_client(f);

    if (f->world.has_postmen && up && world_draw(&f->world, 20) == 0)
        client_post_badly(c);
    if (c->link == NULL || (up && client_post_next(c)))
        return;
    if (up)
        link_carry_up(c->link, draw_piece(&f->world));
    else if (!c->is_unresponsive)
        link_carry_down(c->link, draw_piece(&f->world));
}

static void let_time_go(struct sim_run *f)
{
    static const unsigned most[] = {1, 1, 5, 5, 20, 60, 300};
    unsigned ms = world_draw(&f->world, most[world_draw(&f->world, 7)] + 1);

    world_jump(&f->world, ms);
}

static void jump(struct sim_run *f)
{
    struct world *w = &f->world;
    unsigned ms = world_draw(w, 40000);

    trace_note("clock jumps", -1, ms, 0);
    world_jump(w, ms);
    if (world_draw(w, 2) == 0)
        pl_sim_set_wall(w->sim, WORLD_WALL_MS + world_draw(w, 100000));
}

static void rare_event(struct sim_run *f)
{
    switch (world_draw(&f->world, 16)) {
    case 0:
        jump(f);
        return;
    case 1:
        world_lose(&f->world, world_draw(&f->world, CHANNELS));
        return;
    case 2:
        world_seat_judge(&f->world, !f->world.is_judge_here);
        return;
    case 3:
        if (world_reload(&f->world))
            return;
        /* fall through */
    default:
        if (world_answer_call(&f->world))
            trace_place.step++;
    }
}

static void one_event(struct sim_run *f)
{
    unsigned what = world_draw(&f->world, 1000);

    readers_act(f->readers);

    if (what < 450)
        world_turn(&f->world);
    else if (what < 650)
        carry(f, true);
    else if (what < 860)
        carry(f, false);
    else if (what < 960)
        trace_place.step += client_act(draw_client(f));
    else if (what < 990)
        let_time_go(f);
    else if (what < 994)
        trace_place.step += backend_act(f->backend);
    else
        rare_event(f);
}

static bool is_over(const struct sim_run *f)
{
    return trace_place.step >= f->last_step;
}

static void trouble(struct sim_run *f, uint64_t steps)
{
    uint64_t end = trace_place.step + steps;

    faults_fail_allocations(f->alloc_odds, world_draw(&f->world, UINT32_MAX));
    while (trace_place.step < end && !is_over(f) && !f->world.is_stopped)
        one_event(f);
    faults_fail_allocations(0, 1);
}

/* --- From beginning to end --- */

static void begin(struct sim_run *f, uint64_t seed, bool is_late)
{
    world_begin(&f->world, seed, is_late);
    f->truth = truth_create();
    for (unsigned i = 0; i <= CLIENTS; i++)
        f->clients[i] = client_create(&f->world, f->truth, i, f->clients);
    f->backend = backend_create(&f->world, f->truth, f->clients);
    f->readers = readers_create(&f->world, f->truth);
    if (world_draw(&f->world, 3) == 0) {
        f->alloc_odds = 20 + world_draw(&f->world, 400);
        f->world.fails_allocations = true;
    }
    trace_place.fails_allocations = f->world.fails_allocations;
    trace_note("run", -1, seed, f->world.workers);
}

/* Nobody is unresponsive, and what is on its way gets where it goes, for half
 * of them at a time. */
static void hear_some(struct sim_run *f)
{
    for (unsigned i = 0; i <= CLIENTS; i++) {
        struct client *c = f->clients[i];

        client_calm(c);
        if (world_draw(&f->world, 2) == 0)
            continue;
        while (c->link != NULL &&
               (client_post_next(c) || link_carry_up(c->link, SIZE_MAX) ||
                (c->link != NULL && link_carry_down(c->link, SIZE_MAX))))
            continue;
    }
}

/* The supervisor ends it in time, whatever clients and handlers do; what the
 * clock jumps before does not count. */
static void stop(struct sim_run *f)
{
    struct world *w = &f->world;
    const struct pl_settings *c = w->config;

    if (world_draw(w, 2) == 0)
        f->alloc_odds = 0;
    trace_note("stop", -1, 0, 0);
    bool is_heard = world_draw(w, 2) == 0; /* else a Close has no answer */
    world_stop(w, world_draw(w, 4) == 0);
    trouble(f, world_draw(w, is_heard ? 100 : 2000));
    uint64_t deadline = w->now_ms + c->supervisor.shutdown.grace_ms +
                        c->supervisor.shutdown.disconnect_ms +
                        c->supervisor.shutdown.cancel_ms + STOP_SLACK_MS;
    while (!w->is_stopped && w->now_ms < deadline) {
        if (is_heard)
            hear_some(f);
        world_pass(w, 10);
    }
    if (!w->is_stopped)
        trace_fail("the broker has not stopped in time");
}

static void end(struct sim_run *f)
{
    for (unsigned i = 0; i <= CLIENTS; i++)
        client_destroy(f->clients[i]);
    world_end(&f->world);
    readers_destroy(f->readers);
    backend_destroy(f->backend);
    truth_destroy(f->truth);
}

void sim_run_once(uint64_t seed, bool is_late, uint64_t last_step)
{
    struct sim_run *f = calloc(1, sizeof *f);

    f->last_step = last_step;
    trace_place.seed = seed;
    trace_place.is_late = is_late;
    trace_place.run_step = trace_place.step;
    begin(f, seed, is_late);
    unsigned chapters = world_draw(&f->world, 4);
    for (unsigned i = 0; i < chapters && !is_over(f); i++) {
        trouble(f, 100 + world_draw(&f->world, TROUBLES));
        sim_run_rest(f);
    }
    trouble(f, world_draw(&f->world, TROUBLES));
    stop(f);
    end(f);
    free(f);
}
