/* SPDX-License-Identifier: Apache-2.0 */
/* test_supervision.c - order, strategies, restarts and giving up. */
#include "world.h"

/* --- Order --- */

static void in_order(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 3, 4);
    run();
    expect("+a+b+c+dR");
    pl_supervision_start(world.supervision); /* nothing happens */
    settle();
    assert_int_equal(alive(), 4);
    stop();
    expect("-d-c-b-aS0");
    assert_int_equal(alive(), 0);
}
EACH_SEED(children_start_in_order_and_stop_in_reverse, in_order)

static void addresses(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 3, 2);
    assert_true(
        pl_address_is_none(pl_supervision_child(world.supervision, "a")));
    run();
    assert_true(
        pl_address_equal(pl_supervision_child(world.supervision, "b"),
                         pl_actor_address(&world.child[1].life->actor)));
    assert_true(pl_address_is_none(
        pl_supervision_child(world.supervision, "no child")));
    crash(1);
    assert_true(
        pl_address_equal(pl_supervision_child(world.supervision, "b"),
                         pl_actor_address(&world.child[1].life->actor)));
    stop();
    assert_true(
        pl_address_is_none(pl_supervision_child(world.supervision, "b")));
}
EACH_SEED(a_child_has_an_address_while_it_runs, addresses)

static void without_children(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ALL, 3, 0);
    run();
    expect("R");
    stop();
    expect("S0");
    stop(); /* also when nothing was started */
    expect("S0");
}
EACH_SEED(a_supervision_without_children_starts_and_stops, without_children)

static void again(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 1, 2);
    run();
    crash(0);
    world.is_restarted_when_stopped = true;
    stop();
    expect("+a+bR!a+aR-b-aS0+a+bR");
    crash(0); /* the count of restarts began anew */
    expect("!a+aR");
    stop();
    expect("-b-aS0");
}
EACH_SEED(what_has_stopped_can_start_again, again)

/* --- Strategies --- */

static void one_for_one(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 3, 3);
    run();
    crash(1);
    expect("+a+b+cR!b+bR");
}
EACH_SEED(one_for_one_starts_only_the_failed_child_again, one_for_one)

static void one_for_all(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ALL, 3, 3);
    run();
    crash(1);
    expect("+a+b+cR!b-c-a+a+b+cR");
}
EACH_SEED(one_for_all_stops_and_starts_all, one_for_all)

static void rest_for_one(struct pl_sim *sim)
{
    begin(sim, PL_REST_FOR_ONE, 3, 4);
    run();
    crash(1);
    expect("+a+b+c+dR!b-d-c+b+c+dR");
}
EACH_SEED(rest_for_one_spares_those_before_the_failed_one, rest_for_one)

static void two_at_once(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ALL, 9, 3);
    run();
    expect("+a+b+cR");
    kill_child(0, "crash");
    kill_child(2, "crash");
    settle();
    assert_int_equal(alive(), 3);
    size_t len = strlen(world.trace);
    assert_string_equal(world.trace + len - 7, "+a+b+cR");
    for (int i = 0; i < 3; i++)
        assert_int_equal(world.child[i].most_alive, 1);
    stop();
    assert_int_equal(alive(), 0);
}
EACH_SEED(two_failures_at_once_end_with_all_running_once, two_at_once)

/* --- Restart kinds --- */

static void kinds(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 99, 0);
    add(PL_RESTART_ALWAYS);
    add(PL_RESTART_ON_FAILURE);
    add(PL_RESTART_NEVER);
    run();
    expect("+a+b+cR");
    kill_child(0, "normal");
    settle();
    expect("!a+aR");
    crash(1);
    expect("!b+bR");
    kill_child(1, random_below(2) == 0 ? "normal" : "stopped");
    settle();
    expect("!b");
    crash(2);
    expect("!c");
    stop();
    expect("-aS0");
}
EACH_SEED(what_starts_again_depends_on_kind_and_reason, kinds)

static void kinds_of_a_group(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ALL, 99, 0);
    add(PL_RESTART_NEVER);
    add(PL_RESTART_ON_FAILURE);
    add(PL_RESTART_ALWAYS);
    add(PL_RESTART_ON_FAILURE);
    run();
    expect("+a+b+c+dR");
    kill_child(3, "normal"); /* has done its work: stays away */
    settle();
    expect("!d");
    crash(2); /* the others stop; "stopped" is no reason to stay away */
    expect("!c-b-a+b+cR");
}
EACH_SEED(in_a_group_only_those_come_back_that_may, kinds_of_a_group)

/* --- Failures to start, and too many --- */

static void start_fails(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 3, 3);
    world.child[1].fails_to_start = 3;
    run();
    expect("+a?b?b?b+b+cR");
    stop();
    expect("-c-b-aS0");
    assert_null(world.owner.monitors);
}
EACH_SEED(a_failed_start_is_tried_again, start_fails)

static void start_fails_in_a_group(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ALL, 3, 3);
    world.child[1].fails_to_start = 2;
    run();
    expect("+a?b-a+a?b-a+a+b+cR");
}
EACH_SEED(a_failed_start_is_a_failure_for_the_group, start_fails_in_a_group)

