/* SPDX-License-Identifier: Apache-2.0 */
/* opening.h: the request that a client writes, and what it takes of the
 * response.  Each response is also cut at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "handshake.h"
#include "opening.h"
#include "ws_feed.h"

/* The nonce of RFC 6455 section 1.3. */
#define NONCE "the sample nonce"
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define SWITCH "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define HEAD SWITCH UPGRADE ACCEPT
#define PROTOCOL "Sec-WebSocket-Protocol: "
#define EXTENSIONS "Sec-WebSocket-Extensions: "
#define DEFLATE "permessage-deflate; server_no_context_takeover"

static struct pl_opening opening(void)
{
    struct pl_opening o = {.host = PL_SPAN("a.example:81"),
                           .path = PL_SPAN("/chat")};

    memcpy(o.nonce, NONCE, sizeof o.nonce);
    return o;
}

/* Asks for everything that can be asked for. */
static struct pl_opening full(void)
{
    struct pl_opening o = opening();

    o.query = PL_SPAN("x=1");
    o.origin = PL_SPAN("https://a.example");
    o.protocols = PL_SPAN("one, two");
    o.offers_deflate = true;
    return o;
}

/* --- The request --- */

static void assert_written(const struct pl_opening *o, const char *expected)
{
    struct pl_buf b = {0};
    struct pl_http_failure why = {0};

    pl_buf_put_span(&b, PL_SPAN("before"));
    if (pl_opening_write(o, &b, &why) != PL_OK)
        fail_msg("%s", why.text);
    assert_int_equal(b.len - 6, strlen(expected));
    assert_memory_equal(b.data + 6, expected, b.len - 6);
    pl_buf_fini(&b);
}

#define MINIMUM                                                                \
    "GET /chat HTTP/1.1\r\nHost: a.example:81\r\nUpgrade: websocket\r\n"       \
    "Connection: Upgrade\r\n"                                                  \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"                          \
    "Sec-WebSocket-Version: 13\r\n"

static void a_request_has_what_is_needed_and_what_is_asked_for(void **state)
{
    static const struct pl_opening_field fields[] = {
        {{"Authorization", 13}, {"Bearer x", 8}}, {{"X-Empty", 7}, {"", 0}}};
    struct pl_opening o = opening();

    (void)state;
    assert_written(&o, MINIMUM "\r\n");
    o.fields = fields;
    o.field_count = 2;
    assert_written(&o, MINIMUM "Authorization: Bearer x\r\nX-Empty: \r\n\r\n");
    o = full();
    assert_written(&o,
                   "GET /chat?x=1 HTTP/1.1\r\nHost: a.example:81\r\n"
                   "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   "Sec-WebSocket-Version: 13\r\nOrigin: https://a.example\r\n"
                   "Sec-WebSocket-Protocol: one, two\r\n"
                   "Sec-WebSocket-Extensions: permessage-deflate; "
                   "server_no_context_takeover; client_no_context_takeover; "
                   "client_max_window_bits\r\n\r\n");
}

static void assert_refused(const struct pl_opening *o, const char *text,
                           const char *what)
{
    struct pl_buf b = {0};
    struct pl_http_failure why = {0};

    assert_int_equal(pl_opening_write(o, &b, &why), PL_EINVAL);
    assert_int_equal(b.len, 0);
    assert_string_equal(why.text, text);
    assert_int_equal(why.what.len, strlen(what));
    assert_memory_equal(why.what.at, what, why.what.len);
    assert_int_equal(why.status, 0);
    pl_buf_fini(&b);
}

