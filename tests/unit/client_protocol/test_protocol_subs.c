/* SPDX-License-Identifier: Apache-2.0 */
/* test_protocol_subs.c - subscriptions: their states, recovery, and the faults
 * of other clients that must not come again. */
#include "rig.h"

#define HELLO "{\"client\":\"c1\"}"

static struct plc_sub *sub;

/* Connected, with a subscription to "a" that the server has confirmed. */
static void subscribe(uint32_t flags)
{
    rig_client();
    rig_serve(HELLO);
    sub = rig_subscribe("a", flags);
    rig_forget();
    rig_say("{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":\"e\","
            "\"offset\":5}}");
    rig_called("a:subscribed(0 subscribed) ");
}

static void a_subscription_follows_its_channel(void **state)
{
    char epoch[64];

    (void)state;
    rig_client();
    rig_serve(HELLO);
    rig_forget();
    sub = rig_subscribe("a", PLC_RECOVERABLE | PLC_JOIN_LEAVE);
    rig_called("a:subscribing(0 subscribe called) ");
    rig_expect("{\"id\":2,\"subscribe\":{\"channel\":\"a\",\"recoverable\":"
               "true,\"join_leave\":true}}");
    rig_say("{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":\"e\","
            "\"offset\":5}}");
    rig_called("a:subscribed(0 subscribed) ");
    assert_int_equal(plc_sub_position(sub, epoch), 5);
    assert_string_equal(epoch, "e");
    rig_say("{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":1,\"offset\":6}}}\n"
            "{\"push\":{\"channel\":\"a\",\"join\":{\"info\":{\"user\":\"u\","
            "\"client\":\"x\"}}}}\n"
            "{\"push\":{\"channel\":\"a\",\"leave\":{\"info\":{\"user\":\"u\","
            "\"client\":\"x\"}}}}");
    rig_called("a:1 a:join(u x) a:leave(u x) ");
    assert_int_equal(plc_sub_position(sub, epoch), 6);
}

static void subscribes_go_with_the_connect(void **state)
{
    (void)state;
    rig_client();
    rig_subscribe("a", 0);
    rig_subscribe("b", 0);
    rig_accept();
    rig_expect("{\"id\":1,\"connect\":{}}\n"
               "{\"id\":2,\"subscribe\":{\"channel\":\"a\"}}\n"
               "{\"id\":3,\"subscribe\":{\"channel\":\"b\"}}");
    rig_forget();
    rig_say("{\"id\":1,\"connect\":" HELLO "}\n{\"id\":2,\"subscribe\":{}}\n"
            "{\"id\":3,\"subscribe\":{}}");
    rig_called("connected(0 connected) a:subscribed(0 subscribed) "
               "b:subscribed(0 subscribed) ");
    rig_expect(""); /* and are not sent again */
}

static void a_lost_connection_is_recovered_from_the_last_offset(void **state)
{
    (void)state;
    subscribe(PLC_RECOVERABLE);
    rig_say("{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":1,\"offset\":6}}}");
    rig_forget();
    rig_close(3000, "r");
    rig_called("a:subscribing(1 transport closed) connecting(3000 r) ");
    rig_redial();
    rig_accept();
    rig_expect("{\"id\":3,\"connect\":{}}\n{\"id\":4,\"subscribe\":{"
               "\"channel\":\"a\",\"recover\":true,\"epoch\":\"e\",\"offset\":"
               "6,\"recoverable\":true}}");
    rig_forget();
    rig_say("{\"id\":3,\"connect\":" HELLO "}\n"
            "{\"id\":4,\"subscribe\":{\"recoverable\":true,\"epoch\":\"e\","
            "\"offset\":8,\"recovered\":true,\"was_recovering\":true,"
            "\"publications\":[{\"data\":7,\"offset\":7},{\"data\":8,"
            "\"offset\":8}]}}\n"
            "{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":9,\"offset\":9}}}");
    rig_called("connected(0 connected) a:subscribed(0 subscribed)+ a:7+ a:8+ "
               "a:9 ");
}

static void a_program_goes_on_where_another_has_stopped(void **state)
{
    struct plc_sub_options o = {
        .size = sizeof o,
        .channel = "a",
        .flags = PLC_RECOVERABLE | PLC_SINCE,
        .since_epoch = "e",
        .since_offset = 3,
    };

    (void)state;
    rig_client();
    rig_serve(HELLO);
    rig_forget();
    assert_int_equal(plc_subscribe(&sub, client, &o), PL_OK);
    rig_expect("{\"id\":2,\"subscribe\":{\"channel\":\"a\",\"recover\":true,"
               "\"epoch\":\"e\",\"offset\":3,\"recoverable\":true}}");
}

