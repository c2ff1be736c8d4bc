/* SPDX-License-Identifier: Apache-2.0 */
/* test_ranking.c - the busiest actors, channels, connections and users of a
 * real broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_desk.h"
#include "peer.h"

#define SECRET "a secret of the tests, at least 32 bytes"

enum { PEERS = 4, ASK_MS = 200, DEADLINE_MS = 60000 };

struct hall {
    struct box box;
    struct desk desk;
    struct peer peer[PEERS];
    char client[PEERS][64];
    json_t *answer; /* the latest */
};

static void enter(struct hall *h, unsigned i, const char *user)
{
    char *token = box_token(SECRET, user, NULL);

    peer_enter(&h->peer[i], h->box.port, i % 2, token, h->client[i]);
    free(token);
}

static int set_up(void **state)
{
    struct hall *h = calloc(1, sizeof *h);
    char socket[96];
    const char *sets[] = {"auth.hmac_secret=" SECRET,
                          "channels.allow_subscribe=authenticated",
                          "channels.allow_publish=authenticated",
                          "connect.timeout=60s",
                          socket,
                          NULL};

    assert_non_null(h);
    desk_open(&h->desk, socket);
    box_create_strict(&h->box, sets);
    box_run(&h->box);
    for (unsigned i = 0; i < PEERS; i++)
        enter(h, i, i < 3 ? "ann" : "bob");
    *state = h;
    return 0;
}

static int tear_down(void **state)
{
    struct hall *h = *state;

    json_decref(h->answer);
    for (unsigned i = 0; i < PEERS; i++)
        peer_fini(&h->peer[i]);
    box_destroy(&h->box);
    desk_close(&h->desk);
    free(h);
    return 0;
}

/* The rows of a top; valid until the next call. */
static json_t *ask(struct hall *h, const char *params)
{
    json_decref(h->answer);
    h->answer = desk_ask(&h->desk, "top", params, NULL);
    json_t *rows = json_object_get(json_object_get(h->answer, "result"), "top");
    if (!json_is_array(rows))
        fail_msg("%s: no top", params);
    return rows;
}

static const char *text(const json_t *row, const char *key)
{
    const char *s = json_string_value(json_object_get(row, key));

    return s != NULL ? s : "";
}

static json_int_t number(const json_t *row, const char *key)
{
    assert_true(json_is_integer(json_object_get(row, key)));
    return json_integer_value(json_object_get(row, key));
}

static void say(struct hall *h, unsigned from, const char *channel,
                unsigned times)
{
    struct peer_reply r;

    for (unsigned i = 0; i < times; i++)
        peer_await(&h->peer[from],
                   peer_publish(&h->peer[from], channel, "{\"n\":1}"), &r);
}

/* Keep the traffic going until the first row has `want` under `key` and a rate
 * under `rate`. */
static void await_first(struct hall *h, const char *params, const char *key,
                        const char *want, const char *rate)
{
    for (int waited = 0; waited < DEADLINE_MS; waited += ASK_MS) {
        say(h, 0, "busy", 20);
        say(h, 1, "calm", 2);
        json_t *row = json_array_get(ask(h, params), 0);
        if (strcmp(text(row, key), want) == 0 && number(row, rate) > 0)
            return;
        poll(NULL, 0, ASK_MS);
    }
    fail_msg("%s: %s does not lead", params, want);
}

static void the_busiest_channel_leads(void **state)
{
    struct hall *h = *state;

    peer_join(&h->peer[0], "calm");
    peer_join(&h->peer[1], "calm");
    peer_join(&h->peer[2], "calm");
    peer_join(&h->peer[3], "calm");
    peer_join(&h->peer[2], "busy");
    await_first(h, "{\"table\":\"channels\",\"by\":\"publications\"}",
                "channel", "busy", "publications");
    json_t *row = json_array_get(ask(h, "{\"table\":\"channels\"}"), 0);
    assert_int_equal(number(row, "deliveries"),
                     number(row, "publications") * number(row, "subscribers"));
    row = json_array_get(
        ask(h, "{\"table\":\"channels\",\"by\":\"subscribers\"}"), 0);
    assert_string_equal(text(row, "channel"), "calm");
    assert_int_equal(number(row, "subscribers"), 4);
}

static void the_busiest_connection_leads(void **state)
{
    struct hall *h = *state;

    peer_join(&h->peer[2], "busy");
    await_first(h, "{\"table\":\"connections\",\"by\":\"messages\"}", "client",
                h->client[0], "messages");
    await_first(h, "{\"table\":\"connections\",\"by\":\"deliveries\"}",
                "client", h->client[2], "deliveries");
    json_t *row = json_array_get(
        ask(h, "{\"table\":\"connections\",\"by\":\"channels\"}"), 0);
    assert_string_equal(text(row, "client"), h->client[2]);
    assert_string_equal(text(row, "address"), "127.0.0.1");
    assert_int_equal(
        json_array_size(ask(h, "{\"table\":\"connections\",\"limit\":2}")), 2);
}

static void users_are_ranked_by_their_connections(void **state)
{
    json_t *rows = ask(*state, "{\"table\":\"users\"}");

    assert_int_equal(json_array_size(rows), 2);
    assert_string_equal(text(json_array_get(rows, 0), "user"), "ann");
    assert_int_equal(number(json_array_get(rows, 0), "connections"), 3);
}

static void actors_of_all_loops_are_ranked(void **state)
{
    json_t *rows = ask(*state, "{\"table\":\"actors\"}"), *row;
    bool has_loop[3] = {false};
    unsigned sessions = 0;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        has_loop[number(row, "loop")] = true;
        sessions += strcmp(text(row, "kind"), "session") == 0;
        assert_true(number(row, "mail") <= number(row, "mail_limit"));
    }
    assert_true(has_loop[0] && has_loop[1] && has_loop[2]);
    assert_int_equal(sessions, PEERS);
}

static void a_table_or_column_that_does_not_exist_is_refused(void **state)
{
    static const char *const wrong[] = {
        "{}", "{\"table\":\"what\"}",
        "{\"table\":\"users\",\"by\":\"publications\"}",
        "{\"table\":\"users\",\"limit\":201}"};
    struct hall *h = *state;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        json_t *answer = desk_ask(&h->desk, "top", wrong[i], NULL);
        json_t *error = json_object_get(answer, "error");

        assert_int_equal(json_integer_value(json_object_get(error, "code")),
                         107);
        json_decref(answer);
    }
}

static void the_status_tells_the_time_of_each_loop(void **state)
{
    struct hall *h = *state;

    say(h, 0, "busy", 100);
    box_await_least(&h->box, "loops.0.cpu_ns", 1);
    box_await_least(&h->box, "loops.1.cpu_ns", 1);
    box_await_least(&h->box, "loops.2.cpu_ns", 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_busiest_channel_leads),
        TEST(the_busiest_connection_leads),
        TEST(users_are_ranked_by_their_connections),
        TEST(actors_of_all_loops_are_ranked),
        TEST(a_table_or_column_that_does_not_exist_is_refused),
        TEST(the_status_tells_the_time_of_each_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
