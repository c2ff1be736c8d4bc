/* SPDX-License-Identifier: Apache-2.0 */
/* test_rules.c - rulebooks, the cache of look-ups, and the rules that the
 * channels of an actor have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the first three */
#include <cmocka.h>

#include "buf.h"
#include "rules_use.h"

static struct pl_rulebook *book_of(uint64_t generation,
                                   const char *const *names, uint32_t count)
{
    struct pl_rules *rules = calloc(count, sizeof *rules);
    struct pl_rulebook *b;

    assert_non_null(rules);
    for (uint32_t i = 0; i < count; i++)
        rules[i].name = pl_span_of(names[i]);
    assert_int_equal(
        pl_rulebook_create(&b, generation, &pl_naming_usual, rules, count),
        PL_OK);
    free(rules);
    return b;
}

static const char *const three[] = {"news", "", "chat"};

static void expect_name(const struct pl_rules *r, const char *name)
{
    assert_non_null(r);
    assert_true(pl_span_equal(r->name, pl_span_of(name)));
}

static void the_part_before_a_colon_names_the_rules(void **state)
{
    struct pl_rulebook *b = book_of(1, three, 3);

    (void)state;
    expect_name(pl_rulebook_find(b, PL_SPAN("news:a")), "news");
    expect_name(pl_rulebook_find(b, PL_SPAN("chat:a:b")), "chat");
    expect_name(pl_rulebook_find(b, PL_SPAN("chat:")), "chat");
    expect_name(pl_rulebook_find(b, PL_SPAN("chat")), "");
    expect_name(pl_rulebook_find(b, PL_SPAN(":a")), "");
    expect_name(pl_rulebook_default(b), "");
    assert_null(pl_rulebook_find(b, PL_SPAN("new:a")));
    assert_null(pl_rulebook_find(b, PL_SPAN("newss:a")));
    assert_null(pl_rulebook_find(b, PL_SPAN("other:a")));
    pl_rulebook_release(b);
}

static void inboxes_have_no_namespace(void **state)
{
    struct pl_rulebook *b = book_of(1, three, 3);

    (void)state;
    expect_name(pl_rulebook_find(b, PL_SPAN("#other:user")), "");
    expect_name(pl_rulebook_find(b, PL_SPAN("@news:id")), "");
    pl_rulebook_release(b);
}

static void look_at(struct pl_rulebook *b, struct pl_span name)
{
    struct pl_name_parts p = pl_name_parse(pl_rulebook_naming(b), name);
    struct pl_found f = pl_rulebook_look(b, name);

    assert_ptr_equal(f.rules, pl_rulebook_space(b, p.space));
    assert_int_equal(f.traits & ~PL_NAME_BAD, p.traits);
}

/* The shortcuts for names without a mark and with a namespace alone change
 * nothing, whatever the marks are. */
static void a_look_finds_what_the_name_says(void **state)
{
    static const char letters[] = "ab:$#@%\xc3";
    const struct pl_rules rules[] = {{.name = {"", 0}}, {.name = {"a", 1}}};
    struct pl_naming other = {.boundary = {"%a"},
                              .user_boundary = {"::"},
                              .max_length = 255,
                              .has_inboxes = true,
                              .inbox_space = {"a", 1}};
    static const struct pl_naming alike[] = {
        {.boundary = {"$"}, .private_prefix = {"$"}, .max_length = 255},
        {.boundary = {":"}, .user_boundary = {":a"}, .max_length = 255},
        {.boundary = {"#"}, .max_length = 255, .has_inboxes = true},
        {.boundary = {"@"}, .max_length = 255},
        {.boundary = {"\xc3"}, .max_length = 255},
        {.private_prefix = {":"}, .max_length = 255},
    };
    const struct pl_naming *namings[] = {&pl_naming_usual, &other,    &alike[0],
                                         &alike[1],        &alike[2], &alike[3],
                                         &alike[4],        &alike[5]};
    char name[4];

    (void)state;
    for (size_t n = 0; n < sizeof namings / sizeof namings[0]; n++) {
        struct pl_rulebook *b;

        assert_int_equal(pl_rulebook_create(&b, 1, namings[n], rules, 2),
                         PL_OK);
        for (unsigned i = 0; i < 8 * 8 * 8 * 8; i++) {
            for (unsigned k = 0; k < 4; k++)
                name[k] = letters[i >> (3 * k) & 7];
            for (size_t len = 1; len <= 4; len++)
                look_at(b, (struct pl_span){name, len});
        }
        pl_rulebook_release(b);
    }
}

static void each_of_many_namespaces_is_found_and_no_other(void **state)
{
    enum { MANY = 1000 };
    static char text[MANY][8];
    const char *names[MANY + 1] = {""};
    char name[16];

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(text[i], sizeof text[i], "n%u", i);
        names[i + 1] = text[i];
    }
    struct pl_rulebook *b = book_of(1, names, MANY + 1);
    for (unsigned i = 0; i < 2 * MANY; i++) {
        int len = snprintf(name, sizeof name, "n%u:a", i);
        struct pl_rules *r =
            pl_rulebook_find(b, (struct pl_span){name, (size_t)len});

        if (i < MANY)
            expect_name(r, text[i]);
        else
            assert_null(r);
    }
    pl_rulebook_release(b);
}

