/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_waits.c - commands that wait for a verdict: how many may, and
 * what becomes of them when something ends meanwhile. */
#include "court.h"

#include <stdio.h>
#include <string.h>

#include "call_table.h"
#include "wait.h"

/* --- Bounds --- */

static void so_many_commands_wait_and_no_more(void **state)
{
    struct court t = {.count = 0};
    struct rig *r = court_open("many", &t, SUBSCRIBES, NULL, 0);
    struct client *c = client_join(r, 0);

    (void)state;
    court_ask(c, 2, "l");
    for (unsigned i = 1; i < PL_WAITS_MAX; i++)
        client_sayf(c, "{\"id\":%u,\"presence\":{\"channel\":\"l\"}}", 2 + i);
    rig_run(r, 0);
    assert_int_equal(rig_metric(r, PL_METRIC_COMMANDS_WAITING), PL_WAITS_MAX);
    client_expect_silence(c);
    assert_false(c->is_paused);
    client_say(c, "{\"id\":101,\"presence\":{\"channel\":\"l\"}}\n"
                  "{\"id\":102,\"subscribe\":{\"channel\":\"l2\"}}\n"
                  "{\"id\":103,\"presence\":{\"channel\":\"other\"}}");
    rig_run(r, 0);
    court_expect_error(c, 101, 111, "too many requests", true);
    court_expect_error(c, 102, 111, "too many requests", true);
    client_expect(c, "{\"id\":103,\"presence\":{*"); /* it was read already */
    assert_true(c->is_paused);
    assert_int_equal(t.asked, 1); /* not for what could not wait */
    court_allow(&t, 0);
    client_expect(c, "{\"id\":2,\"subscribe\":{*");
    assert_false(c->is_paused);
    assert_int_equal(rig_metric(r, PL_METRIC_COMMANDS_WAITING), 0);
    rig_destroy(r);
}

/* Half of the room, so that a client is not stopped at each command. */
static void reading_goes_on_when_half_of_the_space_is_free(void **state)
{
    struct court t = {.count = 0};
    struct rig *r = court_open("half", &t, SUBSCRIBES, NULL, 0);
    struct client *c = client_join(r, 0);

    (void)state;
    for (unsigned i = 0; i <= PL_WAITS_MAX; i++)
        client_sayf(c, "{\"id\":%u,\"subscribe\":{\"channel\":\"l%u\"}}", 2 + i,
                    i);
    rig_run(r, 0);
    assert_int_equal(t.count, PL_WAITS_MAX);
    assert_true(c->is_paused);
    for (unsigned i = 0; i < PL_WAITS_MAX / 2; i++) {
        assert_true(c->is_paused);
        court_allow(&t, i);
    }
    assert_false(c->is_paused);
    for (unsigned i = PL_WAITS_MAX / 2; i < PL_WAITS_MAX; i++)
        court_allow(&t, i);
    rig_destroy(r);
}

static void so_many_bytes_wait_and_no_more(void **state)
{
    static const char *const sets[] = {"websocket.max_message=4KiB"};
    struct court t = {.count = 0};
    struct rig *r = court_open("bytes", &t, SUBSCRIBES, sets, 1);
    struct client *c = client_join(r, 0);
    char filling[1800];

    (void)state;
    memset(filling, '7', sizeof filling - 1);
    filling[sizeof filling - 1] = '\0';
    court_ask(c, 2, "l");
    for (unsigned id = 3; id <= 5; id++)
        client_sayf(c,
                    "{\"id\":%u,\"publish\":{\"channel\":\"l\",\"data\":%s}}",
                    id, filling);
    rig_run(r, 0);
    court_expect_error(c, 5, 111, "too many requests", true);
    assert_true(c->is_paused);
    assert_int_equal(rig_metric(r, PL_METRIC_COMMANDS_WAITING), 3);
    court_allow(&t, 0);
    assert_false(c->is_paused);
    rig_destroy(r);
}

