/* SPDX-License-Identifier: Apache-2.0 */
/* handshake.h: the answers, and what a request offers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "handshake.h"

static const struct pl_span rfc_key = {"dGhlIHNhbXBsZSBub25jZQ==", 24};

static void assert_text(struct pl_buf *b, const char *expected)
{
    assert_false(b->failed);
    pl_buf_put_byte(b, '\0');
    assert_string_equal(b->data, expected);
    pl_buf_fini(b);
}

static void the_accept_key_of_rfc_6455_comes_out(void **state)
{
    char accept[PL_HANDSHAKE_ACCEPT_LEN + 1];

    (void)state;
    memset(accept, 'x', sizeof accept);
    pl_handshake_accept_key(rfc_key, accept);
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void the_answer_names_what_was_chosen(void **state)
{
    struct pl_handshake h = {.key = rfc_key};
    struct pl_buf b = {0};

    (void)state;
    pl_handshake_accept(&b, &h, NULL, NULL);
    assert_text(&b, "HTTP/1.1 101 Switching Protocols\r\n"
                    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                    "\r\n");
    pl_handshake_accept(&b, &h, "chat", "x; y");
    assert_text(&b, "HTTP/1.1 101 Switching Protocols\r\n"
                    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                    "Sec-WebSocket-Protocol: chat\r\n"
                    "Sec-WebSocket-Extensions: x; y\r\n\r\n");
}

static void a_refusal_is_a_whole_answer_that_closes(void **state)
{
    struct pl_buf b = {0};

    (void)state;
    pl_handshake_refuse(
        &b, (struct pl_handshake_error){400, "it is wrong", false}, 784111777);
    assert_text(&b, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"
                    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                    "Content-Type: text/plain\r\nContent-Length: 12\r\n\r\n"
                    "it is wrong\n");
}

static void a_refused_head_is_answered_without_a_body(void **state)
{
    struct pl_buf b = {0};

    (void)state;
    pl_handshake_refuse(
        &b, (struct pl_handshake_error){405, "it is wrong", true}, 0);
    assert_text(&b, "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\n"
                    "Allow: GET\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                    "\r\n");
}

static void a_refusal_says_what_its_status_needs(void **state)
{
    static const struct {
        int status;
        const char *line, *field;
    } rows[] = {
        {400, "HTTP/1.1 400 Bad Request\r\n", ""},
        {403, "HTTP/1.1 403 Forbidden\r\n", ""},
        {404, "HTTP/1.1 404 Not Found\r\n", ""},
        {405, "HTTP/1.1 405 Method Not Allowed\r\n", "\r\nAllow: GET\r\n"},
        {413, "HTTP/1.1 413 Content Too Large\r\n", ""},
        {414, "HTTP/1.1 414 URI Too Long\r\n", ""},
        {426, "HTTP/1.1 426 Upgrade Required\r\n",
         "\r\nSec-WebSocket-Version: 13\r\n"},
        {426, "HTTP/1.1 426 ", "\r\nUpgrade: websocket\r\n"},
        {426, "HTTP/1.1 426 ", "\r\nConnection: close, Upgrade\r\n"},
        {421, "HTTP/1.1 421 Misdirected Request\r\n", ""},
        {431, "HTTP/1.1 431 Request Header Fields Too Large\r\n", ""},
        {501, "HTTP/1.1 501 Not Implemented\r\n", ""},
        {503, "HTTP/1.1 503 Service Unavailable\r\n", "\r\nRetry-After: "},
        {505, "HTTP/1.1 505 HTTP Version Not Supported\r\n", ""},
        {599, "HTTP/1.1 599 Error\r\n", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pl_buf b = {0};

        pl_handshake_refuse(
            &b, (struct pl_handshake_error){rows[i].status, "x", false}, 0);
        pl_buf_put_byte(&b, '\0');
        assert_memory_equal(b.data, rows[i].line, strlen(rows[i].line));
        assert_non_null(strstr(b.data, rows[i].field));
        assert_non_null(strstr(b.data, "\r\nConnection: close"));
        assert_non_null(strstr(b.data, "\r\n\r\nx\n"));
        pl_buf_fini(&b);
    }
}

static void subprotocols_are_offered_as_whole_words(void **state)
{
    struct pl_handshake h = {
        .protocols = PL_SPAN("centrifuge-json ,, a\t,centrifuge-protobuf")};
    struct pl_handshake none = {0};

    (void)state;
    assert_true(pl_handshake_offers(&h, "centrifuge-json"));
    assert_true(pl_handshake_offers(&h, "a"));
    assert_true(pl_handshake_offers(&h, "centrifuge-protobuf"));
    assert_false(pl_handshake_offers(&h, "centrifuge"));
    assert_false(pl_handshake_offers(&h, "Centrifuge-JSON"));
    assert_false(pl_handshake_offers(&h, ""));
    assert_false(pl_handshake_offers(&none, "a"));
}

static void the_query_has_whole_pairs(void **state)
{
    struct pl_handshake h = {.query = PL_SPAN("a=b&format=protobuf&c&d=")};
    struct pl_handshake none = {0}, empty = {.query = PL_SPAN("")};

    (void)state;
    assert_true(pl_handshake_query_has(&h, "format", "protobuf"));
    assert_true(pl_handshake_query_has(&h, "a", "b"));
    assert_true(pl_handshake_query_has(&h, "d", ""));
    assert_false(pl_handshake_query_has(&h, "c", ""));
    assert_false(pl_handshake_query_has(&h, "format", "proto"));
    assert_false(pl_handshake_query_has(&h, "format", "protobuf2"));
    assert_false(pl_handshake_query_has(&h, "ormat", "protobuf"));
    assert_false(pl_handshake_query_has(&h, "b", "b"));
    assert_false(pl_handshake_query_has(&none, "a", "b"));
    assert_false(pl_handshake_query_has(&empty, "a", "b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_accept_key_of_rfc_6455_comes_out),
        cmocka_unit_test(the_answer_names_what_was_chosen),
        cmocka_unit_test(a_refusal_is_a_whole_answer_that_closes),
        cmocka_unit_test(a_refused_head_is_answered_without_a_body),
        cmocka_unit_test(a_refusal_says_what_its_status_needs),
        cmocka_unit_test(subprotocols_are_offered_as_whole_words),
        cmocka_unit_test(the_query_has_whole_pairs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
