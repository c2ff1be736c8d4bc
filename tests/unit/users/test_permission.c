/* SPDX-License-Identifier: Apache-2.0 */
/* test_permission.c - grants out of the configuration, and reserved names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the first three */
#include <cmocka.h>

#include "permission.h"
#include "settings.h"

enum { ALL = (1 << 5) - 1 };

static void by_default_nobody_may_do_anything(void **state)
{
    struct pl_settings *c;

    (void)state;
    assert_int_equal(pl_settings_create_default(&c), PL_OK);
    assert_int_equal(pl_permission_grants(&c->rules, false), 0);
    assert_int_equal(pl_permission_grants(&c->rules, true), 0);
    pl_settings_destroy(c);
}

static void insecure_lets_everybody_do_everything(void **state)
{
    const struct pl_config_source src = {.insecure = true};
    struct pl_buf report = {0};
    struct pl_settings *c;

    (void)state;
    assert_int_equal(pl_settings_load(&c, &src, &report), PL_OK);
    assert_int_equal(pl_permission_grants(&c->rules, false), ALL);
    assert_int_equal(pl_permission_grants(&c->rules, true), ALL);
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
        assert_int_equal(pl_permission_grants(&c, false), 0);
        assert_int_equal(pl_permission_grants(&c, true), grant[i]);
        *key[i] = PL_ALLOW_ALL;
        assert_int_equal(pl_permission_grants(&c, false), grant[i]);
        assert_int_equal(pl_permission_grants(&c, true), grant[i]);
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

static void inboxes_and_names_that_restrict_elsewhere_are_reserved(void **state)
{
    (void)state;
    assert_int_equal(pl_channel_name_check(PL_SPAN("#42")),
                     PL_CHANNEL_NAME_RESERVED);
    assert_int_equal(pl_channel_name_check(PL_SPAN("#")),
                     PL_CHANNEL_NAME_RESERVED);
    assert_int_equal(pl_channel_name_check(PL_SPAN("@client")),
                     PL_CHANNEL_NAME_RESERVED);
    assert_int_equal(pl_channel_name_check(PL_SPAN("room:a#42")),
                     PL_CHANNEL_NAME_RESERVED);
    assert_int_equal(pl_channel_name_check(PL_SPAN("room#")),
                     PL_CHANNEL_NAME_RESERVED);
    assert_int_equal(pl_channel_name_check(PL_SPAN("$private")),
                     PL_CHANNEL_NAME_RESERVED);
    assert_int_equal(pl_channel_name_check(PL_SPAN("$")),
                     PL_CHANNEL_NAME_RESERVED);
    assert_int_equal(pl_channel_name_check(PL_SPAN("a$x@y")),
                     PL_CHANNEL_NAME_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_default_nobody_may_do_anything),
        cmocka_unit_test(insecure_lets_everybody_do_everything),
        cmocka_unit_test(each_key_gives_its_own_grant_and_no_other),
        cmocka_unit_test(a_channel_name_has_one_to_255_bytes),
        cmocka_unit_test(
            inboxes_and_names_that_restrict_elsewhere_are_reserved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
