/* SPDX-License-Identifier: Apache-2.0 */
/* test_sim.c - the promises of sim.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "list.h"
#include "sim.h"
#include "system.h"

enum { ACTORS = 6, LOOPS = 3, TRACE = 4000, TO_LIVE = 12 };

/* An actor that passes each message on to a random other, until it is old. */
struct player {
    struct pl_actor actor;
    char name;
};

struct ball {
    struct pl_msg msg;
    int age;
};

static struct player player[ACTORS];
static struct pl_address address[ACTORS];
static char trace[TRACE + 1];
static size_t traced;

static void free_ball(struct pl_msg *msg)
{
    free(PL_CONTAINER(msg, struct ball, msg));
}

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct ball *b = PL_CONTAINER(msg, struct ball, msg);

    if (traced < TRACE)
        trace[traced++] = PL_CONTAINER(a, struct player, actor)->name;
    if (b->age++ == TO_LIVE) {
        free(b);
        return;
    }
    pl_actor_send(a, address[pl_random_below(pl_loop_random(a->loop), ACTORS)],
                  msg);
}

static void reap(struct pl_actor *a)
{
    (void)a;
}

static const struct pl_actor_ops ops = {
    .name = "player", .mailbox_limit = 1000, .receive = receive, .reap = reap};

static void throw_ball(int from, int to)
{
    struct ball *b = calloc(1, sizeof *b);

    assert_non_null(b);
    b->msg.destroy = free_ball;
    pl_actor_send(&player[from].actor, address[to], &b->msg);
}

static struct pl_sim *begin(uint64_t seed)
{
    struct pl_sim *sim;

    assert_int_equal(pl_sim_create(&sim, LOOPS, seed), PL_OK);
    memset(trace, 0, sizeof trace);
    traced = 0;
    for (int i = 0; i < ACTORS; i++) {
        player[i].name = (char)('a' + i);
        assert_int_equal(
            pl_actor_init(&player[i].actor,
                          pl_system_loop(pl_sim_system(sim), (unsigned)i % 3),
                          &ops),
            PL_OK);
        address[i] = pl_actor_address(&player[i].actor);
    }
    return sim;
}

static char *trace_of(uint64_t seed)
{
    struct pl_sim *sim = begin(seed);

    for (int i = 0; i < 40; i++)
        throw_ball(i % ACTORS, (i + 1) % ACTORS);
    assert_true(pl_sim_run_until_idle(sim, 100000));
    assert_int_equal(traced, 40 * (TO_LIVE + 1));
    pl_sim_destroy(sim);
    return strdup(trace);
}

static void the_same_seed_gives_the_same_run(void **state)
{
    uint64_t seed = pl_sim_test_seed("the_same_seed_gives_the_same_run");

    (void)state;
    for (uint64_t i = 0; i < 50; i++) {
        char *first = trace_of(seed + i), *second = trace_of(seed + i);

        assert_string_equal(first, second);
        free(first);
        free(second);
    }
}

static void different_seeds_give_different_runs(void **state)
{
    uint64_t seed = pl_sim_test_seed("different_seeds_give_different_runs");

    (void)state;
    for (uint64_t i = 0; i < 50; i++) {
        char *first = trace_of(seed + i), *second = trace_of(seed + i + 1);

        assert_string_not_equal(first, second);
        free(first);
        free(second);
    }
}

static uint64_t number_of(uint64_t seed, unsigned loop)
{
    struct pl_sim *sim = begin(seed);
    uint64_t number =
        pl_random_u64(pl_loop_random(pl_system_loop(pl_sim_system(sim), loop)));

    pl_sim_destroy(sim);
    return number;
}

static void the_loops_numbers_come_from_the_seed(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        assert_true(number_of(seed, 0) == number_of(seed, 0));
        assert_true(number_of(seed, 0) != number_of(seed, 1));
        assert_true(number_of(seed, 0) != number_of(seed + 1, 0));
    }
}

/* Two actors of one loop with ten balls each: what one turn may do. */
static void a_turn_ends_early_in_every_way(void **state)
{
    unsigned one = 0, all = 0, took_turns = 0, in_a_row = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct pl_sim *sim = begin(seed);

        for (int i = 0; i < 20; i++)
            throw_ball(0, i < 10 ? 0 : 3); /* both on loop 0 */
        assert_true(pl_sim_step(sim));
        one += traced == 1;
        all += traced >= 20;
        took_turns += strncmp(trace, "ad", 2) == 0;
        in_a_row += strncmp(trace, "aa", 2) == 0;
        pl_sim_destroy(sim);
    }
    assert_true(one > 0 && all > 0 && took_turns > 0 && in_a_row > 0);
}

static void a_sim_without_work_stands_still(void **state)
{
    struct pl_sim *sim = begin(1);

    (void)state;
    assert_int_equal(pl_sim_seed(sim), 1);
    while (pl_sim_step(sim))
        ;
    assert_false(pl_sim_step(sim));
    assert_true(pl_sim_run_until_idle(sim, 0));
    pl_sim_destroy(sim);
    pl_sim_destroy(NULL);
}

