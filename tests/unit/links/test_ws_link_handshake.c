/* SPDX-License-Identifier: Apache-2.0 */
/* test_ws_link_handshake.c - the first bytes of a connection: HTTP, and what
 * comes right behind it. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void send_request(struct client *c, const char *request)
{
    client_feed(c, request, strlen(request));
    rig_run(c->rig, 0);
}

/* The answer begins so, nothing else follows, and the session lingers. */
static void expect_refused(const char *request, const char *answer)
{
    struct rig *r = rig_create(1, NULL);
    struct client *c = client_create(r, 0);

    send_request(c, request);
    assert_true(rig_matches(c->http, answer));
    assert_true(c->is_ending);
    assert_int_equal(c->how, PL_END_LINGER);
    client_feed(c, client_request, strlen(client_request)); /* too late */
    rig_run(r, 0);
    assert_int_equal(c->said_count, 0);
    assert_int_equal(rig_metric(r, PL_METRIC_HANDSHAKES_REFUSED), 1);
    assert_false(c->is_gone);
    rig_run(r, 5004); /* a peer that does not end is cut */
    assert_true(c->is_gone);
    rig_destroy(r);
}

static void a_bad_request_is_answered_with_its_error(void **state)
{
    (void)state;
    expect_refused("GET /connection/websocket HTTP/1.1\r\n\r\n",
                   "HTTP/1.1 400 *");
    expect_refused("POST /connection/websocket HTTP/1.1\r\n"
                   "Host: a\r\n\r\n",
                   "HTTP/1.1 405 *");
    expect_refused("GET /connection/websocket HTTP/1.1\r\nHost: a\r\n"
                   "\r\n",
                   "HTTP/1.1 426 *");
    expect_refused("GET /elsewhere HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                   "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                   "Sec-WebSocket-Version: 13\r\n\r\n",
                   "HTTP/1.1 404 *");
    expect_refused("GET /connection/websocket HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                   "Origin: http://elsewhere.example\r\n"
                   "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                   "Sec-WebSocket-Version: 13\r\n\r\n",
                   "HTTP/1.1 403 *");
}

static void a_request_may_come_byte_by_byte(void **state)
{
    struct rig *r = rig_create(1, NULL);
    struct client *c = client_create(r, 0);

    (void)state;
    for (size_t i = 0; client_request[i] != '\0'; i++) {
        assert_false(c->is_open);
        client_feed(c, &client_request[i], 1);
        rig_run(r, 0);
    }
    assert_true(rig_matches(c->http, "HTTP/1.1 101 *"));
    assert_int_equal(rig_metric(r, PL_METRIC_HANDSHAKES), 1);
    rig_destroy(r);
}

static void a_request_that_never_ends_is_refused_at_its_limit(void **state)
{
    struct rig *r = rig_create(1, NULL);
    struct client *c = client_create(r, 0);
    char line[64];

    (void)state;
    send_request(c, "GET /connection/websocket HTTP/1.1\r\n");
    for (int i = 0; i < 2000 && !c->is_open; i++) {
        snprintf(line, sizeof line, "X-%d: aaaaaaaaaaaaaaaaaaaaaaaa\r\n", i);
        send_request(c, line);
    }
    assert_true(rig_matches(c->http, "HTTP/1.1 431 *"));
    rig_destroy(r);
}

/* Handshake, connect, subscribe and publish in the same read. */
static void everything_may_come_with_the_handshake(void **state)
{
    struct rig *r = rig_start("pipelined", NULL);
    struct client *c = client_create(r, 0);
    struct pl_buf b = {0};
    static const char first[] =
        "{\"id\":1,\"connect\":{}}\n"
        "{\"id\":2,\"subscribe\":{\"channel\":\"c\"}}\n";
    static const char second[] =
        "{\"id\":3,\"publish\":{\"channel\":\"c\",\"data\":{\"a\":1}}}";

    (void)state;
    pl_buf_put(&b, client_request, strlen(client_request));
    client_frame(&b, 0x81, first, sizeof first - 1);
    client_frame(&b, 0x81, second, sizeof second - 1);
    client_feed(c, b.data, b.len);
    pl_buf_fini(&b);
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"connect\":{*\"ping\":25,\"pong\":true}}");
    client_expect(c, "{\"id\":2,\"subscribe\":{\"recoverable\":true,*"
                     "\"positioned\":true}}");
    client_expect(c, "{\"push\":{\"channel\":\"c\",\"pub\":{\"data\":{\"a\":1},"
                     "\"info\":{\"user\":\"\",\"client\":\"*\"},"
                     "\"offset\":1}}}");
    client_expect(c, "{\"id\":3,\"publish\":{}}");
    client_expect_silence(c);
    rig_destroy(r);
}

