/* SPDX-License-Identifier: Apache-2.0 */
/* head.h: what is read from a head and what is refused.  Each request is also
 * cut at every place: the beginning must give "not all here" or the verdict of
 * the whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"
#include "head.h"

#define POST "POST /api HTTP/1.1\r\n"
#define HOST "Host: a.example\r\n"
#define ROW(text, status)                                                      \
    {                                                                          \
        {text, sizeof(text) - 1}, status                                       \
    }

struct row {
    struct pl_span request;
    int status; /* 0: it is read */
};

static const struct pl_http_rules rules = {.takes_old = true};

/* The verdict on the first `len` bytes, from memory of just that size. */
static enum pl_err verdict(struct pl_span request, size_t len, int *status)
{
    char *copy = test_malloc(len > 0 ? len : 1);
    struct pl_http_head h;
    struct pl_http_error error = {0};
    size_t taken;

    memcpy(copy, request.at, len);
    enum pl_err err = pl_http_head_read((struct pl_span){copy, len}, &rules, &h,
                                        &taken, &error);
    test_free(copy);
    *status = error.status;
    return err;
}

static void check(struct pl_span request, int expected)
{
    enum pl_err want = expected == 0 ? PL_OK : PL_EBADMSG;
    int status;

    if (verdict(request, request.len, &status) != want || status != expected)
        fail_msg("%d, not %d, for %.*s", status, expected, (int)request.len,
                 request.at);
    for (size_t len = 0; len < request.len; len++) {
        enum pl_err err = verdict(request, len, &status);

        if (err != PL_EAGAIN && (err != want || status != expected))
            fail_msg("%d for %zu bytes of %.*s", status, len, (int)request.len,
                     request.at);
    }
}

static void check_all(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check(rows[i].request, rows[i].status);
}
#define CHECK(rows) check_all(rows, sizeof rows / sizeof *rows)

static struct pl_http_head read_head(const char *text)
{
    struct pl_http_head h;
    struct pl_http_error error;
    size_t taken = 0;

    assert_int_equal(
        pl_http_head_read(pl_span_of(text), &rules, &h, &taken, &error), PL_OK);
    return h;
}

static void assert_span(struct pl_span s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.at, expected, s.len);
}

static void a_head_tells_where_its_body_ends(void **state)
{
    struct pl_http_head h =
        read_head(POST HOST "Content-Length: 0026\r\n"
                            "Expect: 100-Continue\r\n\r\nrest");

    (void)state;
    assert_span(h.method, "POST");
    assert_span(h.path, "/api");
    assert_null(h.query.at);
    assert_span(h.host, "a.example");
    assert_true(h.has_length && !h.is_chunked && h.wants_100);
    assert_int_equal(h.length, 26);
    assert_false(h.is_last || h.is_old);
    h = read_head(POST HOST "transfer-encoding: CHUNKED\r\n"
                            "Connection: x, Close\r\n\r\n");
    assert_true(h.is_chunked && h.is_last && !h.has_length);
    h = read_head(POST HOST "Content-Length: 9999999999999999999\r\n\r\n");
    assert_true(h.length == UINT64_MAX);
}

static void http_1_0_is_served_where_the_rules_take_it(void **state)
{
    static const struct pl_http_rules strict = {.takes_old = false};
    static const char text[] = "GET / HTTP/1.0\r\nExpect: x\r\n"
                               "Connection: keep-alive\r\n\r\n";
    struct pl_http_error error;
    struct pl_http_head h = read_head(text);
    size_t taken;

    (void)state;
    assert_true(h.is_old && h.is_last && !h.wants_100);
    assert_null(h.host.at);
    assert_int_equal(
        pl_http_head_read(pl_span_of(text), &strict, &h, &taken, &error),
        PL_EBADMSG);
    assert_int_equal(error.status, 505);
}

static void fields_are_given_one_by_one(void **state)
{
    struct pl_http_head h =
        read_head(POST HOST "A:\r\nB: \t c d \t\r\nA: 2\r\n\r\n");
    struct pl_span lines = h.lines, name, value;
    static const char *const expected[][2] = {
        {"Host", "a.example"}, {"A", ""}, {"B", "c d"}, {"A", "2"}};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_true(pl_http_field_next(&lines, &name, &value));
        assert_span(name, expected[i][0]);
        assert_span(value, expected[i][1]);
    }
    assert_false(pl_http_field_next(&lines, &name, &value));
}

