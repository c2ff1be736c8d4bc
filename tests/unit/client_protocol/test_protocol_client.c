/* SPDX-License-Identifier: Apache-2.0 */
/* test_protocol_client.c - a client's states: connecting, refusals, retries,
 * pings, ends. */
#include "rig.h"

#include "group.h"
#include "loop.h"

#define HELLO "{\"client\":\"c1\",\"version\":\"s\",\"ping\":25,\"pong\":true}"

static void a_client_connects_and_says_who_it_is(void **state)
{
    (void)state;
    options.name = "app";
    options.version = "2";
    options.token = "t";
    options.data = (struct plc_bytes){"{\"a\":1}", 7};
    rig_client();
    rig_called("connecting(0 connect called) ");
    rig_accept();
    rig_expect("{\"id\":1,\"connect\":{\"token\":\"t\",\"data\":{\"a\":1},"
               "\"name\":\"app\",\"version\":\"2\"}}");
    rig_say("{\"id\":1,\"connect\":" HELLO "}");
    rig_called("connected(0 connected) ");
    assert_int_equal(plc_client_state(client), PLC_CONNECTED);
    assert_int_equal(plc_client_connect(client), PL_OK);
    rig_called("");
    assert_int_equal(fake_dials, 1);
}

static void a_ping_is_answered_if_the_server_wants_it(void **state)
{
    (void)state;
    rig_client();
    rig_serve(HELLO);
    rig_forget();
    rig_say("{}");
    rig_expect("{}");
}

static void a_server_that_does_not_ping_is_left(void **state)
{
    (void)state;
    rig_client();
    rig_serve(HELLO);
    rig_forget();
    rig_pass(30000);
    rig_say("{}");
    rig_pass(30000);
    rig_called("");
    rig_pass(6000);
    rig_called("connecting(2 no ping) ");
    assert_int_equal(fake_dials, 2);
}

static void codes_decide_whether_it_tries_again(void **state)
{
    static const struct {
        uint16_t code;
        const char *called;
        bool is_final;
    } rows[] = {
        {1000, "connecting(1 transport closed) ", false},
        {1001, "connecting(1 transport closed) ", false},
        {1012, "connecting(1 transport closed) ", false},
        {1009, "disconnected(3 message size limit) ", true},
        {3000, "connecting(3000 why) ", false},
        {3499, "connecting(3499 why) ", false},
        {3500, "disconnected(3500 why) ", true},
        {3999, "disconnected(3999 why) ", true},
        {4000, "connecting(4000 why) ", false},
        {4499, "connecting(4499 why) ", false},
        {4500, "disconnected(4500 why) ", true},
        {4999, "disconnected(4999 why) ", true},
    };

    (void)state;
    options.error = NULL;
    rig_client();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig_serve(HELLO);
        rig_forget();
        rig_close(rows[i].code, "why");
        rig_called(rows[i].called);
        assert_int_equal(plc_client_state(client),
                         rows[i].is_final ? PLC_DISCONNECTED : PLC_CONNECTING);
        if (rows[i].is_final) {
            rig_pass(30000);
            assert_false(rig_is_reached());
            assert_int_equal(plc_client_connect(client), PL_OK);
            rig_turn();
        } else {
            rig_redial();
        }
        assert_true(rig_is_reached());
    }
}

static void a_push_may_end_the_connection_too(void **state)
{
    (void)state;
    rig_client();
    rig_serve(HELLO);
    rig_forget();
    rig_say("{\"push\":{\"disconnect\":{\"code\":3501,\"reason\":\"bad\"}}}");
    rig_called("disconnected(3501 bad) ");
}

static void a_refusal_is_final_unless_it_is_temporary(void **state)
{
    static const struct {
        const char *error, *called;
    } rows[] = {
        {"{\"code\":100,\"message\":\"x\",\"temporary\":true}",
         "error(100 x) "},
        {"{\"code\":50,\"message\":\"x\"}", "error(50 x) "},
        {"{\"code\":109,\"message\":\"x\"}", "error(109 x) "},
        {"{\"code\":103,\"message\":\"x\"}", "disconnected(103 x) "},
    };

    (void)state;
    rig_client();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char reply[200];

        rig_accept();
        rig_forget();
        snprintf(reply, sizeof reply, "{\"id\":%zu,\"error\":%s}", i + 1,
                 rows[i].error);
        rig_say(reply);
        rig_called(rows[i].called);
        if (i < 3)
            rig_redial();
    }
    assert_int_equal(plc_client_state(client), PLC_DISCONNECTED);
}

static void a_server_that_does_not_answer_connect_is_left(void **state)
{
    (void)state;
    rig_client();
    rig_accept();
    rig_forget();
    rig_pass(5100);
    rig_called("error(1 no reply to connect in time) ");
    rig_pass(2000);
    assert_int_equal(fake_dials, 2);
}

