/* SPDX-License-Identifier: Apache-2.0 */
/* test_protocol_calls.c - what a program asks a client to send: each accepted
 * call is completed once, with the right outcome. */
#include "rig.h"

#include "failing_alloc.h"
#include "group.h"

#define HELLO "{\"client\":\"c1\"}"

static void publish(const char *name)
{
    assert_int_equal(plc_publish(client, "a", "1", 1, rig_done, (void *)name),
                     PL_OK);
}

static void expect_ledger(void)
{
    struct plc_status s = {.size = sizeof s};
    uint64_t *v = plc_group_counts(group);

    rig_turn();
    plc_group_status(group, &s);
    assert_int_equal(s.accepted,
                     s.done + s.refused + s.not_sent + s.unknown + s.pending);
    if (s.pending == 0)
        assert_int_equal(v[PLC_COUNT_QUEUE_BYTES], 0);
}

static void calls_wait_for_the_connection_and_leave_in_order(void **state)
{
    (void)state;
    rig_client();
    publish("one");
    publish("two");
    rig_accept();
    rig_expect("{\"id\":3,\"connect\":{}}");
    rig_forget();
    rig_say("{\"id\":3,\"connect\":" HELLO "}");
    rig_expect("{\"id\":1,\"publish\":{\"channel\":\"a\",\"data\":1}}\n"
               "{\"id\":2,\"publish\":{\"channel\":\"a\",\"data\":1}}");
    rig_forget();
    rig_say("{\"id\":2,\"publish\":{}}\n{\"id\":1,\"publish\":{}}");
    rig_called("two:done one:done ");
    expect_ledger();
}

static void every_kind_of_call_is_sent(void **state)
{
    (void)state;
    rig_client();
    rig_serve(HELLO);
    rig_forget();
    plc_rpc(client, "m", "{}", 2, rig_done, "rpc");
    plc_send(client, "{}", 2, rig_done, "send");
    plc_history(client, "a", 5, "e", 7, true, rig_done, "history");
    plc_presence(client, "a", false, rig_done, "presence");
    plc_presence(client, "a", true, rig_done, "stats");
    plc_actor_send(client, "user/u", "t", "{}", 2, rig_done, "actor");
    rig_expect(
        "{\"id\":2,\"rpc\":{\"data\":{},\"method\":\"m\"}}\n"
        "{\"send\":{\"data\":{}}}\n"
        "{\"id\":4,\"history\":{\"channel\":\"a\",\"limit\":5,\"since\":{"
        "\"offset\":7,\"epoch\":\"e\"},\"reverse\":true}}\n"
        "{\"id\":5,\"presence\":{\"channel\":\"a\"}}\n"
        "{\"id\":6,\"presence_stats\":{\"channel\":\"a\"}}\n"
        "{\"id\":7,\"rpc\":{\"data\":{\"to\":\"user/u\",\"type\":\"t\","
        "\"body\":{}},\"method\":\"actor.send\"}}");
    rig_called("send:done ");
    rig_say("{\"id\":2,\"error\":{\"code\":108,\"message\":\"none\"}}\n"
            "{\"id\":4,\"history\":{}}\n{\"id\":5,\"presence\":{}}\n"
            "{\"id\":6,\"presence_stats\":{}}\n{\"id\":7,\"rpc\":{}}");
    rig_called("rpc:refused(108 none) history:done presence:done stats:done "
               "actor:done ");
    expect_ledger();
}

static void results_have_what_the_server_said(const struct plc_result *r,
                                              void *arg)
{
    *(bool *)arg = true;
    assert_int_equal(r->offset, 9);
    assert_string_equal(r->epoch, "e");
    assert_int_equal(r->publication_count, 2);
    const struct plc_publication *p = r->publications[1];
    assert_int_equal(p->offset, 9);
    assert_string_equal(p->info->user, "u");
    assert_int_equal(p->tag_count, 1);
    assert_string_equal(p->tags[0].key, "k");
    assert_string_equal(p->tags[0].value, "v");
    assert_null(r->publications[0]->info);
}

static void a_history_is_read(void **state)
{
    bool is_read = false;

    (void)state;
    rig_client();
    rig_serve(HELLO);
    plc_history(client, "a", 5, NULL, 0, false,
                results_have_what_the_server_said, &is_read);
    rig_turn();
    rig_say("{\"id\":2,\"history\":{\"epoch\":\"e\",\"offset\":9,"
            "\"publications\":[{\"data\":1,\"offset\":8},{\"data\":2,"
            "\"offset\":9,\"info\":{\"user\":\"u\",\"client\":\"c\"},\"tags\":"
            "{\"k\":\"v\"}}]}}");
    assert_true(is_read);
}

static void read_presence(const struct plc_result *r, void *arg)
{
    *(bool *)arg = true;
    assert_int_equal(r->present_count, 1);
    assert_string_equal(r->present[0]->user, "u");
    assert_string_equal(r->present[0]->client, "c9");
}