static void reserved_fields_are_refused_by_name(void **state)
{
    static const char *const names[] = {
        "Host",           "HOST",
        "Connection",     "upgrade",
        "Origin",         "TE",
        "Trailer",        "Content-Length",
        "Expect",         "Transfer-Encoding",
        "Keep-Alive",     "Proxy-Authorization",
        "Proxy-",         "Sec-WebSocket-Key",
        "HTTP2-Settings", "sec-websocket-protocol"};
    static const char *const allowed[] = {"Hosts", "X-Host", "Proxy", "T",
                                          "Sec-WebSocket"};
    struct pl_opening_field field = {.value = PL_SPAN("x")};
    struct pl_opening o = opening();

    (void)state;
    o.fields = &field;
    o.field_count = 1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        field.name = pl_span_of(names[i]);
        assert_refused(&o, "this header field cannot be set", names[i]);
    }
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        struct pl_buf expected = {0};

        field.name = pl_span_of(allowed[i]);
        pl_buf_printf(&expected, MINIMUM "%s: x\r\n\r\n", allowed[i]);
        pl_buf_put_byte(&expected, '\0');
        assert_written(&o, expected.data);
        pl_buf_fini(&expected);
    }
}

static void no_field_can_begin_another_line(void **state)
{
    static const char name_error[] = "the name of a header field is not valid";
    static const char value_error[] = "a header field has a control character";
    static const struct {
        struct pl_opening_field field;
        const char *text;
    } rows[] = {
        {{{"", 0}, {"x", 1}}, name_error},
        {{{NULL, 0}, {NULL, 0}}, name_error},
        {{{"A B", 3}, {"x", 1}}, name_error},
        {{{"A:", 2}, {"x", 1}}, name_error},
        {{{"A\r\nB", 4}, {"x", 1}}, name_error},
        {{{"A\0B", 3}, {"x", 1}}, name_error},
        {{{"A", 1}, {"x\r\nHost: b", 10}}, value_error},
        {{{"A", 1}, {"x\n", 2}}, value_error},
        {{{"A", 1}, {"\r", 1}}, value_error},
        {{{"A", 1}, {"x\0y", 3}}, value_error},
        {{{"A", 1}, {"x\x7F", 2}}, value_error},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pl_opening o = opening();

        o.fields = &rows[i].field;
        o.field_count = 1;
        struct pl_buf b = {0};
        struct pl_http_failure why = {0};
        assert_int_equal(pl_opening_write(&o, &b, &why), PL_EINVAL);
        assert_string_equal(why.text, rows[i].text);
        assert_true(pl_span_equal(why.what, rows[i].field.name));
        assert_int_equal(b.len, 0);
    }
}

static void no_part_of_the_request_can_begin_another_line(void **state)
{
    static const char target[] = "this is not a path with a query";
    struct pl_opening o = opening();

    (void)state;
    o.host = PL_SPAN("a\r\nB: c");
    assert_refused(&o, "this is not a host", "Host");
    o.host = PL_SPAN("");
    assert_refused(&o, "this is not a host", "Host");
    static const struct pl_span paths[] = {
        {"", 0}, {"a", 1}, {"/ ", 2}, {"/\r\n", 3}, {"/#", 2}, {"/a?b", 4}};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        o = opening();
        o.path = paths[i];
        assert_refused(&o, target, "GET");
    }
    o = opening();
    o.query = PL_SPAN("a b");
    assert_refused(&o, target, "GET");
    o = opening();
    o.origin = PL_SPAN("a\nb");
    assert_refused(&o, "this is not an origin", "Origin");
    static const struct pl_span protocols[] = {
        {"", 0}, {",", 1}, {"a, a", 4}, {"a b", 3}, {"a\r\nB:", 6}};
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++) {
        o = opening();
        o.protocols = protocols[i];
        assert_refused(&o, "this is not a list of subprotocols",
                       "Sec-WebSocket-Protocol");
    }
}

static enum pl_err write_with(struct pl_opening *o, size_t count, size_t len)
{
    static char bytes[PL_HTTP_HEAD_MAX];
    static struct pl_opening_field fields[PL_HTTP_FIELDS_MAX];
    struct pl_buf b = {0};
    struct pl_http_failure why = {0};

    memset(bytes, 'x', sizeof bytes);
    for (size_t i = 0; i < count; i++)
        fields[i] = (struct pl_opening_field){{"A", 1}, {bytes, len}};
    o->fields = fields;
    o->field_count = count;
    enum pl_err err = pl_opening_write(o, &b, &why);
    assert_int_equal(err == PL_OK, why.text == NULL);
    if (err != PL_OK)
        assert_int_equal(b.len, 0);
    else
        assert_true(b.len <= PL_HTTP_HEAD_MAX);
    pl_buf_fini(&b);
    return err;
}

