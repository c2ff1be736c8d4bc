/* SPDX-License-Identifier: Apache-2.0 */
/* host.h: what is a host, and which are served. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

static void a_host_is_a_name_and_perhaps_a_port(void **state)
{
    static const struct {
        const char *whole, *name, *port; /* port NULL: absent */
    } good[] = {
        {"a", "a", NULL},
        {"Chat.Example.Org", "Chat.Example.Org", NULL},
        {"a.example:8000", "a.example", "8000"},
        {"a.example:", "a.example", ""},
        {"127.0.0.1:80", "127.0.0.1", "80"},
        {"[::1]", "[::1]", NULL},
        {"[::1]:8000", "[::1]", "8000"},
        {"[2001:DB8::1.2.3.4]", "[2001:DB8::1.2.3.4]", NULL},
        {"a%2Db_c~!$&'()*+;=", "a%2Db_c~!$&'()*+;=", NULL},
        {"xn--bcher-kva.example", "xn--bcher-kva.example", NULL},
    };
    struct pl_span name, port;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(pl_host_split(pl_span_of(good[i].whole), &name, &port));
        assert_true(pl_span_equal(name, pl_span_of(good[i].name)));
        assert_int_equal(port.at != NULL, good[i].port != NULL);
        assert_true(pl_span_equal(port, pl_span_of(good[i].port)));
    }
}

static void what_is_no_host_is_told(void **state)
{
    static const char *const bad[] = {
        "",         ":",         ":80",       "a:80:80",   "a:b",
        "a:-1",     "a:80.evil", "a b",       "a/b",       "a,b",
        "me@a",     "a?b",       "a#b",       "a\\b",      "%",
        "a%2",      "a%zz",      "\xC3\xA9",  "[",         "[]",
        "[::1",     "::1",       "[::1]80",   "[::1]:x",   "[::1]:80:80",
        "[1.2.3.4", "[1.2.3.4]", "[::g]",     "[fe80::1%", "[fe80::1%25eth0]",
        "[v1.x]",   "a[::1]",    "[[::1]]",   "[::1]a",    "a]",
        "\"a\"",    "<a>",       "a\x7F.org",
    };
    struct pl_span name = PL_SPAN("kept"), port = PL_SPAN("too");

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (pl_host_split(pl_span_of(bad[i]), &name, &port))
            fail_msg("%s passed as a host", bad[i]);
    assert_false(pl_host_split(PL_SPAN("a\0b"), &name, &port));
    assert_false(pl_host_split(PL_SPAN("[::1\0]"), &name, &port));
    assert_true(pl_span_equal(name, PL_SPAN("kept")));
    assert_true(pl_span_equal(port, PL_SPAN("too")));
}

static void a_list_says_which_hosts_are_served(void **state)
{
    static const struct {
        const char *pattern, *host;
        bool allowed;
    } rows[] = {
        {"*", "a.example", true},
        {"*", "[::1]:80", true},
        {"a.example", "a.example", true},
        {"a.example", "A.EXAMPLE", true},
        {"A.example", "a.example:8000", true},
        {"a.example", "a.example:", true},
        {"a.example", "b.example", false},
        {"a.example", "a.example.evil", false},
        {"a.example", "evil-a.example", false},
        {"a.example", "x.a.example", false},
        {"a.example", "a.example.", false},
        {"*.a.example", "x.a.example", true},
        {"*.a.example", "x.y.A.example:1", true},
        {"*.a.example", "a.example", false},
        {"*.a.example", "x.a.example.evil", false},
        {"a.example:8000", "a.example:8000", true},
        {"a.example:8000", "a.example:8001", false},
        {"a.example:8000", "a.example", false},
        {"a.example:443", "a.example", true},
        {"a.example:80", "a.example:", true},
        {"a.example:443", "a.example:80", false},
        {"a.example:*", "a.example:80", true},
        {"a.example:*", "a.example", true},
        {"[::1]", "[::1]", true},
        {"[::1]", "[::1]:8000", true},
        {"[::1]:8000", "[::1]:8000", true},
        {"[::1]:8000", "[::1]:1", false},
        {"[::1]", "[::2]", false},
        {"[2001:db8::a]", "[2001:DB8::A]", true},
        {"*:80", "a.example:80", true},
        {"*:80", "a.example:81", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (pl_host_is_allowed(pl_span_of(rows[i].host), &rows[i].pattern, 1) !=
            rows[i].allowed)
            fail_msg("%s against %s", rows[i].host, rows[i].pattern);
}

static void
an_empty_list_serves_all_and_one_item_of_several_is_enough(void **state)
{
    const char *const allowed[] = {"a.example", "b.example"};

    (void)state;
    assert_true(pl_host_is_allowed(PL_SPAN("any"), NULL, 0));
    assert_true(pl_host_is_allowed(PL_SPAN("b.example"), allowed, 2));
    assert_false(pl_host_is_allowed(PL_SPAN("b.example"), allowed, 1));
    assert_false(pl_host_is_allowed(PL_SPAN("c.example"), allowed, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_is_a_name_and_perhaps_a_port),
        cmocka_unit_test(what_is_no_host_is_told),
        cmocka_unit_test(a_list_says_which_hosts_are_served),
        cmocka_unit_test(
            an_empty_list_serves_all_and_one_item_of_several_is_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
