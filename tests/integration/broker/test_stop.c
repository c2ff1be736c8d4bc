/* SPDX-License-Identifier: Apache-2.0 */
/* test_stop.c - how a broker stops: rows A1 to A9, A12 to A14 and A21 of what
 * stop must guarantee, each as the program that embeds the broker sees it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "box.h"
#include "gate.h"
#include "moment.h"
#include "peer.h"
#include "phases.h"
#include "random.h"

/* For stops in which nothing may be forced: however slow the machine is, all
 * that is asked is done before these. */
static const char *const patient[] = {"shutdown.grace=50s",
                                      "shutdown.disconnect=51s",
                                      "shutdown.cancel=52s", NULL};

/* --- A1 --- */

static void a1_what_is_submitted_during_stop_is_refused_and_counted(void **st)
{
    /* one loop: whom it refuses shows that it knows of the stop */
    const char *sets[] = {"shutdown.grace=60s", "shutdown.disconnect=10s",
                          "loops=1", NULL};
    struct box b;
    struct gate g;
    struct peer p, late, open;
    struct peer_reply r;

    (void)st;
    gate_init(&g);
    box_create(&b, sets);
    assert_int_equal(pl_broker_method(b.broker, "keep", gate_keep, &g, NULL),
                     PL_OK);
    box_run(&b);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    assert_int_equal(peer_open(&open, b.port, PEER_JSON), 101);
    uint32_t pending = peer_rpc(&p, "keep", "1");
    gate_await(&g); /* this call keeps the broker in its grace */
    pl_broker_stop(b.broker);
    box_await_text(&b, "phase", "grace");
    while (peer_open(&late, b.port, PEER_JSON) != 503)
        peer_fini(&late); /* the loop hears of it a little later */
    int64_t before = box_number(&b, "commands.refused_stopping");

    peer_await(&p, peer_publish(&p, "room", "1"), &r);
    assert_int_equal(r.kind, PEER_ERROR);
    assert_int_equal(r.code, 503);
    peer_await(&p, peer_subscribe(&p, "room"), &r);
    assert_int_equal(r.code, 503);
    box_await(&b, "commands.refused_stopping", before + 2);
    peer_connect(&open, NULL);
    assert_int_equal(pl_broker_post(b.broker, "room", "1", 1, NULL, NULL, NULL),
                     PL_ESTOPPING);
    assert_int_equal(box_number(&b, "messages.publications"), 0);

    assert_int_equal(pl_call_reply(gate_take(&g), "2", 1), PL_OK);
    peer_await(&p, pending, &r); /* what was in work is finished */
    assert_int_equal(r.kind, PEER_RESULT);
    assert_int_equal(peer_await_end(&p), 3001);
    assert_int_not_equal(peer_await_end(&open), 0);
    assert_int_equal(box_number(&b, "authentication.passed"), 1);
    peer_fini(&p);
    peer_fini(&open);
    peer_fini(&late);
    assert_int_equal(pl_broker_wait(b.broker), PL_OK);
    box_destroy(&b);
    gate_fini(&g);
}

/* --- A3 --- */

enum { UNRESPONSIVE_PEERS = 1000 };

static void a3_all_connections_share_one_budget(void **st)
{
    const char *sets[] = {"shutdown.disconnect=1s", NULL};
    struct peer *p = calloc(UNRESPONSIVE_PEERS, sizeof *p);
    struct box b;

    (void)st;
    assert_non_null(p);
    box_start(&b, sets);
    for (int i = 0; i < UNRESPONSIVE_PEERS; i++) {
        peer_enter(&p[i], b.port, i % 2 ? PEER_JSON : PEER_PROTOBUF, NULL,
                   NULL);
        p[i].is_unresponsive = true; /* it will not answer the Close */
    }
    box_await(&b, "active_connections", UNRESPONSIVE_PEERS);
    box_stop(&b);
    assert_int_equal(phase_number(&b, DISCONNECT, "forced"),
                     UNRESPONSIVE_PEERS);
    assert_true(phase_number(&b, DISCONNECT, "elapsed_ms") >= 900);
    assert_within(&b, DISCONNECT, 1000); /* not a thousand times as long */
    for (int i = 0; i < UNRESPONSIVE_PEERS; i++) {
        assert_int_equal(peer_await_end(&p[i]), 3001);
        peer_fini(&p[i]);
    }
    free(p);
    box_destroy(&b);
}

/* --- A4 --- */

