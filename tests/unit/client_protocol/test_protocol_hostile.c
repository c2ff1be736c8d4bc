/* SPDX-License-Identifier: Apache-2.0 */
/* test_protocol_hostile.c - servers that break the protocol, or keep it in the
 * worst way that it allows: what the client makes of each of them. */
#include "rig.h"

enum { MANY = 100000 };

/* --- Logins --- */

static void calls_end_at_their_own_time_whatever_the_login_does(void **state)
{
    (void)state;
    rig_client();
    rig_accept();
    rig_pass(3000);
    rig_forget();
    rig_publish("one");
    rig_pass(2100);
    rig_called("error(1 no reply to connect in time) ");
    rig_pass(2500);
    rig_called("");
    rig_pass(500);
    rig_called("one:not sent(-13) ");
}

static void a_refused_login_is_final_or_not_by_its_code(void **state)
{
    static const struct {
        const char *error, *called;
        bool is_final;
    } rows[] = {
        {"{\"code\":109,\"message\":\"x\"}", "error(109 x) ", false},
        {"{\"code\":100,\"message\":\"x\",\"temporary\":true}", "error(100 x) ",
         false},
        {"{}", "error(0 ) ", false},
        {"{\"code\":101,\"message\":\"x\"}", "disconnected(101 x) ", true},
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
        if (!rows[i].is_final)
            rig_redial();
    }
    rig_pass(60000);
    assert_int_equal(fake_dials, 4);
}

static unsigned questions;

static void answer_the_same(struct plc_client *c, struct plc_token *t,
                            void *arg)
{
    (void)c, (void)arg;
    questions++;
    plc_token_answer(t, "same");
}

static void a_token_that_is_always_expired_makes_no_loop(void **state)
{
    unsigned id = 0;

    (void)state;
    questions = 0;
    options.get_token = answer_the_same;
    options.error = NULL;
    rig_client();
    for (unsigned ms = 0; ms < 120000; ms += 10) {
        char reply[100];

        rig_pass(10);
        if (fake_dials == id)
            continue;
        rig_accept();
        snprintf(reply, sizeof reply,
                 "{\"id\":%u,\"error\":{\"code\":109,\"message\":\"e\"}}",
                 ++id);
        rig_say(reply);
    }
    assert_in_range(fake_dials, 8, 30);
    assert_int_equal(questions, fake_dials);
}

/* --- Replies --- */

static void replies_to_nothing_are_dropped_and_counted(void **state)
{
    (void)state;
    rig_connect();
    rig_publish("one");
    rig_say("{\"id\":99,\"publish\":{}}\n{\"id\":0,\"publish\":{}}\n"
            "{\"id\":1,\"connect\":{}}");
    rig_called("");
    rig_say("{\"id\":2,\"publish\":{}}\n{\"id\":2,\"publish\":{}}");
    rig_called("one:done ");
    rig_publish("two");
    rig_pass(5100);
    rig_called("two:unknown(-13) ");
    rig_say("{\"id\":3,\"publish\":{}}");
    rig_called("");
    assert_int_equal(rig_status().dropped, 5);
    assert_int_equal(plc_client_state(client), PLC_CONNECTED);
}

static void a_reply_of_another_kind_ends_the_connection(void **state)
{
    static const char *const wrong[] = {
        "{\"id\":%u,\"rpc\":{\"data\":1}}",
        "{\"id\":%u,\"connect\":{}}",
        "{\"id\":%u,\"subscribe\":{}}",
        "{\"id\":%u,\"history\":{}}",
        "{\"id\":%u,\"presence\":{}}",
        "{\"id\":%u,\"other\":{}}",
        "{\"id\":%u}",
    };
    unsigned id = 1;

    (void)state;
    rig_connect();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char reply[100];

        rig_publish("one");
        snprintf(reply, sizeof reply, wrong[i], ++id);
        rig_say(reply);
        rig_called("error(2 a reply of another kind) connecting(1 transport "
                   "closed) one:unknown(-16) ");
        rig_redial();
        rig_serve(RIG_HELLO);
        rig_forget();
        id++;
    }
}

static void a_login_answered_with_another_kind_is_tried_again(void **state)
{
    (void)state;
    rig_client();
    rig_accept();
    rig_forget();
    rig_say("{\"id\":1,\"subscribe\":{}}");
    rig_called("error(2 a reply of another kind) ");
    rig_redial();
    rig_serve(RIG_HELLO);
    rig_called("connected(0 connected) ");
}

/* --- Subscriptions --- */