static void a_second_subscription_to_a_channel_is_refused(void **state)
{
    struct plc_sub_options o = {.size = sizeof o, .channel = "a"};
    struct plc_sub *second;

    (void)state;
    rig_client();
    sub = rig_subscribe("a", 0);
    assert_int_equal(plc_subscribe(&second, client, &o), PL_EEXIST);
    plc_sub_destroy(sub);
    assert_int_equal(plc_subscribe(&second, client, &o), PL_OK);
    rig_turn();
}

static void the_server_may_end_a_subscription(void **state)
{
    static const struct {
        unsigned code;
        bool ends;
    } rows[] = {{0, true},     {1999, true},  {2000, true}, {2499, true},
                {2500, false}, {2502, false}, {2999, false}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char push[200], wanted[200];

        subscribe(PLC_RECOVERABLE);
        snprintf(push, sizeof push,
                 "{\"push\":{\"channel\":\"a\",\"unsubscribe\":{\"code\":%u,"
                 "\"reason\":\"r\"}}}",
                 rows[i].code);
        snprintf(wanted, sizeof wanted, "a:%s(%u r) ",
                 rows[i].ends ? "unsubscribed" : "subscribing", rows[i].code);
        rig_forget();
        rig_say(push);
        rig_called(wanted);
        rig_expect(rows[i].ends ? ""
                   : rows[i].code == 2502
                       ? "{\"id\":3,\"subscribe\":{\"channel\":\"a\","
                         "\"recover\":true,\"epoch\":\"_\",\"recoverable\":"
                         "true}}"
                       : "{\"id\":3,\"subscribe\":{\"channel\":\"a\","
                         "\"recover\":true,\"epoch\":\"e\",\"offset\":5,"
                         "\"recoverable\":true}}");
        rig_tear_down(NULL);
        rig_set_up(NULL);
    }
}

static void a_refusal_ends_it_unless_it_is_temporary(void **state)
{
    (void)state;
    rig_client();
    rig_serve(HELLO);
    sub = rig_subscribe("a", 0);
    rig_forget();
    rig_say("{\"id\":2,\"error\":{\"code\":100,\"message\":\"x\",\"temporary\":"
            "true}}");
    rig_called("a:error(100 x) ");
    rig_pass(499);
    rig_expect("");
    rig_pass(520);
    rig_expect("{\"id\":3,\"subscribe\":{\"channel\":\"a\"}}");
    rig_say("{\"id\":3,\"error\":{\"code\":103,\"message\":\"no\"}}");
    rig_called("a:unsubscribed(103 no) ");
    rig_pass(30000);
    rig_expect("");
    assert_int_equal(plc_sub_start(sub), PL_OK);
    rig_expect("{\"id\":4,\"subscribe\":{\"channel\":\"a\"}}");
}

static void a_subscribe_without_a_reply_reconnects(void **state)
{
    (void)state;
    rig_client();
    rig_serve(HELLO);
    sub = rig_subscribe("a", 0);
    rig_forget();
    rig_pass(5100);
    rig_called("connecting(3 subscribe timeout) ");
}

/* --- Unsubscribing --- */

static void unsubscribing_tells_the_server_and_keeps_the_position(void **state)
{
    (void)state;
    subscribe(PLC_RECOVERABLE);
    assert_int_equal(plc_sub_stop(sub), PL_OK);
    rig_expect("{\"id\":3,\"unsubscribe\":{\"channel\":\"a\"}}");
    rig_called("a:unsubscribed(0 unsubscribe called) ");
    rig_say("{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":1,\"offset\":6}}}");
    rig_called("");
    rig_say("{\"id\":3,\"unsubscribe\":{}}");
    assert_int_equal(plc_sub_start(sub), PL_OK);
    rig_expect("{\"id\":4,\"subscribe\":{\"channel\":\"a\",\"recover\":true,"
               "\"epoch\":\"e\",\"offset\":5,\"recoverable\":true}}");
}

