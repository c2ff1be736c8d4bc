/* SPDX-License-Identifier: Apache-2.0 */
/* test_loop_seen.c - what other threads see of a loop: the foreign code that
 * runs on it, and when its turn began. */
#include "recorder.h"

#include <string.h>

static struct pl_clock_driven clock_;
static struct pl_system *sys;
static struct pl_loop *loop;

static int set_up(void **state)
{
    pl_clock_driven_init(&clock_);
    clock_.monotonic_ns = UINT64_C(5000000000);
    *state = sys = system_of(1, &clock_.clock);
    loop = pl_system_loop(sys, 0);
    return 0;
}

static void the_loop_says_which_foreign_code_runs(void **state)
{
    char name[PL_LOOP_NAME_SIZE] = "untouched";
    uint64_t since = 1;

    (void)state;
    assert_false(pl_loop_busy(loop, name, &since));
    assert_string_equal(name, "untouched");
    assert_int_equal(since, 1);
    pl_loop_enter(loop, "handler");
    pl_clock_driven_advance(&clock_, 1000);
    assert_true(pl_loop_busy(loop, name, &since));
    assert_string_equal(name, "handler");
    assert_int_equal(since, UINT64_C(5000000000));
    pl_loop_leave(loop);
    assert_false(pl_loop_busy(loop, name, &since));
}

static void a_long_name_is_truncated_between_two_characters(void **state)
{
    char name[PL_LOOP_NAME_SIZE], given[2 * PL_LOOP_NAME_SIZE] = "";
    uint64_t since;

    (void)state;
    for (size_t i = 0; i + 3 < sizeof given; i += 3)
        memcpy(given + i, "\xe2\x82\xac", 3); /* a euro sign */
    pl_loop_enter(loop, given);
    assert_true(pl_loop_busy(loop, name, &since));
    assert_int_equal(strlen(name), 63); /* 21 of them */
    assert_memory_equal(name, given, 63);
    given[0] = 'a';
    memmove(given + 1, given + 3, sizeof given - 3);
    pl_loop_enter(loop, given);
    assert_true(pl_loop_busy(loop, name, &since));
    assert_int_equal(strlen(name), 61); /* and 20 after a letter */
    assert_memory_equal(name, given, 61);
    pl_loop_leave(loop);
}

static uint64_t begun_ms(void)
{
    return pl_loop_turn_begun_ns(loop) / 1000000;
}

static uint64_t seen_ms; /* in the turn, when it began */

static void look(struct pl_task *t)
{
    (void)t;
    pl_clock_driven_advance(&clock_, 3000000);
    seen_ms = begun_ms();
}

static void a_turn_shows_when_it_began_while_it_lasts(void **state)
{
    struct pl_task task = {.run = look};

    (void)state;
    assert_int_equal(begun_ms(), 0);
    pl_loop_awake(loop); /* a callback before the turn is a part of it */
    assert_int_equal(begun_ms(), 5000);
    pl_clock_driven_advance(&clock_, 2000000);
    pl_loop_awake(loop);
    pl_loop_defer(loop, PL_STAGE_READY, &task);
    pl_loop_turn(loop);
    assert_int_equal(seen_ms, 5000);
    assert_int_equal(begun_ms(), 0);
    pl_loop_defer(loop, PL_STAGE_READY, &task);
    pl_loop_turn(loop); /* and one without callbacks */
    assert_int_equal(seen_ms, 5005);
    assert_int_equal(begun_ms(), 0);
}

static void a_loop_that_has_no_driver_any_more_is_in_no_turn(void **state)
{
    (void)state;
    pl_loop_awake(loop);
    pl_loop_retire(loop);
    assert_int_equal(begun_ms(), 0);
    assert_true(pl_loop_sleep(loop));
    pl_loop_retire(loop);
    assert_int_equal(begun_ms(), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_loop_says_which_foreign_code_runs),
        TEST(a_long_name_is_truncated_between_two_characters),
        TEST(a_turn_shows_when_it_began_while_it_lasts),
        TEST(a_loop_that_has_no_driver_any_more_is_in_no_turn),
    };

    return cmocka_run_group_tests_name("loop_seen", tests, NULL, NULL);
}