static void a_subscribe_answered_with_another_kind_is_sent_again(void **state)
{
    (void)state;
    rig_connect();
    rig_subscribe("a", 0);
    rig_forget();
    rig_say("{\"id\":2,\"publish\":{}}");
    rig_called("error(2 a reply of another kind) "
               "connecting(1 transport closed) ");
    rig_redial();
    rig_accept();
    rig_expect("{\"id\":3,\"connect\":{}}\n"
               "{\"id\":4,\"subscribe\":{\"channel\":\"a\"}}");
}

static void a_channel_that_is_taken_after_a_reconnect_is_told_once(void **state)
{
    (void)state;
    rig_connect();
    rig_subscribe("a", 0);
    rig_say("{\"id\":2,\"subscribe\":{}}");
    rig_close(3000, "r");
    rig_redial();
    rig_serve(RIG_HELLO);
    rig_forget();
    rig_say("{\"id\":4,\"error\":{\"code\":105,\"message\":\"taken\"}}");
    rig_called("a:unsubscribed(105 taken) ");
    rig_pass(60000);
    rig_expect("");
    rig_called("");
}

static void a_subscribe_without_a_reply_costs_others_nothing(void **state)
{
    (void)state;
    rig_connect();
    rig_subscribe("a", PLC_RECOVERABLE);
    rig_say("{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":\"e\","
            "\"offset\":5}}");
    rig_subscribe("b", 0);
    rig_forget();
    rig_pass(5100);
    rig_called("a:subscribing(1 transport closed) "
               "connecting(3 subscribe timeout) ");
    rig_redial();
    rig_accept();
    rig_expect("{\"id\":4,\"connect\":{}}\n{\"id\":5,\"subscribe\":{"
               "\"channel\":\"a\",\"recover\":true,\"epoch\":\"e\",\"offset\":"
               "5,\"recoverable\":true}}\n"
               "{\"id\":6,\"subscribe\":{\"channel\":\"b\"}}");
}

/* --- Publications --- */

static struct plc_sub *sub;

static void subscribe_recoverable(void)
{
    rig_connect();
    sub = rig_subscribe("a", PLC_RECOVERABLE);
    rig_say("{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":\"e\","
            "\"offset\":5}}");
    rig_forget();
}

static void expect_position(const char *epoch, uint64_t offset)
{
    char now[64];

    assert_int_equal(plc_sub_position(sub, now), offset);
    assert_string_equal(now, epoch);
}

static void what_is_recovered_comes_as_sent_and_never_goes_back(void **state)
{
    (void)state;
    subscribe_recoverable();
    rig_close(3000, "r");
    rig_redial();
    rig_serve(RIG_HELLO);
    rig_forget();
    rig_say("{\"id\":4,\"subscribe\":{\"recoverable\":true,\"epoch\":\"e\","
            "\"offset\":3,\"recovered\":true,\"was_recovering\":true,"
            "\"publications\":[{\"data\":9,\"offset\":9},{\"data\":7,"
            "\"offset\":7},{\"data\":7,\"offset\":7},{\"data\":2,\"offset\":2}"
            "]}}");
    rig_called("a:subscribed(0 subscribed)+ a:9+ a:7+ a:7+ a:2+ ");
    expect_position("e", 9);
}

static unsigned publications;

static void count(struct plc_sub *s, const struct plc_publication *p, void *arg)
{
    (void)s, (void)arg;
    publications += p->offset == publications + 1;
}

static void a_hundred_thousand_are_recovered_in_one_reply(void **state)
{
    struct plc_sub_options o = {.size = sizeof o,
                                .channel = "a",
                                .flags = PLC_RECOVERABLE,
                                .publication = count};
    struct pl_buf b = {0};

    (void)state;
    publications = 0;
    rig_connect();
    assert_int_equal(plc_subscribe(&sub, client, &o), PL_OK);
    rig_turn();
    pl_buf_printf(&b, "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":"
                      "\"e\",\"recovered\":true,\"publications\":[");
    for (int i = 1; i <= MANY; i++)
        pl_buf_printf(&b,
                      "%s{\"data\":\"\\u00e9\",\"offset\":%d,\"tags\":{"
                      "\"\\u0061\":\"1\"}}",
                      i == 1 ? "" : ",", i);
    pl_buf_put(&b, "]}}", 4);
    rig_say(b.data);
    pl_buf_fini(&b);
    assert_int_equal(publications, MANY);
    expect_position("e", MANY);
}

