/* SPDX-License-Identifier: Apache-2.0 */
/* test_permission.c - grants out of the configuration, and the names of
 * channels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the first three */
#include <cmocka.h>

#include "channel_name.h"
#include "permission.h"
#include "rules.h"
#include "settings.h"

enum { ALL = (1 << 5) - 1 };

static void by_default_nobody_may_do_anything(void **state)
{
    struct pl_settings *c;

    (void)state;
    assert_int_equal(pl_settings_create_default(&c), PL_OK);
    assert_int_equal(pl_permission_grants(&c->rules, false, false), 0);
    assert_int_equal(pl_permission_grants(&c->rules, true, false), 0);
    pl_settings_destroy(c);
}

static void insecure_lets_everybody_do_everything(void **state)
{
    const struct pl_config_source src = {.insecure = true};
    struct pl_buf report = {0};
    struct pl_settings *c;

    (void)state;
    assert_int_equal(pl_settings_load(&c, &src, &report), PL_OK);
    assert_int_equal(pl_permission_grants(&c->rules, false, false), ALL);
    assert_int_equal(pl_permission_grants(&c->rules, true, false), ALL);
    pl_settings_destroy(c);
}

static void each_key_gives_its_own_grant_and_no_other(void **state)
{
    struct pl_rules_settings c = {0};
    enum pl_allow *const key[] = {&c.allow_subscribe, &c.allow_publish,
                                  &c.allow_presence, &c.allow_history,
                                  &c.allow_send};
    static const uint8_t grant[] = {PL_GRANT_SUBSCRIBE, PL_GRANT_PUBLISH,
                                    PL_GRANT_PRESENCE, PL_GRANT_HISTORY,
                                    PL_GRANT_SEND};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        *key[i] = PL_ALLOW_AUTHENTICATED;
        assert_int_equal(pl_permission_grants(&c, false, false), 0);
        assert_int_equal(pl_permission_grants(&c, true, false), grant[i]);
        *key[i] = PL_ALLOW_ALL;
        assert_int_equal(pl_permission_grants(&c, false, false), grant[i]);
        assert_int_equal(pl_permission_grants(&c, true, false), grant[i]);
        *key[i] = PL_ALLOW_NONE;
    }
}

static void subscribers_may_do_more_where_a_key_says_so(void **state)
{
    struct pl_rules_settings c = {0};
    enum pl_allow *const key[] = {&c.allow_subscriber_publish,
                                  &c.allow_subscriber_presence,
                                  &c.allow_subscriber_history};
    static const uint8_t grant[] = {PL_GRANT_PUBLISH, PL_GRANT_PRESENCE,
                                    PL_GRANT_HISTORY};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        *key[i] = PL_ALLOW_AUTHENTICATED;
        assert_int_equal(pl_permission_grants(&c, true, false), 0);
        assert_int_equal(pl_permission_grants(&c, false, true), 0);
        assert_int_equal(pl_permission_grants(&c, true, true), grant[i]);
        *key[i] = PL_ALLOW_ALL;
        assert_int_equal(pl_permission_grants(&c, false, false), 0);
        assert_int_equal(pl_permission_grants(&c, false, true), grant[i]);
        *key[i] = PL_ALLOW_NONE;
    }
}

static void a_channel_name_has_one_to_255_bytes(void **state)
{
    char name[256];

    (void)state;
    memset(name, 'n', sizeof(name));
    assert_int_equal(pl_channel_name_check((struct pl_span){name, 0}),
                     PL_CHANNEL_NAME_EMPTY);
    assert_int_equal(pl_channel_name_check((struct pl_span){NULL, 0}),
                     PL_CHANNEL_NAME_EMPTY);
    assert_int_equal(pl_channel_name_check((struct pl_span){name, 1}),
                     PL_CHANNEL_NAME_OK);
    assert_int_equal(pl_channel_name_check((struct pl_span){name, 255}),
                     PL_CHANNEL_NAME_OK);
    assert_int_equal(pl_channel_name_check((struct pl_span){name, 256}),
                     PL_CHANNEL_NAME_TOO_LONG);
}

