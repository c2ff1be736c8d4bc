/* SPDX-License-Identifier: Apache-2.0 */
/* test_proxy.c - headers of the PROXY protocol, cut at each byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include "buf.h"
#include "proxy.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define FOUR "\xC0\x00\x02\x01\x7F\0\0\1\x30\x39\x1F\x40"
#define SIX                                                                    \
    "\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x0A\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" \
    "\1\x30\x39\x1F\x40"

/* Each beginning of a good header is "not all here yet"; with anything behind
 * it, it is read the same. */
static struct pl_proxy expect_good(struct pl_span whole)
{
    struct pl_proxy p = {0};
    struct pl_buf more = {0};
    const char *why = NULL;

    for (size_t cut = 0; cut < whole.len; cut++) {
        char *copy = malloc(cut > 0 ? cut : 1); /* so that a sanitizer sees */

        assert_non_null(copy);
        memcpy(copy, whole.at, cut);
        assert_int_equal(pl_proxy_read((struct pl_span){copy, cut}, &p, &why),
                         PL_EAGAIN);
        free(copy);
    }
    assert_int_equal(p.len, 0); /* untouched */
    assert_int_equal(pl_proxy_read(whole, &p, &why), PL_OK);
    assert_int_equal(p.len, whole.len);
    pl_buf_put_span(&more, whole);
    pl_buf_put_span(&more, PL_SPAN("GET / HTTP/1.1\r\nPROXY \r\n\r\n\0\r\n"));
    assert_int_equal(pl_proxy_read(pl_buf_span(&more), &p, &why), PL_OK);
    assert_int_equal(p.len, whole.len);
    pl_buf_fini(&more);
    assert_null(why);
    return p;
}

static void expect_client(struct pl_span whole, const char *address)
{
    struct pl_proxy p = expect_good(whole);
    char text[PL_IP_TEXT_MAX];

    assert_int_equal(p.kind, PL_PROXY_CLIENT);
    pl_ip_format(&p.from, text);
    assert_string_equal(text, address);
}

static void expect_kind(struct pl_span whole, enum pl_proxy_kind kind)
{
    assert_int_equal(expect_good(whole).kind, kind);
}

/* It is refused, and no earlier byte than `at` shows it. */
static void expect_bad_at(struct pl_span whole, size_t at)
{
    struct pl_proxy p = {.len = 99};
    const char *why = NULL;

    for (size_t len = 0; len <= whole.len; len++) {
        enum pl_err rc =
            pl_proxy_read((struct pl_span){whole.at, len}, &p, &why);

        if (rc != (len < at ? PL_EAGAIN : PL_EBADMSG))
            fail_msg("%zu bytes of %zu give %s", len, whole.len,
                     pl_err_text(rc));
        assert_int_equal(why != NULL, len >= at);
    }
    assert_int_equal(p.len, 99);
}

#define BAD(literal, at) expect_bad_at(PL_SPAN(literal), at)

static void a_header_of_version_2_names_the_client(void **state)
{
    (void)state;
    expect_client(PL_SPAN(SIGNATURE "\x21\x11\0\x0C" FOUR), "192.0.2.1");
    expect_client(PL_SPAN(SIGNATURE "\x21\x21\0\x24" SIX), "2001:db8::a");
}

static void what_version_2_adds_is_skipped(void **state)
{
    (void)state;
    expect_client(PL_SPAN(SIGNATURE "\x21\x11\0\x13" FOUR "\3\0\4\1\2\3\4"),
                  "192.0.2.1");
    expect_client(PL_SPAN(SIGNATURE "\x21\x21\0\x25" SIX "\x04"),
                  "2001:db8::a");
}

static void
who_has_no_address_is_unknown_and_a_proxy_itself_is_local(void **state)
{
    char path[16 + 216] = SIGNATURE "\x21\x31\0\xD8";

    (void)state;
    expect_kind(PL_SPAN(SIGNATURE "\x20\x00\0\0"), PL_PROXY_LOCAL);
    expect_kind(PL_SPAN(SIGNATURE "\x20\x11\0\x0C" FOUR), PL_PROXY_LOCAL);
    expect_kind(PL_SPAN(SIGNATURE "\x20\x11\0\2xx"), PL_PROXY_LOCAL);
    expect_kind(PL_SPAN(SIGNATURE "\x20\xFF\0\0"), PL_PROXY_LOCAL);
    expect_kind(PL_SPAN(SIGNATURE "\x20\x43\0\3abc"), PL_PROXY_LOCAL);
    expect_kind(PL_SPAN(SIGNATURE "\x21\x00\0\0"), PL_PROXY_UNKNOWN);
    expect_kind(PL_SPAN(SIGNATURE "\x21\x00\0\3abc"), PL_PROXY_UNKNOWN);
    expect_kind(PL_SPAN(SIGNATURE "\x21\x12\0\x0C" FOUR), PL_PROXY_UNKNOWN);
    expect_kind((struct pl_span){path, sizeof path}, PL_PROXY_UNKNOWN);
}

