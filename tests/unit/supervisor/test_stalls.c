/* SPDX-License-Identifier: Apache-2.0 */
/* test_stalls.c - which loops hang, and what the log says of it.  The loops
 * take their turns here, on a driven clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "phase_mail.h"
#include "stalls.h"

enum { LOOPS = 3, LIMIT = 100 };

static struct pl_clock_driven clock_;
static struct pl_system *sys;
static struct pl_phase_trace *trace;
static struct pl_stalls *stalls;

/* The lines at WARN and above. */
static struct {
    unsigned count;
    char text[512]; /* of the newest */
} heard;

static void hear(void *arg, enum pl_log_level level, struct pl_span line)
{
    (void)arg;
    if (level < PL_LOG_WARN)
        return;
    heard.count++;
    snprintf(heard.text, sizeof heard.text, "%.*s", (int)line.len, line.at);
}

static struct pl_loop *loop_at(unsigned i)
{
    return pl_system_loop(sys, i);
}

static void on_turn_end(void *loop)
{
    pl_stalls_on_turn_end(stalls, loop);
}

static void create(uint64_t limit_ms)
{
    assert_int_equal(pl_stalls_create(&stalls, sys, trace, limit_ms), PL_OK);
}

static int set_up(void **state)
{
    struct pl_system_options options = {.loops = LOOPS, .clock = &clock_.clock};

    (void)state;
    memset(&heard, 0, sizeof heard);
    pl_log_set_sink(hear, NULL);
    pl_clock_driven_init(&clock_);
    clock_.monotonic_ns = UINT64_C(5000000000);
    assert_int_equal(pl_system_create(&sys, &options), PL_OK);
    assert_int_equal(pl_phase_trace_create(&trace, &clock_.clock), PL_OK);
    pl_phase_trace_begin(trace, PL_PHASE_RUNNING, 0);
    create(LIMIT);
    for (unsigned i = 0; i < LOOPS; i++)
        pl_loop_on_turn_end(loop_at(i), on_turn_end, loop_at(i));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pl_stalls_destroy(stalls);
    pl_phase_trace_destroy(trace);
    pl_system_destroy(sys);
    pl_log_set_sink(NULL, NULL);
    return 0;
}

static void pass_ms(uint64_t ms)
{
    pl_clock_driven_advance(&clock_, ms * 1000000);
}

static void turn(unsigned i)
{
    pl_loop_awake(loop_at(i));
    pl_loop_turn(loop_at(i));
}

static void assert_heard(const char *text)
{
    if (strstr(heard.text, text) == NULL)
        fail_msg("not \"%s\": %s", text, heard.text);
}

static void a_loop_is_stuck_beyond_the_limit_until_its_turn_ends(void **state)
{
    struct pl_stall stall = {9, 9};

    (void)state;
    pl_loop_awake(loop_at(1));
    pass_ms(LIMIT);
    assert_int_equal(pl_stalls_ms(stalls, 1), 0);
    assert_false(pl_stalls_find(stalls, &stall));
    assert_int_equal(stall.loop, 9);
    pass_ms(1);
    assert_int_equal(pl_stalls_ms(stalls, 1), LIMIT + 1);
    assert_int_equal(pl_stalls_ms(stalls, 0), 0);
    pl_loop_turn(loop_at(1));
    assert_int_equal(pl_stalls_ms(stalls, 1), 0);
}

static void a_loop_that_sleeps_is_never_stuck(void **state)
{
    struct pl_stall stall;

    (void)state;
    turn(0);
    assert_true(pl_loop_sleep(loop_at(0)));
    pass_ms(3600 * 1000); /* also if the process was stopped meanwhile */
    assert_false(pl_stalls_find(stalls, &stall));
    pl_stalls_look(stalls);
    assert_int_equal(heard.count, 0);
}

static void of_several_the_one_that_hangs_longest_is_found(void **state)
{
    struct pl_stall stall;

    (void)state;
    pl_loop_awake(loop_at(1));
    pass_ms(10);
    pl_loop_awake(loop_at(0));
    pass_ms(500);
    assert_true(pl_stalls_find(stalls, &stall));
    assert_int_equal(stall.loop, 1);
    assert_int_equal(stall.ms, 510);
}

static void a_stall_is_logged_once_while_it_lasts_and_once_after(void **state)
{
    (void)state;
    pl_loop_awake(loop_at(1));
    pl_loop_enter(loop_at(1), "orders.place");
    pass_ms(150);
    pl_stalls_look(stalls);
    assert_int_equal(heard.count, 1);
    assert_heard("event=\"loop does not turn\" loop=1 ms=150 "
                 "handler=orders.place");
    pass_ms(150);
    pl_stalls_look(stalls);
    assert_int_equal(heard.count, 1);
    pl_loop_leave(loop_at(1));
    pl_loop_turn(loop_at(1));
    assert_int_equal(heard.count, 2);
    assert_heard("event=\"loop turns again\" loop=1 ms=300");
    pl_loop_awake(loop_at(1)); /* the next stall is another one */
    pass_ms(200);
    pl_stalls_look(stalls);
    assert_int_equal(heard.count, 3);
    assert_heard("loop=1 ms=200");
}

static void another_loop_that_turns_logs_it(void **state)
{
    (void)state;
    pl_loop_awake(loop_at(1));
    pass_ms(LIMIT);
    turn(0); /* it looks now, and not again for a quarter of the limit */
    pass_ms(LIMIT / 4 - 1);
    turn(0);
    assert_int_equal(heard.count, 0);
    turn(2); /* which has its own time to look */
    assert_int_equal(heard.count, 1);
    assert_heard("event=\"loop does not turn\" loop=1");
    pass_ms(1);
    turn(0);
    assert_int_equal(heard.count, 1);
}

static void a_stall_that_nobody_noticed_is_logged_when_it_is_over(void **state)
{
    (void)state;
    pl_loop_awake(loop_at(2));
    pass_ms(LIMIT + 1);
    pl_loop_turn(loop_at(2));
    assert_int_equal(heard.count, 1);
    assert_heard("event=\"loop turns again\" loop=2 ms=101");
}

static void without_a_limit_no_loop_is_stuck(void **state)
{
    struct pl_stall stall;

    (void)state;
    pl_stalls_destroy(stalls);
    create(0);
    pl_loop_awake(loop_at(1));
    pass_ms(3600 * 1000);
    assert_false(pl_stalls_find(stalls, &stall));
    turn(0);
    pl_stalls_look(stalls);
    pl_loop_turn(loop_at(1));
    assert_int_equal(heard.count, 0);
}

static void a_broker_that_stops_logs_no_stalls(void **state)
{
    (void)state;
    pl_phase_trace_begin(trace, PL_PHASE_GRACE, 100);
    pl_loop_awake(loop_at(1));
    pass_ms(LIMIT + 1);
    pl_stalls_look(stalls);
    pl_loop_turn(loop_at(1));
    assert_int_equal(heard.count, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_loop_is_stuck_beyond_the_limit_until_its_turn_ends),
        TEST(a_loop_that_sleeps_is_never_stuck),
        TEST(of_several_the_one_that_hangs_longest_is_found),
        TEST(a_stall_is_logged_once_while_it_lasts_and_once_after),
        TEST(another_loop_that_turns_logs_it),
        TEST(a_stall_that_nobody_noticed_is_logged_when_it_is_over),
        TEST(without_a_limit_no_loop_is_stuck),
        TEST(a_broker_that_stops_logs_no_stalls),
    };

    return cmocka_run_group_tests_name("stalls", tests, NULL, NULL);
}
