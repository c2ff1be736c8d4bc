/* SPDX-License-Identifier: Apache-2.0 */
/* test_supervisor_memory.c - limits.memory: what the session managers are told,
 * and when, as the process grows and shrinks. */
#include "rig.h"

enum { LIMIT = 1000000 };

static void assert_told(struct rig *r, bool is_short, unsigned times)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(r->manager[i]->memory_mails, times);
        if (times > 0)
            assert_int_equal(r->manager[i]->is_short, is_short);
    }
}

/* A second passes with so much in use. */
static void look(struct rig *r, uint64_t used)
{
    r->memory_used = used;
    pl_sim_advance(r->sim, 1000);
}

static uint64_t state_of(const struct rig *r)
{
    return r->metrics.value[PL_METRIC_MEMORY_STATE];
}

static void near_the_limit_new_work_is_refused_until_well_below(void **state)
{
    struct rig *r = rig_start_watching("refuse", LIMIT);

    (void)state;
    look(r, 899999);
    assert_told(r, false, 0);
    assert_int_equal(r->trims, 0); /* nothing to worry about */
    look(r, 900000);
    assert_told(r, true, 1);
    assert_int_equal(state_of(r), 1);
    assert_int_equal(r->warnings, 1);
    assert_non_null(strstr(r->last_warning, "memory is short"));
    look(r, 950000);
    look(r, 800000);
    assert_told(r, true, 1); /* they know */
    assert_int_equal(state_of(r), 1);
    look(r, 799999);
    assert_told(r, false, 2);
    assert_int_equal(state_of(r), 0);
    look(r, 899999);
    assert_told(r, false, 2);
    assert_int_equal(r->warnings, 1); /* once in, once out */
    assert_int_equal(r->metrics.value[PL_METRIC_MEMORY_USED], 899999);
    assert_int_equal(r->metrics.value[PL_METRIC_MEMORY_LIMIT], LIMIT);
    rig_destroy(r);
}

static void at_the_limit_each_loop_sheds_its_share(void **state)
{
    struct rig *r = rig_start_watching("shed", LIMIT);

    (void)state;
    rig_publish_queue(r, 0, 100000);
    rig_publish_queue(r, 1, 300000);
    rig_publish_queue(r, 2, 0);
    look(r, LIMIT); /* 100,000 above 90 % */
    assert_int_equal(state_of(r), 2);
    assert_told(r, true, 1);
    assert_in_range(r->manager[0]->shed_bytes, 25000, 25001);
    assert_in_range(r->manager[1]->shed_bytes, 75000, 75001);
    assert_int_equal(r->manager[2]->shed_bytes, 0);
    look(r, 950000); /* it goes on until there is room */
    assert_told(r, true, 2);
    assert_in_range(r->manager[1]->shed_bytes, 37500, 37501);
    look(r, 2 * LIMIT); /* more than waits anywhere */
    assert_int_equal(r->manager[0]->shed_bytes, 100000);
    assert_int_equal(r->manager[1]->shed_bytes, 300000);
    look(r, 899999);
    assert_int_equal(state_of(r), 1);
    assert_told(r, true, 4);
    assert_int_equal(r->manager[1]->shed_bytes, 0);
    look(r, 500000);
    assert_told(r, false, 5);
    rig_publish_queue(r, 0, 1); /* who has anything gives something */
    look(r, LIMIT);
    assert_int_equal(r->manager[0]->shed_bytes, 1);
    rig_destroy(r);
}

/* What was freed and only kept by the C library is no reason to refuse. */
static void memory_that_is_free_is_given_back_before_it_counts(void **state)
{
    struct rig *r = rig_start_watching("trim", LIMIT);

    (void)state;
    r->memory_kept = 300000;
    look(r, 800000); /* 1,100,000 with what is kept */
    assert_int_equal(r->trims, 1);
    assert_told(r, false, 0);
    rig_destroy(r);
}

/* --- Histories --- */

static void assert_shed(struct rig *r, unsigned times, uint64_t bytes)
{
    assert_int_equal(r->internal[1]->memory_mails, times);
    assert_in_range(r->internal[1]->shed_bytes, bytes, bytes + 2);
}

static void histories_are_shed_before_anybody_is_refused(void **state)
{
    struct rig *r = rig_start_watching("histories", LIMIT);

    (void)state;
    rig_publish_history(r, 0, 100000);
    rig_publish_history(r, 1, 300000);
    look(r, 849999);
    assert_shed(r, 0, 0);
    assert_int_equal(r->trims, 0);
    look(r, 850000); /* 100,000 above 75 %, of which a loop has its share */
    assert_shed(r, 1, 75000);
    assert_int_equal(r->internal[0]->memory_mails, 1);
    assert_in_range(r->internal[0]->shed_bytes, 25000, 25001);
    assert_int_equal(r->internal[2]->shed_bytes, 0);
    assert_int_equal(r->trims, 1); /* what was shed before must not count */
    assert_told(r, false, 0);
    look(r, 849999);
    assert_shed(r, 1, 75000);
    rig_destroy(r);
}

