/* SPDX-License-Identifier: Apache-2.0 */
/* handshake.h: what is read from a request and what is refused, each request
 * also cut at every place: whoever gives the beginning of it must hear "not
 * all here" or the same verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "handshake.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define HOST "Host: a.example\r\n"
#define UPGRADE "Upgrade: websocket\r\n"
#define CONNECTION "Connection: Upgrade\r\n"
#define KEY_LINE "Sec-WebSocket-Key: " KEY "\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define GET "GET /c HTTP/1.1\r\n"
#define REST UPGRADE CONNECTION KEY_LINE VERSION "\r\n"

/* The verdict on the first `len` bytes, from memory of just that size. */
static enum pl_err verdict(struct pl_span request, size_t len, int *status)
{
    char *copy = test_malloc(len > 0 ? len : 1);
    struct pl_handshake h;
    struct pl_handshake_error error = {0, NULL, false};
    size_t taken = 0;

    memcpy(copy, request.at, len);
    enum pl_err err =
        pl_handshake_read((struct pl_span){copy, len}, &h, &taken, &error);
    test_free(copy);
    *status = error.status;
    if (err == PL_EBADMSG)
        assert_non_null(error.text);
    else
        assert_null(error.text);
    return err;
}

static void assert_refused(struct pl_span request, int expected)
{
    int status;

    assert_int_equal(verdict(request, request.len, &status), PL_EBADMSG);
    if (status != expected)
        fail_msg("%d, not %d, for %.*s", status, expected, (int)request.len,
                 request.at);
    for (size_t len = 0; len < request.len; len++) {
        enum pl_err err = verdict(request, len, &status);

        if (err == PL_EAGAIN)
            continue;
        if (err != PL_EBADMSG || status != expected)
            fail_msg("%d for %zu bytes of %.*s", status, len, (int)request.len,
                     request.at);
    }
}

static void assert_read(struct pl_span request, struct pl_handshake *h)
{
    struct pl_handshake_error error = {0, NULL, false};
    size_t taken = 0;
    int status;

    if (pl_handshake_read(request, h, &taken, &error) != PL_OK)
        fail_msg("%d %s for %.*s", error.status, error.text, (int)request.len,
                 request.at);
    assert_int_equal(taken, request.len);
    for (size_t len = 0; len < request.len; len++)
        assert_int_equal(verdict(request, len, &status), PL_EAGAIN);
}

static void assert_span(struct pl_span s, const char *expected)
{
    if (expected == NULL) {
        assert_null(s.at);
        return;
    }
    assert_non_null(s.at);
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.at, expected, s.len);
}

static void the_request_of_rfc_6455_is_read(void **state)
{
    struct pl_span request =
        PL_SPAN("GET /chat HTTP/1.1\r\nHost: server.example.com\r\n"
                "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                "Origin: http://example.com\r\n"
                "Sec-WebSocket-Protocol: chat, superchat\r\n"
                "Sec-WebSocket-Version: 13\r\n\r\n");
    struct pl_handshake h;

    (void)state;
    assert_read(request, &h);
    assert_span(h.path, "/chat");
    assert_span(h.query, NULL);
    assert_span(h.host, "server.example.com");
    assert_span(h.origin, "http://example.com");
    assert_span(h.key, KEY);
    assert_span(h.protocols, "chat, superchat");
    assert_span(h.extensions, NULL);
    assert_span(h.forwarded_for, NULL);
    assert_ptr_equal(h.path.at, request.at + 4);
}

/* RFC 9110 section 5.6.1 lets lists be empty. */
static void a_list_without_elements_counts_as_absent(void **state)
{
    static const char *const fields[] = {
        "Sec-WebSocket-Protocol: \r\n",
        "Sec-WebSocket-Protocol:\r\n",
        "Sec-WebSocket-Protocol: , ,\r\n",
        "Sec-WebSocket-Protocol:\r\nSec-WebSocket-Protocol:\r\n",
        "Sec-WebSocket-Extensions:\r\n",
        "Sec-WebSocket-Extensions: ,\r\n",
        "Forwarded:\r\nX-Forwarded-For:\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct pl_buf b = {0};
        struct pl_handshake h;

        pl_buf_printf(&b, GET HOST "%s" REST, fields[i]);
        assert_read(pl_buf_span(&b), &h);
        assert_false(pl_handshake_offers(&h, ""));
        assert_false(pl_handshake_offers(&h, "a"));
        pl_buf_fini(&b);
    }
}

