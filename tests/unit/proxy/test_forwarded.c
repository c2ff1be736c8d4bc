/* SPDX-License-Identifier: Apache-2.0 */
/* test_forwarded.c - whom a list of addresses is believed to name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include "buf.h"
#include "forwarded.h"

typedef struct pl_ip believe(struct pl_ip peer, struct pl_span list,
                             const struct pl_ip_net *trusted, size_t count);

struct row {
    const char *list, *believed;
};

/* The peer is 10.0.0.1; 10.0.0.0/8 and fd00::/8 are trusted. */
static void expect(believe *of, const struct row *rows, size_t count)
{
    struct pl_ip_net trusted[2];
    char text[PL_IP_TEXT_MAX];
    struct pl_ip peer;

    assert_true(pl_ip_parse(&peer, PL_SPAN("10.0.0.1")));
    assert_true(pl_ip_net_parse(&trusted[0], PL_SPAN("10.0.0.0/8")));
    assert_true(pl_ip_net_parse(&trusted[1], PL_SPAN("fd00::/8")));
    for (size_t i = 0; i < count; i++) {
        struct pl_ip ip = of(peer, pl_span_of(rows[i].list), trusted, 2);

        pl_ip_format(&ip, text);
        if (strcmp(text, rows[i].believed) != 0)
            fail_msg("%s is believed to be %s", rows[i].list, text);
    }
}

#define EXPECT(of, rows) expect(of, rows, sizeof(rows) / sizeof((rows)[0]))

