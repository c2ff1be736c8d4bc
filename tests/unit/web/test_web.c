/* SPDX-License-Identifier: Apache-2.0 */
/* test_web.c - web.h: requests and their answers. */
#include "rig.h"

static void a_request_is_answered_with_its_length(void **state)
{
    struct peer *p = connect_trusted(*state);

    peer_say(p, REQUEST("GET /now", ""));
    assert_string_equal(peer_text(p), "HTTP/1.1 200 OK\r\n"
                                      "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                      "Content-Type: text/plain\r\n"
                                      "Cache-Control: no-store\r\n"
                                      "Content-Length: 7\r\n\r\nnothing");
    peer_free(p);
}

static void HEAD_gets_the_head_alone(void **state)
{
    struct peer *p = connect_trusted(*state);

    peer_say(p, REQUEST("HEAD /now", ""));
    assert_true(has_text(p, "Content-Length: 7\r\n\r\n"));
    assert_false(has_text(p, "nothing"));
    peer_forget(p);
    peer_say(p, REQUEST("HEAD /nope", ""));
    assert_int_equal(peer_status(p), 404);
    assert_false(has_text(p, "{"));
    peer_forget(p);
    peer_say(p, "HEAD /now HTTP/1.1\r\n\r\n");
    assert_int_equal(peer_status(p), 400);
    assert_false(has_text(p, "{"));
    peer_free(p);
}

static void bodies_come_by_length_and_in_chunks(void **state)
{
    static const char *const requests[] = {
        REQUEST("POST /now", "Content-Length: 5\r\n") "hello",
        REQUEST("POST /now", "Transfer-Encoding: chunked\r\n") "2\r\nhe\r\n"
                                                               "3;x\r\nllo\r\n"
                                                               "0\r\n\r\n",
    };
    struct rig *r = *state;

    for (size_t i = 0; i < 2; i++)
        for (size_t step = 1; step <= strlen(requests[i]); step++) {
            struct peer *p = connect_trusted(r);
            size_t len = strlen(requests[i]);

            for (size_t at = 0; at < len; at += step)
                peer_bytes(p,
                           (struct pl_span){requests[i] + at,
                                            at + step < len ? step : len - at});
            pl_sim_advance(r->sim, 0);
            assert_int_equal(peer_status(p), 200);
            assert_true(has_text(p, "\r\n\r\nhello"));
            peer_free(p);
        }
}

static void requests_wait_for_one_another(void **state)
{
    struct rig *r = *state;
    struct peer *p = connect_trusted(r);

    peer_say(p, REQUEST("GET /later", "")
                    REQUEST("POST /now", "Content-Length: 2\r\n") "ab" REQUEST(
                        "GET /nope", ""));
    assert_int_equal(r->calls, 1);
    assert_true(p->is_paused);
    site_reply(r->served, PL_SPAN("first"));
    pl_sim_advance(r->sim, 0);
    assert_int_equal(r->calls, 2);
    const char *first = strstr(peer_text(p), "first");
    assert_non_null(first);
    const char *second = strstr(first, "\r\n\r\nab");
    assert_non_null(second);
    assert_non_null(strstr(second, "404"));
    assert_false(p->is_paused);
    assert_non_null(p->conn);
    peer_free(p);
}

static void a_refused_body_is_never_read(void **state)
{
    struct rig *r = *state;
    struct peer *p = connect_trusted(r);

    peer_say(p, REQUEST("POST /no", "Content-Length: 40\r\n")
                    REQUEST("GET /now", ""));
    assert_int_equal(peer_status(p), 401);
    assert_true(has_text(p, "Connection: close"));
    assert_true(p->is_ending);
    assert_int_equal(r->calls, 0);
    /* nor is what comes later */
    peer_say(p, REQUEST("GET /now", ""));
    assert_int_equal(r->calls, 0);
    peer_end(p);
    assert_null(p->conn);
    peer_free(p);
}

