/* SPDX-License-Identifier: Apache-2.0 */
/* test_status.c - one picture of the broker, also while a loop is blocked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "phase_mail.h"
#include "status.h"

enum { LOOPS = 3, LIMIT = 100 /* ms of a turn */ };

struct fixture {
    struct pl_clock_driven clock;
    struct pl_system *system;
    struct pl_snapshot *snapshots[LOOPS];
    struct pl_phase_trace *trace;
    struct pl_stalls *stalls;
    struct pl_status_source source;
    uint64_t value[LOOPS][PL_METRIC_COUNT];
    struct pl_status status;
};

static void quiet(void *arg, enum pl_log_level level, struct pl_span line)
{
    (void)arg, (void)level, (void)line;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    pl_log_set_sink(quiet, NULL);
    pl_clock_driven_init(&f->clock);
    struct pl_system_options options = {.loops = LOOPS,
                                        .clock = &f->clock.clock};
    assert_int_equal(pl_system_create(&f->system, &options), PL_OK);
    assert_int_equal(pl_phase_trace_create(&f->trace, &f->clock.clock), PL_OK);
    for (int i = 0; i < LOOPS; i++)
        assert_int_equal(pl_snapshot_create(&f->snapshots[i], PL_METRIC_COUNT),
                         PL_OK);
    assert_int_equal(pl_stalls_create(&f->stalls, f->system, f->trace, LIMIT),
                     PL_OK);
    f->source = (struct pl_status_source){"1.2.3", f->system, f->snapshots,
                                          f->trace, f->stalls};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    pl_status_fini(&f->status);
    for (int i = 0; i < LOOPS; i++)
        pl_snapshot_destroy(f->snapshots[i]);
    pl_stalls_destroy(f->stalls);
    pl_phase_trace_destroy(f->trace);
    pl_system_destroy(f->system);
    pl_log_set_sink(NULL, NULL);
    free(f);
    return 0;
}

static void set(struct fixture *f, int loop, enum pl_metric m, uint64_t n)
{
    f->value[loop][m] = n;
    pl_snapshot_publish(f->snapshots[loop], f->value[loop]);
}

static const struct pl_status *collect(struct fixture *f)
{
    pl_status_fini(&f->status);
    assert_int_equal(pl_status_collect(&f->status, &f->source), PL_OK);
    return &f->status;
}

static json_t *collect_json(struct fixture *f)
{
    struct pl_buf text = {0};

    assert_int_equal(pl_status_write_json(collect(f), &text), PL_OK);
    json_t *json = json_loadb(text.data, text.len, 0, NULL);
    assert_non_null(json);
    pl_buf_fini(&text);
    return json;
}

static json_int_t number(json_t *json, const char *group, const char *key)
{
    json_t *n = json_object_get(json_object_get(json, group), key);

    assert_true(json_is_integer(n));
    return json_integer_value(n);
}

static void numbers_of_the_loops_add_up_but_for_maxima(void **state)
{
    struct fixture *f = *state;

    set(f, 0, PL_METRIC_CONNECTIONS, 3);
    set(f, 1, PL_METRIC_CONNECTIONS, 4);
    set(f, 0, PL_METRIC_MAIL_DEEPEST, 9);
    set(f, 1, PL_METRIC_MAIL_DEEPEST, 2);
    for (int i = 0; i < LOOPS; i++)
        set(f, i, PL_METRIC_HANDLERS, 3);
    const struct pl_status *s = collect(f);
    assert_int_equal(s->total[PL_METRIC_CONNECTIONS], 7);
    assert_int_equal(s->total[PL_METRIC_MAIL_DEEPEST], 9);
    assert_int_equal(s->total[PL_METRIC_HANDLERS], 3);
    assert_int_equal(s->loops[1].value[PL_METRIC_CONNECTIONS], 4);
    assert_true(s->memory_bytes > 0);
}

static void a_ledger_is_balanced_only_when_it_is_in_every_loop(void **state)
{
    struct fixture *f = *state;

    set(f, 0, PL_METRIC_COMMANDS, 10);
    set(f, 0, PL_METRIC_COMMANDS_ANSWERED, 7);
    set(f, 0, PL_METRIC_COMMANDS_REFUSED, 2);
    set(f, 0, PL_METRIC_COMMANDS_PENDING, 1);
    assert_true(collect(f)->commands.is_balanced);
    assert_int_equal(f->status.commands.in, 10);
    /* One too many here and one too few there is not balanced. */
    set(f, 0, PL_METRIC_COMMANDS_ANSWERED, 8);
    set(f, 1, PL_METRIC_COMMANDS, 1);
    assert_false(collect(f)->commands.is_balanced);
    assert_int_equal(f->status.commands.in, f->status.commands.out);
}

