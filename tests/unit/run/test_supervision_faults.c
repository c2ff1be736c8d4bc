/* SPDX-License-Identifier: Apache-2.0 */
/* test_supervision_faults.c - no memory, stops at any time, and mail of others.
 */
#include "world.h"

/* --- Memory --- */

static void no_memory(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ALL, 3, 2);
    callocs_fail = 1 + (int)random_below(3);
    pl_supervision_start(world.supervision); /* fails once at least */
    while (callocs_fail > 0)
        pl_sim_advance(sim, 4);
    pl_sim_advance(sim, 8);
    expect("+a+bR");
    assert_int_equal(pl_monitor_start(&world.owner, (struct pl_address){0}, 1),
                     PL_OK);
    callocs_fail = 1;
    assert_int_equal(pl_monitor_start(&world.owner, (struct pl_address){0}, 1),
                     PL_ENOMEM);
    callocs_fail = 1;
    assert_int_equal(pl_stop_send(&world.owner, (struct pl_address){0}),
                     PL_ENOMEM);
    stop();
    expect("-b-aS0");
}
EACH_SEED(without_memory_a_start_is_tried_again_later, no_memory)

static void never_memory(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 3, 2);
    callocs_fail = 1000;
    pl_supervision_start(world.supervision);
    pl_sim_advance(sim, 100);
    callocs_fail = 0;
    expect("G");
    assert_string_equal(world.gave_up, "a: out of memory");
    stop();
    expect("S0");
}
EACH_SEED(without_memory_for_long_it_gives_up, never_memory)

static void stop_without_memory(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 3, 2);
    run();
    callocs_fail = 1; /* b cannot be asked */
    stop();
    pl_sim_advance(sim, STOP_MS + 5);
    expect("+a+bR-aS1");
}
EACH_SEED(who_cannot_be_asked_to_stop_is_forced, stop_without_memory)

/* --- Stopping --- */

static void deaf(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 3, 3);
    world.child[1].is_deaf = true;
    run();
    stop();
    expect("+a+b+cR-c");
    pl_sim_advance(sim, STOP_MS - 5);
    expect("");
    pl_sim_advance(sim, 10);
    expect("-aS1");
    assert_null(world.owner.monitors);
    world.child[1].is_deaf = false;
    kill_child(1, "late"); /* nobody listens any more */
    settle();
    expect("!b");
    pl_supervision_start(world.supervision);
    settle();
    stop();
    expect("+a+b+cR-c-b-aS0");
}
EACH_SEED(a_child_that_never_stops_is_forced_and_counted, deaf)

static void deaf_in_a_group(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ALL, 3, 3);
    world.child[2].is_deaf = true;
    run();
    crash(0);
    expect("+a+b+cR!a");
    pl_sim_advance(sim, STOP_MS + 5);
    expect("-b+a+b+cR");
    world.child[2].is_deaf = false;
    stop();
    expect("-c-b-aS1");
}
EACH_SEED(a_restart_goes_on_without_a_child_that_never_stops, deaf_in_a_group)

/* "+a+b-b-aS0": in order there, in order back. */
static void check_there_and_back(const char *t)
{
    char next = 'a';

    while (*t == '+') {
        assert_int_equal(t[1], next++);
        t += 2;
    }
    if (*t == 'R')
        t++;
    while (*t == '-') {
        assert_int_equal(t[1], --next);
        t += 2;
    }
    assert_int_equal(next, 'a');
    assert_string_equal(t, "S0");
}

static void stop_during_start(struct pl_sim *sim)
{
    begin(sim, random_below(3), 3, 4);
    pl_supervision_start(world.supervision);
    some_steps(20);
    pl_supervision_stop(world.supervision);
    some_steps(3);
    if (strchr(world.trace, 'S') == NULL)
        pl_supervision_stop(world.supervision); /* once is enough */
    settle();
    check_there_and_back(world.trace);
    assert_int_equal(alive(), 0);
}
EACH_SEED(a_stop_during_the_start_undoes_what_was_started, stop_during_start)

static void stop_during_restart(struct pl_sim *sim)
{
    begin(sim, random_below(3), 9, 4);
    run();
    kill_child((int)random_below(4), "crash");
    some_steps(30);
    world.trace[0] = '\0';
    pl_supervision_stop(world.supervision);
    settle();
    assert_int_equal(alive(), 0);
    assert_string_equal(world.trace + strlen(world.trace) - 2, "S0");
    assert_null(strchr(world.trace, 'R'));
    pl_sim_advance(sim, 10000); /* nothing comes back later */
    assert_int_equal(alive(), 0);
}
EACH_SEED(a_stop_during_a_restart_ends_it, stop_during_restart)

static void failures_everywhere(struct pl_sim *sim)
{
    begin(sim, random_below(3), 1000, 4);
    pl_supervision_start(world.supervision);
    for (int i = 0; i < 25; i++) {
        struct script *s = &world.child[random_below(4)];

        if (random_below(4) == 0)
            s->fails_to_start += 1;
        else if (s->life != NULL && !s->life->actor.mailbox.is_exited)
            life_ends(s->life, "!", "chaos");
        some_steps(6);
    }
    settle();
    for (int i = 0; i < 4; i++) {
        assert_int_equal(world.child[i].alive, 1);
        assert_int_equal(world.child[i].most_alive, 1);
    }
    assert_string_equal(world.trace + strlen(world.trace) - 1, "R");
    world.trace[0] = '\0';
    stop();
    expect("-d-c-b-aS0");
}
EACH_SEED(after_any_failures_all_run_once_and_stop_in_order,
          failures_everywhere)