static void CONTINUE_is_said_only_when_the_head_is_taken(void **state)
{
    struct rig *r = *state;
    struct peer *p = connect_trusted(r);

    peer_say(p, REQUEST("POST /now",
                        "Content-Length: 2\r\nExpect: 100-continue\r\n"));
    assert_string_equal(peer_text(p), "HTTP/1.1 100 Continue\r\n\r\n");
    peer_forget(p);
    peer_say(p, "ab");
    assert_true(has_text(p, "HTTP/1.1 200 OK"));
    peer_free(p);
    p = connect_trusted(r);
    peer_say(p, REQUEST("POST /no",
                        "Content-Length: 2\r\nExpect: 100-continue\r\n"));
    assert_int_equal(peer_status(p), 401);
    assert_false(has_text(p, "100 Continue"));
    peer_free(p);
    p = connect_trusted(r);
    peer_say(p, REQUEST("POST /now", "Expect: a miracle\r\n"));
    assert_int_equal(peer_status(p), 417);
    peer_free(p);
}

static void what_follows_a_malformed_request_is_not_read(void **state)
{
    static const char *const bad[] = {
        REQUEST("POST /now", "Content-Length: 2\r\nContent-Length: 3\r\n"),
        REQUEST("POST /now", "Content-Length: +2\r\n"),
        REQUEST("POST /now", "Transfer-Encoding: xchunked\r\n"),
        REQUEST("POST /now", "Transfer-Encoding: chunked\r\n") "0x1\r\n",
        REQUEST("POST /now", "Transfer-Encoding: chunked\r\n") "1\r\nab",
        REQUEST("GET /now", "Host: y\r\n"),
        "GET /now HTTP/1.1\r\n\r\n",
        "GET /now HTTP/2.0\r\nHost: x\r\n\r\n",
        "get /now HTTP/1.1\r\nHost: x\r\n\r\n",
        "TRACE /now HTTP/1.1\r\nHost: x\r\n\r\n",
        "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        "\x16\x03\x01\x02",
    };
    struct rig *r = *state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct peer *p = connect_trusted(r);
        struct pl_buf b = {0};

        pl_buf_put_span(&b, pl_span_of(bad[i]));
        pl_buf_put_span(&b, PL_SPAN(REQUEST("GET /now", "")));
        peer_bytes(p, pl_buf_span(&b));
        pl_sim_advance(r->sim, 0);
        assert_in_range(peer_status(p), 400, 505);
        assert_false(has_text(p, "200 OK"));
        assert_true(p->is_ending);
        assert_int_equal(r->calls, 0);
        pl_buf_fini(&b);
        peer_free(p);
    }
}

static void a_stranger_gets_one_answer(void **state)
{
    struct rig *r = *state;
    struct peer *p = connect_stranger(r);

    peer_say(p, REQUEST("GET /now", "") REQUEST("GET /now", ""));
    assert_int_equal(r->calls, 1);
    assert_true(has_text(p, "Connection: close"));
    assert_true(p->is_ending);
    peer_free(p);
    p = connect_stranger(r);
    peer_say(p, KEYED("GET /now", "") REQUEST("GET /now", ""));
    assert_int_equal(r->calls, 3);
    assert_false(has_text(p, "Connection: close"));
    peer_free(p);
}

static void a_client_that_ends_its_half_gets_its_answer(void **state)
{
    struct rig *r = *state;
    struct peer *p = connect_trusted(r);

    peer_say(p, REQUEST("GET /later", ""));
    peer_end(p);
    assert_non_null(p->conn);
    site_reply(r->served, PL_SPAN("late"));
    pl_sim_advance(r->sim, 0);
    assert_true(has_text(p, "late"));
    assert_true(has_text(p, "Connection: close"));
    assert_true(p->is_ending);
    assert_int_equal(r->gone, 0);
    peer_free(p);
    /* in the middle of a request there is nothing to answer */
    p = connect_trusted(r);
    peer_say(p, REQUEST("POST /now", "Content-Length: 5\r\n") "ab");
    peer_end(p);
    assert_null(p->conn);
    peer_free(p);
}

static void a_party_is_told_once_how_it_ends(void **state)
{
    struct rig *r = *state;
    struct peer *p = connect_trusted(r);

    peer_say(p, REQUEST("GET /later", ""));
    peer_lose(p);
    pl_sim_advance(r->sim, 0);
    assert_int_equal(r->gone, 1);
    peer_free(p);
    p = connect_trusted(r);
    peer_say(p, REQUEST("GET /later", ""));
    site_reply(r->served, PL_SPAN("x"));
    pl_sim_advance(r->sim, 0);
    assert_int_equal(r->drained, 1);
    peer_lose(p);
    pl_sim_advance(r->sim, 0);
    assert_int_equal(r->gone, 1);
    peer_free(p);
}