static void not_overdue(void *arg, const struct pl_call_overdue *call)
{
    (void)arg;
    (void)call;
    fail();
}

/* The calls of a session that closes, and no others. */
static void a_close_frees_the_places_of_its_calls(void **state)
{
    struct rig *r = rig_start("places", NULL);
    struct pl_call_table table;
    struct pl_address one = {.slot = 1, .generation = 1},
                      two = {.slot = 2, .generation = 1},
                      next = {.slot = 1, .generation = 2};
    uint32_t number, of_two = 0, command;

    (void)state;
    pl_call_table_init(&table, pl_system_loop(pl_sim_system(r->sim), 0), 1000,
                       1000, not_overdue, NULL);
    for (unsigned i = 0; i < PL_CALLS_MAX; i++)
        assert_int_equal(pl_call_table_add(&table, i % 2 == 0 ? one : two, i,
                                           r->handlers, "x",
                                           i % 2 == 0 ? &number : &of_two),
                         PL_OK);
    pl_call_table_drop(&table, one);
    pl_call_table_drop(&table, one);
    assert_false(pl_call_table_take(&table, one, number, &command));
    for (unsigned i = 0; i < PL_CALLS_MAX / 2; i++)
        assert_int_equal(
            pl_call_table_add(&table, next, i, r->handlers, "x", &number),
            PL_OK);
    assert_true(pl_call_table_take(&table, two, of_two, &command));
    assert_int_equal(command, PL_CALLS_MAX - 1);
    pl_call_table_drop(&table, next);
    pl_call_table_drop(&table, two);
    rig_run(r, 2000); /* nothing is left to be overdue */
    assert_int_equal(
        pl_call_table_add(&table, two, 1, r->handlers, "x", &of_two), PL_OK);
    pl_call_table_fini(&table);
    rig_destroy(r);
}

static void a_loop_waits_for_so_many_calls_and_no_more(void **state)
{
    struct rig *r = rig_start("calls", NULL);
    struct pl_call_table table;
    struct pl_address session = {.slot = 1, .generation = 1};
    uint32_t number = 0, command;

    (void)state;
    pl_call_table_init(&table, pl_system_loop(pl_sim_system(r->sim), 0), 1000,
                       1000, not_overdue, NULL);
    for (unsigned i = 0; i < PL_CALLS_MAX; i++)
        assert_int_equal(
            pl_call_table_add(&table, session, 1, r->handlers, "x", &number),
            PL_OK);
    assert_int_equal(
        pl_call_table_add(&table, session, 1, r->handlers, "x", &number),
        PL_EFULL);
    assert_true(pl_call_table_take(&table, session, number, &command));
    assert_int_equal(
        pl_call_table_add(&table, session, 1, r->handlers, "x", &number),
        PL_OK);
    pl_call_table_fini(&table);
    rig_destroy(r);
}

/* --- Ends --- */

static void kick_from(struct client *c, const char *channel)
{
    struct pl_kick_mail *k = pl_kick_mail_create();

    assert_non_null(k);
    k->code = PL_UNSUBSCRIBE_SERVER;
    k->channel = pl_blob_create(pl_span_of(channel));
    rig_mail(c, &k->msg);
    rig_run(c->rig, 0);
}

static void expect_kicked(struct client *c, unsigned id)
{
    char pattern[64];

    snprintf(pattern, sizeof pattern, "{\"id\":%u,\"subscribe\":{*", id);
    client_expect(c, pattern);
    client_expect(c, "{\"push\":{\"channel\":\"l\",\"unsubscribe\":{"
                     "\"code\":2000,*");
    client_expect_silence(c);
    assert_int_equal(rig_metric(c->rig, PL_METRIC_SUBSCRIPTIONS), 0);
}

