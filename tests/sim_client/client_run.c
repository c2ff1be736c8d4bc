/* SPDX-License-Identifier: Apache-2.0 */
/* client_run.c - see client_run.h.
 *
 * Events come by chance: turns of the broker's loops and of the groups', bytes
 * that are carried on, calls of the programs, time, and a network that fails.
 * Now and then all troubles end and the rest is checked.  A run ends with a
 * stop of each group, at any moment; in a third of the runs the broker stops
 * before. */
#include "client_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "faults.h"
#include "loop.h"
#include "program.h"
#include "sim.h"
#include "trace.h"

enum {
    PROGRAMS = 2,
    TROUBLES = 6000, /* steps between two rests, at most */
    SLICE_MS = 20,
    REST_MS = 20000, /* longer than any backoff, timeout and ping */
    ROUNDS = 10000
};

struct run {
    struct world world;
    struct truth *truth;
    struct program *programs[PROGRAMS]; /* NULL: it has ended */
    uint64_t last_step;
    unsigned alloc_odds;
};

/* --- Events --- */

static void let_time_go(struct run *r, uint64_t ms)
{
    world_jump(&r->world, ms);
    for (unsigned i = 0; i < PROGRAMS; i++) {
        if (r->programs[i] != NULL)
            pl_sim_jump(r->programs[i]->sim, ms);
    }
}

static void time_event(struct run *r)
{
    static const unsigned most[] = {1, 5, 20, 300, 3000};

    let_time_go(r, world_draw(&r->world, most[world_draw(&r->world, 5)] + 1));
}

static void end_program(struct run *r, unsigned i)
{
    program_destroy(r->programs[i]);
    r->programs[i] = NULL;
}

static void stop_event(struct run *r, unsigned i)
{
    static const uint32_t deadlines[] = {0, 100, 1000, 10000};
    struct program *p = r->programs[i];

    if (program_has_ended(p))
        end_program(r, i);
    else
        program_stop(p, deadlines[world_draw(&r->world, 4)]);
}

static void program_event(struct run *r, unsigned i, unsigned what)
{
    struct program *p = r->programs[i];

    if (p == NULL)
        return;
    if (what < 400)
        trace_place.step += program_turn(p);
    else if (what < 700)
        pipes_act(p->pipes);
    else if (what < 850)
        program_act(p);
    else if (what < 856)
        pipes_trouble(p->pipes);
    program_check_ledger(p);
}

static void one_event(struct run *r)
{
    unsigned what = world_draw(&r->world, 1000);
    unsigned i = world_draw(&r->world, PROGRAMS);

    trace_place.step += what >= 700 && what < 850;
    if (what < 200)
        world_turn(&r->world);
    else if (what < 240)
        time_event(r);
    else if (what < 244)
        world_answer_call(&r->world);
    else
        program_event(r, i, world_draw(&r->world, 1000));
}

static bool is_over(const struct run *r)
{
    return trace_place.step >= r->last_step;
}

static void trouble(struct run *r, uint64_t steps)
{
    uint64_t end = trace_place.step + steps;

    faults_fail_allocations(r->alloc_odds, world_draw(&r->world, UINT32_MAX));
    while (trace_place.step < end && !is_over(r))
        one_event(r);
    faults_fail_allocations(0, 1);
}

/* --- Rest --- */

static bool settle_program(struct program *p)
{
    bool any = false;

    while (program_turn(p))
        any = true;
    return pipes_carry_all(p->pipes) || any;
}

/* Until nobody has anything to do, at this time of the clock. */
static void settle(struct run *r)
{
    bool any = true;

    for (unsigned round = 0; any; round++) {
        any = false;
        if (round == ROUNDS)
            trace_fail("it never becomes quiet");
        world_pass(&r->world, 0);
        while (world_answer_call(&r->world))
            any = true;
        for (unsigned i = 0; i < PROGRAMS; i++) {
            if (r->programs[i] != NULL)
                any = settle_program(r->programs[i]) || any;
        }
    }
}

static void pass(struct run *r, uint64_t ms)
{
    settle(r);
    for (uint64_t at = 0; at < ms; at += SLICE_MS) {
        world_pass(&r->world, SLICE_MS);
        for (unsigned i = 0; i < PROGRAMS; i++) {
            if (r->programs[i] != NULL)
                pl_sim_jump(r->programs[i]->sim, SLICE_MS);
        }
        settle(r);
    }
}

