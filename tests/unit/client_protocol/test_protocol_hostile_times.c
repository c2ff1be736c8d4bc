/* SPDX-License-Identifier: Apache-2.0 */
/* test_protocol_hostile_times.c - servers that end connections, do not read, do
 * not answer, or tell odd times; and a loop that is held meanwhile. */
#include "rig.h"

enum { CLIENTS = 1000, MANY = 100000 };

static unsigned questions;

static void answer_the_same(struct plc_client *c, struct plc_token *t,
                            void *arg)
{
    (void)c, (void)arg;
    questions++;
    plc_token_answer(t, "same");
}

/* --- Ends --- */

static void only_the_code_of_an_end_decides(void **state)
{
    static const struct {
        unsigned code;
        bool is_final;
    } rows[] = {{0, false},    {1009, true},  {2999, false}, {3000, false},
                {3499, false}, {3500, true},  {4499, false}, {4500, true},
                {4999, true},  {5000, false}, {99999, false}};

    (void)state;
    options.error = NULL;
    rig_client();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char push[200];

        rig_serve(RIG_HELLO);
        snprintf(push, sizeof push,
                 "{\"push\":{\"disconnect\":{\"code\":%u,\"reason\":\"%s\","
                 "\"reconnect\":%s}}}",
                 rows[i].code, "{\\\"reconnect\\\":true}",
                 rows[i].is_final ? "true" : "false");
        rig_say(push);
        assert_int_equal(plc_client_state(client),
                         rows[i].is_final ? PLC_DISCONNECTED : PLC_CONNECTING);
        if (rows[i].is_final)
            assert_int_equal(plc_client_connect(client), PL_OK);
        else
            rig_redial();
        rig_turn();
    }
}

static void close_all(void)
{
    struct pl_buf b = {0};
    struct fake_stream *next, *f = fakes;

    pl_buf_put(&b, "\x88\x02\x0b\xb9", 4); /* 3001 */
    for (; f != NULL; f = next) {
        next = f->next;
        f->calls->came(f->user, pl_buf_span(&b));
        f->calls->ended(f->user, PL_ECLOSED, true, "the end");
    }
    pl_buf_fini(&b);
    rig_turn();
}

static void create_clients(void)
{
    options.state = NULL;
    options.error = NULL;
    options.release = NULL;
    for (int i = 0; i < CLIENTS; i++) {
        rig_client();
        rig_serve(RIG_HELLO);
    }
    assert_int_equal(fake_dials, CLIENTS);
}

static void a_thousand_clients_come_back_spread_over_the_window(void **state)
{
    unsigned before, most = 0, least = CLIENTS;

    (void)state;
    create_clients();
    rig_pass(1);
    close_all();
    rig_pass(495);
    assert_int_equal(fake_dials, CLIENTS);
    for (int i = 0; i < 5; i++) {
        before = fake_dials;
        rig_pass(100);
        most = fake_dials - before > most ? fake_dials - before : most;
        least = fake_dials - before < least ? fake_dials - before : least;
    }
    rig_pass(20);
    assert_int_equal(fake_dials, 2 * CLIENTS);
    assert_in_range(least, CLIENTS / 10, CLIENTS / 5);
    assert_in_range(most, CLIENTS / 5, CLIENTS * 3 / 10);
}

static void a_thousand_mute_servers_share_one_deadline(void **state)
{
    (void)state;
    create_clients();
    rig_forget();
    plc_group_stop(group, 1000);
    rig_pass(990);
    rig_called("");
    rig_pass(20);
    rig_called("stopped(1000) ");
}

static void a_server_that_closes_at_once_is_tried_ever_more_rarely(void **state)
{
    unsigned ms = 0, early = 0;

    (void)state;
    options.state = NULL;
    rig_client();
    for (int i = 0; i < 20; i++) {
        unsigned before = fake_dials;

        rig_serve(RIG_HELLO);
        rig_pass(1);
        rig_close(3008, "slow");
        for (ms = 0; fake_dials == before; ms++)
            rig_pass(1);
        assert_in_range(ms, 495, 20010);
        early += i < 3 ? ms : 0;
    }
    assert_in_range(early, 1500, 6500); /* 0.5 to 1, 1.5 and 2.5 s */
    ms = fake_dials;
    rig_pass(1);
    assert_int_equal(fake_dials, ms);
}

static void a_busy_server_is_asked_no_sooner_than_it_wants(void **state)
{
    static const char *const answers[][2] = {{"7", "7000"},
                                             {"100000", "20000"}};

    (void)state;
    rig_client();
    for (int i = 0; i < 2; i++) {
        unsigned ms = (unsigned)strtoul(answers[i][1], NULL, 10);
        char text[100];

        snprintf(text, sizeof text,
                 "HTTP/1.1 503 Busy\r\nRetry-After: %s\r\n\r\n", answers[i][0]);
        fake_open();
        rig_came(text, strlen(text));
        rig_pass(ms - 10);
        assert_int_equal(fake_dials, i + 1);
        rig_pass(20);
        assert_int_equal(fake_dials, i + 2);
    }
}

/* --- Numbers and times --- */

static void odd_times_of_a_server_make_no_loop_and_no_early_end(void **state)
{
    static const struct {
        const char *hello;
        unsigned lives_ms;
    } rows[] = {
        {"{\"client\":\"c\",\"ping\":0,\"pong\":true}", 100000},
        {"{\"client\":\"c\",\"ping\":4294967295,\"pong\":true}", 100000},
        {"{\"client\":\"c\",\"ping\":1,\"pong\":true}", 11000},
        {"{\"client\":\"c\",\"expires\":true,\"ttl\":4294967295}", 100000},
    };

    (void)state;
    options.error = NULL;
    rig_client();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig_serve(rows[i].hello);
        rig_forget();
        rig_pass(rows[i].lives_ms - 10);
        rig_expect("");
        rig_called("");
        if (rows[i].lives_ms < 100000) {
            rig_pass(20);
            rig_called("connecting(2 no ping) ");
        } else {
            rig_close(3000, "r");
        }
        rig_redial();
    }
}

