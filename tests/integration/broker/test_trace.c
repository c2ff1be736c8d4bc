/* SPDX-License-Identifier: Apache-2.0 */
/* test_trace.c - live traces of channels, users and actors of a real broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin_desk.h"
#include "buf.h"
#include "peer.h"

#define SECRET "a secret of the tests, at least 32 bytes"

enum { PEERS = 3, TRACES = 8, ANSWER_MAX = 1 << 22, WAIT_MS = 60000 };

struct hall {
    struct box box;
    struct desk desk;
    struct peer peer[PEERS];
    char client[PEERS][64];
    char *token[PEERS];
    int trace;
    struct pl_buf heard; /* of the trace, ended by a zero byte */
};

static int set_up_with(void **state, const char *slow)
{
    static const char *const users[PEERS] = {"ann", "bob", "bob"};
    struct hall *h = calloc(1, sizeof *h);
    char socket[96];
    const char *sets[] = {"auth.hmac_secret=" SECRET,
                          "channels.allow_subscribe=authenticated",
                          "channels.allow_publish=authenticated",
                          "channels.history_size=10",
                          "connect.timeout=60s",
                          "limits.outgoing_queue=64KiB",
                          socket,
                          slow,
                          NULL};

    assert_non_null(h);
    desk_open(&h->desk, socket);
    box_create_strict(&h->box, sets);
    box_run(&h->box);
    h->trace = -1;
    for (unsigned i = 0; i < PEERS; i++) {
        h->token[i] = box_token(SECRET, users[i], NULL);
        peer_enter(&h->peer[i], h->box.port, PEER_JSON, h->token[i],
                   h->client[i]);
    }
    *state = h;
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, NULL);
}

static int tear_down(void **state)
{
    struct hall *h = *state;

    if (h->trace >= 0)
        close(h->trace);
    for (unsigned i = 0; i < PEERS; i++) {
        peer_fini(&h->peer[i]);
        free(h->token[i]);
    }
    box_destroy(&h->box);
    desk_close(&h->desk);
    pl_buf_fini(&h->heard);
    free(h);
    return 0;
}

/* --- Reading a trace --- */

static bool has(const struct hall *h, const char *text)
{
    return h->heard.len > 0 && strstr(h->heard.data, text) != NULL;
}

static void hear(struct hall *h)
{
    struct pollfd p = {.fd = h->trace, .events = POLLIN};

    assert_int_equal(poll(&p, 1, WAIT_MS), 1);
    if (h->heard.len > 0)
        h->heard.len--; /* the zero byte */
    char *to = pl_buf_reserve(&h->heard, 65536);
    assert_non_null(to);
    ssize_t got = read(h->trace, to, 65535);
    assert_true(got > 0);
    h->heard.len += (size_t)got;
    pl_buf_put_byte(&h->heard, '\0');
}

static void await(struct hall *h, const char *text)
{
    while (!has(h, text))
        hear(h);
}

/* The line that has both texts, which must be there. */
static const char *line_with(struct hall *h, const char *one, const char *two)
{
    for (const char *at = h->heard.data; at != NULL && *at != '\0';) {
        const char *end = strchr(at, '\n');
        size_t len = end == NULL ? strlen(at) : (size_t)(end - at);
        const char *a = memmem(at, len, one, strlen(one));

        if (a != NULL && memmem(at, len, two, strlen(two)) != NULL)
            return at;
        at = end == NULL ? NULL : end + 1;
    }
    fail_msg("no line with %s and %s in: %s", one, two, h->heard.data);
    return NULL;
}

static void begin_trace(struct hall *h, const char *query)
{
    char line[200];

    snprintf(line, sizeof line, "GET /trace?%s", query);
    h->trace = desk_begin(&h->desk, line);
    await(h, "\"event\":\"begin\"");
}

static void say(struct hall *h, unsigned from, const char *channel,
                const char *data)
{
    struct peer_reply r;

    peer_await(&h->peer[from], peer_publish(&h->peer[from], channel, data), &r);
    assert_int_equal(r.kind, PEER_RESULT);
}

/* --- Channels --- */

