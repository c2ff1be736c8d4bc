/* SPDX-License-Identifier: Apache-2.0 */
/* test_glob.c - patterns of names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "glob.h"

static bool matches(const char *pattern, const char *name)
{
    struct pl_buf b = {0};

    assert_int_equal(pl_glob_expand(pl_span_of(pattern), &b), PL_OK);
    bool is_match = pl_glob_matches(pl_buf_span(&b), pl_span_of(name));
    pl_buf_fini(&b);
    return is_match;
}

static void each_sign_means_what_it_says(void **state)
{
    static const struct {
        const char *pattern, *name;
        bool matches;
    } rows[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "a:b", true},
        {"n*", "news", true},
        {"n*", "sport", false},
        {"*s", "news", true},
        {"a*b*c", "a-b-b-c", true},
        {"a*b*c", "a-c-b", false},
        {"?", "a", true},
        {"?", "", false},
        {"?", "ab", false},
        {"?", "\xc3\xa4", true},
        {"??", "\xc3\xa4", false},
        {"\xc3\xa4*", "\xc3\xa4xy", true},
        {"[a-c]", "b", true},
        {"[a-c]", "d", false},
        {"[!a-c]", "d", true},
        {"[!a-c]", "b", false},
        {"[abx-z]", "y", true},
        {"[a-]", "-", true},
        {"[]]", "]", true},
        {"[!]]", "a", true},
        {"[\\]a]", "]", true},
        {"[\xc3\xa4-\xc3\xb6]", "\xc3\xa5", true},
        {"[\xc3\xa4]", "\xc3\xa5", false},
        {"room:[0-9][0-9]", "room:42", true},
        {"room:[0-9][0-9]", "room:4", false},
        {"{a,b}", "a", true},
        {"{a,b}", "b", true},
        {"{a,b}", "c", false},
        {"{a,b}c", "bc", true},
        {"x{a,b}{c,d}", "xbd", true},
        {"x{a,b}{c,d}", "xba", false},
        {"{a,{b,c}d}", "cd", true},
        {"{a,{b,c}d}", "d", false},
        {"{,a}b", "b", true},
        {"{a}", "a", true},
        {"{news*,sport?}", "sport1", true},
        {"[{]", "{", true},
        {"[,]{a,b}", ",b", true},
        {"\\*", "*", true},
        {"\\*", "a", false},
        {"\\{a,b\\}", "{a,b}", true},
        {"a}", "a}", true},
        {"a,b", "a,b", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (matches(rows[i].pattern, rows[i].name) != rows[i].matches)
            fail_msg("%s with %s", rows[i].pattern, rows[i].name);
}

static enum pl_err expand(struct pl_span pattern)
{
    struct pl_buf b = {0};
    enum pl_err rc = pl_glob_expand(pattern, &b);

    if (rc != PL_OK)
        assert_int_equal(b.len, 0);
    pl_buf_fini(&b);
    return rc;
}

static void what_does_not_close_is_refused(void **state)
{
    static const char *const bad[] = {"[",    "[a",   "[]",  "[!]",   "{",
                                      "{a,b", "{{a}", "a\\", "[a\\]", "{a,[b}"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (expand(pl_span_of(bad[i])) != PL_EINVAL)
            fail_msg("%s", bad[i]);
    assert_int_equal(expand(PL_SPAN("a\0b")), PL_EINVAL);
}

static void alternatives_are_bounded(void **state)
{
    char text[8192];

    (void)state;
    assert_int_equal(expand(PL_SPAN("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}")), PL_OK);
    assert_int_equal(expand(PL_SPAN("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}")),
                     PL_ETOOBIG);
    memset(text, '{', sizeof text);
    assert_int_equal(expand((struct pl_span){text, sizeof text}), PL_ETOOBIG);
    memset(text + 2000, '}', 2000);
    assert_int_equal(expand((struct pl_span){text, 4000}), PL_OK);
    for (size_t i = 0; i + 5 < 4000; i += 5)
        memcpy(text + i, "{a,b}", 5);
    assert_int_equal(expand((struct pl_span){text, 4000}), PL_ETOOBIG);
}

/* Each star could otherwise double the time. */
static void many_stars_take_little_time(void **state)
{
    char pattern[201], name[256];

    (void)state;
    for (int i = 0; i < 200; i += 2)
        memcpy(pattern + i, "*a", 2);
    pattern[200] = '\0';
    memset(name, 'a', 255);
    name[254] = 'b';
    name[255] = '\0';
    assert_false(matches(pattern, name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sign_means_what_it_says),
        cmocka_unit_test(what_does_not_close_is_refused),
        cmocka_unit_test(alternatives_are_bounded),
        cmocka_unit_test(many_stars_take_little_time),
    };

    return cmocka_run_group_tests_name("glob", tests, NULL, NULL);
}