/* The reply to a subscribe that was overtaken makes nothing subscribed. */
static void a_late_reply_makes_no_ghost(void **state)
{
    (void)state;
    rig_client();
    rig_serve(HELLO);
    sub = rig_subscribe("a", 0);
    rig_forget();
    plc_sub_stop(sub);
    rig_expect("{\"id\":3,\"unsubscribe\":{\"channel\":\"a\"}}");
    rig_forget();
    rig_say("{\"id\":2,\"subscribe\":{}}");
    rig_called("");
    plc_sub_start(sub);
    rig_expect("{\"id\":4,\"subscribe\":{\"channel\":\"a\"}}");
    rig_forget();
    rig_say("{\"id\":3,\"unsubscribe\":{}}\n"
            "{\"push\":{\"channel\":\"a\",\"unsubscribe\":{\"code\":2000,"
            "\"reason\":\"old\"}}}");
    rig_called("");
    rig_say("{\"id\":4,\"subscribe\":{}}");
    rig_called("a:subscribed(0 subscribed) ");
}

/* An unsubscribe between the connect and its reply is sent as well. */
static void what_was_pipelined_counts_as_sent(void **state)
{
    (void)state;
    rig_client();
    sub = rig_subscribe("a", 0);
    rig_accept();
    rig_expect("{\"id\":1,\"connect\":{}}\n"
               "{\"id\":2,\"subscribe\":{\"channel\":\"a\"}}");
    plc_sub_stop(sub);
    rig_expect("{\"id\":3,\"unsubscribe\":{\"channel\":\"a\"}}");
}

static void a_failed_unsubscribe_reconnects(void **state)
{
    (void)state;
    subscribe(0);
    plc_sub_stop(sub);
    rig_forget();
    rig_say("{\"id\":3,\"error\":{\"code\":100,\"message\":\"x\"}}");
    rig_called("connecting(4 unsubscribe error) ");
}

static void an_unsubscribe_that_is_lost_ends_no_later_connection(void **state)
{
    (void)state;
    subscribe(0);
    plc_sub_stop(sub);
    rig_turn();
    rig_close(3000, "r");
    rig_redial();
    rig_serve(HELLO);
    rig_forget();
    rig_pass(6000);
    rig_called("");
}

/* --- Callbacks that act --- */

static void stop_sub(void)
{
    plc_sub_stop(sub);
}

static void destroy_sub(void)
{
    plc_sub_destroy(sub);
}

static void disconnect(void)
{
    plc_client_disconnect(client);
}

#define THREE                                                                  \
    "{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":1,\"offset\":6}}}\n"       \
    "{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":2,\"offset\":7}}}\n"       \
    "{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":3,\"offset\":8}}}"

/* What a callback was not told before it has ended things is recovered. */
static void a_callback_may_unsubscribe(void **state)
{
    char epoch[64];

    (void)state;
    subscribe(PLC_RECOVERABLE);
    rig_in_callback = stop_sub;
    rig_say(THREE);
    rig_called("a:1 a:unsubscribed(0 unsubscribe called) ");
    assert_int_equal(plc_sub_position(sub, epoch), 6);
    rig_say("{\"id\":3,\"unsubscribe\":{}}");
    rig_forget();
    assert_int_equal(plc_sub_start(sub), PL_OK);
    rig_expect("{\"id\":4,\"subscribe\":{\"channel\":\"a\",\"recover\":true,"
               "\"epoch\":\"e\",\"offset\":6,\"recoverable\":true}}");
}

static void a_callback_may_destroy_its_subscription(void **state)
{
    (void)state;
    subscribe(PLC_RECOVERABLE);
    rig_in_callback = destroy_sub;
    rig_say(THREE);
    rig_called("a:1 a:unsubscribed(0 unsubscribe called) release(a) ");
    rig_say(THREE);
    rig_called("");
}

static void remember_position(struct plc_sub *s,
                              const struct plc_publication *p, void *arg)
{
    char epoch[64];

    rig_publication(s, p, arg);
    rig_log("@%u ", (unsigned)plc_sub_position(s, epoch));
}

static void a_callback_sees_its_own_position(void **state)
{
    struct plc_sub_options o = {.size = sizeof o,
                                .channel = "a",
                                .flags = PLC_RECOVERABLE,
                                .publication = remember_position,
                                .arg = "a"};

    (void)state;
    rig_client();
    rig_serve(HELLO);
    assert_int_equal(plc_subscribe(&sub, client, &o), PL_OK);
    rig_forget();
    rig_say("{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":\"e\","
            "\"offset\":5}}\n" THREE);
    rig_called("a:1 @6 a:2 @7 a:3 @8 ");
}

static void a_callback_may_disconnect(void **state)
{
    char epoch[64];

    (void)state;
    subscribe(PLC_RECOVERABLE);
    rig_in_callback = disconnect;
    rig_say(THREE);
    rig_called("a:1 a:subscribing(1 transport closed) "
               "disconnected(0 disconnect called) ");
    assert_int_equal(plc_sub_position(sub, epoch), 6);
}