/* The same bytes, cut in two at each place. */
static void bytes_may_be_split_anywhere(void **state)
{
    struct pl_buf b = {0};
    static const char commands[] =
        "{\"id\":1,\"connect\":{}}\n"
        "{\"id\":2,\"subscribe\":{\"channel\":\"c\"}}";

    (void)state;
    pl_buf_put(&b, client_request, strlen(client_request));
    client_frame(&b, 0x01, commands, 9);
    client_frame(&b, 0x89, "hi", 2);
    client_frame(&b, 0x80, commands + 9, sizeof commands - 10);
    for (size_t cut = 1; cut < b.len; cut++) {
        struct rig *r = rig_create(cut, NULL);
        struct client *c = client_create(r, 0);

        client_feed(c, b.data, cut);
        rig_run(r, 0);
        client_feed(c, b.data + cut, b.len - cut);
        rig_run(r, 0);
        assert_int_equal(c->pongs, 1);
        client_expect(c, "{\"id\":1,\"connect\":{*");
        client_expect(c, "{\"id\":2,\"subscribe\":{*");
        client_expect_silence(c);
        rig_destroy(r);
    }
    pl_buf_fini(&b);
}

static void subprotocols_decide_the_encoding(void **state)
{
    static const char *const heads[][2] = {
        {"Sec-WebSocket-Protocol: centrifuge-json\r\n", "centrifuge-json"},
        {"Sec-WebSocket-Protocol: centrifuge-protobuf\r\n",
         "centrifuge-protobuf"},
    };
    static const char connect[] = {4, 8, 1, 0x22, 0};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct rig *r = rig_create(1, NULL);
        struct client *c = client_create(r, 0);
        struct pl_buf b = {0};

        pl_buf_put(&b, client_request, strlen(client_request) - 2);
        pl_buf_printf(&b, "%s\r\n", heads[i][0]);
        if (i == 0)
            client_frame(&b, 0x81, "{\"id\":1,\"connect\":{}}", 21);
        else
            client_frame(&b, 0x82, connect, sizeof connect);
        client_feed(c, b.data, b.len);
        pl_buf_fini(&b);
        rig_run(r, 0);
        assert_non_null(strstr(c->http, heads[i][1]));
        assert_int_equal(c->said_count, 1);
        assert_int_equal(c->said[0][0] == '{', i == 0);
        rig_destroy(r);
    }
}

/* Byte for byte what the SDK sends in its default mode, by websockets 15. */
static void the_python_sdks_request_is_accepted(void **state)
{
    static const char request[] =
        "GET /connection/websocket HTTP/1.1\r\n"
        "Host: 127.0.0.1:8000\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Key: JVUSWMM2yqxK9S6wyLcGqw==\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate; "
        "client_max_window_bits\r\n"
        "Sec-WebSocket-Protocol: \r\n"
        "User-Agent: Python/3.11 websockets/15.0.1\r\n\r\n";
    struct rig *r = rig_create(1, NULL);
    struct client *c = client_create(r, 0);

    (void)state;
    send_request(c, request);
    assert_true(rig_matches(c->http, "HTTP/1.1 101 *"));
    assert_null(strstr(c->http, "Sec-WebSocket-Protocol"));
    client_say(c, "{\"id\": 1, \"connect\": {\"token\": \"\", "
                  "\"data\": null, \"name\": \"python\", "
                  "\"version\": \"\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"connect\":{*");
    rig_destroy(r);
}

static void a_connection_over_the_limit_is_answered_503(void **state)
{
    struct rig_options o = {.connection_limit = 1};
    struct rig *r = rig_create(1, &o);
    struct client *first = client_join(r, 0);
    struct client *second = client_create(r, 0);

    (void)state;
    send_request(second, client_request);
    assert_true(rig_matches(second->http, "HTTP/1.1 503 *"));
    client_vanish(first);
    client_vanish(second);
    rig_run(r, 0);
    client_join(r, 0);
    rig_destroy(r);
}

static void a_silent_client_is_aborted_at_the_timeout(void **state)
{
    struct rig *r = rig_create(1, NULL);
    struct client *unresponsive = client_create(r, 0);
    struct client *half = client_open(r, 0);

    (void)state;
    client_feed(unresponsive, client_request,
                40); /* what is gathered is freed, too */
    rig_run(r, 9990);
    assert_false(unresponsive->is_gone);
    assert_int_equal(half->closed, 0);
    rig_run(r, 20);
    assert_true(
        unresponsive->is_gone); /* no WebSocket yet, so no Close either */
    assert_int_equal(half->closed, 3502);
    assert_string_equal(half->reason, "stale");
    assert_int_equal(rig_metric(r, PL_METRIC_CLOSED_STALE), 2);
    rig_run(r, 5004); /* nor does it answer the Close */
    assert_true(half->is_gone);
    rig_destroy(r);
}

