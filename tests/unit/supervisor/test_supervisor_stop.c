/* SPDX-License-Identifier: Apache-2.0 */
/* test_supervisor_stop.c - the phases in which the broker stops.  The clock is
 * driven, so every time is exact but for the timers' ticks. */
#include <pthread.h>

#include "rig.h"
#include "timer.h"

enum { LONG_MS = 60000, SLACK_MS = 2 * PL_TIMER_TICK_MS };

static void assert_within(struct rig *r, enum pl_phase phase)
{
    struct pl_phase_record p = rig_record(r, phase);
    uint64_t most = p.deadline_ms;

    if (most < PL_SUPERVISOR_ANSWER_MS)
        most = PL_SUPERVISOR_ANSWER_MS;
    assert_true(p.is_reached);
    assert_true(p.elapsed_ms <= most + SLACK_MS);
}

static void assert_stopped(struct rig *r)
{
    assert_int_equal(r->stopped, 1);
    assert_int_equal(rig_phase(r), PL_PHASE_RESET);
    for (int p = PL_PHASE_SIGNAL; p <= PL_PHASE_CANCEL; p++) {
        assert_within(r, p);
        assert_true(rig_record(r, p).is_over);
    }
    assert_int_equal(r->told_count, PL_PHASE_RESET);
    for (unsigned i = 0; i < r->told_count; i++)
        assert_int_equal(r->told[i], PL_PHASE_SIGNAL + i);
}

static void
a_clean_stop_passes_all_phases_at_once_and_warns_of_nothing(void **state)
{
    struct rig *r = rig_start(__func__);

    (void)state;
    rig_stop(r);
    pl_sim_advance(r->sim, 0);
    assert_stopped(r);
    for (int p = PL_PHASE_SIGNAL; p <= PL_PHASE_CANCEL; p++) {
        assert_int_equal(rig_record(r, p).elapsed_ms, 0);
        assert_int_equal(rig_record(r, p).forced, 0);
    }
    assert_int_equal(r->warnings, 0);
    rig_destroy(r);
}

static void
session_managers_get_signal_grace_and_disconnect_in_this_order(void **state)
{
    struct rig *r = rig_start(__func__);

    (void)state;
    rig_stop(r);
    pl_sim_advance(r->sim, 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        struct fake *k = r->manager[i];
        assert_int_equal(k->phase_count, 3);
        assert_int_equal(k->phases[0], PL_PHASE_SIGNAL);
        assert_int_equal(k->phases[1], PL_PHASE_GRACE);
        assert_int_equal(k->phases[2], PL_PHASE_DISCONNECT);
        assert_false(k->forces[2]);
        assert_int_equal(r->listener[i]->phase_count, 1);
        assert_int_equal(r->listener[i]->phases[0], PL_PHASE_LISTENERS);
    }
    rig_destroy(r);
}

static void grace_ends_when_the_last_loop_is_idle(void **state)
{
    struct rig *r = rig_start(__func__);

    (void)state;
    r->manager[1]->answer_after = 40;
    rig_stop(r);
    pl_sim_advance(r->sim, 30);
    assert_int_equal(rig_phase(r), PL_PHASE_GRACE);
    pl_sim_advance(r->sim, LONG_MS);
    assert_stopped(r);
    assert_true(rig_record(r, PL_PHASE_GRACE).elapsed_ms >= 40);
    assert_int_equal(rig_record(r, PL_PHASE_GRACE).forced, 0);
    rig_destroy(r);
}

static void grace_ends_at_its_deadline_with_work_left(void **state)
{
    struct rig *r = rig_start(__func__);

    (void)state;
    r->manager[0]->answer_after = LONG_MS;
    rig_stop(r);
    pl_sim_advance(r->sim, 99);
    assert_int_equal(rig_phase(r), PL_PHASE_GRACE);
    pl_sim_advance(r->sim, LONG_MS);
    assert_stopped(r);
    assert_int_equal(rig_record(r, PL_PHASE_GRACE).deadline_ms, 100);
    assert_int_equal(rig_record(r, PL_PHASE_GRACE).forced, 1);
    assert_int_equal(r->warnings, 0); /* slow work is not a fault */
    rig_destroy(r);
}

