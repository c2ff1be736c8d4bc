/* SPDX-License-Identifier: Apache-2.0 */
/* origin.h: the default rule, patterns, and a second opinion on patterns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http.h"
#include "origin.h"

static bool allowed_by_host(const char *origin, const char *host)
{
    return pl_origin_is_allowed(pl_span_of(origin), pl_span_of(host), false,
                                NULL, 0);
}

static bool allowed_by(const char *pattern, const char *origin)
{
    return pl_origin_is_allowed(pl_span_of(origin), PL_SPAN("h"), false,
                                &pattern, 1);
}

static void a_request_without_origin_passes(void **state)
{
    const char *other = "https://other.example";

    (void)state;
    assert_true(allowed_by_host(NULL, "a.example"));
    assert_true(allowed_by_host(NULL, NULL));
    assert_true(pl_origin_is_allowed((struct pl_span){NULL, 0},
                                     PL_SPAN("a.example"), false, &other, 1));
}

static void by_default_host_and_port_must_equal_host(void **state)
{
    static const struct {
        const char *origin, *host;
        bool allowed;
    } rows[] = {
        {"http://a.example", "a.example", true},
        {"https://a.example", "a.example", true},
        {"http://A.Example", "a.eXample", true},
        {"HTTP://a.example", "a.example:80", true},
        {"http://a.example", "a.example:80", true},
        {"https://a.example", "a.example:443", true},
        {"https://a.example:443", "a.example", true},
        {"http://a.example:8000", "a.example:8000", true},
        {"http://[::1]:8000", "[::1]:8000", true},
        {"http://[::1]", "[::1]", true},
        {"http://[::1]", "[::1]:80", true},
        {"http://a.example", "b.example", false},
        {"http://a.example", "a.example.evil", false},
        {"http://evil-a.example", "a.example", false},
        {"http://a.example:8000", "a.example:8001", false},
        {"http://a.example:8000", "a.example", false},
        {"http://a.example", "a.example:443", false},
        {"https://a.example", "a.example:80", false},
        {"http://[::1]:8000", "[::1]:8001", false},
        {"http://[::1]", "[::2]", false},
        {"null", "a.example", false},
        {"null", "null", false},
        {"", "a.example", false},
        {"", "", false},
        {"http://", "", false},
        {"://", "", false},
        {"a.example", "a.example", false},
        {"http://a.example/", "a.example", false},
        {"http://a.example", NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (allowed_by_host(rows[i].origin, rows[i].host) != rows[i].allowed)
            fail_msg("%s at %s", rows[i].origin, rows[i].host);
}

static void by_default_the_scheme_is_a_pages_and_with_tls_https(void **state)
{
    static const struct {
        const char *origin;
        bool plain, tls;
    } rows[] = {
        {"https://a.example", true, true},
        {"HTTPS://a.example", true, true},
        {"http://a.example", true, false},
        {"ws://a.example", false, false},
        {"wss://a.example", false, false},
        {"ftp://a.example", false, false},
        {"chrome-extension://a.example", false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int tls = 0; tls < 2; tls++)
            if (pl_origin_is_allowed(pl_span_of(rows[i].origin),
                                     PL_SPAN("a.example"), tls, NULL,
                                     0) != (tls ? rows[i].tls : rows[i].plain))
                fail_msg("%s, TLS %d", rows[i].origin, tls);
}

static void pages_of_this_machine_are_told_by_their_name(void **state)
{
    static const struct {
        const char *origin;
        bool is;
    } rows[] = {
        {NULL, true},
        {"http://localhost:3000", true},
        {"https://LocalHost", true},
        {"http://app.localhost:8080", true},
        {"http://127.0.0.1:1", true},
        {"http://127.9.9.9", true},
        {"http://[::1]:5173", true},
        {"null", false},
        {"file://", false},
        {"file://localhost", false},
        {"http://localhost.evil.example", false},
        {"http://evil-localhost", false},
        {"http://127.0.0.1.evil.example", false},
        {"http://evil.example:127", false},
        {"http://evil.example?.localhost", false},
        {"http://.localhost.", false},
        {"http://128.0.0.1", false},
        {"http://127.1", false},
        {"http://[::2]", false},
        {"http://0.0.0.0", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (pl_origin_is_loopback(pl_span_of(rows[i].origin)) != rows[i].is)
            fail_msg("%s", rows[i].origin);
}

static void patterns_decide_when_there_are_any(void **state)
{
    static const struct {
        const char *pattern, *origin;
        bool allowed;
    } rows[] = {
        {"*", "https://anything.example:1", true},
        {"*", "null", true},
        {"*", "", true},
        {"null", "null", false},
        {"https://a.example", "https://a.example", true},
        {"https://A.example", "HTTPS://a.EXAMPLE", true},
        {"https://a.example", "http://a.example", false},
        {"https://a.example", "https://a.example:444", false},
        {"https://a.example", "https://a.example.evil", false},
        {"https://*.a.example", "https://x.a.example", true},
        {"https://*.a.example", "https://x.y.a.example", true},
        {"https://*.a.example", "https://a.example", false},
        {"https://*.a.example", "https://evil/.a.example", false},
        {"https://*.a.example", "https://x.a.example.evil", false},
        {"http://localhost:*", "http://localhost:3000", true},
        {"http://localhost:*", "http://localhost", false},
        {"http*://a.example", "https://a.example", true},
        {"http*://a.example", "http://a.example", true},
        {"*://a.example", "wss://a.example", true},
        {"*a.example", "https://a.example", false},
        {"**", "ab", false},
        {"*://*", "https://a.example", true},
        {"https://*.example.net", "https://evil.example?.example.net", false},
        {"https://*.example.net", "https://evil.example#.example.net", false},
        {"https://*.example.net", "https://evil.example\\.example.net", false},
        {"https://*.example.net", "https://me@evil.example.net", false},
        {"https://*.example.net", "https://evil.example:80.example.net", false},
        {"https://*.example.net", "https://evil.example .example.net", false},
        {"https://*.example.net", "https://.example.net", true},
        {"http://localhost:*", "http://localhost:3000?", false},
        {"*", "https://evil.example?.example.net", true},
        {"", "", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (allowed_by(rows[i].pattern, rows[i].origin) != rows[i].allowed)
            fail_msg("%s against %s", rows[i].origin, rows[i].pattern);
}

static void one_pattern_of_several_is_enough(void **state)
{
    const char *const allowed[] = {"https://a.example", "https://b.example"};

    (void)state;
    assert_true(pl_origin_is_allowed(PL_SPAN("https://b.example"), PL_SPAN("h"),
                                     false, allowed, 2));
    assert_false(pl_origin_is_allowed(PL_SPAN("https://c.example"),
                                      PL_SPAN("c.example"), false, allowed, 2));
    assert_false(pl_origin_is_allowed(PL_SPAN("https://b.example"),
                                      PL_SPAN("b.example"), false, allowed, 1));
}

/* What a pattern means, by trying everything. */
static bool meaning(const char *pattern, const char *text)
{
    if (*pattern == '\0')
        return *text == '\0';
    if (*pattern != '*')
        return *pattern == *text && meaning(pattern + 1, text + 1);
    return meaning(pattern + 1, text) ||
           (*text != '\0' && *text != '/' && meaning(pattern, text + 1));
}

