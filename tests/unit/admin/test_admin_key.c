/* SPDX-License-Identifier: Apache-2.0 */
/* test_admin_key.c - who may use the server API, and for what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "access.h"
#include "api_key.h"

/* Look for the key that `head` shows to a broker with these settings. */
static enum pl_key_verdict ask_with(const struct pl_users_settings *settings,
                                    struct pl_span head)
{
    const struct pl_http_rules rules = {.takes_old = true};
    const struct pl_api_key *found;
    struct pl_api_keys keys;
    struct pl_http_head parsed;
    struct pl_http_error error;
    size_t taken;

    assert_int_equal(pl_http_head_read(head, &rules, &parsed, &taken, &error),
                     PL_OK);
    assert_int_equal(pl_api_keys_init(&keys, settings), PL_OK);
    enum pl_key_verdict verdict = pl_api_key_find(&keys, &parsed, &found);
    pl_api_keys_fini(&keys);
    return verdict;
}

/* Likewise with api.key `key` and `more` of api.keys. */
static enum pl_key_verdict ask(const char *key,
                               struct pl_api_key_settings *more, size_t count,
                               struct pl_span head)
{
    const struct pl_users_settings settings = {
        .api = {.key = (char *)key, .keys = {more, count}}};

    return ask_with(&settings, head);
}

/* `target` and further field lines. */
static enum pl_key_verdict check(const char *key, const char *target,
                                 const char *fields)
{
    char head[1000];

    snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: x\r\n%s\r\n", target,
             fields);
    return ask(key, NULL, 0, pl_span_of(head));
}

#define HEADER "X-API-Key: "
#define SCHEME "Authorization: "

static void without_a_configured_key_nobody_may(void **state)
{
    (void)state;
    assert_int_equal(check(NULL, "/", HEADER "x\r\n"), PL_KEY_ABSENT);
    assert_int_equal(check(NULL, "/?api_key=", ""), PL_KEY_ABSENT);
    assert_int_equal(check("", "/", HEADER "\r\n"), PL_KEY_ABSENT);
    assert_int_equal(check(NULL, "/", ""), PL_KEY_ABSENT);
}