/* What would let two readers see two different requests. */
static void what_could_be_read_in_two_ways_is_refused(void **state)
{
    static const struct row rows[] = {
        ROW(POST HOST "Content-Length: 2\r\nContent-Length: 3\r\n\r\n", 400),
        ROW(POST HOST "Content-Length: 2\r\nContent-Length: 2\r\n\r\n", 400),
        ROW(POST HOST "Content-Length: 1, 1\r\n\r\n", 400),
        ROW(POST HOST "Content-Length: +2\r\n\r\n", 400),
        ROW(POST HOST "Content-Length: -2\r\n\r\n", 400),
        ROW(POST HOST "Content-Length: 0x2\r\n\r\n", 400),
        ROW(POST HOST "Content-Length: 2 2\r\n\r\n", 400),
        ROW(POST HOST "Content-Length: 2;\r\n\r\n", 400),
        ROW(POST HOST "Content-Length:\r\n\r\n", 400),
        ROW(POST HOST "Content-Length: 2\0\r\n\r\n", 400),
        ROW(POST HOST "Content-Length : 2\r\n\r\n", 400),
        ROW(POST HOST "Content-Length\t: 2\r\n\r\n", 400),
        ROW(POST HOST "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
            400),
        ROW(POST HOST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
            400),
        ROW(POST HOST "Transfer-Encoding: xchunked\r\n\r\n", 501),
        ROW(POST HOST "Transfer-Encoding: chunkedx\r\n\r\n", 501),
        ROW(POST HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
        ROW(POST HOST "Transfer-Encoding: chunked, chunked\r\n\r\n", 501),
        ROW(POST HOST "Transfer-Encoding: chunked, identity\r\n\r\n", 501),
        ROW(POST HOST "Transfer-Encoding: identity\r\n\r\n", 501),
        ROW(POST HOST "Transfer-Encoding: \"chunked\"\r\n\r\n", 501),
        ROW(POST HOST "Transfer-Encoding: \x0b"
                      "chunked\r\n\r\n",
            400),
        ROW(POST HOST "Transfer-Encoding:\r\n\r\n", 400),
        ROW(POST HOST "Transfer-Encoding: chunked\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n",
            400),
        ROW(POST HOST "Transfer-Encoding : chunked\r\n\r\n", 400),
        ROW(POST HOST "Transfer-Encoding:\r\n chunked\r\n\r\n", 400),
        ROW("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ROW(POST HOST "X: a\nContent-Length: 2\r\n\r\n", 400),
        ROW(POST HOST "X: a\rContent-Length: 2\r\n\r\n", 400),
        ROW(POST HOST "X: a\r\n b\r\n\r\n", 400),
        ROW(POST HOST "X: a\r\n\tb\r\n\r\n", 400),
        ROW(POST HOST "X: a\0b\r\n\r\n", 400),
        ROW(POST HOST "X: a\x7f\r\n\r\n", 400),
        ROW(POST HOST "X\0: a\r\n\r\n", 400),
        ROW(POST HOST "X\r\n\r\n", 400),
        ROW(POST HOST ": a\r\n\r\n", 400),
        ROW("POST / HTTP/1.1\nHost: x\n\n", 400),
        ROW("POST / HTTP/1.1\r\nHost: x\r\n\n", 400),
        ROW(POST HOST "Expect: 200-ok\r\n\r\n", 417),
        ROW(POST HOST "Expect: 100-continue, x\r\n\r\n", 417),
    };

    (void)state;
    CHECK(rows);
}

static void a_request_has_one_host(void **state)
{
    static const struct row rows[] = {
        ROW(POST "\r\n", 400),
        ROW(POST HOST HOST "\r\n", 400),
        ROW(POST HOST "host: b\r\n\r\n", 400),
        ROW(POST "Host:\r\n\r\n", 400),
        ROW(POST "Host: a, b\r\n\r\n", 400),
        ROW(POST "Host: a b\r\n\r\n", 400),
        ROW(POST "Host: a/b\r\n\r\n", 400),
        ROW(POST "Host: u@a\r\n\r\n", 400),
        ROW(POST "Host: a:b\r\n\r\n", 400),
        ROW(POST "Host: [::1]:8001\r\n\r\n", 0),
        ROW("GET http://b/ HTTP/1.1\r\n\r\n", 400),
        ROW("GET / HTTP/1.0\r\n\r\n", 0),
        ROW("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    };

    (void)state;
    CHECK(rows);
}

static void request_lines_are_read_strictly(void **state)
{
    static const struct row rows[] = {
        ROW("\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 0),
        ROW("\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("GET /?q HTTP/1.1\r\n" HOST "\r\n", 0),
        ROW("GET http://b/x HTTP/1.1\r\n" HOST "\r\n", 0),
        ROW("GET http://u@b/x HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("GET http:///x HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("GET ftp://b/x HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("GET /#f HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("GET http://b/#f HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("GET x HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("GET * HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 0),
        ROW("GET / HTTP/1.1 \r\n" HOST "\r\n", 400),
        ROW("GET  / HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("GET /  HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("GET\t/ HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW(" GET / HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("GET / http/1.1\r\n" HOST "\r\n", 400),
        ROW("GET / HTTP/1.10\r\n" HOST "\r\n", 400),
        ROW("GET / HTTP/1\r\n" HOST "\r\n", 400),
        ROW("GET /\r\n", 400),
        ROW("GET\r\n", 400),
        ROW("GET / HTTP/2.0\r\n" HOST "\r\n", 505),
        ROW("GET / HTTP/0.9\r\n" HOST "\r\n", 505),
        ROW("G(T / HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("AVERYLONGMETHODNAME / HTTP/1.1\r\n", 501),
    };

    (void)state;
    CHECK(rows);
}

static void heads_lines_and_fields_are_bounded(void **state)
{
    struct pl_buf b = {0};

    (void)state;
    pl_buf_printf(&b, "GET /%0*d HTTP/1.1\r\n", PL_HTTP_LINE_MAX, 1);
    check(pl_buf_span(&b), 414);
    b.len = 0;
    pl_buf_printf(&b, POST HOST "X: %0*d\r\n", PL_HTTP_LINE_MAX, 1);
    check(pl_buf_span(&b), 431);
    b.len = 0;
    pl_buf_put_span(&b, PL_SPAN(POST));
    for (int i = 0; i <= PL_HTTP_FIELDS_MAX; i++)
        pl_buf_put_span(&b, PL_SPAN("X: a\r\n"));
    check(pl_buf_span(&b), 431);
    b.len = 0;
    pl_buf_printf(&b, POST HOST "X: %0*d\r\nX: %0*d\r\nX: %0*d\r\n", 6000, 1,
                  6000, 1, 6000, 1);
    check(pl_buf_span(&b), 431);
    pl_buf_fini(&b);
}

static enum pl_err only_get(void *arg, struct pl_span method,
                            struct pl_http_error *error)
{
    (void)arg;
    if (pl_span_equal(method, PL_SPAN("GET")))
        return PL_OK;
    return pl_http_refuse(error, 405, "no");
}

static void a_refused_head_says_whether_it_was_HEAD(void **state)
{
    const struct pl_http_rules get = {.method = only_get};
    struct pl_http_error error = {0};
    struct pl_http_head h;
    size_t taken;

    (void)state;
    assert_int_equal(
        pl_http_head_read(PL_SPAN("HEAD "), &get, &h, &taken, &error),
        PL_EBADMSG);
    assert_true(error.status == 405 && error.is_head);
    assert_int_equal(pl_http_head_read(PL_SPAN("HEAD / HTTP/1.1\r\nX\r\n"),
                                       &rules, &h, &taken, &error),
                     PL_EBADMSG);
    assert_true(error.status == 400 && error.is_head);
    /* methods are in capitals */
    assert_int_equal(
        pl_http_head_read(PL_SPAN("get "), &get, &h, &taken, &error),
        PL_EBADMSG);
    assert_true(error.status == 405 && !error.is_head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_tells_where_its_body_ends),
        cmocka_unit_test(http_1_0_is_served_where_the_rules_take_it),
        cmocka_unit_test(fields_are_given_one_by_one),
        cmocka_unit_test(what_could_be_read_in_two_ways_is_refused),
        cmocka_unit_test(a_request_has_one_host),
        cmocka_unit_test(request_lines_are_read_strictly),
        cmocka_unit_test(heads_lines_and_fields_are_bounded),
        cmocka_unit_test(a_refused_head_says_whether_it_was_HEAD),
    };

    return cmocka_run_group_tests_name("http_head", tests, NULL, NULL);
}
