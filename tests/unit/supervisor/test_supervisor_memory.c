/* SPDX-License-Identifier: Apache-2.0 */
/* test_supervisor_memory.c - limits.memory: what the keepers are told, and
 * when, as the process grows and shrinks. */
#include "rig.h"

enum { LIMIT = 1000000 };

static void assert_told(struct rig *r, bool is_short, unsigned times)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(r->keeper[i]->memory_mails, times);
        if (times > 0)
            assert_int_equal(r->keeper[i]->is_short, is_short);
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
    assert_in_range(r->keeper[0]->shed_bytes, 25000, 25001);
    assert_in_range(r->keeper[1]->shed_bytes, 75000, 75001);
    assert_int_equal(r->keeper[2]->shed_bytes, 0);
    look(r, 950000); /* it goes on until there is room */
    assert_told(r, true, 2);
    assert_in_range(r->keeper[1]->shed_bytes, 37500, 37501);
    look(r, 2 * LIMIT); /* more than waits anywhere */
    assert_int_equal(r->keeper[0]->shed_bytes, 100000);
    assert_int_equal(r->keeper[1]->shed_bytes, 300000);
    look(r, 899999);
    assert_int_equal(state_of(r), 1);
    assert_told(r, true, 4);
    assert_int_equal(r->keeper[1]->shed_bytes, 0);
    look(r, 500000);
    assert_told(r, false, 5);
    rig_publish_queue(r, 0, 1); /* who has anything gives something */
    look(r, LIMIT);
    assert_int_equal(r->keeper[0]->shed_bytes, 1);
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
        cmocka_unit_test(without_a_limit_nothing_is_watched),
        cmocka_unit_test(a_stop_ends_the_watch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