/* The number of unresponsive peers makes no difference. */
static void all_connections_share_one_deadline(void **state)
{
    struct rig *r = rig_start(__func__);

    (void)state;
    for (unsigned i = 0; i < WORKERS; i++) {
        r->manager[i]->waits_for_force = true;
        r->manager[i]->forced = 1000;
    }
    rig_stop(r);
    pl_sim_advance(r->sim, LONG_MS);
    assert_stopped(r);
    assert_int_equal(rig_record(r, PL_PHASE_DISCONNECT).forced, 3000);
    assert_true(rig_record(r, PL_PHASE_DISCONNECT).elapsed_ms <=
                rig_record(r, PL_PHASE_DISCONNECT).deadline_ms);
    assert_true(rig_record(r, PL_PHASE_DISCONNECT).elapsed_ms >= 900);
    assert_true(r->manager[0]->forces[3]);
    rig_destroy(r);
}

/* A loop that aborts ten thousand connections is not unresponsive. */
static void a_loop_that_still_aborts_is_waited_for(void **state)
{
    struct rig *r = rig_start(__func__);

    (void)state;
    r->manager[1]->waits_for_force = true;
    r->manager[1]->forced = 10000;
    r->manager[1]->aborts_for = 2500;
    rig_stop(r);
    pl_sim_advance(r->sim, LONG_MS);
    assert_int_equal(r->stopped, 1);
    assert_int_equal(rig_record(r, PL_PHASE_DISCONNECT).forced, 10000);
    assert_int_equal(r->manager[1]->phase_count, 4);
    assert_int_equal(r->manager[0]->phase_count, 3); /* it had answered */
    assert_true(rig_record(r, PL_PHASE_DISCONNECT).elapsed_ms >= 3400);
    assert_int_equal(rig_record(r, PL_PHASE_LISTENERS).forced, 0);
    assert_int_equal(rig_record(r, PL_PHASE_CANCEL).forced, 0);
    assert_int_equal(r->warnings, 0);
    rig_destroy(r);
}

static void a_loop_that_answers_nothing_is_not_waited_for_for_ever(void **state)
{
    struct rig *r = rig_start(__func__);
    uint64_t most;

    (void)state;
    r->manager[1]->is_unresponsive = r->listener[1]->is_unresponsive = true;
    r->internal[1]->is_unresponsive = true;
    rig_stop(r);
    pl_sim_advance(r->sim, LONG_MS);
    assert_int_equal(r->stopped, 1);
    most = rig_record(r, PL_PHASE_DISCONNECT).deadline_ms +
           r->config->supervisor.shutdown.reset_ms + SLACK_MS;
    assert_true(rig_record(r, PL_PHASE_DISCONNECT).elapsed_ms <= most);
    assert_int_equal(rig_record(r, PL_PHASE_DISCONNECT).forced, 1);
    assert_int_equal(rig_record(r, PL_PHASE_LISTENERS).elapsed_ms, 0);
    assert_within(r, PL_PHASE_CANCEL);
    rig_destroy(r);
}

static void a_disconnect_deadline_of_zero_aborts_at_once(void **state)
{
    struct rig *r = rig_start(__func__);

    (void)state;
    r->config->supervisor.shutdown.disconnect_ms = 0;
    r->manager[2]->waits_for_force = true;
    r->manager[2]->forced = 5;
    rig_stop(r);
    pl_sim_advance(r->sim, PL_TIMER_TICK_MS);
    assert_stopped(r);
    assert_int_equal(rig_record(r, PL_PHASE_DISCONNECT).forced, 5);
    rig_destroy(r);
}