/* Without this a client that a backend has put out stays. */
static void a_kick_during_a_verdict_ends_the_subscription(void **state)
{
    struct court t = {.count = 0};
    struct rig *r = court_open("kick", &t, SUBSCRIBES, NULL, 0);
    struct client *c = client_join(r, 0);

    (void)state;
    court_ask(c, 2, "l");
    kick_from(c, "l");
    client_expect_silence(c);
    court_allow(&t, 0);
    expect_kicked(c, 2);
    court_ask(c, 3, "l"); /* what is asked for later was not kicked */
    court_allow(&t, 1);
    client_expect(c, "{\"id\":3,\"subscribe\":{*");
    client_expect_silence(c);
    assert_int_equal(rig_metric(r, PL_METRIC_SUBSCRIPTIONS), 1);
    rig_destroy(r);
}

/* Also one that has not asked yet, and asks again behind the kick. */
static void a_kick_ends_all_that_was_asked_for_before(void **state)
{
    struct court t = {.count = 0};
    struct rig *r = court_open("kicks", &t, SUBSCRIBES | PUBLISHES, NULL, 0);
    struct client *c = client_join(r, 0);

    (void)state;
    client_say(c, "{\"id\":2,\"publish\":{\"channel\":\"l\",\"data\":1}}\n"
                  "{\"id\":3,\"subscribe\":{\"channel\":\"l\"}}");
    rig_run(r, 0);
    kick_from(c, "l");
    kick_from(c, "other");
    court_allow(&t, 0);
    client_expect(c, "{\"id\":2,\"publish\":{}}");
    court_allow(&t, 1);
    expect_kicked(c, 3);
    rig_destroy(r);
}

static void subscribe_to(struct client *c, const char *channel)
{
    struct pl_kick_mail *k = pl_kick_mail_create();

    assert_non_null(k);
    k->subscribes = true;
    k->channel = pl_blob_create(pl_span_of(channel));
    rig_mail(c, &k->msg);
    rig_run(c->rig, 0);
}

/* Whatever the verdict is.  A later kick ends what the client then has. */
static void a_kick_during_a_verdict_spares_a_later_subscription(void **state)
{
    (void)state;
    for (unsigned is_allowed = 0; is_allowed < 2; is_allowed++) {
        struct court t = {.count = 0};
        struct rig *r = court_open("later", &t, SUBSCRIBES, NULL, 0);
        struct client *c = client_join(r, 0);

        court_ask(c, 2, "l");
        kick_from(c, "l");
        subscribe_to(c, "l");
        client_expect(c, "{\"push\":{\"channel\":\"l\",\"subscribe\":{*");
        if (is_allowed)
            court_allow(&t, 0);
        else
            pl_call_refuse(t.calls[0], 403, PL_SPAN("no"));
        rig_run(r, 0);
        court_expect_error(c, 2, is_allowed ? 105 : 403,
                           is_allowed ? "already subscribed" : "no", false);
        client_expect_silence(c);
        assert_int_equal(rig_metric(r, PL_METRIC_SUBSCRIPTIONS), 1);
        kick_from(c, "l");
        client_expect(c, "{\"push\":{\"channel\":\"l\",\"unsubscribe\":{*");
        assert_int_equal(rig_metric(r, PL_METRIC_SUBSCRIPTIONS), 0);
        rig_destroy(r);
    }
}

