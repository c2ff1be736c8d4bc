/* SPDX-License-Identifier: Apache-2.0 */
/* test_users_memory.c - tokens and users when memory runs out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka.h needs the first three */
#include <cmocka.h>

#include "failing_alloc.h"
#include "token.h"
#include "user_table.h"

static void a_registration_that_fails_changes_nothing(void **state)
{
    static const struct pl_hash_key key = {1, 2};
    struct pl_user_table *t;
    struct pl_user_counts c;
    unsigned failures = 0;
    uint32_t handle = 77;

    (void)state;
    alloc_fails_at = 1;
    assert_int_equal(pl_user_table_create(&t, &key), PL_ENOMEM);
    assert_int_equal(pl_user_table_create(&t, &key), PL_OK);
    for (;; failures++) {
        alloc_fails_at = failures + 1;
        if (pl_user_table_register(t, PL_SPAN("ann"),
                                   (struct pl_address){0, 0, 1, 1},
                                   &handle) == PL_OK)
            break;
        assert_int_equal(handle, 77);
        c = pl_user_table_counts(t);
        assert_int_equal(c.connections, 0);
        assert_int_equal(c.users, 0);
        assert_int_equal(c.users_with_one, 0);
    }
    alloc_fails_at = 0;
    assert_true(failures >= 2);
    c = pl_user_table_counts(t);
    assert_int_equal(c.connections, 1);
    assert_int_equal(c.users_with_one, 1);
    pl_user_table_destroy(t);
}

static void a_token_is_not_judged_without_memory(void **state)
{
    static const struct pl_token_key key = {
        .secret = {"0123456789abcdef0123456789abcdef", 32}};
    const struct pl_span channel = PL_SPAN("a");
    const struct pl_token_grant g = {
        .user = PL_SPAN("u"), .channels = &channel, .channel_count = 1};
    struct pl_token_claims *c = NULL;
    struct pl_token_policy *policy;
    struct pl_jws_key *secret;
    const char *why;
    unsigned failures = 0;
    char *token;

    (void)state;
    assert_int_equal(pl_jws_key_of_secret(&secret, key.secret), PL_OK);
    assert_int_equal(pl_token_policy_of_key(&policy, secret), PL_OK);
    assert_int_equal(pl_token_create(&key, &g, &token, NULL), PL_OK);
    for (;; failures++) {
        alloc_fails_at = failures + 1;
        if (pl_token_verify(policy, PL_TOKEN_CONNECTION, pl_span_of(token), 1,
                            &c, &why) == PL_OK)
            break;
        assert_string_equal(why, pl_err_text(PL_ENOMEM));
        assert_null(c);
    }
    alloc_fails_at = 0;
    /* header, code, payload, claims, their arena */
    assert_int_equal(failures, 5);
    pl_token_claims_destroy(c);
    pl_token_policy_release(policy);
    pl_jws_key_release(secret);
    free(token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_registration_that_fails_changes_nothing),
        cmocka_unit_test(a_token_is_not_judged_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