static void the_last_address_that_is_not_trusted_is_the_client(void **state)
{
    static const struct row rows[] = {
        {NULL, "10.0.0.1"},
        {"", "10.0.0.1"},
        {" , ,", "10.0.0.1"},
        {"192.0.2.1", "192.0.2.1"},
        {" 192.0.2.1 ", "192.0.2.1"},
        {"192.0.2.1, 10.0.0.2", "192.0.2.1"},
        {"192.0.2.1,10.0.0.2,10.0.0.3", "192.0.2.1"},
        {"192.0.2.1, 192.0.2.2, 10.0.0.3", "192.0.2.2"},
        {"1.1.1.1, 192.0.2.2,, 10.0.0.3,", "192.0.2.2"},
        {"10.0.0.9, 10.0.0.3", "10.0.0.9"}, /* all trusted: the first */
        {"2001:db8::1", "2001:db8::1"},
        {"2001:DB8::1, fd00::2", "2001:db8::1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"192.0.2.1:4711", "192.0.2.1"},
        {"[2001:db8::1]:4711, 10.0.0.2", "2001:db8::1"},
        {"[2001:db8::1]", "2001:db8::1"},
    };

    (void)state;
    EXPECT(pl_forwarded_for, rows);
}

/* What a stranger writes in front is not reached; what is no address ends
 * the belief. */
static void nothing_is_believed_after_what_is_no_address(void **state)
{
    static const struct row rows[] = {
        {"unknown", "10.0.0.1"},
        {"192.0.2.1, unknown", "10.0.0.1"},
        {"192.0.2.1, unknown, 10.0.0.2", "10.0.0.2"},
        {"unknown, 192.0.2.1", "192.0.2.1"},
        {"192.0.2.1, 10.0.0.2 10.0.0.3", "10.0.0.1"},
        {"192.0.2.1:", "10.0.0.1"},
        {"192.0.2.1:80:80", "10.0.0.1"},
        {"[192.0.2.1]", "10.0.0.1"},
        {"[2001:db8::1", "10.0.0.1"},
        {"[2001:db8::1]4711", "10.0.0.1"},
        {"\"192.0.2.1\"", "10.0.0.1"},
        {"192.0.2.1;10.0.0.2", "10.0.0.1"},
        {"192.0.2.01", "10.0.0.1"},
    };

    (void)state;
    EXPECT(pl_forwarded_for, rows);
}

static void forwarded_is_read_by_rfc_7239(void **state)
{
    static const struct row rows[] = {
        {NULL, "10.0.0.1"},
        {"for=192.0.2.1", "192.0.2.1"},
        {"For=192.0.2.1;proto=http;by=10.0.0.1", "192.0.2.1"},
        {"proto=http ; for=192.0.2.1 ; host=a", "192.0.2.1"},
        {"for=192.0.2.1, for=10.0.0.2", "192.0.2.1"},
        {"for=1.1.1.1,for=192.0.2.2;by=10.0.0.3,for=10.0.0.3", "192.0.2.2"},
        {"for=\"192.0.2.1:4711\"", "192.0.2.1"},
        {"FOR=\"[2001:db8::1]:4711\"", "2001:db8::1"},
        {"for=\"[2001:db8::1]\", for=\"[fd00::1]:_x\"", "2001:db8::1"},
        {"for=192.0.2.1;host=\"a,for=6.6.6.6\"", "192.0.2.1"},
        {"for=192.0.2.1;host=\"a\\\",for=6.6.6.6\"", "192.0.2.1"},
        {",, for=192.0.2.1,", "192.0.2.1"},
        {"for=192.0.2.1;", "192.0.2.1"},
    };

    (void)state;
    EXPECT(pl_forwarded, rows);
}

static void a_forwarded_that_is_malformed_is_not_believed(void **state)
{
    static const struct row rows[] = {
        {"for=unknown", "10.0.0.1"},
        {"for=192.0.2.1, for=_hidden, for=10.0.0.2", "10.0.0.2"},
        {"for=192.0.2.1, by=10.0.0.2", "10.0.0.1"},
        {"for=192.0.2.1, ;", "10.0.0.1"},
        {"for=192.0.2.1;for=192.0.2.2", "10.0.0.1"},
        {"for=192.0.2.1, for=\"10.0.0.2", "10.0.0.1"},
        {"for=\"192.0.2.1", "10.0.0.1"},
        {"for=\"192.0.2.1\\", "10.0.0.1"},
        {"for=\"192.0\\.2.1\"", "10.0.0.1"},
        {"for =192.0.2.1", "10.0.0.1"},
        {"for= 192.0.2.1", "10.0.0.1"},
        {"for=", "10.0.0.1"},
        {"192.0.2.1", "10.0.0.1"},
        {"xfor=192.0.2.1", "10.0.0.1"},
    };

    (void)state;
    EXPECT(pl_forwarded, rows);
}

/* A client may leave a quote open, in a field of its own or in front of what
 * the proxy adds to it: what the proxy wrote is read all the same. */
static void an_open_quote_hides_nothing_after_it(void **state)
{
    static const struct row rows[] = {
        {"for=\", for=192.0.2.1", "192.0.2.1"},
        {"\", for=192.0.2.1;by=10.0.0.1", "192.0.2.1"},
        {"for=\"\\, for=192.0.2.1", "192.0.2.1"},
        {"for=\"\\\", for=192.0.2.1", "192.0.2.1"},
        {"for=1.1.1.1;host=\"a, for=192.0.2.1, for=10.0.0.2", "192.0.2.1"},
        {"for=\"a, b, c, for=192.0.2.1", "192.0.2.1"},
        {"for=\", for=\"[2001:db8::1]:4711\"", "2001:db8::1"},
        {"for=\"x, for=\"192.0.2.1\";by=\"a;b\"", "192.0.2.1"},
        {"for=\", for=\"192.0.2.1\", for=\"10.0.0.2:80\"", "192.0.2.1"},
        {"for=1.1.1.1, for=\"", "10.0.0.1"},
    };

    (void)state;
    EXPECT(pl_forwarded, rows);
}

/* Elements further in front cost nothing, whoever wrote them. */
static void the_last_64_are_looked_at(void **state)
{
    struct pl_buf plain = {0}, rfc7239 = {0};

    (void)state;
    pl_buf_put_span(&plain, PL_SPAN("192.0.2.1"));
    pl_buf_put_span(&rfc7239, PL_SPAN("for=192.0.2.1"));
    for (int i = 1; i <= 64; i++) {
        pl_buf_put_span(&plain, PL_SPAN(", 10.0.0.2"));
        pl_buf_put_span(&rfc7239, PL_SPAN(", for=10.0.0.2"));
        pl_buf_put(&plain, "", 1);
        pl_buf_put(&rfc7239, "", 1);
        const char *believed = i < 64 ? "192.0.2.1" : "10.0.0.2";
        const struct row rows[] = {{plain.data, believed}};
        const struct row rows7239[] = {{rfc7239.data, believed}};

        EXPECT(pl_forwarded_for, rows);
        EXPECT(pl_forwarded, rows7239);
        plain.len--; /* the zero */
        rfc7239.len--;
    }
    pl_buf_fini(&plain);
    pl_buf_fini(&rfc7239);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_address_that_is_not_trusted_is_the_client),
        cmocka_unit_test(nothing_is_believed_after_what_is_no_address),
        cmocka_unit_test(forwarded_is_read_by_rfc_7239),
        cmocka_unit_test(a_forwarded_that_is_malformed_is_not_believed),
        cmocka_unit_test(an_open_quote_hides_nothing_after_it),
        cmocka_unit_test(the_last_64_are_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