static void the_key_is_taken_from_a_header_or_the_query(void **state)
{
    static const char *const rows[][2] = {
        {"/", HEADER "secret\r\n"},
        {"/", SCHEME "apikey secret\r\n"},
        {"/", SCHEME "ApiKey  secret\r\n"},
        {"/?api_key=secret", ""},
        {"/?a=b&api_key=secret&c", ""},
        {"/?api_key=s%65cret", ""},
        {"/?api_key=secret", SCHEME "Basic dTpw\r\n"},
        {"/?api_key=wrong", HEADER "secret\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(check("secret", rows[i][0], rows[i][1]), PL_KEY_GOOD);
}

static void another_key_is_wrong(void **state)
{
    static const struct {
        const char *target, *fields;
        enum pl_key_verdict verdict;
    } rows[] = {
        {"/", "", PL_KEY_ABSENT},
        {"/", HEADER "\r\n", PL_KEY_WRONG},
        {"/", HEADER "secre\r\n", PL_KEY_WRONG},
        {"/", HEADER "secrets\r\n", PL_KEY_WRONG},
        {"/", SCHEME "secret\r\n", PL_KEY_ABSENT},
        {"/", SCHEME "Bearer secret\r\n", PL_KEY_ABSENT},
        {"/", SCHEME "apikey\r\n", PL_KEY_ABSENT},
        {"/", SCHEME "apikey secrets\r\n", PL_KEY_WRONG},
        {"/?api_key=", "", PL_KEY_WRONG},
        {"/?api_key", "", PL_KEY_WRONG},
        {"/?API_KEY=secret", "", PL_KEY_ABSENT},
        {"/?api_key=secret%00", "", PL_KEY_WRONG},
        {"/?api_key=secret%0", "", PL_KEY_WRONG},
        {"/?api_key=secret+", "", PL_KEY_WRONG},
        /* The first place decides. */
        {"/?api_key=secret", HEADER "x\r\n", PL_KEY_WRONG},
        {"/?api_key=secret", SCHEME "apikey x\r\n", PL_KEY_WRONG},
        {"/", HEADER "x\r\n" SCHEME "apikey secret\r\n", PL_KEY_WRONG},
        /* Two readers may each take another of two. */
        {"/", HEADER "secret\r\n" HEADER "secret\r\n", PL_KEY_WRONG},
        {"/", SCHEME "apikey secret\r\n" SCHEME "apikey secret\r\n",
         PL_KEY_WRONG},
        {"/?api_key=secret&api_key=secret", "", PL_KEY_WRONG},
        {"/?api_key=secret&api_key=x", "", PL_KEY_WRONG},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (check("secret", rows[i].target, rows[i].fields) != rows[i].verdict)
            fail_msg("row %zu: %s %s", i, rows[i].target, rows[i].fields);
}

/* --- Several keys --- */

static char *words[] = {"chat", "news", "publish"};

static struct pl_api_key_settings two[] = {
    {.key = "narrow", .namespaces = {words, 2}, .methods = {&words[2], 1}},
    {.key = "wide"},
};

static void each_of_several_keys_opens(void **state)
{
    static const char head[] = "GET / HTTP/1.1\r\nHost: x\r\n";
    static const struct {
        const char *key;
        enum pl_key_verdict verdict;
    } rows[] = {{"main", PL_KEY_GOOD},
                {"narrow", PL_KEY_GOOD},
                {"wide", PL_KEY_GOOD},
                {"narrowwide", PL_KEY_WRONG}};
    char text[200];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(text, sizeof text, "%sX-API-Key: %s\r\n\r\n", head,
                 rows[i].key);
        assert_int_equal(ask("main", two, 2, pl_span_of(text)),
                         rows[i].verdict);
    }
}

static void a_key_permits_its_namespaces_and_methods(void **state)
{
    const struct pl_users_settings settings = {.api = {.keys = {two, 2}}};
    struct pl_api_keys keys;

    (void)state;
    assert_int_equal(pl_api_keys_init(&keys, &settings), PL_OK);
    const struct pl_api_key *narrow = &keys.at[0], *wide = &keys.at[1];
    assert_true(pl_api_key_permits_namespace(narrow, PL_SPAN("chat")));
    assert_true(pl_api_key_permits_namespace(narrow, PL_SPAN("news")));
    assert_false(pl_api_key_permits_namespace(narrow, PL_SPAN("")));
    assert_false(pl_api_key_permits_namespace(narrow, PL_SPAN("chats")));
    assert_true(pl_api_key_permits_method(narrow, PL_SPAN("publish")));
    assert_false(pl_api_key_permits_method(narrow, PL_SPAN("broadcast")));
    assert_true(pl_api_key_permits_namespace(wide, PL_SPAN("")));
    assert_true(pl_api_key_permits_method(wide, PL_SPAN("info")));
    pl_api_keys_fini(&keys);
}

static void an_open_api_is_closed_to_pages(void **state)
{
    static const struct pl_users_settings open = {.api = {.is_open = true}};

    (void)state;
    assert_int_equal(ask_with(&open, PL_SPAN("POST / HTTP/1.1\r\n"
                                             "Host: x\r\n\r\n")),
                     PL_KEY_GOOD);
    assert_int_equal(ask_with(&open, PL_SPAN("POST / HTTP/1.1\r\nHost: x\r\n"
                                             "X-API-Key: any\r\n\r\n")),
                     PL_KEY_GOOD);
    assert_int_equal(
        ask_with(&open, PL_SPAN("POST / HTTP/1.1\r\nHost: x\r\n"
                                "Origin: http://attacker.example\r\n\r\n")),
        PL_KEY_ABSENT);
    assert_int_equal(ask_with(&open, PL_SPAN("POST / HTTP/1.1\r\nHost: x\r\n"
                                             "Origin: null\r\n\r\n")),
                     PL_KEY_ABSENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_configured_key_nobody_may),
        cmocka_unit_test(the_key_is_taken_from_a_header_or_the_query),
        cmocka_unit_test(another_key_is_wrong),
        cmocka_unit_test(each_of_several_keys_opens),
        cmocka_unit_test(a_key_permits_its_namespaces_and_methods),
        cmocka_unit_test(an_open_api_is_closed_to_pages),
    };

    return cmocka_run_group_tests_name("admin_key", tests, NULL, NULL);
}