static void not_yet_started(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ALL, 3, 1);
    add(PL_RESTART_NEVER);
    world.child[0].fails_to_start = 1;
    run();
    expect("?a+a+bR");
}
EACH_SEED(what_has_not_started_yet_starts_with_its_group, not_yet_started)

static void runs_on(struct pl_sim *sim)
{
    begin(sim, PL_REST_FOR_ONE, 1, 4);
    world.child[3].is_deaf = true;
    run();
    crash(1); /* d is asked to stop, c would be next */
    crash(0);
    expect("+a+b+c+dR!b!aG");
    pl_sim_advance(sim, STOP_MS + 5);
    expect("");
    assert_int_equal(world.child[2].alive, 1);
}
EACH_SEED(what_runs_when_it_gives_up_runs_on, runs_on)

static void start_fails_for_good(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 3, 3);
    world.child[1].fails_to_start = -1;
    world.stops_when_given_up = random_below(2) == 0;
    run();
    expect(world.stops_when_given_up ? "+a?b?b?b?bG-aS0" : "+a?b?b?b?bG");
    assert_string_equal(world.gave_up, "b: input/output error");
    stop();
    assert_int_equal(alive(), 0);
}
EACH_SEED(a_start_that_fails_for_good_is_given_up, start_fails_for_good)

static void never_fails_to_start(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 3, 0);
    add(PL_RESTART_NEVER)->fails_to_start = 1;
    run();
    expect("?aG");
}
EACH_SEED(what_is_never_restarted_may_not_fail_to_start, never_fails_to_start)

static void too_often(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 2, 2);
    run();
    crash(1);
    pl_sim_advance(sim, 500);
    crash(0);
    expect("+a+bR!b+bR!a+aR");
    pl_sim_advance(sim, 499);
    crash(1); /* three within 999 ms */
    expect("!bG");
    assert_string_equal(world.gave_up, "b: crash");
    crash(0); /* nothing is restarted any more, and that is told once */
    expect("!a");
    stop();
    expect("S0");
}
EACH_SEED(one_failure_too_many_in_the_time_gives_up, too_often)

static void seldom(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 2, 1);
    run();
    world.trace[0] = '\0';
    for (int i = 0; i < 20; i++) {
        crash(0);
        expect("!a+aR");
        pl_sim_advance(sim, 500);
    }
}
EACH_SEED(seldom_failures_are_never_too_many, seldom)

static void not_once(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 0, 2);
    run();
    crash(0);
    expect("+a+bR!aG");
}
EACH_SEED(without_restarts_the_first_failure_gives_up, not_once)

static void crashes_at_once(struct pl_sim *sim)
{
    begin(sim, PL_REST_FOR_ONE, 5, 2);
    world.child[1].exits = "at once";
    world.stops_when_given_up = true;
    run();
    assert_string_equal(world.gave_up, "b: at once");
    assert_string_equal(world.trace + strlen(world.trace) - 5, "G-aS0");
}
EACH_SEED(a_child_that_crashes_at_once_is_given_up, crashes_at_once)

static void owner_exits(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 0, 3);
    world.exits_when_given_up = true;
    run();
    crash(1);
    assert_null(world.supervision);
    crash(0);
    expect("+a+b+cR!bG!a");
}
EACH_SEED(an_owner_may_exit_when_it_gave_up, owner_exits)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_start_in_order_and_stop_in_reverse),
        cmocka_unit_test(a_child_has_an_address_while_it_runs),
        cmocka_unit_test(a_supervision_without_children_starts_and_stops),
        cmocka_unit_test(what_has_stopped_can_start_again),
        cmocka_unit_test(one_for_one_starts_only_the_failed_child_again),
        cmocka_unit_test(one_for_all_stops_and_starts_all),
        cmocka_unit_test(rest_for_one_spares_those_before_the_failed_one),
        cmocka_unit_test(two_failures_at_once_end_with_all_running_once),
        cmocka_unit_test(what_starts_again_depends_on_kind_and_reason),
        cmocka_unit_test(in_a_group_only_those_come_back_that_may),
        cmocka_unit_test(a_failed_start_is_tried_again),
        cmocka_unit_test(a_failed_start_is_a_failure_for_the_group),
        cmocka_unit_test(a_start_that_fails_for_good_is_given_up),
        cmocka_unit_test(what_is_never_restarted_may_not_fail_to_start),
        cmocka_unit_test(one_failure_too_many_in_the_time_gives_up),
        cmocka_unit_test(seldom_failures_are_never_too_many),
        cmocka_unit_test(without_restarts_the_first_failure_gives_up),
        cmocka_unit_test(a_child_that_crashes_at_once_is_given_up),
        cmocka_unit_test(an_owner_may_exit_when_it_gave_up),
        cmocka_unit_test(what_has_not_started_yet_starts_with_its_group),
        cmocka_unit_test(what_runs_when_it_gives_up_runs_on),
    };

    first_seed = pl_sim_test_seed("supervision");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