static void publish_and_check(struct run *r, unsigned channel)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < PROGRAMS && number == 0; i++) {
        if (r->programs[i] != NULL)
            number = program_publish(r->programs[i], channel);
    }
    pass(r, 1000);
    if (number == 0 || truth_saying(r->truth, number)->fate != FATE_DONE)
        return; /* a store that fails */
    for (unsigned i = 0; i < PROGRAMS; i++) {
        if (r->programs[i] != NULL)
            program_check_heard(r->programs[i], channel, number);
    }
}

static void rest(struct run *r)
{
    trace_note("rest", -1, 0, 0);
    r->world.is_calm = true;
    for (unsigned i = 0; i < PROGRAMS; i++) {
        if (r->programs[i] == NULL)
            continue;
        r->programs[i]->is_quiet = true;
        program_answer_all(r->programs[i]);
    }
    world_tell_lost(&r->world);
    pass(r, REST_MS);
    for (unsigned i = 0; i < PROGRAMS; i++) {
        if (r->programs[i] != NULL)
            plain_send_all(r->programs[i]);
    }
    for (unsigned channel = 0; channel < ROOMS; channel++)
        publish_and_check(r, channel);
    for (unsigned i = 0; i < PROGRAMS; i++) {
        if (r->programs[i] == NULL)
            continue;
        program_check_rest(r->programs[i]);
        r->programs[i]->is_quiet = false;
    }
    r->world.is_calm = false;
}

/* --- From beginning to end --- */

static void begin(struct run *r, uint64_t seed, bool is_late)
{
    static const char *const many[] = {
        "channels.history_size=1000", "channels.history_ttl=300s",
        "ping.interval=5s", "limits.loop_lag=0ms", NULL};
    static const char *const few[] = {
        "channels.history_size=4", "channels.history_ttl=300s",
        "ping.interval=5s", "limits.loop_lag=0ms", NULL};
    struct world_options o = {.seed = seed,
                              .is_late = is_late,
                              .is_plain = true,
                              .settings = seed % 3 == 0 ? few : many};

    world_begin_with(&r->world, &o);
    r->truth = truth_create();
    for (unsigned i = 0; i < PROGRAMS; i++)
        r->programs[i] = program_create(&r->world, r->truth, i);
    if (world_draw(&r->world, 3) == 0) {
        r->alloc_odds = 20 + world_draw(&r->world, 400);
        r->world.fails_allocations = true;
    }
    trace_place.fails_allocations = r->world.fails_allocations;
    trace_note("run", -1, seed, r->world.workers);
}

static void stop_broker(struct run *r)
{
    if (r->world.is_stopping)
        return;
    trace_note("stop", -1, 0, 0);
    world_stop(&r->world, world_draw(&r->world, 2) == 0);
}

/* A stop ends within its deadline, whatever the network does. */
static void stop_programs(struct run *r)
{
    enum { DEADLINE_MS = 10000 };
    bool is_left = true;

    for (unsigned i = 0; i < PROGRAMS; i++) {
        if (r->programs[i] != NULL && !r->programs[i]->is_stopping)
            stop_event(r, i);
    }
    trouble(r, world_draw(&r->world, 1000));
    for (unsigned ms = 0; is_left; ms += SLICE_MS) {
        if (ms > DEADLINE_MS + SLICE_MS)
            trace_fail("a group does not stop in time");
        is_left = false;
        pass(r, SLICE_MS);
        for (unsigned i = 0; i < PROGRAMS; i++) {
            if (r->programs[i] != NULL && program_has_ended(r->programs[i]))
                end_program(r, i);
            is_left = is_left || r->programs[i] != NULL;
        }
    }
}

static void end(struct run *r)
{
    enum { PATIENCE_MS = 100000 };

    stop_broker(r);
    for (unsigned ms = 0; !r->world.is_stopped; ms += 10) {
        if (ms > PATIENCE_MS)
            trace_fail("the broker does not stop");
        world_pass(&r->world, 10);
    }
    world_end(&r->world);
    truth_destroy(r->truth);
}

void client_run_once(uint64_t seed, bool is_late, uint64_t last_step)
{
    struct run *r = calloc(1, sizeof *r);

    r->last_step = last_step;
    trace_place.seed = seed;
    trace_place.is_late = is_late;
    trace_place.run_step = trace_place.step;
    begin(r, seed, is_late);
    unsigned chapters = world_draw(&r->world, 3);
    for (unsigned i = 0; i < chapters && !is_over(r); i++) {
        trouble(r, 100 + world_draw(&r->world, TROUBLES));
        rest(r);
    }
    trouble(r, world_draw(&r->world, TROUBLES));
    if (world_draw(&r->world, 3) == 0) {
        stop_broker(r);
        trouble(r, world_draw(&r->world, 2000));
    }
    stop_programs(r);
    end(r);
    free(r);
}