static void a_request_is_no_longer_than_a_server_takes(void **state)
{
    static char path[PL_HTTP_LINE_MAX];
    struct pl_opening o = full();

    (void)state;
    assert_int_equal(write_with(&o, PL_HTTP_FIELDS_MAX - 8, 1), PL_OK);
    assert_int_equal(write_with(&o, PL_HTTP_FIELDS_MAX - 7, 1), PL_ETOOBIG);
    assert_int_equal(write_with(&o, 1, PL_HTTP_LINE_MAX - 3), PL_OK);
    assert_int_equal(write_with(&o, 1, PL_HTTP_LINE_MAX - 2), PL_ETOOBIG);
    assert_int_equal(write_with(&o, 2, PL_HTTP_LINE_MAX - 3), PL_ETOOBIG);
    memset(path, '/', sizeof path);
    o.path = (struct pl_span){path, sizeof path - 13 - 4};
    assert_int_equal(write_with(&o, 0, 0), PL_OK);
    o.path.len++;
    assert_int_equal(write_with(&o, 0, 0), PL_ETOOBIG);
}

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool without_memory;

void *__wrap_realloc(void *old, size_t size)
{
    return without_memory ? NULL : __real_realloc(old, size);
}

static void without_memory_no_part_of_a_request_is_left(void **state)
{
    struct pl_opening o = full();
    struct pl_buf b = {0};
    struct pl_http_failure why;

    (void)state;
    pl_buf_put_span(&b, PL_SPAN("before"));
    without_memory = true;
    enum pl_err err = pl_opening_write(&o, &b, &why);
    without_memory = false;
    assert_int_equal(err, PL_ENOMEM);
    assert_int_equal(b.len, 6);
    pl_buf_fini(&b);
}

/* --- The response --- */

struct row {
    const char *response;
    enum pl_err err;
    int status;
    const char *text, *what;
};

/* The verdict on the first `len` bytes, from memory of just that size; for an
 * error it is compared with `row`. */
static enum pl_err verdict(const struct pl_opening *o, const struct row *row,
                           struct pl_span response, size_t len, size_t *taken,
                           struct pl_opened *out)
{
    char *copy = test_malloc(len > 0 ? len : 1);
    struct pl_http_failure why = {0};

    memcpy(copy, response.at, len);
    enum pl_err err =
        pl_opening_read(o, (struct pl_span){copy, len}, out, taken, &why);
    if (err == PL_EBADMSG || err == PL_EDENIED) {
        if (err != row->err || strcmp(why.text, row->text) != 0 ||
            !pl_span_equal(why.what, pl_span_of(row->what)))
            fail_msg("\"%s: %.*s\" for %s", why.text, (int)why.what.len,
                     why.what.at, row->response);
        assert_int_equal(why.status, row->status);
    }
    test_free(copy);
    return err;
}

static void check(const struct pl_opening *o, const struct row *row)
{
    struct pl_span response = pl_span_of(row->response);
    struct pl_opened opened;
    size_t taken = 0;

    if (verdict(o, row, response, response.len, &taken, &opened) != row->err)
        fail_msg("another verdict on %s", row->response);
    if (row->err == PL_OK)
        assert_int_equal(taken, response.len);
    for (size_t len = 0; len < response.len; len++) {
        enum pl_err err = verdict(o, row, response, len, &taken, &opened);

        if (err != PL_EAGAIN && (err == PL_OK || err != row->err))
            fail_msg("%zu bytes decide about %s", len, row->response);
    }
}

static void check_all(const struct pl_opening *o, const struct row *rows,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        check(o, &rows[i]);
}
#define CHECK(o, rows) check_all(o, rows, sizeof(rows) / sizeof *(rows))
#define GOOD(response)                                                         \
    {                                                                          \
        response, PL_OK, 0, NULL, NULL                                         \
    }