/* A handler blocks a loop through the whole stop. */
static void a_loop_that_never_answers_delays_no_other_and_is_named(void **state)
{
    struct rig *r = rig_start(__func__);
    struct pl_loop *blocked = pl_system_loop(pl_sim_system(r->sim), 1);

    (void)state;
    pl_loop_enter(blocked, "orders.place");
    r->manager[1]->is_unresponsive = true;
    r->listener[1]->is_unresponsive = true;
    r->internal[1]->is_unresponsive = true;
    rig_stop(r);
    pl_sim_advance(r->sim, LONG_MS);
    assert_stopped(r);
    assert_int_equal(rig_record(r, PL_PHASE_GRACE).forced, 1);
    assert_int_equal(rig_record(r, PL_PHASE_DISCONNECT).forced, 1);
    assert_int_equal(rig_record(r, PL_PHASE_LISTENERS).forced, 1);
    assert_int_equal(rig_record(r, PL_PHASE_LISTENERS).elapsed_ms, 0);
    assert_int_equal(rig_record(r, PL_PHASE_CANCEL).forced, 1);
    assert_true(r->warnings >= 4);
    assert_non_null(strstr(r->last_warning, "orders.place"));
    assert_false(r->internal_alive[0]); /* it did not have to wait */
    assert_false(r->internal_alive[2]);
    pl_loop_leave(blocked);
    rig_destroy(r);
}

static void an_overrun_in_any_phase_leaves_the_trace_monotone(void **state)
{
    (void)state;
    for (int phase = PL_PHASE_GRACE; phase <= PL_PHASE_CANCEL; phase++) {
        struct rig *r = rig_start(__func__);

        r->config->supervisor.shutdown.reset_ms =
            0; /* nor does it wait beyond it */
        r->manager[0]->answer_after = phase == PL_PHASE_GRACE ? LONG_MS : 0;
        r->manager[0]->waits_for_force = phase == PL_PHASE_DISCONNECT;
        r->manager[0]->forced = 1;
        r->listener[0]->is_unresponsive = phase == PL_PHASE_LISTENERS;
        r->internal[0]->answer_after = phase == PL_PHASE_CANCEL ? LONG_MS : 0;
        rig_stop(r);
        pl_sim_advance(r->sim, LONG_MS / 2);
        assert_stopped(r);
        for (int p = PL_PHASE_SIGNAL; p <= PL_PHASE_CANCEL; p++)
            assert_int_equal(rig_record(r, p).forced, p == phase ? 1 : 0);
        rig_destroy(r);
    }
}

static void internal_actors_stop_one_by_one_the_newest_first(void **state)
{
    struct rig *r = rig_start(__func__);

    (void)state;
    for (unsigned i = 0; i < PARTIES; i++)
        r->internal[i]->answer_after = 50;
    rig_stop(r);
    pl_sim_advance(r->sim, 40);
    assert_true(r->internal_alive[2]);
    pl_sim_advance(r->sim, 30);
    assert_false(r->internal_alive[2]);
    assert_true(r->internal_alive[1]);
    pl_sim_advance(r->sim, 50);
    assert_false(r->internal_alive[1]);
    assert_true(r->internal_alive[0]);
    pl_sim_advance(r->sim, LONG_MS);
    assert_stopped(r);
    rig_destroy(r);
}

static void
an_internal_actor_that_ends_unasked_is_told_as_an_error(void **state)
{
    struct rig *r = rig_start(__func__);

    (void)state;
    pl_actor_exit(&r->internal[1]->actor, "out of luck");
    r->internal[1] = NULL;
    pl_sim_advance(r->sim, 0);
    assert_int_equal(r->warnings, 1);
    assert_non_null(strstr(r->last_warning, "second"));
    rig_stop(r);
    pl_sim_advance(r->sim, 0);
    assert_stopped(r);
    rig_destroy(r);
}

static void a_party_that_has_gone_counts_as_having_answered(void **state)
{
    struct rig *r = rig_start(__func__);

    (void)state;
    pl_actor_exit(&r->manager[0]->actor, "gone");
    pl_actor_exit(&r->listener[2]->actor, "gone");
    pl_sim_advance(r->sim, 0);
    rig_stop(r);
    pl_sim_advance(r->sim, 0);
    assert_stopped(r);
    assert_int_equal(r->warnings, 0);
    rig_destroy(r);
}

static void a_broker_of_nobody_stops(void **state)
{
    struct rig *r = rig_create(__func__);

    (void)state;
    assert_int_equal(pl_supervisor_start(r->supervisor), PL_OK);
    rig_stop(r);
    pl_sim_advance(r->sim, 0);
    assert_stopped(r);
    rig_destroy(r);
}