/* The `n`th word of `len` letters. */
static void word(char *at, const char *letters, unsigned n, size_t len)
{
    size_t count = strlen(letters);

    for (size_t i = 0; i < len; i++, n /= (unsigned)count)
        at[i] = letters[n % count];
    at[len] = '\0';
}

static void every_short_pattern_means_what_it_says(void **state)
{
    char pattern[8], text[8];

    (void)state;
    for (unsigned p = 0; p < 4 * 4 * 4 * 4 * 4; p++)
        for (size_t len = 0; len <= 5; len++)
            for (unsigned t = 0; t < 243; t++) {
                word(pattern, "ab/*", p, 5);
                word(text, "ab/", t, len);
                if (pl_http_matches(pl_span_of(pattern), pl_span_of(text)) !=
                    meaning(pattern, text))
                    fail_msg("%s against %s", text, pattern);
            }
}

static void stars_cost_no_more_than_pattern_times_origin(void **state)
{
    static char pattern[2001], origin[20001];

    (void)state;
    for (size_t i = 0; i < 2000; i += 2)
        memcpy(pattern + i, "*a", 2);
    pattern[1999] = 'b';
    memset(origin, 'a', 20000);
    memcpy(pattern, "http://*", 8);
    memcpy(origin, "http://", 7);
    assert_false(allowed_by(pattern, origin)); /* or it would never end */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_without_origin_passes),
        cmocka_unit_test(by_default_host_and_port_must_equal_host),
        cmocka_unit_test(by_default_the_scheme_is_a_pages_and_with_tls_https),
        cmocka_unit_test(pages_of_this_machine_are_told_by_their_name),
        cmocka_unit_test(patterns_decide_when_there_are_any),
        cmocka_unit_test(one_pattern_of_several_is_enough),
        cmocka_unit_test(every_short_pattern_means_what_it_says),
        cmocka_unit_test(stars_cost_no_more_than_pattern_times_origin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