static void every_ledger_counts_all_its_ends(void **state)
{
    struct fixture *f = *state;

    set(f, 0, PL_METRIC_COMMANDS, 5);
    for (int m = PL_METRIC_COMMANDS_ANSWERED; m <= PL_METRIC_COMMANDS_PENDING;
         m++)
        set(f, 0, m, 1);
    set(f, 0, PL_METRIC_MAIL_ENQUEUED, 7);
    set(f, 0, PL_METRIC_MAIL_HANDLED, 1);
    set(f, 0, PL_METRIC_MAIL_QUEUED, 1);
    for (int m = PL_METRIC_DEAD_STALE; m <= PL_METRIC_DEAD_UNREACHABLE; m++)
        set(f, 0, m, 1);
    set(f, 1, PL_METRIC_FRAMES_OWED, 9);
    for (int m = PL_METRIC_FRAMES_SENT; m <= PL_METRIC_FRAMES_QUEUED; m++)
        set(f, 1, m, 1);
    set(f, 0, PL_METRIC_POSTS_SENT, 4);
    set(f, 2, PL_METRIC_POSTS_TAKEN, 6);
    set(f, 2, PL_METRIC_POSTS_FOREIGN, 2);
    const struct pl_status *s = collect(f);
    assert_true(s->commands.is_balanced);
    assert_true(s->mail.is_balanced);
    assert_true(s->deliveries.is_balanced);
    assert_true(s->posts.is_balanced);
    set(f, 2, PL_METRIC_POSTS_TAKEN, 5); /* one is in transit */
    assert_false(collect(f)->posts.is_balanced);
}

/* No thread runs the loops here, so nothing could answer. */
static void a_handler_that_blocks_a_loop_is_named_with_its_time(void **state)
{
    struct fixture *f = *state;
    struct pl_loop *loop = pl_system_loop(f->system, 1);

    pl_loop_enter(loop, "orders.place");
    pl_clock_driven_advance(&f->clock, 250 * 1000000ull);
    const struct pl_status *s = collect(f);
    assert_string_equal(s->loops[1].busy, "orders.place");
    assert_int_equal(s->loops[1].busy_ms, 250);
    assert_string_equal(s->loops[0].busy, "");
    pl_loop_leave(loop);
    assert_string_equal(collect(f)->loops[1].busy, "");
}

/* The program may unregister the handler, and with it goes its name. */
static void the_name_of_a_handler_outlives_the_handler(void **state)
{
    struct fixture *f = *state;
    struct pl_loop *loop = pl_system_loop(f->system, 1);
    char *name = strdup("orders.place");
    struct pl_buf text = {0};

    pl_loop_enter(loop, name);
    collect(f);
    pl_loop_leave(loop);
    memset(name, 'x', strlen(name));
    free(name);
    assert_int_equal(pl_status_write_json(&f->status, &text), PL_OK);
    pl_buf_put_byte(&text, '\0');
    assert_non_null(strstr(text.data, "\"handler\":\"orders.place\""));
    pl_buf_fini(&text);
}

static void a_loop_that_does_not_turn_is_told_with_its_time(void **state)
{
    struct fixture *f = *state;
    struct pl_stall stall = {0};

    pl_phase_trace_begin(f->trace, PL_PHASE_RUNNING, 0);
    pl_clock_driven_advance(&f->clock, 1000000);
    pl_loop_awake(pl_system_loop(f->system, 1));
    pl_clock_driven_advance(&f->clock, LIMIT * 1000000ull);
    assert_false(pl_status_is_stuck(&f->source, &stall));
    assert_int_equal(collect(f)->stuck, 0);
    assert_int_equal(f->status.loops[1].stuck_ms, 0);
    pl_clock_driven_advance(&f->clock, 1000000);
    assert_true(pl_status_is_stuck(&f->source, &stall));
    assert_int_equal(stall.loop, 1);
    assert_int_equal(stall.ms, LIMIT + 1);
    json_t *j = collect_json(f);
    json_t *loop = json_array_get(json_object_get(j, "loops"), 1);
    assert_int_equal(json_integer_value(json_object_get(loop, "stuck_ms")),
                     LIMIT + 1);
    json_decref(j);
    assert_int_equal(f->status.stuck, 1);
    assert_true(pl_status_is_ready(&f->source)); /* what it has, it takes */
    pl_loop_turn(pl_system_loop(f->system, 1));
    assert_false(pl_status_is_stuck(&f->source, &stall));
    assert_int_equal(collect(f)->stuck, 0);
}