static void a_push_changes_no_epoch_and_takes_no_offset_back(void **state)
{
    (void)state;
    subscribe_recoverable();
    rig_say("{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":1,\"offset\":100,"
            "\"epoch\":\"x\"}}}\n"
            "{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":2,\"offset\":50}}}"
            "\n{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":3}}}");
    rig_called("a:1 a:2 a:3 ");
    expect_position("e", 100);
}

static void pushes_for_nothing_are_dropped_and_counted(void **state)
{
    (void)state;
    subscribe_recoverable();
    rig_say("{\"push\":{\"channel\":\"b\",\"pub\":{\"data\":1}}}\n"
            "{\"push\":{\"channel\":\"\",\"pub\":{\"data\":1}}}\n"
            "{\"push\":{\"id\":77,\"pub\":{\"data\":1}}}\n"
            "{\"push\":{\"channel\":\"b\",\"join\":{\"info\":{\"user\":\"u\","
            "\"client\":\"c\"}}}}\n"
            "{\"push\":{\"channel\":\"b\",\"unsubscribe\":{\"code\":2500,"
            "\"reason\":\"r\"}}}\n"
            "{\"push\":{\"other\":{}}}");
    rig_called("");
    assert_int_equal(rig_status().dropped, 6);
    assert_int_equal(plc_client_state(client), PLC_CONNECTED);
    expect_position("e", 5);
}

static void an_unsubscribe_push_while_subscribing_is_ignored(void **state)
{
    static const unsigned codes[] = {0, 1999, 2000, 2499, 2500, 2502, 2999};

    (void)state;
    rig_connect();
    rig_subscribe("a", 0);
    rig_forget();
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        char push[200];

        snprintf(push, sizeof push,
                 "{\"push\":{\"channel\":\"a\",\"unsubscribe\":{\"code\":%u,"
                 "\"reason\":\"r\"}}}",
                 codes[i]);
        rig_say(push);
    }
    rig_called("");
    rig_expect("");
    rig_say("{\"id\":2,\"subscribe\":{}}");
    rig_called("a:subscribed(0 subscribed) ");
}

/* A server chooses how many it makes, and their names. */
static void
subscriptions_of_a_server_without_end_end_with_an_error(void **state)
{
    struct pl_buf b = {0};

    (void)state;
    options.server_state = NULL;
    rig_connect();
    for (unsigned i = 0; i < 16385 && plc_client_state(client) == PLC_CONNECTED;
         i++) {
        b.len = 0;
        pl_buf_printf(&b, "{\"push\":{\"channel\":\"c%u\",\"subscribe\":{}}}",
                      i);
        pl_buf_put(&b, "", 1);
        rig_say(b.data);
        if (i == 16383)
            assert_int_equal(rig_status().subscriptions, 16384);
    }
    rig_called("error(2 the server makes too many subscriptions) "
               "connecting(1 transport closed) ");
    rig_redial();
    rig_serve("{\"client\":\"c\"}");
    rig_called("connected(0 connected) ");
    assert_int_equal(rig_status().subscriptions, 0);
    b.len = 0;
    pl_buf_printf(&b, "{\"push\":{\"channel\":\"%0*d\",\"subscribe\":{}}}",
                  (1 << 20) + 1, 0);
    pl_buf_put(&b, "", 1);
    rig_say(b.data);
    rig_called("error(2 the server makes too many subscriptions) "
               "connecting(1 transport closed) ");
    pl_buf_fini(&b);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(calls_end_at_their_own_time_whatever_the_login_does),
        TEST(a_refused_login_is_final_or_not_by_its_code),
        TEST(a_token_that_is_always_expired_makes_no_loop),
        TEST(replies_to_nothing_are_dropped_and_counted),
        TEST(a_reply_of_another_kind_ends_the_connection),
        TEST(a_login_answered_with_another_kind_is_tried_again),
        TEST(a_subscribe_answered_with_another_kind_is_sent_again),
        TEST(a_channel_that_is_taken_after_a_reconnect_is_told_once),
        TEST(a_subscribe_without_a_reply_costs_others_nothing),
        TEST(what_is_recovered_comes_as_sent_and_never_goes_back),
        TEST(a_hundred_thousand_are_recovered_in_one_reply),
        TEST(a_push_changes_no_epoch_and_takes_no_offset_back),
        TEST(pushes_for_nothing_are_dropped_and_counted),
        TEST(an_unsubscribe_push_while_subscribing_is_ignored),
        TEST(subscriptions_of_a_server_without_end_end_with_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