static void a_close_cancels_what_waits(void **state)
{
    struct court t = {.count = 0};
    struct rig *r = court_open("cancel", &t, SUBSCRIBES, NULL, 0);
    struct client *c = client_join(r, 0);

    (void)state;
    client_say(c, "{\"id\":2,\"subscribe\":{\"channel\":\"l\"}}\n"
                  "{\"id\":3,\"publish\":{\"channel\":\"l\",\"data\":1}}\n"
                  "{\"id\":4,\"subscribe\":{\"channel\":\"l2\"}}");
    rig_run(r, 0);
    struct pl_kick_mail *k = pl_kick_mail_create();
    assert_non_null(k);
    k->code = PL_DISCONNECT_FORCED;
    rig_mail(c, &k->msg);
    client_expect_close(c, 3503);
    assert_int_equal(rig_metric(r, PL_METRIC_COMMANDS_CANCELLED), 3);
    assert_int_equal(rig_metric(r, PL_METRIC_COMMANDS_WAITING), 0);
    court_allow(&t, 0); /* it is still there, until the peer's Close */
    assert_int_equal(rig_metric(r, PL_METRIC_HANDLER_LATE), 1);
    client_vanish(c);
    rig_run(r, 0);
    pl_call_refuse(t.calls[1], 403, PL_SPAN(""));
    rig_run(r, 60000); /* no deadline is left of it */
    assert_int_equal(rig_metric(r, PL_METRIC_HANDLER_TIMEOUT), 0);
    assert_int_equal(rig_metric(r, PL_METRIC_SUBSCRIPTIONS), 0);
    rig_check_ledgers(r);
    rig_destroy(r);
}

static void say_close(struct client *c)
{
    struct pl_buf b = {0};

    client_frame(&b, 0x88, "\x03\xe8", 2);
    client_feed(c, b.data, b.len);
    pl_buf_fini(&b);
    rig_run(c->rig, 0);
}

/* A second at the most, as for all answers. */
static void the_close_of_a_peer_waits_for_verdicts_a_second(void **state)
{
    (void)state;
    for (int in_time = 0; in_time < 2; in_time++) {
        struct court t = {.count = 0};
        struct rig *r = court_open("echo", &t, SUBSCRIBES, NULL, 0);
        struct client *c = client_join(r, 0);

        court_ask(c, 2, "l");
        client_say(c, "{\"id\":3,\"presence_stats\":{\"channel\":\"l\"}}");
        say_close(c);
        assert_int_equal(c->closed, 0);
        if (in_time) {
            court_allow(&t, 0);
            client_expect(c, "{\"id\":2,\"subscribe\":{*");
            client_expect(c, "{\"id\":3,\"presence_stats\":{*");
        } else {
            rig_run(r, 1010);
        }
        client_expect_close(c, 1000);
        assert_int_equal(rig_metric(r, PL_METRIC_COMMANDS_CANCELLED),
                         in_time ? 0 : 2);
        if (!in_time)
            court_allow(&t, 0);
        rig_destroy(r);
    }
}

/* What waited came before what was wrong. */
static void what_waits_runs_though_a_later_command_was_wrong(void **state)
{
    struct court t = {.count = 0};
    struct rig *r = court_open("wrong", &t, SUBSCRIBES, NULL, 0);
    struct client *c = client_join(r, 0);

    (void)state;
    court_ask(c, 2, "l");
    client_say(c, "{\"id\":3,\"presence_stats\":{\"channel\":\"l\"}}\n"
                  "{\"id\":4,\"connect\":{}}");
    rig_run(r, 0);
    client_expect_silence(c);
    court_allow(&t, 0);
    client_expect(c, "{\"id\":2,\"subscribe\":{*");
    client_expect(c, "{\"id\":3,\"presence_stats\":{*");
    client_expect_close(c, 3501);
    rig_destroy(r);
}