#define BAD(response, text, what)                                              \
    {                                                                          \
        response, PL_EBADMSG, 101, text, what                                  \
    }

static void another_status_is_told_with_its_reason(void **state)
{
    static const char no[] = "the server did not open the WebSocket";
    static const char redirects[] =
        "the server redirects, which is not followed";
    static const char denied[] = "the server does not admit this client";
    static const struct row rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", PL_EDENIED, 200, no,
         "OK"},
        {"HTTP/1.1 301 Moved Permanently\r\nLocation: ws://b/\r\n\r\n",
         PL_EDENIED, 301, redirects, "Moved Permanently"},
        {"HTTP/1.1 401 Unauthorized\r\n\r\n", PL_EDENIED, 401, denied,
         "Unauthorized"},
        {"HTTP/1.1 403 Forbidden\r\n\r\n", PL_EDENIED, 403, denied,
         "Forbidden"},
        {"HTTP/1.1 404 Not Found\r\n\r\n", PL_EDENIED, 404, no, "Not Found"},
        {"HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 8\r\n\r\n",
         PL_EDENIED, 426, no, "Upgrade Required"},
        {"HTTP/1.1 503\r\n\r\n", PL_EDENIED, 503, no, ""},
        {"HTTP/1.0 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n", PL_EDENIED,
         503, no, "Busy"},
        {"HTTP/1.1 204 \xE2\x98\x83\r\n\r\n", PL_EDENIED, 204, no, ""},
    };
    struct pl_opening o = full();
    struct pl_http_failure why;
    struct pl_opened opened;
    size_t taken;

    (void)state;
    CHECK(&o, rows);
    assert_int_equal(
        pl_opening_read(&o, PL_SPAN("HTTP/1.1 503 x\r\nRetry-After: 7\r\n\r\n"),
                        &opened, &taken, &why),
        PL_EDENIED);
    assert_int_equal(why.retry_after_s, 7);
}