static void ends_in_the_middle(struct pl_sim *sim)
{
    begin(sim, random_below(3), 1000, 4);
    pl_supervision_start(world.supervision);
    some_steps(20);
    if (world.child[0].life != NULL)
        kill_child(0, "crash");
    some_steps(10);
}
EACH_SEED(a_system_that_ends_in_the_middle_frees_everything, ends_in_the_middle)

/* --- Others' mail --- */

static void own_mail(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 3, 1);
    run();
    pl_actor_send(&world.owner, pl_actor_address(&world.owner), own_msg());
    settle();
    assert_int_equal(world.own_mail, 1);
    pl_monitor_stop(&world.owner, (struct pl_address){0}, 1); /* not its own */
    struct pl_address child = pl_supervision_child(world.supervision, "a");
    assert_int_equal(pl_monitor_start(&world.owner, child, 1), PL_OK);
    crash(0); /* told to both */
    assert_int_equal(world.own_mail, 2);
    expect("+aR!a+aR");
}
EACH_SEED(the_owner_keeps_its_own_mail_and_monitors, own_mail)

static void other_supervision(struct pl_sim *sim)
{
    struct pl_supervision_options options = {.restarts = 9, .within_ms = 1000};

    begin(sim, PL_ONE_FOR_ONE, 3, 2);
    assert_int_equal(
        pl_supervision_create(&world.other, &world.owner, &options), PL_OK);
    struct pl_supervision *first = world.supervision;
    world.supervision = world.other;
    add(PL_RESTART_ALWAYS);
    add(PL_RESTART_ALWAYS);
    world.supervision = first;
    run();
    expect("+a+bR");
    pl_supervision_start(world.other);
    settle();
    crash(1);
    crash(3);
    expect("+c+d!b+bR!d+d");
    pl_supervision_destroy(world.other);
    world.other = NULL;
    settle();
    crash(2); /* nobody's any more, and nobody is told */
    crash(0);
    expect("!c!a+aR");
    assert_int_equal(world.own_mail, 0);
    stop();
    assert_null(world.owner.monitors);
}
EACH_SEED(an_owner_may_have_another_supervision, other_supervision)

static void no_such_loop(struct pl_sim *sim)
{
    struct pl_child_spec nowhere = {.name = "x", .loop = LOOPS, .start = start};

    begin(sim, PL_ONE_FOR_ONE, 3, 0);
    assert_int_equal(pl_supervision_add(world.supervision, &nowhere),
                     PL_EINVAL);
    pl_supervision_destroy(NULL);
}
EACH_SEED(a_child_needs_a_loop_that_is_there, no_such_loop)

/* A loop that does not turn for a while: its child starts too late. */
static void a_child_that_starts_too_late_is_asked_to_stop(void **state)
{
    struct pl_clock_driven clock;
    struct pl_system *system;
    struct pl_child_spec spec = {
        .name = "a", .loop = 1, .start = start, .stop_ms = STOP_MS};

    (void)state;
    memset(&world, 0, sizeof world);
    world.child[0] = (struct script){.letter = "a"};
    world.count = 1;
    spec.arg = &world.child[0];
    pl_clock_driven_init(&clock);
    struct pl_system_options options = {.loops = 2, .clock = &clock.clock};
    assert_int_equal(pl_system_create(&system, &options), PL_OK);
    struct pl_loop *here = pl_system_loop(system, 0);
    struct pl_loop *there = pl_system_loop(system, 1);
    assert_int_equal(pl_actor_init(&world.owner, here, &owner_ops), PL_OK);
    world.options = (struct pl_supervision_options){.stopped = stopped};
    assert_int_equal(
        pl_supervision_create(&world.supervision, &world.owner, &world.options),
        PL_OK);
    assert_int_equal(pl_supervision_add(world.supervision, &spec), PL_OK);

    pl_supervision_start(world.supervision);
    pl_supervision_stop(world.supervision);
    pl_loop_turn(here);
    pl_clock_driven_advance(&clock, UINT64_C(1000000) * (STOP_MS - 5));
    pl_loop_turn(here);
    expect("");
    pl_clock_driven_advance(&clock, UINT64_C(1000000) * 10);
    pl_loop_turn(here);
    expect("S1");
    while (pl_loop_has_work(there) || pl_loop_has_work(here)) {
        pl_loop_turn(there);
        pl_loop_turn(here);
    }
    expect("+a-a");
    assert_int_equal(alive(), 0);
    assert_null(world.owner.monitors);
    pl_system_destroy(system);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_a_start_is_tried_again_later),
        cmocka_unit_test(without_memory_for_long_it_gives_up),
        cmocka_unit_test(who_cannot_be_asked_to_stop_is_forced),
        cmocka_unit_test(a_child_that_never_stops_is_forced_and_counted),
        cmocka_unit_test(a_restart_goes_on_without_a_child_that_never_stops),
        cmocka_unit_test(a_stop_during_the_start_undoes_what_was_started),
        cmocka_unit_test(a_stop_during_a_restart_ends_it),
        cmocka_unit_test(after_any_failures_all_run_once_and_stop_in_order),
        cmocka_unit_test(a_system_that_ends_in_the_middle_frees_everything),
        cmocka_unit_test(the_owner_keeps_its_own_mail_and_monitors),
        cmocka_unit_test(an_owner_may_have_another_supervision),
        cmocka_unit_test(a_child_needs_a_loop_that_is_there),
        cmocka_unit_test(a_child_that_starts_too_late_is_asked_to_stop),
    };

    first_seed = pl_sim_test_seed("supervision_faults");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