static void
a_header_of_version_2_that_is_wrong_is_told_at_its_byte(void **state)
{
    (void)state;
    BAD("\r\n\r\n\1\r\nQUIT\n", 5);
    BAD("\r\n\r\n\0\r\nQUIT\r", 12);
    BAD(SIGNATURE "\x11\x11\0\x0C" FOUR, 13);
    BAD(SIGNATURE "\x22\x11\0\x0C" FOUR, 13);
    BAD(SIGNATURE "\x21\x41\0\x0C" FOUR, 14);
    BAD(SIGNATURE "\x21\x13\0\x0C" FOUR, 14);
    BAD(SIGNATURE "\x21\x11\0\x0B" FOUR, 16);
    BAD(SIGNATURE "\x21\x21\0\x23" SIX, 16);
    BAD(SIGNATURE "\x21\x31\0\xD7", 16);
    BAD(SIGNATURE "\x21\x11\xFF\xFF" FOUR, 16);
    BAD(SIGNATURE "\x20\x00\x0F\xF1", 16); /* 4097 bytes */
}

static void a_header_may_have_4096_bytes(void **state)
{
    char whole[4096] = SIGNATURE "\x21\x11\x0F\xF0" FOUR;

    (void)state;
    expect_client((struct pl_span){whole, sizeof whole}, "192.0.2.1");
}

static void a_line_of_version_1_names_the_client(void **state)
{
    (void)state;
    expect_client(PL_SPAN("PROXY TCP4 192.0.2.1 127.0.0.1 12345 8000\r\n"),
                  "192.0.2.1");
    expect_client(PL_SPAN("PROXY TCP6 2001:db8::a ::1 0 65535\r\n"),
                  "2001:db8::a");
    expect_client(PL_SPAN("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe "
                          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535"
                          "\r\n"),
                  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe");
    expect_kind(PL_SPAN("PROXY UNKNOWN\r\n"), PL_PROXY_UNKNOWN);
    expect_kind(PL_SPAN("PROXY UNKNOWN ::1 ::1 1 1\r\n"), PL_PROXY_UNKNOWN);
}

static void a_line_of_version_1_that_is_wrong_is_told_at_its_end(void **state)
{
    static const char *const bad[] = {
        "PROXY \r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n",
        "PROXY tcp4 1.2.3.4 1.2.3.4 1 1\r\n",
        "PROXY  TCP4 1.2.3.4 1.2.3.4 1 1\r\n",
        "PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 -1 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n",
        "PROXY TCP4 1.2.3.256 1.2.3.4 1 1\r\n",
        "PROXY TCP4 ::1 ::1 1 1\r\n",
        "PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n",
        "PROXY TCP6 ::1 1.2.3.4 1 1\r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\r\n",
    };
    char long_line[200];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_bad_at(pl_span_of(bad[i]), strlen(bad[i]));
    memset(long_line, 'x', sizeof long_line);
    memcpy(long_line, "PROXY UNKNOWN ", 14);
    expect_bad_at((struct pl_span){long_line, sizeof long_line},
                  PL_PROXY_LINE_MAX);
}

static void whatever_else_comes_is_no_header(void **state)
{
    (void)state;
    BAD("GET / HTTP/1.1\r\n", 1);
    BAD("\x16\x03\x01", 1);
    BAD("PROXy ", 5);
    BAD("\r\n\r\nGET ", 5);
    BAD("\0", 1);
    BAD("\n", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_of_version_2_names_the_client),
        cmocka_unit_test(what_version_2_adds_is_skipped),
        cmocka_unit_test(
            who_has_no_address_is_unknown_and_a_proxy_itself_is_local),
        cmocka_unit_test(
            a_header_of_version_2_that_is_wrong_is_told_at_its_byte),
        cmocka_unit_test(a_header_may_have_4096_bytes),
        cmocka_unit_test(a_line_of_version_1_names_the_client),
        cmocka_unit_test(a_line_of_version_1_that_is_wrong_is_told_at_its_end),
        cmocka_unit_test(whatever_else_comes_is_no_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