static void without_namespaces_a_name_has_none_or_is_unknown(void **state)
{
    struct pl_rulebook *b = book_of(1, (const char *const[]){""}, 1);

    (void)state;
    expect_name(pl_rulebook_find(b, PL_SPAN("anything")), "");
    assert_null(pl_rulebook_find(b, PL_SPAN("any:thing")));
    pl_rulebook_release(b);
}

static void an_open_rulebook_has_rules_for_every_name(void **state)
{
    struct pl_rulebook *b = book_of(1, three, 3);

    (void)state;
    pl_rulebook_open(b);
    expect_name(pl_rulebook_find(b, PL_SPAN("other:a")), "");
    expect_name(pl_rulebook_find(b, PL_SPAN("chat:a")), "chat");
    pl_rulebook_release(b);
}

static void settings_change_by_key_all_at_once_or_not_at_all(void **state)
{
    struct pl_rules_settings s = {
        .history_size = 7, .slow = PL_SLOW_LATEST, .meta_ttl_ms = 5};
    struct pl_buf report = {0};

    (void)state;
    assert_int_equal(
        pl_rules_settings_change(&s,
                                 " history_size=9  presence=true meta_ttl=1m "
                                 "allow_publish=authenticated",
                                 &report),
        PL_OK);
    assert_int_equal(s.history_size, 9);
    assert_int_equal(s.meta_ttl_ms, 60000);
    assert_int_equal(s.allow_publish, PL_ALLOW_AUTHENTICATED);
    assert_true(s.presence);
    assert_int_equal(s.slow, PL_SLOW_LATEST);
    assert_int_equal(s.history_ttl_ms, 0); /* not the default of the key */
    assert_int_equal(pl_rules_settings_change(&s, "", &report), PL_OK);
    assert_int_equal(report.len, 0);
    assert_int_equal(
        pl_rules_settings_change(&s, "history_size=1 slow=no", &report),
        PL_EINVAL);
    assert_int_equal(s.history_size, 9);
    assert_true(report.len > 0);
    pl_buf_fini(&report);
}

static void a_cache_finds_what_its_rulebook_says(void **state)
{
    struct pl_rulebook *old = book_of(1, three, 3), *new = book_of(2, three, 2);
    struct pl_rule_cache c = {0};

    (void)state;
    pl_rule_cache_set(&c, old);
    for (int i = 0; i < 2; i++) { /* the second time it is there */
        expect_name(pl_rule_cache_find(&c, PL_SPAN("chat:a"), 5).rules, "chat");
        expect_name(pl_rule_cache_find(&c, PL_SPAN("news:a"), 6).rules, "news");
        assert_null(pl_rule_cache_find(&c, PL_SPAN("other:a"), 7).rules);
    }
    /* the same place of another name, and an equal hash of a longer one */
    expect_name(pl_rule_cache_find(&c, PL_SPAN("news:a"), 5 + 1024).rules,
                "news");
    expect_name(pl_rule_cache_find(&c, PL_SPAN("chat:ab"), 5 + 1024).rules,
                "chat");
    pl_rule_cache_set(&c, new);
    assert_null(pl_rule_cache_find(&c, PL_SPAN("chat:ab"), 5 + 1024).rules);
    pl_rulebook_release(old);
    pl_rulebook_release(new);
    pl_rule_cache_fini(&c);
}

static void channels_keep_their_rules_until_newer_ones_come(void **state)
{
    struct pl_rulebook *old = book_of(1, three, 3), *new = book_of(2, three, 3);
    struct pl_rules *r1 = pl_rulebook_find(old, PL_SPAN("chat:a")),
                    *r2 = pl_rulebook_find(new, PL_SPAN("chat:a"));
    struct pl_rules_uses u = {.owner = &u};
    struct pl_rules_use *a = pl_rules_use_take(&u, r1),
                        *b = pl_rules_use_take(&u, r1);

    (void)state;
    assert_ptr_equal(a, b);
    assert_ptr_equal(a->owner, &u);
    pl_rulebook_release(old); /* the channels hold what they need */
    assert_true(pl_rules_use_renew(&u, &b, r2));
    assert_ptr_equal(b->rules, r2);
    assert_ptr_equal(a->rules, r1);
    assert_true(pl_rules_use_renew(&u, &b, r1)); /* older: nothing changes */
    assert_ptr_equal(b->rules, r2);
    pl_rules_use_drop(&u, a);
    pl_rules_use_drop(&u, b);
    pl_rules_uses_fini(&u);
    pl_rulebook_release(new);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_part_before_a_colon_names_the_rules),
        cmocka_unit_test(inboxes_have_no_namespace),
        cmocka_unit_test(a_look_finds_what_the_name_says),
        cmocka_unit_test(each_of_many_namespaces_is_found_and_no_other),
        cmocka_unit_test(without_namespaces_a_name_has_none_or_is_unknown),
        cmocka_unit_test(an_open_rulebook_has_rules_for_every_name),
        cmocka_unit_test(settings_change_by_key_all_at_once_or_not_at_all),
        cmocka_unit_test(a_cache_finds_what_its_rulebook_says),
        cmocka_unit_test(channels_keep_their_rules_until_newer_ones_come),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