static void a4_mail_is_handled_or_counted_as_dropped(void **st)
{
    enum { PEERS = 20, EACH = 50 };
    struct peer p[PEERS];
    struct box b;

    (void)st;
    box_start(&b, NULL);
    for (int i = 0; i < PEERS; i++) {
        peer_enter(&p[i], b.port, PEER_PROTOBUF, NULL, NULL);
        peer_join(&p[i], "room");
    }
    for (int n = 0; n < EACH; n++) {
        for (int i = 0; i < PEERS; i++)
            peer_publish(&p[i], "room", "\"in the middle of it\"");
    }
    box_stop(&b); /* while publications are on their way */
    assert_int_equal(box_number(&b, "mailboxes.queued"), 0);
    assert_int_equal(box_number(&b, "ledgers.mail.enqueued"),
                     box_number(&b, "ledgers.mail.resolved"));
    assert_true(box_number(&b, "ledgers.mail.enqueued") > 0);
    for (int i = 0; i < PEERS; i++)
        peer_fini(&p[i]);
    box_destroy(&b);
}

/* --- A5 --- */

static void a5_a_broker_starts_again_with_gauges_at_zero_100_times(void **st)
{
    struct peer_reply r;
    struct peer p;
    struct box b;

    struct box_census before = {0}, after;

    (void)st;
    box_log_begin();
    box_create(&b, patient);
    for (int i = 0; i < 100; i++) {
        if (i == 10) /* what is allocated once is there */
            box_census(&before);
        box_run(&b);
        peer_enter(&p, b.port, i % 2 ? PEER_JSON : PEER_PROTOBUF, NULL, NULL);
        peer_join(&p, "room");
        peer_await(&p, peer_publish(&p, "room", "1"), &r);
        assert_int_equal(r.kind, PEER_RESULT);
        /* each run counts from the beginning */
        box_await(&b, "messages.publications", 1);
        box_await(&b, "active_connections", 1);
        pl_broker_stop(b.broker);
        assert_int_equal(peer_await_end(&p), 3001);
        peer_fini(&p);
        assert_int_equal(pl_broker_wait(b.broker), PL_OK);
        assert_int_equal(box_log_warnings(), 0);
        box_assert_zero(&b);
        box_log_begin(); /* else the log itself grows */
    }
    box_await_census(&before);
    box_census(&after);
    assert_in_range(after.heap, 0, before.heap + 4096);
    box_destroy(&b);
    box_log_end();
}

/* --- A7 --- */

static void a7_a_clean_stop_logs_no_warning(void **st)
{
    struct peer p, q;
    struct box b;

    (void)st;
    box_log_begin();
    box_start(&b, patient);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    peer_enter(&q, b.port, PEER_PROTOBUF, NULL, NULL);
    peer_join(&p, "room");
    box_rest(&b);
    pl_broker_stop(b.broker);
    assert_int_equal(peer_await_end(&p), 3001);
    assert_int_equal(peer_await_end(&q), 3001);
    peer_fini(&p);
    peer_fini(&q);
    assert_int_equal(pl_broker_wait(b.broker), PL_OK);
    assert_int_equal(box_log_warnings(), 0);
    assert_true(box_log_has("stopped")); /* the sink is the one in use */
    box_destroy(&b);
    box_log_end();
}

/* --- A8 --- */

static void assert_monotone(const struct box *b)
{
    static const char *const names[PHASES] = {
        "signal", "grace", "disconnect", "listeners", "cancel", "reset"};
    char path[64];

    for (int i = 0; i < PHASES; i++) {
        snprintf(path, sizeof path, "phases.%d.phase", i);
        assert_true(box_has_text(b, path, names[i]));
        snprintf(path, sizeof path, "phases.%d.state", i);
        assert_true(box_has_text(b, path, "over"));
    }
}

/* Phases only go on: what was seen to begin is never ahead again. */
static void watch_until_stopped(const struct box *b)
{
    int newest = -1;

    for (int seen = -1; newest < RESET; newest = seen) {
        char path[64];

        for (seen = newest; seen < RESET; seen++) {
            snprintf(path, sizeof path, "phases.%d.state", seen + 1);
            if (box_has_text(b, path, "ahead"))
                break;
        }
        assert_true(seen >= newest);
        for (int i = 0; i < seen; i++) {
            snprintf(path, sizeof path, "phases.%d.state", i);
            assert_true(box_has_text(b, path, "over"));
        }
    }
}