static void bytes_that_are_not_the_protocol_end_the_connection(void **state)
{
    static const char *const rows[] = {"hello", "[]", "{\"id\":1,", ""};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (i == 0)
            rig_client();
        rig_serve(HELLO);
        rig_forget();
        rig_say(rows[i]);
        rig_turn();
        if (strncmp(log_, "error(2 not the protocol: ", 26) != 0 ||
            strstr(log_, ") connecting(1 transport closed) ") == NULL)
            fail_msg("row %zu: %s", i, log_);
        rig_redial();
    }
}

static void attempts_become_rarer_until_a_connection_lasts(void **state)
{
    unsigned before;

    (void)state;
    options.error = NULL;
    rig_client();
    for (int i = 0; i < 12; i++) {
        rig_serve(HELLO);
        rig_close(3000, "");
        before = fake_dials;
        rig_pass(499);
        assert_int_equal(fake_dials,
                         before); /* never sooner than the minimum */
        rig_redial();             /* never later than the maximum */
    }
    /* After so many the next may take long; but not when one has lasted. */
    rig_serve(HELLO);
    rig_pass(10100);
    rig_close(3000, "");
    before = fake_dials;
    rig_pass(1010);
    assert_int_equal(fake_dials, before + 1);
}

static void urls_take_turns(void **state)
{
    (void)state;
    options.url = "ws://127.0.0.1:1/ ws://127.0.0.1:2/";
    rig_client();
    for (int i = 0; i < 3; i++) {
        rig_close(0, NULL);
        rig_redial();
    }
    assert_string_equal(fake_ports, "1 2 1 2 ");
}

/* --- Callbacks that act --- */

static void disconnect(void)
{
    plc_client_disconnect(client);
}

static void reconnect(void)
{
    plc_client_disconnect(client);
    plc_client_connect(client);
}

static void destroy(void)
{
    plc_client_destroy(client);
}

static void a_callback_may_disconnect(void **state)
{
    (void)state;
    rig_client();
    rig_forget();
    rig_in_callback = disconnect;
    rig_serve(HELLO);
    rig_called("connected(0 connected) disconnected(0 disconnect called) ");
    rig_pass(30000);
    assert_int_equal(fake_dials, 1);
}

static void a_callback_may_reconnect_in_a_teardown(void **state)
{
    (void)state;
    rig_client();
    rig_serve(HELLO);
    rig_forget();
    rig_in_callback = reconnect;
    rig_say("{\"push\":{\"disconnect\":{\"code\":3000,\"reason\":\"r\"}}}");
    rig_called("connecting(3000 r) disconnected(0 disconnect called) "
               "connecting(0 connect called) ");
    rig_serve(HELLO);
    rig_called("connected(0 connected) ");
}

static void a_callback_may_destroy_the_client(void **state)
{
    (void)state;
    rig_client();
    rig_forget();
    rig_in_callback = destroy;
    rig_serve(HELLO);
    rig_turn();
    rig_close(1000, "");
    rig_called("connected(0 connected) disconnected(0 disconnect called) "
               "release(client) ");
    client = NULL;
}

/* What an older connection still says belongs to nothing. */
static void a_replaced_connection_says_nothing_more(void **state)
{
    (void)state;
    options.token = "old";
    rig_client();
    rig_serve(HELLO);
    struct fake_stream *old = fakes;
    plc_client_disconnect(client);
    plc_client_set_token(client, "new");
    plc_client_connect(client);
    rig_turn();
    rig_forget();
    assert_int_equal(fake_dials, 2);
    struct pl_span bytes = PL_SPAN("\x81\x02{}\x88\x02\x0d\xac"); /* 3500 */
    old->calls->came(old->user, bytes);
    old->calls->ended(old->user, PL_ECLOSED, true, "end");
    rig_called("");
    rig_accept();
    rig_expect("{\"id\":2,\"connect\":{\"token\":\"new\"}}");
    rig_say("{\"id\":2,\"connect\":" HELLO "}");
    rig_called("connected(0 connected) ");
    rig_pass(30000);
    assert_int_equal(fake_dials, 2);
}

/* --- Subscriptions of the server --- */

static void subscriptions_of_the_server_come_and_go(void **state)
{
    (void)state;
    rig_client();
    rig_forget();
    rig_serve("{\"client\":\"c\",\"subs\":{\"a\":{\"recoverable\":true,"
              "\"epoch\":\"e\",\"offset\":3},\"b\":{}}}");
    rig_called("connected(0 connected) server:a:subscribed(0) "
               "server:b:subscribed(0) ");
    rig_say("{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":1,\"offset\":4}}}");
    rig_called("server:a:1 ");
    rig_close(3000, "r");
    rig_forget();
    rig_redial();
    rig_accept();
    rig_expect("{\"id\":2,\"connect\":{\"subs\":{\"a\":{\"recover\":true,"
               "\"epoch\":\"e\",\"offset\":4}}}}");
    rig_forget();
    rig_say("{\"id\":2,\"connect\":{\"client\":\"c\",\"subs\":{\"a\":{"
            "\"recoverable\":true,\"epoch\":\"e\",\"offset\":6,"
            "\"publications\":[{\"data\":5,\"offset\":5},{\"data\":6,"
            "\"offset\":6}],\"recovered\":true,\"was_recovering\":true}}}}");
    rig_called("connected(0 connected) server:a:subscribed(0) server:a:5 "
               "server:a:6 server:b:unsubscribed(0) ");
    rig_say("{\"push\":{\"channel\":\"a\",\"unsubscribe\":{\"code\":2000,"
            "\"reason\":\"x\"}}}");
    rig_called("server:a:unsubscribed(2000) ");
    rig_say("{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":7,\"offset\":7}}}");
    rig_called("");
}

