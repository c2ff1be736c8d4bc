/* SPDX-License-Identifier: Apache-2.0 */
/* response.h: what is read from the head of a response and what is refused.
 * Each response is also cut at every place: the beginning must give "not all
 * here" or the verdict of the whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"
#include "response.h"

#define OK "HTTP/1.1 200 OK\r\n"

struct row {
    struct pl_span response;
    const char *text; /* NULL: it is read */
};

#define ROW(response, text)                                                    \
    {                                                                          \
        {response, sizeof(response) - 1}, text                                 \
    }

/* The verdict on the first `len` bytes, from memory of just that size. */
static enum pl_err verdict(struct pl_span response, size_t len,
                           const char **text)
{
    char *copy = test_malloc(len > 0 ? len : 1);
    struct pl_http_response r;
    struct pl_http_failure why = {0};
    size_t taken;

    memcpy(copy, response.at, len);
    enum pl_err err =
        pl_http_response_read((struct pl_span){copy, len}, &r, &taken, &why);
    test_free(copy);
    *text = why.text;
    assert_int_equal(why.status, 0);
    return err;
}

static bool is_text(const char *text, const char *expected)
{
    return expected == NULL ? text == NULL
                            : text != NULL && strcmp(text, expected) == 0;
}

static void check(struct pl_span response, const char *expected)
{
    enum pl_err want = expected == NULL ? PL_OK : PL_EBADMSG;
    const char *text;

    if (verdict(response, response.len, &text) != want ||
        !is_text(text, expected))
        fail_msg("\"%s\", not \"%s\", for %.*s", text, expected,
                 (int)response.len, response.at);
    for (size_t len = 0; len < response.len; len++) {
        enum pl_err err = verdict(response, len, &text);

        if (err != PL_EAGAIN && (err != want || !is_text(text, expected)))
            fail_msg("\"%s\" for %zu bytes of %.*s", text, len,
                     (int)response.len, response.at);
    }
}

static void check_all(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check(rows[i].response, rows[i].text);
}
#define CHECK(rows) check_all(rows, sizeof rows / sizeof *rows)

static struct pl_http_response read_head(struct pl_span text, size_t taken)
{
    struct pl_http_response r;
    struct pl_http_failure why;
    size_t len = 0;

    assert_int_equal(pl_http_response_read(text, &r, &len, &why), PL_OK);
    assert_int_equal(len, taken);
    return r;
}

static void assert_span(struct pl_span s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.at, expected, s.len);
}

static void a_head_has_a_status_a_reason_and_fields(void **state)
{
    struct pl_span text =
        PL_SPAN("HTTP/1.1 404 Not here\r\nA: 1\r\nb:\t2 \r\na:\r\n\r\nrest");
    struct pl_http_response r = read_head(text, text.len - 4);
    struct pl_span value;

    (void)state;
    assert_int_equal(r.status, 404);
    assert_span(r.reason, "Not here");
    assert_false(r.is_old);
    assert_int_equal(pl_http_response_find(&r, PL_SPAN("a"), &value), 2);
    assert_span(value, "1");
    assert_int_equal(pl_http_response_find(&r, PL_SPAN("B"), &value), 1);
    assert_span(value, "2");
    assert_int_equal(pl_http_response_find(&r, PL_SPAN("c"), &value), 0);
    assert_null(value.at);
    assert_int_equal(pl_http_response_find(&r, PL_SPAN("ab"), &value), 0);
    r = read_head(PL_SPAN("HTTP/1.0 999 \r\n\r\n"), 17);
    assert_true(r.is_old);
    assert_int_equal(r.status, 999);
    assert_int_equal(r.reason.len, 0);
}