static void targets_are_split(void **state)
{
    static const struct {
        const char *target, *path, *query, *host;
    } rows[] = {
        {"/", "/", NULL, "a.example"},
        {"/connection/websocket", "/connection/websocket", NULL, "a.example"},
        {"/c?", "/c", "", "a.example"},
        {"/c?format=protobuf", "/c", "format=protobuf", "a.example"},
        {"/c?a=b&c=?/d", "/c", "a=b&c=?/d", "a.example"},
        {"/%2e/..//x", "/%2e/..//x", NULL, "a.example"},
        {"http://b.example/c", "/c", NULL, "b.example"},
        {"WS://b.example:81/c?d", "/c", "d", "b.example:81"},
        {"https://b.example", "/", NULL, "b.example"},
        {"wss://b.example?d", "/", "d", "b.example"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pl_buf b = {0};
        struct pl_handshake h;

        pl_buf_printf(&b, "GET %s HTTP/1.1\r\n" HOST REST, rows[i].target);
        assert_read(pl_buf_span(&b), &h);
        assert_span(h.path, rows[i].path);
        assert_span(h.query, rows[i].query);
        assert_span(h.host, rows[i].host);
        pl_buf_fini(&b);
    }
}

static void words_are_read_in_any_case_and_in_lists(void **state)
{
    static const char *const good[] = {
        GET "host:a.example\r\nUPGRADE: WebSocket\r\nconnection: upgrade\r\n"
            "sec-websocket-KEY:" KEY
            "\r\nSEC-WEBSOCKET-VERSION:\t13 \t\r\n\r\n",
        GET HOST "Upgrade: h2c, websocket\r\nConnection: keep-alive, Upgrade"
                 "\r\n" KEY_LINE VERSION "\r\n",
        GET HOST "Upgrade: h2c\r\nUpgrade:,websocket,\r\nConnection: x\r\n"
                 "Connection: , UPGRADE ,\r\n" KEY_LINE VERSION "\r\n",
        GET HOST "Content-Length: 0\r\n" REST,
        GET HOST "Content-Length: 000\r\n" REST,
        GET HOST "X-Empty:\r\nX-Odd: \x80\xFF \"a:b\"\r\n" REST,
        GET "Host: [::1]:8000\r\n" REST,
        GET "Host: 127.0.0.1\r\n" REST,
    };
    struct pl_handshake h;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_read(pl_span_of(good[i]), &h);
}

static void lists_over_several_fields_are_joined(void **state)
{
    struct pl_span request =
        PL_SPAN(GET HOST "Sec-WebSocket-Protocol: a, b\r\n"
                         "X-Forwarded-For: 1.1.1.1\r\n"
                         "sec-websocket-protocol: c\r\n"
                         "Sec-WebSocket-Extensions: x; y=\"1\"\r\n"
                         "SEC-WEBSOCKET-PROTOCOL: d\r\n"
                         "Sec-WebSocket-Extensions: z\r\n"
                         "X-Forwarded-For: 2.2.2.2, 3.3.3.3\r\n" REST);
    struct pl_handshake h;

    (void)state;
    assert_read(request, &h);
    assert_span(h.protocols, "a, b, c, d");
    assert_span(h.extensions, "x; y=\"1\", z");
    assert_span(h.forwarded_for, "1.1.1.1, 2.2.2.2, 3.3.3.3");
}

/* The place for joined lists is full to the last byte, and one over. */
static void joined_lists_have_a_limit(void **state)
{
    (void)state;
    for (int over = 0; over < 2; over++) {
        struct pl_buf b = {0};
        struct pl_handshake h;

        pl_buf_printf(&b,
                      GET HOST "X-Forwarded-For: %0600d\r\n"
                               "X-Forwarded-For: %0*d\r\n" REST,
                      1, 1024 - 600 - 2 + over, 2);
        if (over) {
            assert_refused(pl_buf_span(&b), 431);
        } else {
            assert_read(pl_buf_span(&b), &h);
            assert_int_equal(h.forwarded_for.len, sizeof h.joined);
        }
        pl_buf_fini(&b);
    }
}

static void a_single_list_may_be_as_long_as_a_line(void **state)
{
    struct pl_buf b = {0};
    struct pl_handshake h;

    (void)state;
    pl_buf_printf(&b, GET HOST "X-Forwarded-For: %05000d\r\n" REST, 1);
    assert_read(pl_buf_span(&b), &h);
    assert_int_equal(h.forwarded_for.len, 5000);
    assert_in_range(h.forwarded_for.at - b.data, 0, b.len);
    pl_buf_fini(&b);
}

static void bytes_after_the_request_are_left(void **state)
{
    struct pl_span request = PL_SPAN(GET HOST REST "\x81\x85\r\n\r\n\0GET");
    struct pl_handshake h;
    struct pl_handshake_error error;
    size_t taken = 0;

    (void)state;
    assert_int_equal(pl_handshake_read(request, &h, &taken, &error), PL_OK);
    assert_int_equal(taken, sizeof(GET HOST REST) - 1);
}

static void results_are_untouched_unless_ok(void **state)
{
    struct pl_handshake h = {.path = PL_SPAN("mine")};
    struct pl_handshake_error error = {7, "mine", false};
    size_t taken = 99;

    (void)state;
    assert_int_equal(
        pl_handshake_read(PL_SPAN(GET HOST UPGRADE), &h, &taken, &error),
        PL_EAGAIN);
    assert_int_equal(error.status, 7);
    assert_int_equal(pl_handshake_read(PL_SPAN("POST "), &h, &taken, &error),
                     PL_EBADMSG);
    assert_int_equal(error.status, 405);
    assert_int_equal(taken, 99);
    assert_span(h.path, "mine");
}

struct refusal {
    const char *request;
    size_t len;
    int status;
};

#define ROW(request, status)                                                   \
    {                                                                          \
        request, sizeof(request) - 1, status                                   \
    }

static void check_refusals(const struct refusal *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_refused((struct pl_span){rows[i].request, rows[i].len},
                       rows[i].status);
}

#define CHECK(rows) check_refusals(rows, sizeof(rows) / sizeof *(rows))

static void request_lines_that_are_wrong_are_refused(void **state)
{
    static const struct refusal rows[] = {
        ROW("POST /c HTTP/1.1\r\n" HOST REST, 405),
        ROW("HEAD / HTTP/1.1\r\n\r\n", 405),
        ROW("PATCH ", 405),
        ROW("GETS / HTTP/1.1\r\n\r\n", 501),
        ROW("GE / HTTP/1.1\r\n\r\n", 501),
        ROW("get / HTTP/1.1\r\n\r\n", 501),
        ROW("GETGETGETGETGETGE", 501),
        ROW("GET:", 400),
        ROW("\x16\x03\x01\x02", 400), /* TLS to a plain port */
        ROW(" GET / HTTP/1.1\r\n\r\n", 400),
        ROW("\r\n\r\n" GET HOST REST, 400),
        ROW("\n" GET HOST REST, 400),
        ROW("\r\nPOST /c HTTP/1.1\r\n" HOST REST, 405),
        ROW("\0", 400),
        ROW("GET\t/ HTTP/1.1\r\n\r\n", 400),
        ROW("GET\r\n", 400),
        ROW("GET \r\n", 400),
        ROW("GET /\r\n\r\n", 400),
        ROW("GET  / HTTP/1.1\r\n" HOST REST, 400),
        ROW("GET /  HTTP/1.1\r\n" HOST REST, 400),
        ROW("GET / HTTP/1.1 \r\n" HOST REST, 400),
        ROW("GET /a b HTTP/1.1\r\n" HOST REST, 400),
        ROW("GET /\ta HTTP/1.1\r\n" HOST REST, 400),
        ROW("GET /a#b HTTP/1.1\r\n" HOST REST, 400),
        ROW("GET /\xC3\xA9 HTTP/1.1\r\n" HOST REST, 400),
        ROW("GET c HTTP/1.1\r\n" HOST REST, 400),
        ROW("GET * HTTP/1.1\r\n" HOST REST, 400),
        ROW("GET a.example:80 HTTP/1.1\r\n" HOST REST, 400),
        ROW("GET ftp://a.example/ HTTP/1.1\r\n" HOST REST, 400),
        ROW("GET http:///c HTTP/1.1\r\n" HOST REST, 400),
        ROW("GET http://u@a.example/c HTTP/1.1\r\n" HOST REST, 400),
        ROW("GET / HTTP/1.0\r\n" HOST REST, 505),
        ROW("GET / HTTP/2.0\r\n" HOST REST, 505),
        ROW("GET / HTTP/0.9\r\n" HOST REST, 505),
        ROW("GET / HTTP/2\r\n" HOST REST, 400),
        ROW("GET / HTTP/11\r\n" HOST REST, 400),
        ROW("GET / http/1.1\r\n" HOST REST, 400),
        ROW("GET / HTTPS/1.1\r\n" HOST REST, 400),
        ROW("GET / HTTP/1.1x\r\n" HOST REST, 400),
    };

    (void)state;
    CHECK(rows);
}

static void lines_that_are_malformed_are_refused(void **state)
{
    static const struct refusal rows[] = {
        ROW("GET / HTTP/1.1\n" HOST REST, 400),
        ROW(GET "Host: a\n" REST, 400),
        ROW(GET "Host: a\r\r\n" REST, 400),
        ROW(GET "Host: a\rX: b\r\n" REST, 400),
        ROW(GET HOST "X: a\0b\r\n" REST, 400),
        ROW(GET HOST "X: a\x01\r\n" REST, 400),
        ROW(GET HOST "X: a\x7F\r\n" REST, 400),
        ROW(GET HOST "X: a long value with a bell in it\a and more\r\n" REST,
            400),
        ROW(GET HOST "X: a\r\n folded\r\n" REST, 400),
        ROW(GET HOST "X: a\r\n\tfolded\r\n" REST, 400),
        ROW(GET " X: a\r\n" HOST REST, 400),
        ROW(GET HOST "X : a\r\n" REST, 400),
        ROW(GET HOST "X\t: a\r\n" REST, 400),
        ROW(GET HOST ": a\r\n" REST, 400),
        ROW(GET HOST "X\r\n" REST, 400),
        ROW(GET HOST "X Y: a\r\n" REST, 400),
        ROW(GET HOST "X(Y): a\r\n" REST, 400),
        ROW(GET HOST "X\xC3: a\r\n" REST, 400),
        ROW(GET HOST "X\"Y: a\r\n" REST, 400),
        ROW(GET HOST UPGRADE CONNECTION KEY_LINE VERSION "\n", 400),
    };

    (void)state;
    CHECK(rows);
}

/* Long lines are searched in wide steps: every byte at every place of one. */
static void every_byte_in_a_long_value_is_judged_right(void **state)
{
    static const char request[] =
        GET HOST "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                 "\r\n" REST;
    char copy[sizeof request];
    size_t from = sizeof(GET HOST "X: ") - 1, to = from + 56;
    int status;

    (void)state;
    for (size_t at = from; at < to; at++)
        for (unsigned c = 0; c < 256; c++) {
            bool good = (c >= ' ' && c != 0x7F) || c == '\t';

            memcpy(copy, request, sizeof copy);
            copy[at] = (char)c;
            enum pl_err err = verdict((struct pl_span){copy, sizeof copy - 1},
                                      sizeof copy - 1, &status);
            assert_int_equal(err, good ? PL_OK : PL_EBADMSG);
            assert_int_equal(status, good ? 0 : 400);
        }
}

static void fields_that_are_missing_double_or_wrong_are_refused(void **state)
{
    static const struct refusal rows[] = {
        ROW(GET REST, 400), /* no Host */
        ROW(GET HOST HOST REST, 400),
        ROW(GET HOST "host: b.example\r\n" REST, 400),
        ROW(GET "Host:\r\n" REST, 400),
        ROW(GET "Host: :80\r\n" REST, 400),
        ROW(GET "Host: a b\r\n" REST, 400),
        ROW(GET "Host: a/b\r\n" REST, 400),
        ROW(GET "Host: a@b\r\n" REST, 400),
        ROW(GET "Host: a, b\r\n" REST, 400),
        ROW(GET "Host: \xC3\xA9\r\n" REST, 400),
        ROW(GET HOST KEY_LINE REST, 400), /* two keys */
        ROW(GET HOST VERSION REST, 400),
        ROW(GET HOST "Origin: a\r\nOrigin: a\r\n" REST, 400),
        ROW(GET HOST "Content-Length: 1\r\n" REST, 413),
        ROW(GET HOST "Content-Length: 99999999999999999999\r\n" REST, 413),
        ROW(GET HOST "Content-Length: -1\r\n" REST, 400),
        ROW(GET HOST "Content-Length: 0x0\r\n" REST, 400),
        ROW(GET HOST "Content-Length: 0, 0\r\n" REST, 400),
        ROW(GET HOST "Content-Length:\r\n" REST, 400),
        ROW(GET HOST "Content-Length: 0\r\nContent-Length: 0\r\n" REST, 400),
        ROW(GET HOST "Transfer-Encoding: chunked\r\n" REST, 413),
        ROW(GET HOST "Transfer-Encoding: identity\r\n" REST, 501),
        ROW(GET HOST "Transfer-Encoding:\r\n" REST, 400),
        /* a browser's visit, and upgrades to something else */
        ROW(GET HOST "\r\n", 426),
        ROW(GET HOST CONNECTION KEY_LINE VERSION "\r\n", 426),
        ROW(GET HOST UPGRADE KEY_LINE VERSION "\r\n", 426),
        ROW(GET HOST "Upgrade: h2c\r\n" CONNECTION KEY_LINE VERSION "\r\n",
            426),
        ROW(GET HOST "Upgrade: websockets\r\n" CONNECTION KEY_LINE VERSION
                     "\r\n",
            426),
        ROW(GET HOST UPGRADE "Connection: Upgraded\r\n" KEY_LINE VERSION "\r\n",
            426),
        ROW(GET HOST UPGRADE "Connection: keep-alive\r\n" KEY_LINE VERSION
                             "\r\n",
            426),
        ROW(GET HOST UPGRADE CONNECTION KEY_LINE "\r\n", 426),
        ROW(GET HOST UPGRADE CONNECTION KEY_LINE
            "Sec-WebSocket-Version: 8\r\n\r\n",
            426),
        ROW(GET HOST UPGRADE CONNECTION KEY_LINE
            "Sec-WebSocket-Version: 013\r\n\r\n",
            426),
        ROW(GET HOST UPGRADE CONNECTION KEY_LINE
            "Sec-WebSocket-Version: 14, 13\r\n\r\n",
            426),
    };

    (void)state;
    CHECK(rows);
}

static void a_key_is_sixteen_bytes_in_base64(void **state)
{
    static const struct refusal rows[] = {
#define WITH_KEY(key)                                                          \
    ROW(GET HOST UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: " key          \
                                            "\r\n\r\n",                        \
        400)
        WITH_KEY(""),
        WITH_KEY("dGhlIHNhbXBsZSBub25jZQ"),
        WITH_KEY("dGhlIHNhbXBsZSBub25jZQ="),
        WITH_KEY("dGhlIHNhbXBsZSBub25jZQA="),
        WITH_KEY("dGhlIHNhbXBsZSBub25jZQAA"),
        WITH_KEY("dGhlIHNhbXBsZSBub25j=Q=="),
        WITH_KEY("dGhlIHNhbXBsZSBub25jZQ==="),
        WITH_KEY("dGhlIHNhbXBsZSBub25jZ-=="),
        WITH_KEY("dGhlIHNhbXBsZSBub25j Q=="),
        WITH_KEY("========================"),
        ROW(GET HOST UPGRADE CONNECTION VERSION "\r\n", 400),
    };

    (void)state;
    CHECK(rows);
}

/* A request with a field whose whole line is `line` bytes long, and `more`
 * further fields of 20 bytes, line ends included. */
static struct pl_buf padded(size_t line, size_t more)
{
    struct pl_buf b = {0};

    pl_buf_printf(&b, GET HOST "X: %0*d\r\n", (int)line - 3, 1);
    for (size_t i = 0; i < more; i++)
        pl_buf_printf(&b, "X-%04zu: 0123456789\r\n", i);
    pl_buf_put_span(&b, PL_SPAN(REST));
    return b;
}

static void check_limit(struct pl_buf b, bool good)
{
    struct pl_handshake h;

    if (good)
        assert_read(pl_buf_span(&b), &h);
    else
        assert_refused(pl_buf_span(&b), 431);
    pl_buf_fini(&b);
}

static void limits_are_exact(void **state)
{
    (void)state;
    check_limit(padded(PL_HANDSHAKE_LINE_MAX, 0), true);
    check_limit(padded(PL_HANDSHAKE_LINE_MAX + 1, 0), false);
    /* Host, X and the four of REST are six fields */
    check_limit(padded(10, PL_HANDSHAKE_HEADERS_MAX - 6), true);
    check_limit(padded(10, PL_HANDSHAKE_HEADERS_MAX - 5), false);
}

static void the_whole_head_has_a_limit(void **state)
{
    size_t two = PL_HANDSHAKE_MAX - (sizeof(GET HOST REST) - 1) - 2 * 2;

    (void)state;
    for (size_t over = 0; over < 2; over++) {
        struct pl_buf b = {0};

        pl_buf_printf(&b, GET HOST "X: %0*d\r\nY: %0*d\r\n" REST,
                      (int)(two / 2) - 3, 1, (int)(two - two / 2 - 3 + over),
                      1);
        assert_int_equal(b.len, PL_HANDSHAKE_MAX + over);
        check_limit(b, over == 0);
    }
}

/* Limits are told when they are passed, not when the line or head ends. */
static void limits_are_told_at_once(void **state)
{
    static char line[PL_HANDSHAKE_LINE_MAX + 1];
    int status;

    (void)state;
    memset(line, 'a', sizeof line);
    memcpy(line, "GET /", 5);
    struct pl_span request = {line, sizeof line};
    assert_int_equal(verdict(request, sizeof line - 1, &status), PL_EAGAIN);
    assert_int_equal(verdict(request, sizeof line, &status), PL_EBADMSG);
    assert_int_equal(status, 414);

    struct pl_buf b = {0};
    pl_buf_printf(&b, GET "X: %08000d\r\nY: %08000d\r\nZ: ", 1, 2);
    while (b.len < PL_HANDSHAKE_MAX)
        pl_buf_put_byte(&b, 'z');
    request = pl_buf_span(&b);
    assert_int_equal(verdict(request, b.len - 1, &status), PL_EAGAIN);
    assert_int_equal(verdict(request, b.len, &status), PL_EBADMSG);
    assert_int_equal(status, 431);
    pl_buf_fini(&b);
}

static void what_is_wrong_is_told_at_its_byte(void **state)
{
    static const struct {
        const char *bytes;
        size_t good;
        int status;
    } rows[] = {
        {"POST ", 4, 405},
        {"GET\r\r", 4, 400},
        {"GEX ", 3, 501},
        {"\x16", 0, 400},
        {GET "Host: a\x01", sizeof(GET "Host: a") - 1, 400},
        {GET "Host: a\rb", sizeof(GET "Host: a\r") - 1, 400},
        {GET "Host: a\n", sizeof(GET "Host: a") - 1, 400},
        {GET HOST " ", sizeof(GET HOST) - 1, 400},
        {GET HOST "X\r\n", sizeof(GET HOST "X\r") - 1, 400},
        {"GET / HTTP/1.0\r\n", sizeof("GET / HTTP/1.0\r") - 1, 505},
        {GET HOST HOST, sizeof(GET HOST HOST) - 2, 400},
    };
    int status;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pl_span bytes = {rows[i].bytes, rows[i].good + 1};

        assert_int_equal(verdict(bytes, rows[i].good, &status), PL_EAGAIN);
        assert_int_equal(verdict(bytes, bytes.len, &status), PL_EBADMSG);
        assert_int_equal(status, rows[i].status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_of_rfc_6455_is_read),
        cmocka_unit_test(a_list_without_elements_counts_as_absent),
        cmocka_unit_test(targets_are_split),
        cmocka_unit_test(words_are_read_in_any_case_and_in_lists),
        cmocka_unit_test(lists_over_several_fields_are_joined),
        cmocka_unit_test(joined_lists_have_a_limit),
        cmocka_unit_test(a_single_list_may_be_as_long_as_a_line),
        cmocka_unit_test(bytes_after_the_request_are_left),
        cmocka_unit_test(results_are_untouched_unless_ok),
        cmocka_unit_test(request_lines_that_are_wrong_are_refused),
        cmocka_unit_test(lines_that_are_malformed_are_refused),
        cmocka_unit_test(every_byte_in_a_long_value_is_judged_right),
        cmocka_unit_test(fields_that_are_missing_double_or_wrong_are_refused),
        cmocka_unit_test(a_key_is_sixteen_bytes_in_base64),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(the_whole_head_has_a_limit),
        cmocka_unit_test(limits_are_told_at_once),
        cmocka_unit_test(what_is_wrong_is_told_at_its_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