static void a_quarter_of_the_histories_goes_at_a_time(void **state)
{
    struct rig *r = rig_start_watching("quarter", LIMIT);

    (void)state;
    rig_publish_history(r, 1, 80000);
    look(r, 880000);
    assert_shed(r, 1, 20000);
    rig_publish_history(r, 1, 60000);
    look(r, 880000);
    assert_shed(r, 2, 15000);
    rig_destroy(r);
}

/* Just one look, with so much in use; the second in which it falls goes on. */
static void look_once(struct rig *r, uint64_t used)
{
    unsigned before = r->looks;

    look(r, 0);
    r->memory_used = used;
    pl_sim_advance(r->sim, 50);
    assert_int_equal(r->looks, before + 2);
}

static void whether_shedding_is_enough_is_seen_before_refusing(void **state)
{
    struct rig *r = rig_start_watching("enough", LIMIT);

    (void)state;
    rig_publish_history(r, 1, 400000);
    look_once(r, 950000);
    assert_told(r, false, 0);
    assert_int_equal(state_of(r), 0);
    assert_shed(r, 1, 100000);
    unsigned looks = r->looks;
    r->memory_used = 800000;
    pl_sim_advance(r->sim, 100); /* it looks again soon */
    assert_int_equal(r->looks, looks + 1);
    pl_sim_advance(r->sim, 900);
    assert_int_equal(r->looks, looks + 1);
    assert_shed(r, 1, 100000);
    assert_told(r, false, 0);
    rig_destroy(r);
}

static void when_shedding_is_not_enough_new_work_is_refused(void **state)
{
    struct rig *r = rig_start_watching("not enough", LIMIT);

    (void)state;
    rig_publish_history(r, 1, 400000);
    look_once(r, 950000);
    pl_sim_advance(r->sim, 900);
    assert_told(r, false, 0);
    pl_sim_advance(r->sim, 100);
    assert_told(r, true, 1);
    assert_int_equal(state_of(r), 1);
    unsigned shed = r->internal[1]->memory_mails;
    assert_int_equal(shed, 11);
    look(r, 810000); /* as long as anybody is refused */
    assert_int_equal(r->internal[1]->memory_mails, shed + 1);
    look(r, 790000);
    assert_told(r, false, 2);
    assert_int_equal(r->internal[1]->memory_mails, shed + 1);
    rig_destroy(r);
}

static void at_the_limit_nobody_waits_for_histories(void **state)
{
    struct rig *r = rig_start_watching("at once", LIMIT);

    (void)state;
    rig_publish_history(r, 1, 400000);
    look(r, LIMIT);
    assert_shed(r, 1, 100000);
    assert_told(r, true, 1);
    assert_int_equal(state_of(r), 2);
    rig_destroy(r);
}

static void without_histories_left_new_work_is_refused_at_once(void **state)
{
    struct rig *r = rig_start_watching("none left", LIMIT);

    (void)state;
    rig_publish_history(r, 1, 400000);
    look_once(r, 950000);
    rig_publish_history(r, 1, 0);
    pl_sim_advance(r->sim, 100);
    assert_told(r, true, 1);
    rig_destroy(r);
}

static void without_a_limit_nothing_is_watched(void **state)
{
    struct rig *r = rig_start_watching("off", 0);

    (void)state;
    look(r, UINT64_MAX);
    assert_told(r, false, 0);
    assert_int_equal(r->looks, 0);
    for (unsigned i = 0; i <= CONTROL; i++)
        assert_int_equal(
            pl_loop_next_timer(pl_system_loop(pl_sim_system(r->sim), i)),
            UINT64_MAX);
    rig_destroy(r);
}

static void a_stop_ends_the_watch(void **state)
{
    struct rig *r = rig_start_watching("stop", LIMIT);

    (void)state;
    look(r, LIMIT);
    unsigned looks = r->looks;
    rig_stop(r);
    pl_sim_advance(r->sim, 5000);
    assert_int_equal(r->stopped, 1);
    assert_int_equal(r->looks, looks);
    assert_int_equal(state_of(r), 0);
    assert_int_equal(r->metrics.value[PL_METRIC_MEMORY_USED], 0);
    assert_int_equal(r->metrics.value[PL_METRIC_MEMORY_LIMIT], 0);
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_the_limit_new_work_is_refused_until_well_below),
        cmocka_unit_test(at_the_limit_each_loop_sheds_its_share),
        cmocka_unit_test(memory_that_is_free_is_given_back_before_it_counts),
        cmocka_unit_test(histories_are_shed_before_anybody_is_refused),
        cmocka_unit_test(a_quarter_of_the_histories_goes_at_a_time),
        cmocka_unit_test(whether_shedding_is_enough_is_seen_before_refusing),
        cmocka_unit_test(when_shedding_is_not_enough_new_work_is_refused),
        cmocka_unit_test(at_the_limit_nobody_waits_for_histories),
        cmocka_unit_test(without_histories_left_new_work_is_refused_at_once),
        cmocka_unit_test(without_a_limit_nothing_is_watched),
        cmocka_unit_test(a_stop_ends_the_watch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