static void a_channel_shows_who_published_and_who_gets_it(void **state)
{
    struct hall *h = *state;

    peer_join(&h->peer[1], "news");
    peer_join(&h->peer[2], "news");
    begin_trace(h, "channel=news");
    say(h, 0, "other", "{\"secret\":1}");
    say(h, 0, "news", "{\"text\":\"hello\"}");
    await(h, "\"event\":\"publish\"");
    line_with(h, "\"event\":\"publish\"", h->client[0]);
    line_with(h, "\"event\":\"publish\"", "\"subscribers\":2");
    line_with(h, "\"event\":\"publish\"", "\"offset\":1");
    await(h, h->client[1]);
    await(h, h->client[2]);
    line_with(h, "\"event\":\"deliver\"", h->client[1]);
    line_with(h, "\"event\":\"deliver\"", h->client[2]);
    assert_false(has(h, "hello"));
    assert_false(has(h, "other"));
}

static void a_payload_is_shown_only_if_it_is_asked_for(void **state)
{
    struct hall *h = *state;

    peer_join(&h->peer[1], "news");
    begin_trace(h, "channel=news&payload=1");
    say(h, 0, "news", "{\"text\":\"hello\"}");
    await(h, "\"data\":{\"text\":\"hello\"}");
}

static void a_publication_without_subscribers_is_shown_too(void **state)
{
    struct hall *h = *state;

    begin_trace(h, "channel=a%20quiet+place");
    say(h, 0, "a quiet place", "1");
    await(h, "\"subscribers\":0");
}

/* A client that does not read is closed, and the trace says why. */
static void who_misses_a_publication_is_named_with_the_reason(void **state)
{
    struct hall *h = *state;
    char data[32768];

    memset(data, '7', sizeof data - 1);
    data[0] = data[sizeof data - 2] = '"';
    data[sizeof data - 1] = '\0';
    peer_join(&h->peer[1], "news");
    begin_trace(h, "channel=news");
    for (int i = 0; i < 2000 && !has(h, "not delivered"); i++) {
        struct pollfd p = {.fd = h->trace, .events = POLLIN};

        say(h, 0, "news", data);
        while (poll(&p, 1, 0) == 1)
            hear(h);
    }
    await(h, "not delivered");
    line_with(h, "\"event\":\"not delivered\"", h->client[1]);
    line_with(h, "\"event\":\"not delivered\"", "limits.outgoing_queue");
}

/* --- Users --- */

static void a_user_shows_commands_replies_deliveries_and_ends(void **state)
{
    struct hall *h = *state;
    struct peer late = {.fd = -1};
    char client[64];

    begin_trace(h, "user=ann");
    peer_join(&h->peer[1], "news");
    peer_join(&h->peer[0], "news");
    say(h, 0, "news", "{\"text\":\"hello\"}");
    peer_enter(&late, h->box.port, PEER_JSON, h->token[0], client);
    peer_fini(&late);
    await(h, "\"event\":\"close\"");
    await(h, "\"event\":\"deliver\"");
    await(h, "\"command\":\"publish\"");
    line_with(h, "\"command\":\"subscribe\"", "\"channel\":\"news\"");
    line_with(h, "\"command\":\"publish\"", h->client[0]);
    line_with(h, "\"event\":\"reply\"", h->client[0]);
    line_with(h, "\"event\":\"deliver\"", h->client[0]);
    line_with(h, "\"event\":\"connect\"", client);
    line_with(h, "\"event\":\"close\"", client);
    assert_false(has(h, h->client[1]));
    assert_false(has(h, "hello"));
}

static void no_token_is_shown_even_with_payloads(void **state)
{
    struct hall *h = *state;
    struct peer late = {.fd = -1};

    begin_trace(h, "user=ann&payload=1");
    peer_enter(&late, h->box.port, PEER_JSON, h->token[0], NULL);
    say(h, 0, "news", "{\"text\":\"hello\"}");
    await(h, "\"data\":{\"text\":\"hello\"}");
    await(h, "\"event\":\"connect\"");
    assert_false(has(h, strrchr(h->token[0], '.')));
    peer_fini(&late);
}

/* --- Actors --- */