static void
running_until_idle_reports_when_the_steps_did_not_suffice(void **state)
{
    struct pl_sim *sim = begin(2);

    (void)state;
    throw_ball(0, 1); /* to another loop: at least two turns */
    assert_false(pl_sim_run_until_idle(sim, 1));
    assert_true(pl_sim_run_until_idle(sim, 1000));
    pl_sim_destroy(sim);
}

static void a_sim_needs_a_loop(void **state)
{
    struct pl_sim *sim = NULL;

    (void)state;
    assert_int_equal(pl_sim_create(&sim, 0, 1), PL_EINVAL);
    assert_null(sim);
}

struct alarm {
    struct pl_timer timer;
    struct pl_loop *loop;
    unsigned again; /* times */
    uint64_t rang_at[4];
    unsigned rings;
};

static void ring(struct pl_timer *t)
{
    struct alarm *a = PL_CONTAINER(t, struct alarm, timer);

    a->rang_at[a->rings++] = pl_loop_now_ms(a->loop);
    if (a->rings <= a->again)
        pl_timer_start(a->loop, t, 40);
}

static void the_clock_stops_at_each_timer_on_its_way(void **state)
{
    struct pl_sim *sim = begin(3);
    struct alarm alarm[LOOPS] = {{.timer.fire = ring}};
    uint64_t start[LOOPS];

    (void)state;
    for (unsigned i = 0; i < LOOPS; i++) {
        struct pl_loop *loop = pl_system_loop(pl_sim_system(sim), i);

        alarm[i] = (struct alarm){.timer.fire = ring, .loop = loop, .again = i};
        start[i] = pl_loop_now_ms(loop);
        pl_timer_start(loop, &alarm[i].timer, 100 * (i + 1));
    }
    pl_sim_advance(sim, 99);
    assert_int_equal(alarm[0].rings, 0);
    pl_sim_advance(sim, 1000);
    for (unsigned i = 0; i < LOOPS; i++) {
        assert_int_equal(alarm[i].rings, i + 1);
        for (unsigned k = 0; k <= i; k++) {
            uint64_t due = 100 * (i + 1) + 40 * k;
            uint64_t rang = alarm[i].rang_at[k] - start[i];

            /* in its own tick or the one after, for each ring */
            assert_in_range(rang, due, due + (k + 1) * PL_TIMER_TICK_MS);
        }
    }
    pl_sim_destroy(sim);
}

static void the_clock_moves_by_what_was_asked(void **state)
{
    struct pl_sim *sim = begin(4);
    const struct pl_clock *clock = pl_system_clock(pl_sim_system(sim));
    uint64_t before = clock->monotonic(clock);

    (void)state;
    pl_sim_advance(sim, 12345);
    assert_int_equal(clock->monotonic(clock) - before,
                     UINT64_C(12345) * 1000000);
    pl_sim_destroy(sim);
}

/* What pl_sim_test_seed() prints, and its seed. */
static uint64_t seed_and_print(char *out, size_t size)
{
    int fds[2], saved = dup(STDOUT_FILENO);

    assert_int_equal(pipe(fds), 0);
    fflush(stdout);
    dup2(fds[1], STDOUT_FILENO);
    uint64_t seed = pl_sim_test_seed("some test");
    dup2(saved, STDOUT_FILENO);
    close(saved);
    close(fds[1]);
    ssize_t len = read(fds[0], out, size - 1);
    close(fds[0]);
    assert_true(len > 0);
    out[len] = '\0';
    return seed;
}

static void the_seed_is_printed_and_can_be_given(void **state)
{
    char text[100], expected[100];
    const char *given = getenv("PL_SEED");
    char *kept = given == NULL ? NULL : strdup(given);

    (void)state;
    setenv("PL_SEED", "4711", 1);
    assert_int_equal(seed_and_print(text, sizeof text), 4711);
    assert_string_equal(text, "PL_SEED=4711 some test\n");
    unsetenv("PL_SEED");
    uint64_t seed = seed_and_print(text, sizeof text);
    snprintf(expected, sizeof expected, "PL_SEED=%llu some test\n",
             (unsigned long long)seed);
    assert_string_equal(text, expected);
    assert_true(seed_and_print(text, sizeof text) != seed);
    if (kept != NULL)
        setenv("PL_SEED", kept, 1);
    free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_run),
        cmocka_unit_test(different_seeds_give_different_runs),
        cmocka_unit_test(the_loops_numbers_come_from_the_seed),
        cmocka_unit_test(a_turn_ends_early_in_every_way),
        cmocka_unit_test(a_sim_without_work_stands_still),
        cmocka_unit_test(
            running_until_idle_reports_when_the_steps_did_not_suffice),
        cmocka_unit_test(a_sim_needs_a_loop),
        cmocka_unit_test(the_clock_stops_at_each_timer_on_its_way),
        cmocka_unit_test(the_clock_moves_by_what_was_asked),
        cmocka_unit_test(the_seed_is_printed_and_can_be_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