static void
a_token_that_lives_no_second_is_refreshed_once_a_second(void **state)
{
    (void)state;
    questions = 0;
    options.get_token = answer_the_same;
    rig_client();
    rig_serve("{\"client\":\"c\",\"expires\":true,\"ttl\":0}");
    for (unsigned i = 1; i <= 10; i++) {
        char reply[100];

        rig_pass(1010);
        assert_int_equal(questions, i + 1);
        snprintf(reply, sizeof reply,
                 "{\"id\":%u,\"refresh\":{\"expires\":true,\"ttl\":0}}", i + 1);
        rig_say(reply);
    }
    assert_int_equal(plc_client_state(client), PLC_CONNECTED);
}

static void pings_that_want_no_pong_get_none(void **state)
{
    (void)state;
    rig_client();
    rig_serve("{\"client\":\"c\",\"ping\":25}");
    rig_forget();
    for (int i = 0; i < 5; i++) {
        rig_pass(25000);
        rig_say("{}");
    }
    rig_expect("");
    rig_called("");
}

/* --- Servers that do not answer or read --- */

static unsigned completions;

static void complete(const struct plc_result *r, void *arg)
{
    (void)arg;
    completions += r->outcome == PLC_UNKNOWN || r->outcome == PLC_NOT_SENT;
}

static void flood_a_mute_server(void)
{
    unsigned accepted = 0;
    enum pl_err rc = PL_OK;

    completions = 0;
    for (int i = 0; i < MANY; i++) {
        rc = plc_publish(client, "a", "1", 1, complete, NULL);
        accepted += rc == PL_OK;
        if (i % 1000 == 0)
            rig_turn();
    }
    assert_int_equal(rc, PL_EFULL);
    assert_in_range(rig_status().queue_bytes, 1 << 20, 16 << 20);
    assert_int_equal(rig_status().pending, accepted);
    assert_int_equal(rig_status().turned_away, MANY - accepted);
    rig_pass(5100);
    assert_int_equal(completions, accepted);
    assert_int_equal(rig_status().queue_bytes, 0);
}

static void a_mute_server_costs_no_more_than_the_bound(void **state)
{
    (void)state;
    rig_connect();
    flood_a_mute_server();
    assert_int_equal(plc_client_state(client), PLC_CONNECTED);
    rig_tear_down(NULL);
    rig_set_up(NULL);
    rig_connect();
    fake_takes = 1000; /* and it reads nothing, either */
    flood_a_mute_server();
    assert_int_equal(plc_client_state(client), PLC_CONNECTING);
}

static void a_server_that_reads_nothing_is_left_and_order_is_kept(void **state)
{
    struct plc_link link = {.size = sizeof link, .send_ms = 2000};

    (void)state;
    options.link = &link;
    rig_connect();
    fake_takes = 10;
    rig_publish("one");
    rig_publish("two");
    rig_pass(1900);
    rig_called("");
    rig_pass(120);
    rig_called("error(2 the server reads nothing) "
               "connecting(1 transport closed) one:unknown(-16) "
               "two:not sent(-16) ");
    rig_publish("three");
    rig_publish("four");
    fake_takes = SIZE_MAX;
    rig_redial();
    rig_serve(RIG_HELLO);
    rig_expect("{\"id\":4,\"publish\":{\"channel\":\"a\",\"data\":1}}\n"
               "{\"id\":5,\"publish\":{\"channel\":\"a\",\"data\":1}}");
}

/* --- A loop that is held --- */

static void what_came_while_the_loop_was_held_counts(void **state)
{
    (void)state;
    rig_client();
    rig_accept();
    rig_forget();
    rig_hold(60000);
    rig_say("{\"id\":1,\"connect\":{\"client\":\"c\",\"ping\":25}}");
    rig_called("connected(0 connected) ");
    rig_publish("one");
    rig_subscribe("a", 0);
    rig_hold(60000);
    rig_say("{}\n{\"id\":2,\"publish\":{}}\n{\"id\":3,\"subscribe\":{}}");
    rig_called("a:subscribing(0 subscribe called) one:done "
               "a:subscribed(0 subscribed) ");
    rig_pass(34000);
    rig_called("");
}

static void nothing_came_while_the_loop_was_held(void **state)
{
    (void)state;
    rig_client();
    rig_serve("{\"client\":\"c\",\"ping\":25}");
    rig_publish("one");
    rig_forget();
    rig_hold(60000);
    rig_called("");
    rig_pass(10);
    rig_called("one:unknown(-13) connecting(2 no ping) ");
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_the_code_of_an_end_decides),
        TEST(a_thousand_clients_come_back_spread_over_the_window),
        TEST(a_thousand_mute_servers_share_one_deadline),
        TEST(a_server_that_closes_at_once_is_tried_ever_more_rarely),
        TEST(a_busy_server_is_asked_no_sooner_than_it_wants),
        TEST(odd_times_of_a_server_make_no_loop_and_no_early_end),
        TEST(a_token_that_lives_no_second_is_refreshed_once_a_second),
        TEST(pings_that_want_no_pong_get_none),
        TEST(a_mute_server_costs_no_more_than_the_bound),
        TEST(a_server_that_reads_nothing_is_left_and_order_is_kept),
        TEST(what_came_while_the_loop_was_held_counts),
        TEST(nothing_came_while_the_loop_was_held),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
