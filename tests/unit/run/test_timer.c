/* SPDX-License-Identifier: Apache-2.0 */
/* test_timer.c - the wheel against a model that looks at every timer. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "random.h"
#include "sim.h"
#include "timer.h"

enum { TIMERS = 200, DAY_MS = 24 * 60 * 60 * 1000 };

struct probe {
    struct pl_timer timer;
    bool expected;   /* the model: it is running */
    uint64_t due_ms; /* ... until then */
    unsigned fired;
    uint64_t again_ms; /* started anew by its callback, so much later */
    struct probe *stops;
};

static struct pl_wheel wheel;
static uint64_t now_ms;
static uint64_t last_tick;

static uint64_t tick_of(uint64_t due_ms)
{
    return (due_ms + PL_TIMER_TICK_MS - 1) / PL_TIMER_TICK_MS;
}

static void start(struct probe *p, uint64_t due_ms)
{
    pl_wheel_start(&wheel, &p->timer, due_ms);
    p->expected = true;
    p->due_ms = due_ms;
}

static void stop(struct probe *p)
{
    pl_wheel_stop(&wheel, &p->timer);
    p->expected = false;
}

static void fire(struct pl_timer *t)
{
    struct probe *p = PL_CONTAINER(t, struct probe, timer);

    assert_true(p->expected);
    assert_false(pl_timer_is_running(t));
    assert_true(p->due_ms <= now_ms);
    assert_true(t->tick >= last_tick); /* in the order of the ticks */
    last_tick = t->tick;
    p->expected = false;
    p->fired++;
    if (p->again_ms > 0)
        start(p, now_ms + p->again_ms);
    if (p->stops != NULL)
        stop(p->stops);
}

static int fresh(void **state)
{
    (void)state;
    now_ms = 1000003;
    last_tick = 0;
    pl_wheel_init(&wheel, now_ms);
    return 0;
}

static void run_until(uint64_t ms)
{
    now_ms = ms;
    pl_wheel_run(&wheel, now_ms);
}

static void a_timer_fires_at_its_tick_and_never_before(void **state)
{
    static const uint64_t delays[] = {
        0,      1,           3,           4,
        5,      1023,        1024,        1025,
        262143, 262145,      67108863,    67108865,
        DAY_MS, 17179869183, 17179869185, UINT64_C(3) << 40};

    (void)state;
    for (unsigned i = 0; i < sizeof delays / sizeof *delays; i++) {
        struct probe p = {.timer = {.fire = fire}};
        uint64_t due_ms = now_ms + delays[i];
        uint64_t tick_ms = tick_of(due_ms) * PL_TIMER_TICK_MS;
        start(&p, due_ms);
        run_until(tick_ms - 1);
        assert_int_equal(p.fired, 0);
        run_until(tick_ms);
        assert_int_equal(p.fired, 1);
        assert_int_equal(wheel.count, 0);
    }
}

/* Sleeping as long as the wheel says, a timer of 600 days takes few wakes. */
static void sleeping_until_the_next_work_misses_nothing(void **state)
{
    struct probe p = {.timer = {.fire = fire}};
    unsigned wakes = 0;

    (void)state;
    start(&p, now_ms + UINT64_C(600) * DAY_MS);
    while (p.fired == 0) {
        uint64_t wait = pl_wheel_next(&wheel, now_ms);
        assert_true(wait > 0 && wait < UINT64_MAX);
        run_until(now_ms + wait);
        assert_true(++wakes < 20);
    }
    assert_int_equal(now_ms / PL_TIMER_TICK_MS, tick_of(p.due_ms));
    assert_int_equal(pl_wheel_next(&wheel, now_ms), UINT64_MAX);
}

static void a_running_timer_is_moved(void **state)
{
    struct probe p = {.timer = {.fire = fire}};

    (void)state;
    start(&p, now_ms + 10);
    start(&p, now_ms + 5000);
    assert_int_equal(wheel.count, 1);
    run_until(now_ms + 4996);
    assert_int_equal(p.fired, 0);
    run_until(now_ms + 8);
    assert_int_equal(p.fired, 1);
}