static void the_old_keys_follow_the_run_of_the_broker(void **state)
{
    struct fixture *f = *state;
    json_t *j = collect_json(f);

    assert_true(json_is_false(json_object_get(j, "server_running")));
    assert_true(json_is_null(json_object_get(j, "dispatcher_task")));
    assert_false(pl_status_is_ready(&f->source));
    json_decref(j);

    pl_phase_trace_begin(f->trace, PL_PHASE_RUNNING, 0);
    set(f, 0, PL_METRIC_CONNECTIONS, 2);
    set(f, LOOPS - 1, PL_METRIC_USERS, 1);
    j = collect_json(f);
    assert_true(pl_status_is_ready(&f->source));
    assert_true(json_is_true(json_object_get(j, "server_running")));
    assert_true(json_is_true(json_object_get(j, "network_driver_running")));
    json_t *task = json_object_get(j, "dispatcher_task");
    assert_true(json_is_true(json_object_get(task, "exists")));
    assert_true(json_is_false(json_object_get(task, "cancelled")));
    assert_int_equal(
        json_integer_value(json_object_get(j, "active_connections")), 2);
    assert_int_equal(json_integer_value(json_object_get(j, "registered_users")),
                     1);
    json_decref(j);

    pl_phase_trace_begin(f->trace, PL_PHASE_CANCEL, 1000);
    j = collect_json(f);
    assert_false(pl_status_is_ready(&f->source));
    assert_true(json_is_false(json_object_get(j, "server_running")));
    task = json_object_get(j, "dispatcher_task");
    assert_true(json_is_true(json_object_get(task, "cancelled")));
    assert_true(json_is_false(json_object_get(task, "done")));
    json_decref(j);
}

static void after_the_stop_no_gauge_remembers_the_loops(void **state)
{
    struct fixture *f = *state;

    pl_phase_trace_begin(f->trace, PL_PHASE_RUNNING, 0);
    set(f, 0, PL_METRIC_LOOP_LAG_NS, 12345);
    set(f, 0, PL_METRIC_MAIL_DEEPEST, 3);
    assert_int_equal(collect(f)->total[PL_METRIC_LOOP_LAG_NS], 12345);
    pl_phase_trace_begin(f->trace, PL_PHASE_STOPPED, 0);
    const struct pl_status *s = collect(f);
    for (int m = 0; m < PL_METRIC_COUNT; m++) {
        if (pl_metric_info(m)->kind == PL_GAUGE)
            assert_int_equal(s->total[m], 0);
    }
}

static struct {
    unsigned errors;
    char text[512]; /* of the newest line */
} heard;

static void hear(void *arg, enum pl_log_level level, struct pl_span line)
{
    (void)arg;
    heard.errors += level == PL_LOG_ERROR;
    snprintf(heard.text, sizeof heard.text, "%.*s", (int)line.len, line.at);
}

static unsigned audit(struct fixture *f)
{
    heard.errors = 0;
    heard.text[0] = '\0';
    unsigned findings = pl_status_audit(collect(f));
    assert_int_equal(heard.errors, findings);
    return findings;
}

static void a_miscount_in_any_ledger_is_found_after_the_stop(void **state)
{
    static const struct {
        enum pl_metric in, out;
        const char *name;
    } ledgers[] = {
        {PL_METRIC_COMMANDS, PL_METRIC_COMMANDS_SILENT, "commands"},
        {PL_METRIC_MAIL_ENQUEUED, PL_METRIC_DEAD_STALE, "mail"},
        {PL_METRIC_FRAMES_OWED, PL_METRIC_FRAMES_SENT, "deliveries"},
        {PL_METRIC_POSTS_SENT, PL_METRIC_POSTS_TAKEN, "posts"},
    };
    struct fixture *f = *state;

    pl_log_set_sink(hear, NULL);
    pl_phase_trace_begin(f->trace, PL_PHASE_RUNNING, 0);
    pl_phase_trace_begin(f->trace, PL_PHASE_STOPPED, 0);
    for (size_t i = 0; i < sizeof ledgers / sizeof *ledgers; i++) {
        assert_int_equal(audit(f), 0);
        set(f, 1, ledgers[i].in, 3);
        assert_int_equal(audit(f), 1);
        assert_non_null(strstr(heard.text, ledgers[i].name));
        set(f, 1, ledgers[i].out, 3);
    }
}