static void a_presence_is_read(void **state)
{
    bool is_read = false;

    (void)state;
    rig_client();
    rig_serve(HELLO);
    plc_presence(client, "a", false, read_presence, &is_read);
    rig_turn();
    rig_say("{\"id\":2,\"presence\":{\"presence\":{\"c9\":{\"user\":\"u\","
            "\"client\":\"c9\"}}}}");
    assert_true(is_read);
}

static void a_call_without_an_answer_times_out_once(void **state)
{
    (void)state;
    rig_client();
    rig_serve(HELLO);
    rig_forget();
    publish("one");
    rig_pass(5100);
    rig_called("one:unknown(-13) ");
    rig_say("{\"id\":2,\"publish\":{}}"); /* its answer, too late */
    rig_called("");
    expect_ledger();
}

static void a_call_that_never_left_is_not_sent(void **state)
{
    (void)state;
    options.error = NULL;
    rig_client();
    rig_forget();
    publish("one");
    rig_pass(5100);
    rig_called("one:not sent(-13) ");
    expect_ledger();
}

static void a_lost_connection_tells_what_has_left(void **state)
{
    (void)state;
    options.error = NULL;
    rig_client();
    rig_serve(HELLO);
    rig_forget();
    publish("one");
    rig_turn();
    rig_close(0, NULL);
    publish("two");
    rig_called("connecting(1 transport closed) one:unknown(-16) ");
    rig_redial();
    rig_serve(HELLO);
    rig_expect("{\"id\":3,\"publish\":{\"channel\":\"a\",\"data\":1}}");
    rig_forget();
    rig_say("{\"id\":3,\"publish\":{}}");
    rig_called("two:done ");
    expect_ledger();
}

/* The link sends what it has before its Close, when the server reads again. */
static void what_a_close_still_sends_is_unknown(void **state)
{
    (void)state;
    rig_client();
    rig_serve(HELLO);
    rig_forget();
    fake_takes = 0;
    publish("one");
    plc_send(client, "1", 1, rig_done, "send");
    rig_turn();
    plc_client_disconnect(client);
    rig_called("disconnected(0 disconnect called) send:unknown(-16) "
               "one:unknown(-16) ");
    expect_ledger();
}

static void a_message_that_is_refused_is_counted(void **state)
{
    struct plc_status s = {.size = sizeof s};

    (void)state;
    rig_client();
    assert_int_equal(
        plc_actor_send(client, "user/u", "t", "{", 1, rig_done, "bad"),
        PL_EINVAL);
    plc_group_status(group, &s);
    assert_int_equal(s.turned_away, 1);
}

static void a_final_end_completes_all_calls(void **state)
{
    (void)state;
    rig_client();
    rig_forget();
    publish("one");
    rig_turn();
    plc_client_disconnect(client);
    rig_called("disconnected(0 disconnect called) one:not sent(-16) ");
    publish("two");
    rig_called("two:not sent(-16) ");
    assert_int_equal(plc_client_connect(client), PL_OK);
    publish("three");
    rig_called("connecting(0 connect called) ");
    expect_ledger();
}

static void a_publish_of_a_subscription_waits_for_it(void **state)
{
    (void)state;
    rig_client();
    rig_serve(HELLO);
    struct plc_sub *s = rig_subscribe("a", 0);
    rig_forget();
    assert_int_equal(plc_sub_publish(s, "1", 1, rig_done, "one"), PL_OK);
    publish("other");
    rig_expect("{\"id\":4,\"publish\":{\"channel\":\"a\",\"data\":1}}");
    rig_say("{\"id\":2,\"subscribe\":{}}");
    rig_expect("{\"id\":3,\"publish\":{\"channel\":\"a\",\"data\":1}}");
    rig_say("{\"id\":3,\"publish\":{}}\n{\"id\":4,\"publish\":{}}");
    rig_called("a:subscribed(0 subscribed) one:done other:done ");
    plc_sub_stop(s);
    rig_turn();
    rig_forget();
    assert_int_equal(plc_sub_publish(s, "1", 1, rig_done, "two"), PL_OK);
    rig_called("two:not sent(-16) ");
    expect_ledger();
}

static void what_is_wrong_is_refused_at_once(void **state)
{
    static char big[70000];

    (void)state;
    memset(big, '1', sizeof big);
    rig_client();
    assert_int_equal(plc_publish(client, "a", "{", 1, rig_done, "x"),
                     PL_EINVAL);
    assert_int_equal(plc_publish(client, "", "1", 1, rig_done, "x"), PL_EINVAL);
    assert_int_equal(plc_publish(client, "a", big, sizeof big, rig_done, "x"),
                     PL_ETOOBIG);
    rig_turn();
    struct plc_status s = {.size = sizeof s};
    plc_group_status(group, &s);
    assert_int_equal(s.accepted, 0);
    assert_int_equal(s.turned_away, 3);
}

static void the_queue_is_bounded(void **state)
{
    struct plc_link link = {.size = sizeof link, .queue_messages = 2};

    (void)state;
    options.link = &link;
    rig_client();
    publish("one");
    publish("two");
    assert_int_equal(plc_publish(client, "a", "1", 1, rig_done, "three"),
                     PL_EFULL);
    rig_serve(HELLO);
    rig_forget();
    rig_say("{\"id\":1,\"publish\":{}}");
    rig_called("one:done ");
    publish("four");
    expect_ledger();
}