static void an_actor_shows_the_mail_that_it_gets(void **state)
{
    struct hall *h = *state;
    char query[96], params[96];

    snprintf(query, sizeof query, "client=%s", h->client[0]);
    begin_trace(h, query);
    snprintf(params, sizeof params, "{\"client\":\"%s\"}", h->client[0]);
    json_decref(desk_ask(&h->desk, "disconnect", params, NULL));
    await(h, "\"type\":\"kick\"");
    line_with(h, "\"type\":\"kick\"", "\"kind\":\"session\"");
}

static void an_actor_may_be_named_by_its_address(void **state)
{
    struct hall *h = *state;
    char query[96];
    size_t i;
    json_t *row,
        *answer = desk_ask(&h->desk, "top", "{\"table\":\"actors\"}", NULL);

    query[0] = '\0';
    json_array_foreach(
        json_object_get(json_object_get(answer, "result"), "top"), i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "kind")),
                   "supervisor") == 0)
            snprintf(query, sizeof query, "actor=%s",
                     json_string_value(json_object_get(row, "address")));
    }
    json_decref(answer);
    begin_trace(h, query);
    json_decref(desk_ask(&h->desk, "users", "{}", NULL));
    await(h, "\"type\":\"look\"");
    line_with(h, "\"type\":\"look\"", "\"kind\":\"supervisor\"");
}

/* --- Bounds --- */

static void a_trace_that_is_not_read_drops_lines_and_counts_them(void **state)
{
    struct hall *h = *state;
    char data[2048];

    memset(data, '7', sizeof data - 1);
    data[0] = data[sizeof data - 2] = '"';
    data[sizeof data - 1] = '\0';
    begin_trace(h, "channel=news&payload=1");
    for (int i = 0; i < 3000; i++) /* far more than sockets and queue take */
        say(h, 0, "news", data);
    while (!has(h, "\"event\":\"dropped\"")) {
        h->heard.len = 0;
        hear(h);
    }
    assert_non_null(strstr(h->heard.data, "\"count\":"));
}

static int status_of(struct hall *h, const char *query)
{
    char line[200], text[64] = "";
    int status = 0;

    snprintf(line, sizeof line, "GET /trace?%s", query);
    int fd = desk_begin(&h->desk, line);
    assert_true(read(fd, text, sizeof text - 1) > 0);
    sscanf(text, "HTTP/1.1 %d", &status);
    close(fd);
    return status;
}

static void
traces_at_once_are_bounded_and_end_with_their_connections(void **state)
{
    struct hall *h = *state;
    int fd[TRACES];

    for (int i = 0; i < TRACES; i++) {
        h->heard.len = 0;
        begin_trace(h, "channel=news");
        fd[i] = h->trace;
    }
    assert_int_equal(status_of(h, "channel=news"), 503);
    for (int i = 0; i < TRACES; i++)
        close(fd[i]);
    h->trace = -1;
    while (status_of(h, "channel=news") != 200)
        poll(NULL, 0, 10);
}

static void a_query_that_names_nothing_or_two_things_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",          "channel=",    "channel=a&user=b", "what=a",
        "actor=1.2", "actor=1.0.1", "client=nobody",    "channel=%2"};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(status_of(*state, wrong[i]), 400);
}

static void a_broker_stops_while_a_trace_runs(void **state)
{
    struct hall *h = *state;

    begin_trace(h, "channel=news");
    say(h, 0, "news", "1");
    for (unsigned i = 0; i < PEERS; i++)
        peer_fini(&h->peer[i]);
    box_rest(&h->box);
    box_stop(&h->box);
    while (recv(h->trace, (char[64]){0}, 64, 0) > 0)
        ; /* it has ended */
    box_run(&h->box);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_channel_shows_who_published_and_who_gets_it),
        TEST(a_payload_is_shown_only_if_it_is_asked_for),
        TEST(a_publication_without_subscribers_is_shown_too),
        TEST(who_misses_a_publication_is_named_with_the_reason),
        TEST(a_user_shows_commands_replies_deliveries_and_ends),
        TEST(no_token_is_shown_even_with_payloads),
        TEST(an_actor_shows_the_mail_that_it_gets),
        TEST(an_actor_may_be_named_by_its_address),
        TEST(a_trace_that_is_not_read_drops_lines_and_counts_them),
        TEST(traces_at_once_are_bounded_and_end_with_their_connections),
        TEST(a_query_that_names_nothing_or_two_things_is_refused),
        TEST(a_broker_stops_while_a_trace_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