static void a_backend_may_use_all_names_but_those_of_inboxes(void **state)
{
    (void)state;
    assert_int_equal(pl_channel_name_check(PL_SPAN("#42")),
                     PL_CHANNEL_NAME_RESERVED);
    assert_int_equal(pl_channel_name_check(PL_SPAN("@client")),
                     PL_CHANNEL_NAME_RESERVED);
    assert_int_equal(pl_channel_name_check(PL_SPAN("room:a#42")),
                     PL_CHANNEL_NAME_OK);
    assert_int_equal(pl_channel_name_check(PL_SPAN("$private")),
                     PL_CHANNEL_NAME_OK);
}

/* --- What a name says --- */

struct said {
    const char *name;
    const char *space, *rest, *users;
    uint8_t traits;
};

static void expect_parts(const struct pl_naming *n, const struct said *rows,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct pl_name_parts p = pl_name_parse(n, pl_span_of(rows[i].name));

        if (!pl_span_equal(p.space, pl_span_of(rows[i].space)) ||
            !pl_span_equal(p.rest, pl_span_of(rows[i].rest)) ||
            !pl_span_equal(p.users, pl_span_of(rows[i].users)) ||
            p.traits != rows[i].traits)
            fail_msg("%s: %.*s|%.*s|%.*s|%u", rows[i].name, (int)p.space.len,
                     p.space.at, (int)p.rest.len, p.rest.at, (int)p.users.len,
                     p.users.len == 0 ? "" : p.users.at, p.traits);
    }
}

static void a_name_is_read_as_centrifugo_reads_it(void **state)
{
    static const struct said rows[] = {
        {"room", "", "room", "", 0},
        {"chat:room", "chat", "room", "", 0},
        {"chat:a:b", "chat", "a:b", "", 0}, /* the first boundary */
        {":a", "", "a", "", 0},
        {"chat:", "chat", "", "", 0},
        {"$chat:a", "chat", "a", "", PL_NAME_PRIVATE},
        {"$$a", "", "$a", "", PL_NAME_PRIVATE}, /* taken off once */
        {"$", "", "", "", PL_NAME_PRIVATE},
        {"a$", "", "a$", "", 0},
        {"chat:$a", "chat", "$a", "", 0}, /* in front or nowhere */
        {"chat:a#1,2", "chat", "a#1,2", "1,2", PL_NAME_USERS},
        {"a#1#2", "", "a#1#2", "2", PL_NAME_USERS}, /* the last one */
        {"a#", "", "a#", "", PL_NAME_USERS},
        {"$a#1", "", "a#1", "1", PL_NAME_USERS | PL_NAME_PRIVATE},
        {"#a:b#c", "", "#a:b#c", "a:b#c", PL_NAME_INBOX},
        {"#", "", "#", "", PL_NAME_INBOX},
        {"@a:b", "", "@a:b", "", PL_NAME_CONNECTION},
        {"chat:\xc3\xa4", "chat", "\xc3\xa4", "", PL_NAME_FOREIGN},
    };

    (void)state;
    expect_parts(&pl_naming_usual, rows, sizeof rows / sizeof *rows);
}