/* On the loop a call that waits would wait for itself. */
static void a_callback_never_waits_for_its_own_queue(void **state)
{
    struct plc_link link = {
        .size = sizeof link, .queue_messages = 1, .full_wait_ms = 60000};

    (void)state;
    options.link = &link;
    rig_client();
    publish("one");
    assert_int_equal(plc_publish(client, "a", "1", 1, rig_done, "two"),
                     PL_EFULL);
    expect_ledger();
}

static void many_commands_become_messages_of_a_bounded_size(void **state)
{
    char data[4096];

    (void)state;
    memset(data, '1', sizeof data);
    rig_client();
    for (int i = 0; i < 20; i++)
        assert_int_equal(
            plc_publish(client, "a", data, sizeof data, NULL, NULL), PL_OK);
    rig_serve(HELLO);
    rig_turn();
    struct plc_status s = {.size = sizeof s};
    plc_group_status(group, &s);
    assert_true(s.bytes_out > 20 * sizeof data);
    assert_int_equal(s.pending, 20);
}

/* Whatever allocation fails: a send that is done has arrived. */
static void without_memory_no_lost_send_is_done(void **state)
{
    char data[3000];

    (void)state;
    memset(data, '1', sizeof data);
    for (unsigned n = 1; n <= 8; n++) {
        unsigned done = 0;

        rig_client();
        rig_serve(HELLO);
        rig_forget();
        for (int i = 0; i < 3; i++)
            plc_send(client, data, sizeof data, rig_done, "send");
        alloc_fails_at = n;
        rig_turn();
        alloc_fails_at = 0;
        plc_send(client, "1", 1, rig_done, "send");
        rig_turn();
        for (const char *at = log_; (at = strstr(at, "send:done")) != NULL;
             at++)
            done++;
        assert_true(rig_sends() >= done);
        expect_ledger();
        rig_tear_down(NULL);
        rig_set_up(NULL);
    }
}

/* --- Stops --- */

static void a_stop_waits_for_the_answers(void **state)
{
    (void)state;
    rig_client();
    rig_serve(HELLO);
    rig_forget();
    publish("one");
    plc_group_stop(group, 1000);
    assert_int_equal(plc_publish(client, "a", "1", 1, rig_done, "late"),
                     PL_ESTOPPING);
    rig_called("");
    rig_say("{\"id\":2,\"publish\":{}}");
    rig_called("one:done disconnected(0 disconnect called) ");
    rig_close(1000, "");
    rig_called("stopped(0) ");
}

static void a_stop_waits_for_an_unsubscribe(void **state)
{
    (void)state;
    rig_client();
    rig_serve(HELLO);
    struct plc_sub *s = rig_subscribe("a", 0);
    rig_say("{\"id\":2,\"subscribe\":{}}");
    plc_sub_destroy(s);
    plc_group_stop(group, 60000);
    rig_turn();
    rig_forget();
    rig_say("{\"id\":3,\"unsubscribe\":{}}");
    rig_called("disconnected(0 disconnect called) ");
    rig_close(1000, "");
    rig_called("stopped(0) ");
}

static void a_stop_cuts_what_gets_no_answer(void **state)
{
    (void)state;
    rig_client();
    rig_serve(HELLO);
    rig_forget();
    publish("one");
    plc_group_stop(group, 100);
    rig_pass(150);
    rig_called("disconnected(0 disconnect called) one:unknown(-16) "
               "stopped(1) ");
}

static void stop_group(void)
{
    plc_group_stop(group, 0);
}

static void a_completion_may_stop_the_group(void **state)
{
    (void)state;
    rig_client();
    rig_serve(HELLO);
    rig_forget();
    publish("one");
    publish("two");
    rig_turn();
    rig_in_callback = stop_group;
    rig_say("{\"id\":2,\"publish\":{}}");
    rig_called("one:done disconnected(0 disconnect called) "
               "two:unknown(-16) stopped(1) ");
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(calls_wait_for_the_connection_and_leave_in_order),
        TEST(every_kind_of_call_is_sent),
        TEST(a_history_is_read),
        TEST(a_presence_is_read),
        TEST(a_call_without_an_answer_times_out_once),
        TEST(a_call_that_never_left_is_not_sent),
        TEST(a_lost_connection_tells_what_has_left),
        TEST(what_a_close_still_sends_is_unknown),
        TEST(a_message_that_is_refused_is_counted),
        TEST(a_final_end_completes_all_calls),
        TEST(a_publish_of_a_subscription_waits_for_it),
        TEST(what_is_wrong_is_refused_at_once),
        TEST(the_queue_is_bounded),
        TEST(a_callback_never_waits_for_its_own_queue),
        TEST(many_commands_become_messages_of_a_bounded_size),
        TEST(without_memory_no_lost_send_is_done),
        TEST(a_stop_waits_for_the_answers),
        TEST(a_stop_waits_for_an_unsubscribe),
        TEST(a_stop_cuts_what_gets_no_answer),
        TEST(a_completion_may_stop_the_group),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