static void a8_a_clean_stop_goes_through_the_phases_in_order(void **st)
{
    struct peer p;
    struct box b;

    (void)st;
    box_start(&b, patient);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    pl_broker_stop(b.broker);
    assert_int_equal(peer_await_end(&p), 3001);
    watch_until_stopped(&b);
    assert_int_equal(pl_broker_wait(b.broker), PL_OK);
    assert_monotone(&b);
    for (int i = 0; i < PHASES; i++)
        assert_unforced(&b, i);
    assert_int_equal(phase_number(&b, GRACE, "deadline_ms"), 50000);
    assert_int_equal(phase_number(&b, DISCONNECT, "deadline_ms"), 51000);
    assert_int_equal(phase_number(&b, CANCEL, "deadline_ms"), 52000);
    assert_int_equal(phase_number(&b, RESET, "deadline_ms"), 3000);
    peer_fini(&p);
    box_destroy(&b);
}

static void a8_the_deadlines_are_short_unless_told_otherwise(void **st)
{
    struct box b;

    (void)st;
    box_start(&b, NULL);
    box_stop(&b);
    assert_int_equal(phase_number(&b, GRACE, "deadline_ms"), 100);
    assert_int_equal(phase_number(&b, DISCONNECT, "deadline_ms"), 1000);
    assert_int_equal(phase_number(&b, CANCEL, "deadline_ms"), 1000);
    assert_int_equal(phase_number(&b, RESET, "deadline_ms"), 3000);
    box_destroy(&b);
}

static void a8_grace_overrun_by_unanswered_work_is_forced(void **st)
{
    const char *sets[] = {"shutdown.grace=200ms", NULL};
    struct gate g;
    struct peer p;
    struct box b;

    (void)st;
    gate_hold(&g, &b, &p, "keep", sets);
    pl_broker_stop(b.broker);
    assert_int_equal(peer_await_end(&p), 3001);
    assert_int_equal(pl_broker_wait(b.broker), PL_OK);
    assert_monotone(&b);
    assert_int_equal(phase_number(&b, GRACE, "forced"), 1); /* so no earlier */
    assert_int_equal(phase_number(&b, GRACE, "deadline_ms"), 200);
    assert_within(&b, GRACE, 200);
    assert_int_equal(box_number(&b, "commands.cancelled"), 1);
    /* an answer that comes when nobody is there any more harms nothing */
    assert_int_equal(pl_call_reply(gate_take(&g), "1", 1), PL_OK);
    box_assert_zero(&b);
    peer_fini(&p);
    box_destroy(&b);
    gate_fini(&g);
}

static void a8_disconnect_overrun_by_unresponsive_peers_is_forced(void **st)
{
    const char *sets[] = {"shutdown.disconnect=300ms", NULL};
    struct peer unresponsive[3], good;
    struct box b;

    (void)st;
    box_start(&b, sets);
    for (int i = 0; i < 3; i++) {
        peer_enter(&unresponsive[i], b.port, PEER_JSON, NULL, NULL);
        unresponsive[i].is_unresponsive = true;
    }
    peer_enter(&good, b.port, PEER_JSON, NULL, NULL);
    box_rest(&b);
    pl_broker_stop(b.broker);
    assert_int_equal(peer_await_end(&good), 3001);
    assert_int_equal(pl_broker_wait(b.broker), PL_OK);
    assert_monotone(&b);
    /* on a slow machine the answer of the good one may come late as well */
    assert_in_range(phase_number(&b, DISCONNECT, "forced"), 3, 4);
    assert_within(&b, DISCONNECT, 300);
    assert_unforced(&b, CANCEL);
    for (int i = 0; i < 3; i++)
        peer_fini(&unresponsive[i]);
    peer_fini(&good);
    box_destroy(&b);
}

static void a8_a_second_stop_in_a_hurry_skips_the_grace(void **st)
{
    const char *sets[] = {"shutdown.grace=1h", NULL};
    struct gate g;
    struct peer p;
    struct box b;

    (void)st;
    gate_hold(&g, &b, &p, "keep", sets);
    pl_broker_stop(b.broker);
    box_await_text(&b, "phase", "grace");
    pl_broker_hurry(b.broker);
    assert_int_equal(peer_await_end(&p), 3001);
    assert_int_equal(pl_broker_wait(b.broker), PL_OK);
    assert_within(&b, GRACE, 0); /* not an hour */
    pl_call_reply(gate_take(&g), "1", 1);
    peer_fini(&p);
    box_destroy(&b);
    gate_fini(&g);
}

/* --- A9 --- */