static void each_mark_can_be_another_or_off(void **state)
{
    const struct pl_naming other = {.boundary = {"::"},
                                    .private_prefix = {"!"},
                                    .user_boundary = {"%"},
                                    .user_separator = {";"}};
    static const struct said others[] = {
        {"chat::a:b", "chat", "a:b", "", 0},
        {"!a", "", "a", "", PL_NAME_PRIVATE},
        {"$a#1", "", "$a#1", "", 0},
        {"a%1;2", "", "a%1;2", "1;2", PL_NAME_USERS},
        {"#a::b", "#a", "b", "", 0}, /* no inboxes */
    };
    const struct pl_naming off = {.has_inboxes = false};
    static const struct said offs[] = {{"$a:b#1,2", "", "$a:b#1,2", "", 0}};
    const struct pl_naming spaced = {.boundary = {":"},
                                     .user_boundary = {"#"},
                                     .has_inboxes = true,
                                     .inbox_space = PL_SPAN("mine")};
    static const struct said spaceds[] = {
        {"mine:#a:b", "mine", "#a:b", "a:b", PL_NAME_INBOX},
        {"other:#a", "other", "#a", "a", PL_NAME_USERS},
        {"#a", "", "#a", "a", PL_NAME_USERS},
    };

    (void)state;
    expect_parts(&other, others, sizeof others / sizeof *others);
    expect_parts(&off, offs, sizeof offs / sizeof *offs);
    expect_parts(&spaced, spaceds, sizeof spaceds / sizeof *spaceds);
}

static void a_personal_channel_is_of_one_user_whatever_the_name(void **state)
{
    struct pl_naming n = pl_naming_usual;
    static const struct said bares[] = {
        {"#42", "", "#42", "42", PL_NAME_INBOX | PL_NAME_PERSONAL},
        {"own:#42", "own", "#42", "42", PL_NAME_USERS},
    };
    static const struct said spaceds[] = {
        {"#42", "", "#42", "42", PL_NAME_INBOX},
        {"own:#42", "own", "#42", "42", PL_NAME_PERSONAL},
        {"own:#a#b,c:d", "own", "#a#b,c:d", "a#b,c:d", PL_NAME_PERSONAL},
        {"own:#", "own", "#", "", PL_NAME_PERSONAL},
        {"own:a#42", "own", "a#42", "42", PL_NAME_USERS},
        {"$own:#42", "own", "#42", "42", PL_NAME_USERS | PL_NAME_PRIVATE},
        {"other:#42", "other", "#42", "42", PL_NAME_USERS},
    };

    (void)state;
    n.has_personal = true;
    n.personal_space = PL_SPAN("");
    expect_parts(&n, bares, sizeof bares / sizeof *bares);
    n.personal_space = PL_SPAN("own");
    expect_parts(&n, spaceds, sizeof spaceds / sizeof *spaceds);
}

static void a_list_has_a_user_or_not(void **state)
{
    static const struct {
        const char *users, *user;
        bool has;
    } rows[] = {
        {"1,2,3", "1", true},  {"1,2,3", "2", true}, {"1,2,3", "3", true},
        {"1,2,3", "4", false}, {"12", "1", false},   {"1,22", "2", false},
        {"", "1", false},      {",1", "1", true},    {"1,", "1", true},
        {"1,2", "1,2", false}, {"1,,2", "2", true},
    };
    struct pl_naming one = pl_naming_usual;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (pl_name_lists(&pl_naming_usual, pl_span_of(rows[i].users),
                          pl_span_of(rows[i].user)) != rows[i].has)
            fail_msg("%s has %s", rows[i].users, rows[i].user);
    one.user_separator = (struct pl_config_mark){""};
    assert_true(pl_name_lists(&one, PL_SPAN("1,2"), PL_SPAN("1,2")));
    assert_false(pl_name_lists(&one, PL_SPAN("1,2"), PL_SPAN("1")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_default_nobody_may_do_anything),
        cmocka_unit_test(insecure_lets_everybody_do_everything),
        cmocka_unit_test(each_key_gives_its_own_grant_and_no_other),
        cmocka_unit_test(a_channel_name_has_one_to_255_bytes),
        cmocka_unit_test(a_backend_may_use_all_names_but_those_of_inboxes),
        cmocka_unit_test(subscribers_may_do_more_where_a_key_says_so),
        cmocka_unit_test(a_name_is_read_as_centrifugo_reads_it),
        cmocka_unit_test(each_mark_can_be_another_or_off),
        cmocka_unit_test(a_personal_channel_is_of_one_user_whatever_the_name),
        cmocka_unit_test(a_list_has_a_user_or_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
