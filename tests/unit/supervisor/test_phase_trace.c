/* SPDX-License-Identifier: Apache-2.0 */
/* test_phase_trace.c - the life of the broker as others see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log.h"
#include "phase_mail.h"
#include "phase_trace.h"

static const uint64_t MS = 1000000;

struct fixture {
    struct pl_clock_driven clock;
    struct pl_phase_trace *trace;
    struct pl_phase_view view;
};

static void quiet(void *arg, enum pl_log_level level, struct pl_span line)
{
    (void)arg, (void)level, (void)line;
}

static int set_up(void **state)
{
    static struct fixture f;

    pl_log_set_sink(quiet, NULL);
    pl_clock_driven_init(&f.clock);
    *state = &f;
    return pl_phase_trace_create(&f.trace, &f.clock.clock);
}

static int tear_down(void **state)
{
    pl_phase_trace_destroy(((struct fixture *)*state)->trace);
    pl_log_set_sink(NULL, NULL);
    return 0;
}

static const struct pl_phase_view *look(struct fixture *f)
{
    pl_phase_trace_read(f->trace, &f->view);
    return &f->view;
}

static void before_the_start_nothing_is_reached(void **state)
{
    const struct pl_phase_view *v = look(*state);

    assert_false(v->is_started);
    assert_int_equal(v->phase, PL_PHASE_RUNNING);
    assert_int_equal(v->uptime_ms, 0);
    assert_false(v->at[PL_PHASE_RUNNING].is_reached);
}

static void
a_phase_grows_while_it_lasts_and_stands_still_afterwards(void **state)
{
    struct fixture *f = *state;

    pl_phase_trace_begin(f->trace, PL_PHASE_RUNNING, 0);
    pl_phase_trace_begin(f->trace, PL_PHASE_GRACE, 100);
    pl_clock_driven_advance(&f->clock, 7 * MS);
    assert_int_equal(look(f)->at[PL_PHASE_GRACE].elapsed_ms, 7);
    assert_false(f->view.at[PL_PHASE_GRACE].is_over);
    assert_int_equal(f->view.at[PL_PHASE_GRACE].deadline_ms, 100);
    pl_phase_trace_begin(f->trace, PL_PHASE_DISCONNECT, 1000);
    pl_clock_driven_advance(&f->clock, 5 * MS);
    assert_int_equal(look(f)->at[PL_PHASE_GRACE].elapsed_ms, 7);
    assert_true(f->view.at[PL_PHASE_GRACE].is_over);
    assert_int_equal(f->view.phase, PL_PHASE_DISCONNECT);
}

static void what_is_forced_adds_up_in_the_phase_that_lasts(void **state)
{
    struct fixture *f = *state;

    pl_phase_trace_begin(f->trace, PL_PHASE_RUNNING, 0);
    pl_phase_trace_begin(f->trace, PL_PHASE_RESET, 3000);
    pl_phase_trace_force(f->trace, 2);
    pl_phase_trace_force(f->trace, 1);
    pl_phase_trace_begin(f->trace, PL_PHASE_STOPPED, 0);
    assert_int_equal(look(f)->at[PL_PHASE_RESET].forced, 3);
    assert_int_equal(f->view.at[PL_PHASE_STOPPED].forced, 0);
}

static void uptime_ends_with_the_stop(void **state)
{
    struct fixture *f = *state;

    pl_clock_driven_advance(&f->clock, 3 * MS);
    pl_phase_trace_begin(f->trace, PL_PHASE_RUNNING, 0);
    pl_clock_driven_advance(&f->clock, 10 * MS);
    assert_int_equal(look(f)->uptime_ms, 10);
    pl_phase_trace_begin(f->trace, PL_PHASE_STOPPED, 0);
    pl_clock_driven_advance(&f->clock, 10 * MS);
    assert_int_equal(look(f)->uptime_ms, 10);
    assert_true(f->view.at[PL_PHASE_STOPPED].is_over);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(before_the_start_nothing_is_reached,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_phase_grows_while_it_lasts_and_stands_still_afterwards, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            what_is_forced_adds_up_in_the_phase_that_lasts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(uptime_ends_with_the_stop, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests_name("phase_trace", tests, NULL, NULL);
}