static void status_lines_have_one_form(void **state)
{
    static const char malformed[] = "the status line is malformed";
    static const char other[] = "this is not an HTTP response";
    static const struct row rows[] = {
        ROW("HTTP/1.1 101 Switching Protocols\r\n\r\n", NULL),
        ROW("HTTP/1.1 200 \r\n\r\n", NULL),
        ROW("HTTP/1.1 200\r\n\r\n", NULL),
        ROW("HTTP/1.9 200 OK\r\n\r\n", NULL),
        ROW("HTTP/1.0 200 OK\r\n\r\n", NULL),
        ROW("HTTP/1.1 200 \xC3\xA9t\xE9\r\n\r\n", NULL),
        ROW("HTTP/1.1 200  two  blanks\r\n\r\n", NULL),
        ROW("HTTP/2.0 200 OK\r\n\r\n", "the response is not HTTP/1"),
        ROW("HTTP/0.9 200 OK\r\n\r\n", "the response is not HTTP/1"),
        ROW("HTTP/1.1 020 OK\r\n\r\n", malformed),
        ROW("HTTP/1.1 20 OK\r\n\r\n", malformed),
        ROW("HTTP/1.1 20x OK\r\n\r\n", malformed),
        ROW("HTTP/1.1 2000 OK\r\n\r\n", malformed),
        ROW("HTTP/1.1  200 OK\r\n\r\n", malformed),
        ROW("HTTP/1.1\t200 OK\r\n\r\n", malformed),
        ROW("HTTP/1.1 200\tOK\r\n\r\n", malformed),
        ROW("HTTP/11 200 OK\r\n\r\n", malformed),
        ROW("HTTP/1.10 200 OK\r\n\r\n", malformed),
        ROW("HTTP/1.1\r\n\r\n", malformed),
        ROW("HTTP/\r\n\r\n", malformed),
        ROW("http/1.1 200 OK\r\n\r\n", other),
        ROW("\r\nHTTP/1.1 200 OK\r\n\r\n", malformed),
        ROW("GET / HTTP/1.1\r\n\r\n", other),
        ROW("SSH-2.0-OpenSSH_9.2\r\n", other),
        ROW("\x15\x03\x03\x00\x02\x02\x46", other),
    };

    (void)state;
    CHECK(rows);
}

static void what_two_readers_could_take_in_two_ways_is_refused(void **state)
{
    static const char control[] = "a control character in the head";
    static const struct row rows[] = {
        ROW(OK "A: \0\r\n\r\n", control),
        ROW(OK "A\0: b\r\n\r\n", control),
        ROW(OK "A: b\rC: d\r\n\r\n", control),
        ROW(OK "A: \x1B[2J\r\n\r\n", control),
        ROW("HTTP/1.1 200 \0\r\n\r\n", control),
        ROW(OK "A: b\nC: d\r\n\r\n", "a line does not end in CR LF"),
        ROW("HTTP/1.1 200 OK\n\r\n", "a line does not end in CR LF"),
        ROW(OK "A: b\r\n\n", "a line does not end in CR LF"),
        ROW(OK "A: b\r\n c\r\n\r\n", "a header line is folded"),
        ROW(OK "\tA: b\r\n\r\n", "a header line is folded"),
        ROW(OK "A : b\r\n\r\n", "a header line is malformed"),
        ROW(OK "no colon\r\n\r\n", "a header line is malformed"),
        ROW(OK ": b\r\n\r\n", "a header line is malformed"),
        ROW(OK "\xC3\xA9: b\r\n\r\n", "a header line is malformed"),
    };

    (void)state;
    CHECK(rows);
}

static void interim_responses_are_skipped_up_to_a_limit(void **state)
{
#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"
#define HINTS "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    static const struct row rows[] = {
        ROW(CONTINUE OK "\r\n", NULL),
        ROW(CONTINUE HINTS HINTS CONTINUE OK "\r\n", NULL),
        ROW(CONTINUE HINTS HINTS CONTINUE CONTINUE,
            "too many interim responses"),
        ROW(CONTINUE "A: b\r\n", "this is not an HTTP response"),
        ROW("HTTP/1.1 100 Continue\r\nA: \0\r\n\r\n",
            "a control character in the head"),
    };
    struct pl_span text = PL_SPAN(HINTS "HTTP/1.1 101 x\r\n\r\n" OK);

    (void)state;
    CHECK(rows);
    assert_int_equal(read_head(text, text.len - (sizeof OK - 1)).status, 101);
}

static void put_many(struct pl_buf *b, size_t count, const char *line)
{
    while (count-- > 0)
        pl_buf_put_span(b, pl_span_of(line));
}