static void whatever_is_left_after_the_stop_is_found(void **state)
{
    struct fixture *f = *state;

    pl_log_set_sink(hear, NULL);
    pl_phase_trace_begin(f->trace, PL_PHASE_RUNNING, 0);
    pl_phase_trace_begin(f->trace, PL_PHASE_STOPPED, 0);
    set(f, 0, PL_METRIC_ERRORS, 5);          /* a counter may be what it is */
    set(f, 0, PL_METRIC_LOOP_LAG_NS, 12345); /* of loops that are no more */
    assert_int_equal(audit(f), 0);
    set(f, 1, PL_METRIC_HUB_CHANNELS, 1);
    assert_int_equal(audit(f), 1);
    assert_non_null(strstr(heard.text, "gauge=hub_channels value=1"));
    set(f, 2, PL_METRIC_ACTORS, 2);
    assert_int_equal(audit(f), 2);
}

static void errors_come_with_their_rate(void **state)
{
    struct fixture *f = *state;

    set(f, 0, PL_METRIC_MESSAGES_IN, 200);
    set(f, 1, PL_METRIC_ERRORS, 3);
    json_t *j = collect_json(f);
    json_t *rate = json_object_get(json_object_get(j, "errors"), "rate");
    assert_true(json_real_value(rate) > 0.0149 &&
                json_real_value(rate) < 0.0151);
    json_decref(j);
}

static void phases_and_loops_and_groups_are_in_the_json(void **state)
{
    struct fixture *f = *state;

    pl_phase_trace_begin(f->trace, PL_PHASE_RUNNING, 0);
    pl_phase_trace_begin(f->trace, PL_PHASE_GRACE, 100);
    pl_phase_trace_force(f->trace, 2);
    set(f, 1, PL_METRIC_AUTH_ATTEMPTS, 7);
    json_t *j = collect_json(f);
    json_t *grace = json_array_get(json_object_get(j, "phases"), 1);
    assert_string_equal(json_string_value(json_object_get(grace, "phase")),
                        "grace");
    assert_string_equal(json_string_value(json_object_get(grace, "state")),
                        "now");
    assert_int_equal(json_integer_value(json_object_get(grace, "forced")), 2);
    assert_int_equal(json_array_size(json_object_get(j, "phases")), 6);
    assert_int_equal(json_array_size(json_object_get(j, "loops")), LOOPS);
    assert_int_equal(number(j, "authentication", "attempts"), 7);
    assert_int_equal(number(j, "dead_letters", "full"), 0);
    assert_string_equal(json_string_value(json_object_get(j, "version")),
                        "1.2.3");
    json_decref(j);
}

#define WITH_FIXTURE(test)                                                     \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(numbers_of_the_loops_add_up_but_for_maxima),
        WITH_FIXTURE(a_ledger_is_balanced_only_when_it_is_in_every_loop),
        WITH_FIXTURE(every_ledger_counts_all_its_ends),
        WITH_FIXTURE(a_handler_that_blocks_a_loop_is_named_with_its_time),
        WITH_FIXTURE(the_name_of_a_handler_outlives_the_handler),
        WITH_FIXTURE(a_loop_that_does_not_turn_is_told_with_its_time),
        WITH_FIXTURE(the_old_keys_follow_the_run_of_the_broker),
        WITH_FIXTURE(after_the_stop_no_gauge_remembers_the_loops),
        WITH_FIXTURE(a_miscount_in_any_ledger_is_found_after_the_stop),
        WITH_FIXTURE(whatever_is_left_after_the_stop_is_found),
        WITH_FIXTURE(errors_come_with_their_rate),
        WITH_FIXTURE(phases_and_loops_and_groups_are_in_the_json),
    };

    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