static void a_stopped_timer_leaves_nothing_to_do(void **state)
{
    struct probe p = {.timer = {.fire = fire}};

    (void)state;
    start(&p, now_ms + 70000);
    stop(&p);
    stop(&p);
    assert_int_equal(pl_wheel_next(&wheel, now_ms), UINT64_MAX);
    run_until(now_ms + 80000);
    assert_int_equal(p.fired, 0);
}

static void a_callback_may_stop_a_timer_of_the_same_tick(void **state)
{
    struct probe second = {.timer = {.fire = fire}};
    struct probe first = {.timer = {.fire = fire}, .stops = &second};

    (void)state;
    start(&first, now_ms + 10);
    start(&second, now_ms + 10);
    run_until(now_ms + 20);
    assert_int_equal(first.fired, 1);
    assert_int_equal(second.fired, 0);
    assert_int_equal(wheel.count, 0);
}

static void a_callback_may_start_its_timer_again(void **state)
{
    struct probe p = {.timer = {.fire = fire}, .again_ms = 4};

    (void)state;
    run_until(now_ms + 1); /* to the edge of a tick */
    start(&p, now_ms + 4);
    for (unsigned i = 1; i <= 600; i++) {
        run_until(now_ms + 4);
        assert_int_equal(p.fired, i);
    }
    /* Late, it fires once, and not once for each tick that was missed. */
    run_until(now_ms + 4000);
    assert_int_equal(p.fired, 601);
    stop(&p);
}

/* Delays of every magnitude that four levels know, and beyond. */
static uint64_t some_delay(struct pl_random *r)
{
    return pl_random_u64(r) >> (64 - 1 - pl_random_below(r, 38));
}

static void check_model(struct probe *p)
{
    uint64_t count = 0, next = UINT64_MAX;

    for (unsigned i = 0; i < TIMERS; i++) {
        assert_int_equal(p[i].expected, pl_timer_is_running(&p[i].timer));
        if (!p[i].expected)
            continue;
        count++;
        assert_true(p[i].timer.tick > now_ms / PL_TIMER_TICK_MS);
        if (p[i].timer.tick < next)
            next = p[i].timer.tick;
    }
    assert_int_equal(wheel.count, count);
    uint64_t wait = pl_wheel_next(&wheel, now_ms);
    if (count == 0)
        assert_int_equal(wait, UINT64_MAX);
    else /* moving to a finer level may come before firing, never after */
        assert_true(wait <= next * PL_TIMER_TICK_MS - now_ms && wait > 0);
}

static void random_operations_agree_with_a_naive_model(void **state)
{
    static struct probe p[TIMERS];
    struct pl_random r;

    (void)state;
    pl_random_init_seeded(&r, pl_sim_test_seed("timer"));
    for (unsigned i = 0; i < TIMERS; i++)
        p[i].timer.fire = fire;
    for (unsigned step = 0; step < 20000; step++) {
        struct probe *one = &p[pl_random_below(&r, TIMERS)];
        switch (pl_random_below(&r, 4)) {
        case 0:
        case 1:
            one->again_ms = pl_random_below(&r, 8) == 0 ? some_delay(&r) : 0;
            start(one, now_ms + some_delay(&r));
            break;
        case 2:
            stop(one);
            break;
        case 3:
            run_until(now_ms + some_delay(&r));
            check_model(p);
            break;
        }
    }
    for (unsigned i = 0; i < TIMERS; i++)
        stop(&p[i]);
    assert_int_equal(pl_wheel_next(&wheel, now_ms), UINT64_MAX);
    for (unsigned level = 0; level < PL_WHEEL_LEVELS; level++) {
        for (unsigned i = 0; i < PL_WHEEL_SLOTS / 64; i++)
            assert_int_equal(wheel.occupied[level][i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_timer_fires_at_its_tick_and_never_before,
                               fresh),
        cmocka_unit_test_setup(sleeping_until_the_next_work_misses_nothing,
                               fresh),
        cmocka_unit_test_setup(a_running_timer_is_moved, fresh),
        cmocka_unit_test_setup(a_stopped_timer_leaves_nothing_to_do, fresh),
        cmocka_unit_test_setup(a_callback_may_stop_a_timer_of_the_same_tick,
                               fresh),
        cmocka_unit_test_setup(a_callback_may_start_its_timer_again, fresh),
        cmocka_unit_test_setup(random_operations_agree_with_a_naive_model,
                               fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
