/* SPDX-License-Identifier: Apache-2.0 */
/* body.h: what is read of a body and what is refused, each body given in
 * pieces of every size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "body.h"
#include "buf.h"

struct result {
    int status; /* 0: nothing was refused */
    bool is_done;
    struct pl_buf content;
    size_t left; /* bytes behind the body */
};

static void feed(struct pl_http_body *b, struct pl_span in, struct result *r)
{
    struct pl_http_error error = {0};
    struct pl_span piece;

    while (r->status == 0 && in.len > 0 && !pl_http_body_is_done(b)) {
        if (pl_http_body_next(b, &in, &piece, &error) == PL_EBADMSG)
            r->status = error.status;
        else
            pl_buf_put_span(&r->content, piece);
    }
    r->left += in.len;
}

/* Read `text` in steps of `step` bytes, each from memory of just its size. */
static struct result read_in(struct pl_http_head head, struct pl_span text,
                             size_t step)
{
    struct pl_http_body b;
    struct result r = {0};

    pl_http_body_begin(&b, &head);
    for (size_t at = 0; at < text.len && r.status == 0; at += step) {
        size_t len = text.len - at < step ? text.len - at : step;
        char *copy = test_malloc(len);

        memcpy(copy, text.at + at, len);
        feed(&b, (struct pl_span){copy, len}, &r);
        test_free(copy);
    }
    r.is_done = pl_http_body_is_done(&b);
    return r;
}

static const struct pl_http_head chunked = {.is_chunked = true};

static void assert_content(struct pl_http_head head, struct pl_span text,
                           const char *content, size_t left)
{
    for (size_t step = 1; step <= text.len; step++) {
        struct result r = read_in(head, text, step);

        assert_int_equal(r.status, 0);
        assert_true(r.is_done);
        assert_int_equal(r.content.len, strlen(content));
        assert_memory_equal(r.content.data, content, r.content.len);
        assert_int_equal(r.left, left);
        pl_buf_fini(&r.content);
    }
}

static void a_body_by_length_ends_there(void **state)
{
    struct pl_http_head head = {.has_length = true, .length = 5};
    struct pl_http_body b;

    (void)state;
    assert_content(head, PL_SPAN("helloGET"), "hello", 3);
    head.length = 0;
    pl_http_body_begin(&b, &head);
    assert_true(pl_http_body_is_done(&b));
    pl_http_body_begin(&b, &(struct pl_http_head){0});
    assert_true(pl_http_body_is_done(&b));
}

static void chunks_are_joined(void **state)
{
    (void)state;
    assert_content(chunked, PL_SPAN("5\r\nhello\r\n0\r\n\r\nGET"), "hello", 3);
    assert_content(chunked,
                   PL_SPAN("1\r\na\r\n0000000B\r\nbcdefghijkl\r\n"
                           "0\r\n\r\n"),
                   "abcdefghijkl", 0);
    assert_content(chunked,
                   PL_SPAN("1;a=b;c=\"d e\"\r\na\r\n000;x\r\n"
                           "Trailer: t\r\nContent-Length: 9\r\n\r\n"),
                   "a", 0);
    assert_content(chunked, PL_SPAN("2\r\n\r\n\r\n0\r\n\r\n"), "\r\n", 0);
}

static void chunks_that_could_be_read_in_two_ways_are_refused(void **state)
{
#define ROW(text)                                                              \
    {                                                                          \
        text, sizeof(text) - 1                                                 \
    }
    static const struct pl_span rows[] = {
        ROW("\r\n"),
        ROW(";a\r\n"),
        ROW("0x1\r\n"),
        ROW("+1\r\n"),
        ROW("-1\r\n"),
        ROW(" 1\r\n"),
        ROW("1 \r\n"),
        ROW("1\t;a\r\n"),
        ROW("g\r\n"),
        ROW("1\na"),
        ROW("1\ra"),
        ROW("1\r\r\na"),
        ROW("1;a\nb\r\n"),
        ROW("1;a\rb\r\n"),
        ROW("1;a\0b\r\n"),
        ROW("1\r\nab"),
        ROW("1\r\na\n"),
        ROW("1\r\na\rx"),
        ROW("1\r\na1\r\n"),
        ROW("000000001\r\n"),
        ROW("fffffffffffffffff\r\n"),
        ROW("10000000000000001\r\n"),
        ROW("0\r\n\n"),
        ROW("0\r\n X: a\r\n\r\n"),
        ROW("0\r\nX : a\r\n\r\n"),
        ROW("0\r\nX\r\n\r\n"),
        ROW("0\r\nX: a\n\r\n"),
        ROW("0\r\nX: a\0\r\n\r\n"),
        ROW("0\r\n\rX"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t step = 1; step <= rows[i].len; step++) {
            struct result r = read_in(chunked, rows[i], step);

            if (r.status != 400)
                fail_msg("%d for %.*s", r.status, (int)rows[i].len, rows[i].at);
            pl_buf_fini(&r.content);
        }
}

static void a_beginning_is_not_the_whole(void **state)
{
    struct pl_span whole = PL_SPAN("2;x\r\nab\r\n0\r\nX: y\r\n\r\n");

    (void)state;
    for (size_t len = 1; len <= whole.len; len++) {
        struct result r =
            read_in(chunked, (struct pl_span){whole.at, len}, len);

        assert_int_equal(r.status, 0);
        assert_int_equal(r.is_done, len == whole.len);
        pl_buf_fini(&r.content);
    }
}

static void extensions_and_trailers_are_bounded(void **state)
{
    struct pl_buf b = {0};
    struct result r;

    (void)state;
    for (int i = 0; i < PL_HTTP_EXTRA_MAX; i++)
        pl_buf_put_span(&b, PL_SPAN("1;x\r\na\r\n"));
    r = read_in(chunked, pl_buf_span(&b), b.len);
    assert_int_equal(r.status, 431);
    pl_buf_fini(&r.content);
    b.len = 0;
    pl_buf_put_span(&b, PL_SPAN("0\r\n"));
    for (int i = 0; i < PL_HTTP_EXTRA_MAX; i++)
        pl_buf_put_span(&b, PL_SPAN("X: y\r\n"));
    r = read_in(chunked, pl_buf_span(&b), b.len);
    assert_int_equal(r.status, 431);
    pl_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_by_length_ends_there),
        cmocka_unit_test(chunks_are_joined),
        cmocka_unit_test(chunks_that_could_be_read_in_two_ways_are_refused),
        cmocka_unit_test(a_beginning_is_not_the_whole),
        cmocka_unit_test(extensions_and_trailers_are_bounded),
    };

    return cmocka_run_group_tests_name("http_body", tests, NULL, NULL);
}