static void a_second_stop_changes_nothing(void **state)
{
    struct rig *r = rig_start(__func__);

    (void)state;
    r->manager[0]->answer_after = 50;
    rig_stop(r);
    pl_sim_advance(r->sim, 20);
    rig_stop(r);
    pl_sim_advance(r->sim, 20);
    assert_int_equal(rig_phase(r), PL_PHASE_GRACE);
    pl_sim_advance(r->sim, LONG_MS);
    assert_stopped(r);
    rig_stop(r); /* and after the end it is a dead letter */
    pl_sim_advance(r->sim, 0);
    assert_stopped(r);
    rig_destroy(r);
}

static void a_hurried_stop_skips_what_is_left_of_the_grace(void **state)
{
    struct rig *r = rig_start(__func__);

    (void)state;
    r->manager[0]->answer_after = LONG_MS;
    rig_stop(r);
    pl_sim_advance(r->sim, 20);
    assert_int_equal(rig_phase(r), PL_PHASE_GRACE);
    pl_supervisor_hurry(pl_sim_system(r->sim), r->address);
    pl_sim_advance(r->sim, 0);
    assert_stopped(r);
    assert_true(rig_record(r, PL_PHASE_GRACE).elapsed_ms < 50);
    rig_destroy(r);
}

static void hurry_alone_stops_a_running_broker_too(void **state)
{
    struct rig *r = rig_start(__func__);

    (void)state;
    r->manager[0]->answer_after = LONG_MS;
    pl_supervisor_hurry(pl_sim_system(r->sim), r->address);
    pl_sim_advance(r->sim, 0);
    assert_stopped(r);
    rig_destroy(r);
}

struct caller {
    pthread_t thread;
    struct rig *rig;
};

static void *call_stop(void *arg)
{
    struct rig *r = ((struct caller *)arg)->rig;

    pl_supervisor_stop(pl_sim_system(r->sim), r->address);
    return NULL;
}

static void a_hundred_stops_at_once_are_one(void **state)
{
    struct rig *r = rig_start(__func__);
    struct caller callers[100];

    (void)state;
    for (int i = 0; i < 100; i++) {
        callers[i].rig = r;
        assert_int_equal(
            pthread_create(&callers[i].thread, NULL, call_stop, &callers[i]),
            0);
    }
    for (int i = 0; i < 100; i++)
        pthread_join(callers[i].thread, NULL);
    pl_sim_advance(r->sim, LONG_MS);
    assert_stopped(r);
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_clean_stop_passes_all_phases_at_once_and_warns_of_nothing),
        cmocka_unit_test(
            session_managers_get_signal_grace_and_disconnect_in_this_order),
        cmocka_unit_test(grace_ends_when_the_last_loop_is_idle),
        cmocka_unit_test(grace_ends_at_its_deadline_with_work_left),
        cmocka_unit_test(all_connections_share_one_deadline),
        cmocka_unit_test(a_loop_that_still_aborts_is_waited_for),
        cmocka_unit_test(
            a_loop_that_answers_nothing_is_not_waited_for_for_ever),
        cmocka_unit_test(a_disconnect_deadline_of_zero_aborts_at_once),
        cmocka_unit_test(
            a_loop_that_never_answers_delays_no_other_and_is_named),
        cmocka_unit_test(an_overrun_in_any_phase_leaves_the_trace_monotone),
        cmocka_unit_test(internal_actors_stop_one_by_one_the_newest_first),
        cmocka_unit_test(
            an_internal_actor_that_ends_unasked_is_told_as_an_error),
        cmocka_unit_test(a_party_that_has_gone_counts_as_having_answered),
        cmocka_unit_test(a_broker_of_nobody_stops),
        cmocka_unit_test(a_second_stop_changes_nothing),
        cmocka_unit_test(a_hurried_stop_skips_what_is_left_of_the_grace),
        cmocka_unit_test(hurry_alone_stops_a_running_broker_too),
        cmocka_unit_test(a_hundred_stops_at_once_are_one),
    };

    return cmocka_run_group_tests_name("supervisor_stop", tests, NULL, NULL);
}