/* --- Tokens --- */

static struct plc_token *question;
static unsigned questions;

static void on_question(struct plc_sub *s, struct plc_token *t, void *arg)
{
    (void)s, (void)arg;
    questions++;
    question = t;
}

static void subscribe_with_tokens(void)
{
    struct plc_sub_options o = {
        .size = sizeof o,
        .channel = "a",
        .get_token = on_question,
        .state = rig_sub_state,
        .error = rig_sub_error,
        .arg = "a",
    };

    questions = 0;
    rig_client();
    rig_serve(HELLO);
    assert_int_equal(plc_subscribe(&sub, client, &o), PL_OK);
    rig_turn();
    assert_int_equal(questions, 1);
    rig_forget();
}

static void a_subscription_asks_for_its_token(void **state)
{
    (void)state;
    subscribe_with_tokens();
    rig_expect("");
    plc_token_answer(question, "t1");
    rig_expect("{\"id\":2,\"subscribe\":{\"channel\":\"a\",\"token\":\"t1\"}}");
    rig_say("{\"id\":2,\"error\":{\"code\":109,\"message\":\"expired\"}}");
    rig_pass(1010);
    assert_int_equal(questions, 2);
    plc_token_answer(question, "t2");
    rig_expect("{\"id\":3,\"subscribe\":{\"channel\":\"a\",\"token\":\"t2\"}}");
    rig_say("{\"id\":3,\"subscribe\":{\"expires\":true,\"ttl\":30}}");
    rig_pass(30100);
    assert_int_equal(questions, 3);
    plc_token_answer(question, "t3");
    rig_expect(
        "{\"id\":4,\"sub_refresh\":{\"channel\":\"a\",\"token\":\"t3\"}}");
}

static void a_late_token_is_no_subscribe_timeout(void **state)
{
    (void)state;
    subscribe_with_tokens();
    rig_pass(30000);
    rig_called("");
    plc_token_answer(question, "late");
    rig_expect(
        "{\"id\":2,\"subscribe\":{\"channel\":\"a\",\"token\":\"late\"}}");
}

static void without_a_token_it_is_not_authorized(void **state)
{
    (void)state;
    subscribe_with_tokens();
    plc_token_fail(question, "down");
    rig_called("a:error(8 down) ");
    rig_pass(1010);
    assert_int_equal(questions, 2);
    plc_token_answer(question, "");
    rig_called("a:unsubscribed(1 unauthorized) ");
}

static void an_answer_may_come_when_the_subscription_is_gone(void **state)
{
    (void)state;
    subscribe_with_tokens();
    plc_sub_destroy(sub);
    rig_turn();
    plc_token_answer(question, "late");
    rig_expect("");
}

/* --- The end --- */

static void destroying_the_client_unsubscribes_and_releases(void **state)
{
    (void)state;
    subscribe(0);
    plc_client_destroy(client);
    rig_turn();
    rig_close(1000, "");
    rig_called("a:subscribing(1 transport closed) "
               "disconnected(0 disconnect called) "
               "a:unsubscribed(2 client closed) release(a) release(client) ");
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_subscription_follows_its_channel),
        TEST(subscribes_go_with_the_connect),
        TEST(a_lost_connection_is_recovered_from_the_last_offset),
        TEST(a_program_goes_on_where_another_has_stopped),
        TEST(a_second_subscription_to_a_channel_is_refused),
        TEST(the_server_may_end_a_subscription),
        TEST(a_refusal_ends_it_unless_it_is_temporary),
        TEST(a_subscribe_without_a_reply_reconnects),
        TEST(unsubscribing_tells_the_server_and_keeps_the_position),
        TEST(a_late_reply_makes_no_ghost),
        TEST(what_was_pipelined_counts_as_sent),
        TEST(a_failed_unsubscribe_reconnects),
        TEST(an_unsubscribe_that_is_lost_ends_no_later_connection),
        TEST(a_callback_may_unsubscribe),
        TEST(a_callback_may_destroy_its_subscription),
        TEST(a_callback_sees_its_own_position),
        TEST(a_callback_may_disconnect),
        TEST(a_subscription_asks_for_its_token),
        TEST(a_late_token_is_no_subscribe_timeout),
        TEST(without_a_token_it_is_not_authorized),
        TEST(an_answer_may_come_when_the_subscription_is_gone),
        TEST(destroying_the_client_unsubscribes_and_releases),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