/* Of a channel, and of what waits for verdicts of its own. */
static void what_came_after_a_wrong_command_never_runs(void **state)
{
    struct court t = {.count = 0};
    struct rig *r =
        court_open("barred", &t, SUBSCRIBES | 1u << PL_ASKS_REFRESH, NULL, 0);
    struct client *c = client_join(r, 0);

    (void)state;
    court_ask(c, 2, "l-before");
    client_say(c, "{\"id\":3,\"refresh\":{\"token\":\"a\"}}\n"
                  "{\"id\":4,\"refresh\":{\"token\":\"\"}}\n"
                  "{\"id\":5,\"refresh\":{\"token\":\"b\"}}\n"
                  "{\"id\":6,\"subscribe\":{\"channel\":\"l-after\"}}\n"
                  "{\"id\":7,\"presence\":{\"channel\":\"l-before\"}}");
    rig_run(r, 0);
    client_expect_silence(c);
    assert_int_equal(t.count, 3);
    court_allow(&t, 1);
    client_expect(c, "{\"id\":3,\"refresh\":{*");
    client_expect_silence(c); /* the refresh without a token bars the rest */
    assert_int_equal(rig_metric(r, PL_METRIC_COMMANDS_WAITING), 1);
    court_allow(&t, 2);
    client_expect_silence(c);
    assert_int_equal(rig_metric(r, PL_METRIC_HANDLER_LATE), 1);
    court_allow(&t, 0);
    client_expect(c, "{\"id\":2,\"subscribe\":{*");
    client_expect_close(c, 3501);
    assert_int_equal(rig_metric(r, PL_METRIC_COMMANDS_CANCELLED), 3);
    rig_check_ledgers(r);
    rig_destroy(r);
}

/* What waits has begun; but a stop refuses what goes to a channel. */
static void a_stop_waits_in_its_grace(void **state)
{
    struct court t = {.count = 0};
    struct rig *r = court_open("stop", &t, SUBSCRIBES, NULL, 0);
    struct client *c = client_join(r, 0);

    (void)state;
    court_ask(c, 2, "l");
    client_say(c, "{\"id\":3,\"unsubscribe\":{\"channel\":\"l\"}}");
    rig_phase(r, PL_PHASE_SIGNAL, false);
    rig_phase(r, PL_PHASE_GRACE, false);
    rig_run(r, 100);
    assert_int_equal(r->boss->phases_answered, 1);
    court_allow(&t, 0);
    rig_run(r, 10);
    court_expect_error(c, 2, 503, "stopping or full", true);
    client_expect(c, "{\"id\":3,\"unsubscribe\":{}}");
    assert_int_equal(r->boss->phases_answered, 2);
    rig_destroy(r);
}

static void who_waits_for_a_verdict_is_not_closed_for_a_pong(void **state)
{
    static const char *const sets[] = {"ping.interval=2s", "ping.timeout=1s",
                                       "handlers.timeout=1h"};
    struct court t = {.count = 0};
    struct rig *r = court_open("pong", &t, SUBSCRIBES, sets, 3);
    struct client *c = client_join(r, 0);

    (void)state;
    for (unsigned i = 0; i <= PL_WAITS_MAX; i++)
        client_sayf(c, "{\"id\":%u,\"subscribe\":{\"channel\":\"l%u\"}}", 2 + i,
                    i);
    rig_run(r, 10000);
    assert_true(c->is_paused);
    assert_int_equal(c->closed, 0);
    for (unsigned i = 0; i < PL_WAITS_MAX; i++)
        court_allow(&t, i);
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_commands_wait_and_no_more),
        cmocka_unit_test(reading_goes_on_when_half_of_the_space_is_free),
        cmocka_unit_test(so_many_bytes_wait_and_no_more),
        cmocka_unit_test(a_loop_waits_for_so_many_calls_and_no_more),
        cmocka_unit_test(a_close_frees_the_places_of_its_calls),
        cmocka_unit_test(a_kick_during_a_verdict_ends_the_subscription),
        cmocka_unit_test(a_kick_ends_all_that_was_asked_for_before),
        cmocka_unit_test(a_kick_during_a_verdict_spares_a_later_subscription),
        cmocka_unit_test(a_close_cancels_what_waits),
        cmocka_unit_test(the_close_of_a_peer_waits_for_verdicts_a_second),
        cmocka_unit_test(what_waits_runs_though_a_later_command_was_wrong),
        cmocka_unit_test(what_came_after_a_wrong_command_never_runs),
        cmocka_unit_test(a_stop_waits_in_its_grace),
        cmocka_unit_test(who_waits_for_a_verdict_is_not_closed_for_a_pong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