static void an_echo_comes_back_as_it_was(void **state)
{
    static const char *const sets[] = {"websocket.echo=true"};
    struct rig_options o = {.sets = sets, .set_count = 1};
    struct rig *r = rig_create(1, &o);
    struct client *c = client_create(r, 0);

    (void)state;
    send_request(c, "GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                    "Sec-WebSocket-Version: 13\r\n\r\n");
    client_say(c, "what you say");
    rig_run(r, 60000); /* no connect is awaited here */
    client_expect(c, "what you say");
    client_expect_silence(c);
    rig_destroy(r);
}

static void there_is_no_echo_unless_it_was_asked_for(void **state)
{
    (void)state;
    expect_refused("GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                   "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                   "Sec-WebSocket-Version: 13\r\n\r\n",
                   "HTTP/1.1 404 *");
}

/* A reader that takes one byte a turn makes the echo's reading wait, however
 * often it takes one. */
static void an_echo_never_queues_much_more_than_the_limit(void **state)
{
    static const char *const sets[] = {"websocket.echo=true",
                                       "limits.outgoing_queue=4KiB"};
    struct rig_options o = {.sets = sets, .set_count = 2};
    struct rig *r = rig_create(1, &o);
    struct client *c = client_create(r, 0);
    char text[1001];
    unsigned taken = 0;

    (void)state;
    send_request(c, "GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                    "Sec-WebSocket-Version: 13\r\n\r\n");
    memset(text, 'x', 1000);
    text[1000] = '\0';
    client_take(c, 0);
    for (int i = 0; i < 100; i++) {
        if (!c->is_paused) {
            client_say(c, text);
            taken++;
        }
        rig_run(r, 0);
        client_take(c, 1);
    }
    assert_in_range(taken, 4, 6);
    assert_int_equal(c->closed, 0);
    client_take(c, SIZE_MAX);
    rig_run(r, 0);
    assert_false(c->is_paused);
    assert_int_equal(c->said_count, taken);
    rig_destroy(r);
}

static void websocket_violations_close_with_their_code(void **state)
{
    static const struct {
        unsigned char bytes[16];
        size_t len;
        unsigned code;
    } cases[] = {
        {{0x81, 0x01, 'x'}, 3, 1002},              /* not masked */
        {{0xc1, 0x81, 0, 0, 0, 0, 'x'}, 7, 1002},  /* RSV1 */
        {{0x83, 0x81, 0, 0, 0, 0, 'x'}, 7, 1002},  /* opcode 3 */
        {{0x80, 0x81, 0, 0, 0, 0, 'x'}, 7, 1002},  /* continues nothing */
        {{0x81, 0x81, 0, 0, 0, 0, 0xff}, 7, 1007}, /* no UTF-8 */
        {{0x81, 0xff, 0, 0, 0, 0, 1, 0, 0, 0}, 10, 1009}, /* 16 MiB */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig *r = rig_create(1, NULL);
        struct client *c = client_join(r, 0);

        client_feed(c, cases[i].bytes, cases[i].len);
        client_expect_close(c, cases[i].code);
        assert_true(c->is_ending); /* and does not wait for the peer's Close */
        assert_int_equal(c->how, PL_END_LINGER);
        assert_int_equal(rig_metric(r, PL_METRIC_CLIENTS), 0);
        client_say(c, "{\"id\":2,\"subscribe\":{\"channel\":\"c\"}}");
        rig_run(r, 0);
        client_expect_silence(c);
        rig_destroy(r);
    }
}

/* Close frames are answered with their code, whatever waits is sent first. */
static void the_peers_close_is_echoed_and_ends_the_connection(void **state)
{
    struct rig *r = rig_create(1, NULL);
    struct client *c = client_join(r, 0);
    struct pl_buf b = {0};

    (void)state;
    client_frame(&b, 0x88,
                 "\x03\xe8"
                 "bye",
                 5);
    client_take(c, 0);
    client_say(c, "{\"id\":2,\"presence\":{\"channel\":\"c\"}}");
    rig_run(r, 0);
    client_feed(c, b.data, b.len);
    pl_buf_fini(&b);
    rig_run(r, 0);
    assert_false(c->is_gone);
    client_take(c, SIZE_MAX);
    client_expect(c, "{\"id\":2,\"presence\":*");
    client_expect_close(c, 1000);
    assert_true(c->is_ending);
    assert_int_equal(c->how, PL_END_LINGER);
    assert_int_equal(rig_metric(r, PL_METRIC_CLOSED_PEER), 1);
    rig_run(r, 5004); /* a peer that does not end then is cut */
    assert_true(c->is_gone);
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_request_is_answered_with_its_error),
        cmocka_unit_test(a_request_may_come_byte_by_byte),
        cmocka_unit_test(a_request_that_never_ends_is_refused_at_its_limit),
        cmocka_unit_test(everything_may_come_with_the_handshake),
        cmocka_unit_test(bytes_may_be_split_anywhere),
        cmocka_unit_test(subprotocols_decide_the_encoding),
        cmocka_unit_test(the_python_sdks_request_is_accepted),
        cmocka_unit_test(a_connection_over_the_limit_is_answered_503),
        cmocka_unit_test(a_silent_client_is_aborted_at_the_timeout),
        cmocka_unit_test(an_echo_comes_back_as_it_was),
        cmocka_unit_test(there_is_no_echo_unless_it_was_asked_for),
        cmocka_unit_test(an_echo_never_queues_much_more_than_the_limit),
        cmocka_unit_test(websocket_violations_close_with_their_code),
        cmocka_unit_test(the_peers_close_is_echoed_and_ends_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