static void a9_a_client_gets_the_close_frame_before_the_end(void **st)
{
    struct peer p, q;
    struct peer_reply r;
    struct box b;

    (void)st;
    box_start(&b, NULL);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    peer_enter(&q, b.port, PEER_PROTOBUF, NULL, NULL);
    p.is_unresponsive = q.is_unresponsive =
        true; /* so the broker waits for our Close */
    pl_broker_stop(b.broker);
    while (peer_wait(&p, &r) != PEER_END)
        continue;
    while (peer_wait(&q, &r) != PEER_END)
        continue;
    assert_int_equal(p.close_code, 3001);
    assert_int_equal(q.close_code, 3001);
    assert_int_equal(pl_broker_wait(b.broker), PL_OK);
    peer_fini(&p);
    peer_fini(&q);
    box_destroy(&b);
}

/* --- A12, A13 --- */

static void live_once(struct box *b)
{
    enum { PEERS = 12 };
    struct peer p[PEERS];

    box_run(b);
    for (int i = 0; i < PEERS; i++) {
        peer_enter(&p[i], b->port, PEER_JSON, NULL, NULL);
        peer_join(&p[i], i % 2 ? "odd" : "even");
        peer_publish(&p[i], "odd", "{\"a\":1}");
    }
    for (int i = 0; i < PEERS; i += 3)
        peer_reset(&p[i]);
    box_stop(b); /* some are there and unresponsive, some are gone */
    for (int i = 0; i < PEERS; i++)
        peer_fini(&p[i]);
}

static void a12_a_stopped_broker_says_so(void **st)
{
    struct box b;

    (void)st;
    box_create(&b, NULL);
    live_once(&b);
    assert_int_equal(box_number(&b, "server_running"), 0);
    assert_int_equal(box_number(&b, "network_driver_running"), 0);
    assert_int_equal(box_number(&b, "active_connections"), 0);
    assert_true(box_has_text(&b, "phase", "stopped"));
    box_destroy(&b);
}

static void a13_threads_descriptors_and_heap_are_as_before_the_start(void **st)
{
    struct box_census before, after;
    struct box b;

    (void)st;
    box_create(&b, NULL);
    live_once(&b); /* what libraries allocate once is there now */
    box_destroy(&b);
    box_census(&before);
    box_create(&b, NULL);
    live_once(&b);
    assert_int_equal(box_number(&b, "mailboxes.actors"), 0);
    assert_int_equal(box_number(&b, "mailboxes.timers"), 0);
    box_await_census(&before);
    box_destroy(&b);
    box_await_census(&before);
    box_census(&after);
    assert_in_range(after.heap, 0, before.heap + 4096);
}

/* --- A14 --- */

static atomic_uint libevent_lines;

static void on_libevent_line(int severity, const char *text)
{
    (void)severity;
    fprintf(stderr, "libevent: %s\n", text);
    atomic_fetch_add(&libevent_lines, 1);
}

static void a14_no_library_reports_an_error(void **st)
{
    struct box b;

    (void)st;
    event_set_log_callback(on_libevent_line);
    ERR_clear_error();
    box_create(&b, NULL);
    live_once(&b);
    live_once(&b);
    box_destroy(&b);
    event_set_log_callback(NULL);
    assert_int_equal(atomic_load(&libevent_lines), 0);
    assert_int_equal(ERR_peek_error(), 0);
}

/* --- A21 --- */

struct stopper {
    struct pl_broker *broker;
    atomic_bool is_over;
    struct pl_random random;
};

/* Asks again and again, at moments that a seed decides. */
static void *stop_at_any_moment(void *arg)
{
    struct stopper *s = arg;

    while (!atomic_load(&s->is_over)) {
        moment_nap((uint32_t)pl_random_below(&s->random, 2000));
        pl_broker_stop(s->broker);
        if (pl_random_below(&s->random, 4) == 0)
            pl_broker_hurry(s->broker);
    }
    return NULL;
}

static void a21_a_stop_may_come_at_any_moment_of_a_start(void **st)
{
    enum { STARTS = 500 / PL_FEWER };
    struct box_census before = {0};
    struct stopper s = {0};
    pthread_t thread;
    struct peer p;
    struct box b;

    (void)st;
    box_log_begin();
    box_create(&b, patient);
    s.broker = b.broker;
    pl_random_init_seeded(&s.random, 1);
    assert_int_equal(pthread_create(&thread, NULL, stop_at_any_moment, &s), 0);
    for (int i = 0; i < STARTS; i++) {
        box_run(&b);
        if (i % 8 == 0) { /* one comes and goes in the middle of it */
            peer_begin(&p, b.port, PEER_JSON, NULL);
            peer_reset(&p);
        }
        assert_int_equal(pl_broker_wait(b.broker), PL_OK);
        assert_int_equal(box_log_warnings(), 0);
        box_assert_zero(&b);
        box_log_begin();
        if (i == 10)
            box_census(&before);
    }
    box_await_census(&before);
    atomic_store(&s.is_over, true);
    pthread_join(thread, NULL);
    box_destroy(&b);
    box_log_end();
}