/* --- Streams --- */

static void a_stream_comes_in_chunks_and_ends(void **state)
{
    struct rig *r = *state;
    struct peer *p = connect_trusted(r);

    peer_say(p, REQUEST("GET /stream", ""));
    assert_true(has_text(p, "Transfer-Encoding: chunked\r\n"));
    assert_int_equal(pl_web_stream_put(r->served, PL_SPAN("hello world\n")),
                     PL_OK);
    assert_int_equal(pl_web_stream_put(r->served, PL_SPAN("")), PL_OK);
    pl_sim_advance(r->sim, 0);
    assert_true(has_text(p, "\r\n\r\nc\r\nhello world\n\r\n"));
    assert_int_equal(r->drained, 2); /* of the head, too */
    pl_web_keep(r->served, NULL);
    pl_web_stream_end(r->served);
    pl_sim_advance(r->sim, 0);
    assert_true(has_text(p, "\n\r\n0\r\n\r\n"));
    assert_true(p->is_ending);
    peer_free(p);
}

static void a_stream_for_HTTP_1_0_ends_with_its_connection(void **state)
{
    struct rig *r = *state;
    struct peer *p = connect_trusted(r);

    peer_say(p, "GET /stream HTTP/1.0\r\n\r\n");
    assert_false(has_text(p, "Transfer-Encoding"));
    assert_true(has_text(p, "Connection: close"));
    pl_web_stream_put(r->served, PL_SPAN("hello\n"));
    pl_sim_advance(r->sim, 0);
    assert_true(has_text(p, "\r\n\r\nhello\n"));
    pl_web_keep(r->served, NULL);
    pl_web_stream_end(r->served);
    pl_sim_advance(r->sim, 0);
    assert_true(p->is_ending);
    peer_free(p);
}

static void a_reader_of_a_stream_that_ends_its_half_has_gone(void **state)
{
    struct rig *r = *state;
    struct peer *p = connect_trusted(r);

    peer_say(p, REQUEST("GET /stream", "") "and more");
    assert_false(p->is_paused); /* its end is to be seen */
    peer_end(p);
    assert_null(p->conn);
    assert_int_equal(r->gone, 1);
    peer_free(p);
}

static void a_stream_that_is_not_read_is_full(void **state)
{
    struct rig *r = *state;
    struct peer *p = connect_trusted(r);
    char text[STREAM_MAX];
    int count = 0;

    memset(text, 'x', sizeof text);
    peer_say(p, REQUEST("GET /stream", ""));
    p->space = 0;
    while (pl_web_stream_put(r->served, (struct pl_span){text, 100}) == PL_OK)
        assert_in_range(++count, 1, STREAM_MAX / 100);
    assert_in_range(count, STREAM_MAX / 200, STREAM_MAX / 100);
    /* into an empty one goes a text of any size */
    p->space = SIZE_MAX;
    take_output(r->served);
    p->space = 0;
    assert_int_equal(
        pl_web_stream_put(r->served, (struct pl_span){text, sizeof text}),
        PL_OK);
    assert_int_equal(
        pl_web_stream_put(r->served, (struct pl_span){text, sizeof text}),
        PL_EFULL);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(a_request_is_answered_with_its_length),
        WITH_RIG(HEAD_gets_the_head_alone),
        WITH_RIG(bodies_come_by_length_and_in_chunks),
        WITH_RIG(requests_wait_for_one_another),
        WITH_RIG(a_refused_body_is_never_read),
        WITH_RIG(CONTINUE_is_said_only_when_the_head_is_taken),
        WITH_RIG(what_follows_a_malformed_request_is_not_read),
        WITH_RIG(a_stranger_gets_one_answer),
        WITH_RIG(a_client_that_ends_its_half_gets_its_answer),
        WITH_RIG(a_party_is_told_once_how_it_ends),
        WITH_RIG(a_stream_comes_in_chunks_and_ends),
        WITH_RIG(a_stream_for_HTTP_1_0_ends_with_its_connection),
        WITH_RIG(a_reader_of_a_stream_that_ends_its_half_has_gone),
        WITH_RIG(a_stream_that_is_not_read_is_full),
    };

    return cmocka_run_group_tests_name("web", tests, NULL, NULL);
}