static void the_server_must_prove_that_it_has_read_the_key(void **state)
{
    static const char missing[] = "the proof of the server is missing";
    static const char wrong[] = "the proof of the server is wrong";
    static const char field[] = "Sec-WebSocket-Accept";
    static const struct row rows[] = {
        GOOD(SWITCH UPGRADE ACCEPT "\r\n"),
        GOOD(SWITCH
             "SEC-WEBSOCKET-ACCEPT:s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \r\n" UPGRADE
             "\r\n"),
        BAD(SWITCH UPGRADE "\r\n", missing, field),
        BAD(SWITCH UPGRADE "Sec-WebSocket-Accept:\r\n\r\n", wrong, field),
        BAD(SWITCH UPGRADE "Sec-WebSocket-Accept: "
                           "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
            wrong, field),
        BAD(SWITCH UPGRADE "Sec-WebSocket-Accept: "
                           "dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            wrong, field),
        BAD(SWITCH UPGRADE "Sec-WebSocket-Accept: "
                           "s3pPLMBiTxaQ9kYGzzhZRbK+xOo\r\n\r\n",
            wrong, field),
        BAD(SWITCH UPGRADE ACCEPT ACCEPT "\r\n",
            "a header field is given twice", field),
        BAD(SWITCH UPGRADE ACCEPT "Sec-WebSocket-Accept: x\r\n\r\n",
            "a header field is given twice", field),
    };
    struct pl_opening o = opening();

    (void)state;
    CHECK(&o, rows);
}

static void a_101_must_switch_to_websocket(void **state)
{
    static const char no[] = "the server did not switch to WebSocket";
    static const struct row rows[] = {
        GOOD(SWITCH "uPGRADE: WebSocket\r\nCONNECTION: keep-alive, "
                    "uPGRADE\r\n" ACCEPT "\r\n"),
        GOOD(SWITCH "Connection: keep-alive\r\nConnection: Upgrade\r\n"
                    "Upgrade: websocket\r\n" ACCEPT "\r\n"),
        BAD(SWITCH "Connection: Upgrade\r\n" ACCEPT "\r\n", no, "Upgrade"),
        BAD(SWITCH "Connection: Upgrade\r\nUpgrade:\r\n" ACCEPT "\r\n", no,
            "Upgrade"),
        BAD(SWITCH "Connection: Upgrade\r\nUpgrade: h2c\r\n" ACCEPT "\r\n", no,
            "Upgrade"),
        BAD(SWITCH "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n" ACCEPT
                   "\r\n",
            no, "Upgrade"),
        BAD(SWITCH UPGRADE "Upgrade: websocket\r\n" ACCEPT "\r\n", no,
            "Upgrade"),
        BAD(SWITCH "Upgrade: websocket\r\n" ACCEPT "\r\n", no, "Connection"),
        BAD(SWITCH "Upgrade: websocket\r\nConnection: close\r\n" ACCEPT "\r\n",
            no, "Connection"),
        BAD(SWITCH "Upgrade: websocket\r\nConnection: Upgraded\r\n" ACCEPT
                   "\r\n",
            no, "Connection"),
    };
    struct pl_opening o = opening();

    (void)state;
    CHECK(&o, rows);
}

static void a_101_of_http_1_0_or_with_a_body_is_refused(void **state)
{
    static const char body[] = "the response has a body";
    static const struct row rows[] = {
        BAD("HTTP/1.0 101 Switching Protocols\r\n" UPGRADE ACCEPT "\r\n",
            "HTTP/1.0 cannot switch protocols", ""),
        GOOD("HTTP/1.2 101 Switching Protocols\r\n" UPGRADE ACCEPT "\r\n"),
        BAD(HEAD "Transfer-Encoding: chunked\r\n\r\n", body,
            "Transfer-Encoding"),
        BAD(HEAD "transfer-encoding: identity\r\n\r\n", body,
            "Transfer-Encoding"),
        BAD(HEAD "Content-Length: 5\r\n\r\n", body, "Content-Length"),
        BAD(HEAD "Content-Length: \r\n\r\n", body, "Content-Length"),
        GOOD(HEAD "Content-Length: 0\r\n\r\n"),
        GOOD("HTTP/1.1 100 Continue\r\n\r\n" HEAD "\r\n"),
        GOOD("HTTP/1.1 103 Hints\r\nLink: </x>\r\n\r\n"
             "HTTP/1.1 102 Wait\r\n\r\n" HEAD "\r\n"),
    };
    struct pl_opening o = opening();

    (void)state;
    CHECK(&o, rows);
}

static void a_subprotocol_is_one_of_those_offered(void **state)
{
    static const char other[] =
        "the server chose a subprotocol that was not offered";
    static const char field[] = "Sec-WebSocket-Protocol";
    static const struct row rows[] = {
        GOOD(HEAD "\r\n"),
        GOOD(HEAD PROTOCOL "two\r\n\r\n"),
        BAD(HEAD PROTOCOL "three\r\n\r\n", other, field),
        BAD(HEAD PROTOCOL "Two\r\n\r\n", other, field),
        BAD(HEAD PROTOCOL "one, two\r\n\r\n", other, field),
        BAD(HEAD PROTOCOL "\r\n\r\n", other, field),
        BAD(HEAD PROTOCOL "one\r\n" PROTOCOL "two\r\n\r\n",
            "a header field is given twice", field),
        BAD(HEAD PROTOCOL "one\r\n" PROTOCOL "one\r\n\r\n",
            "a header field is given twice", field),
    };
    static const struct row unasked[] = {
        GOOD(HEAD "\r\n"),
        BAD(HEAD PROTOCOL "one\r\n\r\n", other, field),
        BAD(HEAD PROTOCOL "\r\n\r\n", other, field),
    };
    struct pl_opening o = full(), without = opening();
    struct pl_opened opened;
    struct pl_http_failure why;
    size_t taken;

    (void)state;
    CHECK(&o, rows);
    CHECK(&without, unasked);
    assert_int_equal(pl_opening_read(&o, PL_SPAN(HEAD PROTOCOL "two\r\n\r\n"),
                                     &opened, &taken, &why),
                     PL_OK);
    assert_ptr_equal(opened.protocol.at, o.protocols.at + 5);
    assert_int_equal(opened.protocol.len, 3);
    assert_int_equal(
        pl_opening_read(&o, PL_SPAN(HEAD "\r\n"), &opened, &taken, &why),
        PL_OK);
    assert_null(opened.protocol.at);
}

static void an_extension_is_the_one_offered(void **state)
{
    static const char field[] = "Sec-WebSocket-Extensions";
    static const char other[] =
        "the server accepted other extensions than were offered";
    static const struct row rows[] = {
        GOOD(HEAD "\r\n"),
        GOOD(HEAD EXTENSIONS "\r\n\r\n"),
        GOOD(HEAD EXTENSIONS DEFLATE "\r\n\r\n"),
        BAD(HEAD EXTENSIONS DEFLATE "; client_max_window_bits=7\r\n\r\n", other,
            field),
        BAD(HEAD EXTENSIONS "x-other\r\n\r\n", other, field),
        BAD(HEAD EXTENSIONS "permessage-deflate\r\n\r\n",
            "the server keeps its context between messages", field),
        BAD(HEAD EXTENSIONS DEFLATE ", " DEFLATE "\r\n\r\n",
            "the server accepted more than one extension", field),
        BAD(HEAD EXTENSIONS DEFLATE "\r\n" EXTENSIONS DEFLATE "\r\n\r\n",
            "a header field is given twice", field),
        BAD(HEAD EXTENSIONS DEFLATE ";\r\n\r\n", "a header field is malformed",
            field),
        BAD(HEAD EXTENSIONS DEFLATE "; x=\"\r\n\r\n",
            "a header field is malformed", field),
    };
    static const struct row unasked[] = {
        GOOD(HEAD "\r\n"),
        BAD(HEAD EXTENSIONS DEFLATE "\r\n\r\n", other, field),
    };
    struct pl_opening o = full(), without = opening();
    struct pl_opened opened;
    struct pl_http_failure why;
    size_t taken;

    (void)state;
    CHECK(&o, rows);
    CHECK(&without, unasked);
    assert_int_equal(
        pl_opening_read(&o,
                        PL_SPAN(HEAD EXTENSIONS DEFLATE
                                "; client_max_window_bits=10\r\n\r\n"),
                        &opened, &taken, &why),
        PL_OK);
    assert_int_equal(opened.deflate, PL_DEFLATE_NARROW);
    assert_int_equal(
        pl_opening_read(&o, PL_SPAN(HEAD "\r\n"), &opened, &taken, &why),
        PL_OK);
    assert_int_equal(opened.deflate, PL_DEFLATE_NONE);
}

static void heads_that_are_malformed_or_without_end_are_refused(void **state)
{
    static const struct row rows[] = {
        {"SSH-2.0-x\r\n", PL_EBADMSG, 0, "this is not an HTTP response", ""},
        {SWITCH UPGRADE "\n" ACCEPT "\r\n", PL_EBADMSG, 0,
         "a line does not end in CR LF", ""},
        {HEAD " folded\r\n\r\n", PL_EBADMSG, 0, "a header line is folded", ""},
    };
    static const struct row limit = {"", PL_EBADMSG, 0,
                                     "too many header fields", ""};
    struct pl_opening o = opening();
    struct pl_buf b = {0};
    struct pl_opened opened;
    size_t taken;

    (void)state;
    CHECK(&o, rows);
    pl_buf_put_span(&b, PL_SPAN(HEAD));
    for (int i = 0; i < 10000; i++)
        pl_buf_put_span(&b, PL_SPAN("a:\r\n"));
    assert_int_equal(
        verdict(&o, &limit, pl_buf_span(&b), b.len, &taken, &opened),
        PL_EBADMSG);
    pl_buf_fini(&b);
}

/* The head may end anywhere in what is read: the frames behind it are not
 * lost. */
static void frames_in_the_segment_of_the_head_are_read_after_it(void **state)
{
    static const char frames[] = "\x81\x05Hello\x89\x01p\x88\x02\x03\xE8";
    struct pl_ws_limits limits = {.max_message = 100, .masked = false};
    struct pl_opening o = opening();
    struct pl_buf b = {0};
    size_t head = sizeof HEAD "\r\n" - 1;

    (void)state;
    pl_buf_put_span(&b, PL_SPAN(HEAD "\r\n"));
    pl_buf_put(&b, frames, sizeof frames - 1);
    for (size_t len = 0; len <= b.len; len++) {
        struct pl_opened opened;
        struct pl_http_failure why;
        struct pl_buf log = {0};
        size_t taken = 0;

        enum pl_err err = pl_opening_read(&o, (struct pl_span){b.data, len},
                                          &opened, &taken, &why);
        assert_int_equal(err, len < head ? PL_EAGAIN : PL_OK);
        if (err != PL_OK)
            continue;
        assert_int_equal(taken, head);
        ws_feed(&log, &limits, (struct pl_span){b.data + taken, b.len - taken},
                len - taken > 0 ? len - taken : 1, b.len);
        pl_buf_put_byte(&log, '\0');
        assert_string_equal(log.data, "text=Hello ping=p close=1000/");
        pl_buf_fini(&log);
    }
    pl_buf_fini(&b);
}

static void our_server_and_our_client_agree(void **state)
{
    struct pl_opening o = full();
    struct pl_buf request = {0}, response = {0};
    struct pl_http_failure why;
    struct pl_handshake h;
    struct pl_handshake_error error;
    struct pl_deflate_terms terms;
    struct pl_opened opened;
    size_t taken;

    (void)state;
    assert_int_equal(pl_opening_write(&o, &request, &why), PL_OK);
    assert_int_equal(
        pl_handshake_read(pl_buf_span(&request), &h, &taken, &error), PL_OK);
    assert_int_equal(taken, request.len);
    assert_true(pl_handshake_offers(&h, "two"));
    assert_true(pl_handshake_query_has(&h, "x", "1"));
    pl_deflate_choose(h.extensions, &terms);
    pl_handshake_accept(&response, &h, "one", terms.answer);
    assert_int_equal(
        pl_opening_read(&o, pl_buf_span(&response), &opened, &taken, &why),
        PL_OK);
    assert_int_equal(taken, response.len);
    assert_int_equal(opened.deflate, PL_DEFLATE_WIDE);
    assert_true(pl_span_equal(opened.protocol, PL_SPAN("one")));
    response.len = 0;
    error = (struct pl_handshake_error){503, "busy", false};
    pl_handshake_refuse(&response, error, 0);
    assert_int_equal(
        pl_opening_read(&o, pl_buf_span(&response), &opened, &taken, &why),
        PL_EDENIED);
    assert_int_equal(why.status, 503);
    assert_int_equal(why.retry_after_s, 1);
    pl_buf_fini(&request);
    pl_buf_fini(&response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_has_what_is_needed_and_what_is_asked_for),
        cmocka_unit_test(reserved_fields_are_refused_by_name),
        cmocka_unit_test(no_field_can_begin_another_line),
        cmocka_unit_test(no_part_of_the_request_can_begin_another_line),
        cmocka_unit_test(a_request_is_no_longer_than_a_server_takes),
        cmocka_unit_test(without_memory_no_part_of_a_request_is_left),
        cmocka_unit_test(another_status_is_told_with_its_reason),
        cmocka_unit_test(the_server_must_prove_that_it_has_read_the_key),
        cmocka_unit_test(a_101_must_switch_to_websocket),
        cmocka_unit_test(a_101_of_http_1_0_or_with_a_body_is_refused),
        cmocka_unit_test(a_subprotocol_is_one_of_those_offered),
        cmocka_unit_test(an_extension_is_the_one_offered),
        cmocka_unit_test(heads_that_are_malformed_or_without_end_are_refused),
        cmocka_unit_test(frames_in_the_segment_of_the_head_are_read_after_it),
        cmocka_unit_test(our_server_and_our_client_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
