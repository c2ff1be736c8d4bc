/* SPDX-License-Identifier: Apache-2.0 */
/* test_tracer.c - traces on one loop: their begin, their lines, their end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "mail.h"
#include "sim.h"
#include "system.h"
#include "tracer.h"

struct fixture {
    struct pl_sim *sim;
    struct pl_tracer tracer;
};

static int set_up(void **state)
{
    static struct fixture f;

    assert_int_equal(pl_sim_create(&f.sim, 1, pl_sim_test_seed("tracer")),
                     PL_OK);
    f.tracer =
        (struct pl_tracer){.loop = pl_system_loop(pl_sim_system(f.sim), 0)};
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    pl_tracer_fini(&f->tracer);
    pl_sim_destroy(f->sim);
    return 0;
}

static struct pl_trace_mail *ask(struct fixture *f, uint64_t id,
                                 enum pl_trace_verb verb)
{
    struct pl_trace_mail *m = pl_trace_mail_create();

    assert_non_null(m);
    m->id = id;
    m->verb = (uint8_t)verb;
    if (verb == PL_TRACE_START)
        m->name = pl_blob_create(PL_SPAN("news"));
    pl_tracer_execute(&f->tracer, m);
    return m;
}

static void forget(struct pl_trace_mail *m)
{
    pl_mail_destroy(&m->msg);
}

/* Report an event of the channel; gives the number of traces that it has. */
static unsigned report(struct fixture *f, struct pl_span channel)
{
    struct pl_trace *r;
    uint32_t i = 0;
    unsigned count = 0;

    while ((r = pl_tracer_next(&f->tracer, &i, PL_TRACE_CHANNEL, channel)) !=
           NULL) {
        count++;
        if (pl_trace_begin(&f->tracer, r, "test") != NULL)
            pl_trace_end(r);
    }
    return count;
}

static void only_what_is_named_is_reported(void **state)
{
    struct fixture *f = *state;

    assert_false(pl_tracer_is_on(&f->tracer));
    forget(ask(f, 1, PL_TRACE_START));
    assert_true(pl_tracer_is_on(&f->tracer));
    assert_int_equal(report(f, PL_SPAN("news")), 1);
    assert_int_equal(report(f, PL_SPAN("new")), 0);
    struct pl_trace_mail *m = ask(f, 1, PL_TRACE_TAKE);
    pl_buf_put_byte(&m->lines, '\0');
    assert_non_null(strstr(m->lines.data, "\"event\":\"test\"}\n"));
    forget(m);
    m = ask(f, 1, PL_TRACE_TAKE); /* they were taken */
    assert_int_equal(m->lines.len, 0);
    forget(m);
    forget(ask(f, 1, PL_TRACE_STOP));
    assert_false(pl_tracer_is_on(&f->tracer));
}

static void lines_that_do_not_fit_are_counted(void **state)
{
    struct fixture *f = *state;

    forget(ask(f, 1, PL_TRACE_START));
    for (int i = 0; i < PL_TRACE_LINES + 7; i++)
        report(f, PL_SPAN("news"));
    struct pl_trace_mail *m = ask(f, 1, PL_TRACE_TAKE);
    assert_int_equal(m->dropped, 7);
    forget(m);
    report(f, PL_SPAN("news")); /* there is space again */
    m = ask(f, 1, PL_TRACE_TAKE);
    assert_int_equal(m->dropped, 0);
    assert_true(m->lines.len > 0);
    forget(m);
}

static void traces_of_the_same_name_have_lines_of_their_own(void **state)
{
    struct fixture *f = *state;

    forget(ask(f, 1, PL_TRACE_START));
    report(f, PL_SPAN("news"));
    forget(ask(f, 2, PL_TRACE_START));
    assert_int_equal(report(f, PL_SPAN("news")), 2);
    struct pl_trace_mail *one = ask(f, 1, PL_TRACE_TAKE);
    struct pl_trace_mail *two = ask(f, 2, PL_TRACE_TAKE);
    assert_int_equal(one->lines.len, 2 * two->lines.len);
    forget(one);
    forget(two);
    forget(ask(f, 1, PL_TRACE_STOP));
    assert_int_equal(report(f, PL_SPAN("news")), 1);
}

static void more_traces_than_places_fail(void **state)
{
    struct fixture *f = *state;

    for (uint64_t id = 1; id <= PL_TRACES_MAX; id++) {
        struct pl_trace_mail *m = ask(f, id, PL_TRACE_START);
        assert_false(m->has_failed);
        forget(m);
    }
    struct pl_trace_mail *m = ask(f, 99, PL_TRACE_START);
    assert_true(m->has_failed);
    forget(m);
    forget(ask(f, 99, PL_TRACE_STOP)); /* does nothing */
    assert_int_equal(f->tracer.count, PL_TRACES_MAX);
}

static void a_loop_without_a_tracer_cannot_trace(void **state)
{
    struct pl_trace_mail *m = pl_trace_mail_create();

    (void)state;
    m->verb = PL_TRACE_START;
    pl_tracer_execute(&pl_tracer_none, m);
    assert_true(m->has_failed);
    assert_false(pl_tracer_is_on(&pl_tracer_none));
    forget(m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_what_is_named_is_reported),
        TEST(lines_that_do_not_fit_are_counted),
        TEST(traces_of_the_same_name_have_lines_of_their_own),
        TEST(more_traces_than_places_fail),
        TEST(a_loop_without_a_tracer_cannot_trace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