enum { STOPPERS = 100, STOPS = 50 };

/* Before, while and after it stops. */
static void *stop_from_thread(void *arg)
{
    for (int i = 0; i < STOPS; i++) {
        pl_broker_stop(arg);
        sched_yield();
    }
    return NULL;
}

static void a21_a_hundred_stops_at_once_are_one(void **st)
{
    pthread_t threads[STOPPERS];
    /* valgrind runs one thread at a time */
    int stoppers = getenv("PL_VALGRIND") != NULL ? STOPPERS / 10 : STOPPERS;
    struct peer p;
    struct box b;

    (void)st;
    box_log_begin();
    box_start(&b, NULL);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    for (int i = 0; i < stoppers; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, stop_from_thread, b.broker), 0);
    assert_int_equal(peer_await_end(&p), 3001);
    assert_int_equal(pl_broker_wait(b.broker), PL_OK);
    for (int i = 0; i < stoppers; i++)
        pthread_join(threads[i], NULL);
    pl_broker_stop(b.broker); /* of what has stopped */
    assert_int_equal(pl_broker_wait(b.broker), PL_OK);
    assert_monotone(&b);
    assert_int_equal(box_log_warnings(), 0);
    peer_fini(&p);
    box_destroy(&b);
    box_log_end();
}

static void stop_inside(struct pl_call *call, void *broker)
{
    pl_broker_stop(broker);
    pl_call_reply(call, "{}", 2);
}

static void a21_a_handler_may_stop_the_broker(void **st)
{
    struct peer_reply r;
    struct peer p;
    struct box b;

    (void)st;
    box_create(&b, NULL);
    pl_broker_method(b.broker, "stop", stop_inside, b.broker, NULL);
    box_run(&b);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    peer_await(&p, peer_rpc(&p, "stop", "1"), &r);
    assert_int_equal(r.kind, PEER_RESULT);
    assert_int_equal(peer_await_end(&p), 3001);
    peer_fini(&p);
    assert_int_equal(pl_broker_wait(b.broker), PL_OK);
    box_destroy(&b);
}

static void a21_a_second_start_warns_and_changes_nothing(void **st)
{
    struct peer p;
    struct box b;

    (void)st;
    box_log_begin();
    box_start(&b, NULL);
    uint16_t port = b.port;
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    assert_int_equal(pl_broker_start(b.broker), PL_OK);
    assert_true(box_log_has("the broker runs already"));
    assert_true(box_log_has("level=warn"));
    assert_int_equal(pl_broker_port(b.broker, 0), port);
    peer_join(&p, "room"); /* it was not disturbed */
    peer_fini(&p);
    box_destroy(&b);
    box_log_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a1_what_is_submitted_during_stop_is_refused_and_counted),
        cmocka_unit_test(a3_all_connections_share_one_budget),
        cmocka_unit_test(a4_mail_is_handled_or_counted_as_dropped),
        cmocka_unit_test(
            a5_a_broker_starts_again_with_gauges_at_zero_100_times),
        cmocka_unit_test(a7_a_clean_stop_logs_no_warning),
        cmocka_unit_test(a8_a_clean_stop_goes_through_the_phases_in_order),
        cmocka_unit_test(a8_the_deadlines_are_short_unless_told_otherwise),
        cmocka_unit_test(a8_grace_overrun_by_unanswered_work_is_forced),
        cmocka_unit_test(a8_disconnect_overrun_by_unresponsive_peers_is_forced),
        cmocka_unit_test(a8_a_second_stop_in_a_hurry_skips_the_grace),
        cmocka_unit_test(a9_a_client_gets_the_close_frame_before_the_end),
        cmocka_unit_test(a12_a_stopped_broker_says_so),
        cmocka_unit_test(
            a13_threads_descriptors_and_heap_are_as_before_the_start),
        cmocka_unit_test(a14_no_library_reports_an_error),
        cmocka_unit_test(a21_a_stop_may_come_at_any_moment_of_a_start),
        cmocka_unit_test(a21_a_hundred_stops_at_once_are_one),
        cmocka_unit_test(a21_a_handler_may_stop_the_broker),
        cmocka_unit_test(a21_a_second_start_warns_and_changes_nothing),
    };

    struct rlimit files; /* both ends of many connections are here */

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