static void a_disconnect_ends_what_the_server_subscribed_at_once(void **state)
{
    (void)state;
    rig_client();
    rig_serve("{\"client\":\"c\",\"subs\":{\"a\":{\"recoverable\":true,"
              "\"epoch\":\"e\",\"offset\":3}}}");
    rig_forget();
    rig_in_callback = disconnect;
    rig_say("{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":1,\"offset\":4}}}\n"
            "{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":2,\"offset\":5}}}");
    rig_called("server:a:1 server:a:subscribing(1) "
               "disconnected(0 disconnect called) ");
    plc_client_connect(client);
    rig_turn();
    rig_accept();
    rig_expect("{\"id\":2,\"connect\":{\"subs\":{\"a\":{\"recover\":true,"
               "\"epoch\":\"e\",\"offset\":4}}}}");
}

static void messages_and_unknown_pushes(void **state)
{
    (void)state;
    rig_client();
    rig_serve(HELLO);
    rig_forget();
    rig_say("{\"push\":{\"message\":{\"data\":{\"x\":1}}}}\n"
            "{\"push\":{\"channel\":\"none\",\"pub\":{\"data\":1}}}\n"
            "{\"push\":{\"channel\":\"\",\"pub\":{\"data\":1}}}\n"
            "{\"push\":{\"other\":{}}}\n"
            "{\"id\":99,\"publish\":{}}\n{\"id\":1,\"connect\":{}}");
    rig_called("message({\"x\":1}) ");
    assert_int_equal(plc_client_state(client), PLC_CONNECTED);
}

/* --- Stops --- */

static void a_stop_ends_in_every_state(void **state)
{
    (void)state;
    rig_client();
    for (int i = 0; i < 3; i++) {
        if (i > 0)
            rig_accept();
        if (i > 1)
            rig_say("{\"id\":1,\"connect\":" HELLO "}");
        plc_group_stop(group, 1000);
        rig_turn();
        if (rig_is_reached())
            rig_close(1000, "");
        if (strstr(log_, "disconnected(0 disconnect called) stopped(0) ") ==
            NULL)
            fail_msg("state %d: %s", i, log_);
        rig_tear_down(NULL);
        rig_set_up(NULL);
        if (i < 2)
            rig_client();
    }
}

static void a_unresponsive_server_is_cut_at_the_deadline(void **state)
{
    (void)state;
    rig_client();
    rig_serve(HELLO);
    rig_forget();
    plc_group_stop(group, 100);
    rig_pass(150);
    rig_called("disconnected(0 disconnect called) stopped(1) ");
}

/* Its task that looks whether it is flushed runs in the turn that frees it. */
static void a_client_may_be_destroyed_while_it_stops(void **state)
{
    (void)state;
    options.error = NULL;
    rig_client();
    fake_end(false, "refused");
    rig_forget();
    plc_group_stop(group, 1000);
    pl_loop_turn(plc_group_loop(group));
    plc_client_destroy(client);
    rig_called("disconnected(0 disconnect called) stopped(0) "
               "release(client) ");
}

static void the_log_has_no_query_of_a_url(void **state)
{
    (void)state;
    options.url =
        "ws://127.0.0.1:8000/ws?token=secret wss://b.example/?k=hidden";
    rig_client();
    fake_end(false, "refused");
    rig_turn();
    assert_non_null(strstr(rig_lines, "ws://127.0.0.1:8000/ws"));
    assert_null(strstr(rig_lines, "secret"));
    assert_null(strstr(rig_lines, "hidden"));
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_client_may_be_destroyed_while_it_stops),
        TEST(the_log_has_no_query_of_a_url),
        TEST(a_client_connects_and_says_who_it_is),
        TEST(a_ping_is_answered_if_the_server_wants_it),
        TEST(a_server_that_does_not_ping_is_left),
        TEST(codes_decide_whether_it_tries_again),
        TEST(a_push_may_end_the_connection_too),
        TEST(a_refusal_is_final_unless_it_is_temporary),
        TEST(a_server_that_does_not_answer_connect_is_left),
        TEST(bytes_that_are_not_the_protocol_end_the_connection),
        TEST(attempts_become_rarer_until_a_connection_lasts),
        TEST(urls_take_turns),
        TEST(a_callback_may_disconnect),
        TEST(a_callback_may_reconnect_in_a_teardown),
        TEST(a_callback_may_destroy_the_client),
        TEST(a_replaced_connection_says_nothing_more),
        TEST(subscriptions_of_the_server_come_and_go),
        TEST(a_disconnect_ends_what_the_server_subscribed_at_once),
        TEST(messages_and_unknown_pushes),
        TEST(a_stop_ends_in_every_state),
        TEST(a_unresponsive_server_is_cut_at_the_deadline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