static void a_head_without_end_is_refused_at_its_limits(void **state)
{
    static const struct {
        const char *line;
        size_t count;
        const char *text;
    } rows[] = {
        {"a: b\r\n", PL_HTTP_FIELDS_MAX, NULL},
        {"a: b\r\n", PL_HTTP_FIELDS_MAX + 1, "too many header fields"},
        {"a: b\r\n", 10000, "too many header fields"},
        {"a", PL_HTTP_LINE_MAX + 1, "a line of the head is too long"},
        {"a", 1 << 20, "a line of the head is too long"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pl_buf b = {0};
        const char *text;

        pl_buf_put_span(&b, PL_SPAN(OK));
        put_many(&b, rows[i].count, rows[i].line);
        pl_buf_put_span(&b, PL_SPAN("\r\n"));
        verdict(pl_buf_span(&b), b.len, &text);
        assert_true(is_text(text, rows[i].text));
        pl_buf_fini(&b);
    }
}

/* An interim response and a final one of `len` bytes together. */
static void put_two_heads(struct pl_buf *b, size_t len)
{
    static const char line[] = "name: value of a line\r\n";

    pl_buf_put_span(b, PL_SPAN("HTTP/1.1 100 Continue\r\n"));
    for (int i = 0; i < 30; i++)
        pl_buf_put_span(b, PL_SPAN(line));
    pl_buf_put_span(b, PL_SPAN("\r\n" OK "a: "));
    while (b->len < PL_HTTP_LINE_MAX)
        pl_buf_put_byte(b, 'x');
    pl_buf_put_span(b, PL_SPAN("\r\nb: "));
    while (b->len < len - 4)
        pl_buf_put_byte(b, 'x');
    pl_buf_put_span(b, PL_SPAN("\r\n\r\n"));
}

static void all_heads_together_have_one_limit(void **state)
{
    struct pl_buf b = {0};
    const char *text;

    (void)state;
    put_two_heads(&b, PL_HTTP_HEAD_MAX);
    assert_int_equal(verdict(pl_buf_span(&b), b.len, &text), PL_OK);
    assert_int_equal(verdict(pl_buf_span(&b), b.len - 1, &text), PL_EAGAIN);
    b.len = 0;
    put_two_heads(&b, PL_HTTP_HEAD_MAX + 1);
    for (size_t len = PL_HTTP_HEAD_MAX; len <= b.len; len++) {
        assert_int_equal(verdict(pl_buf_span(&b), len, &text), PL_EBADMSG);
        assert_string_equal(text, "the response head is too long");
    }
    assert_int_equal(verdict(pl_buf_span(&b), PL_HTTP_HEAD_MAX - 1, &text),
                     PL_EAGAIN);
    pl_buf_fini(&b);
}

static void a_refusal_has_its_status_an_excerpt_and_a_time(void **state)
{
    static const char seventy[] = "0123456789012345678901234567890123456789"
                                  "012345678901234567890123456789";
    static const struct {
        const char *reason, *after, *excerpt;
        uint32_t seconds;
    } rows[] = {
        {"Service Unavailable", "Retry-After: 120\r\n", "Service Unavailable",
         120},
        {"", "", "", 0},
        {"x", "retry-after: 0\r\n", "x", 0},
        {"x", "Retry-After: 999999999\r\n", "x", 999999999},
        {"x", "Retry-After: 1000000000\r\n", "x", 0},
        {"x", "Retry-After: -1\r\n", "x", 0},
        {"x", "Retry-After:\r\n", "x", 0},
        {"x", "Retry-After: Fri, 31 Dec 2027 23:59:59 GMT\r\n", "x", 0},
        {"caf\xC3\xA9", "Retry-After: 5\r\nRetry-After: 6\r\n", "caf", 5},
        {"a\tb", "", "a", 0},
        {seventy, "", seventy, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pl_buf b = {0};
        struct pl_http_failure why;

        pl_buf_printf(&b, "HTTP/1.1 503 %s\r\n%s\r\n", rows[i].reason,
                      rows[i].after);
        struct pl_http_response r = read_head(pl_buf_span(&b), b.len);
        assert_int_equal(pl_http_response_deny(&r, "words", &why), PL_EDENIED);
        assert_string_equal(why.text, "words");
        assert_int_equal(why.status, 503);
        assert_int_equal(why.retry_after_s, rows[i].seconds);
        assert_true(why.what.len <= PL_HTTP_EXCERPT_MAX);
        assert_int_equal(why.what.len,
                         strnlen(rows[i].excerpt, PL_HTTP_EXCERPT_MAX));
        assert_memory_equal(why.what.at, rows[i].excerpt, why.what.len);
        pl_buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_has_a_status_a_reason_and_fields),
        cmocka_unit_test(status_lines_have_one_form),
        cmocka_unit_test(what_two_readers_could_take_in_two_ways_is_refused),
        cmocka_unit_test(interim_responses_are_skipped_up_to_a_limit),
        cmocka_unit_test(a_head_without_end_is_refused_at_its_limits),
        cmocka_unit_test(all_heads_together_have_one_limit),
        cmocka_unit_test(a_refusal_has_its_status_an_excerpt_and_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
