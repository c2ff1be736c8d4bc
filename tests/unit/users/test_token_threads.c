/* SPDX-License-Identifier: Apache-2.0 */
/* test_token_threads.c - loops verify and make tokens at once, with one key. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs three of these */
#include <cmocka.h>

#include "token.h"

enum { THREADS = 4, ROUNDS = 300 };

static const struct pl_token_key key = {
    .secret = {"0123456789abcdef0123456789abcdef", 32}};
static struct pl_token_policy *policy;

/* Returns the number of rounds that went wrong: cmocka's assertions jump, and
 * must not from another thread. */
static void *work(void *user)
{
    struct pl_span channels[] = {PL_SPAN("a"), PL_SPAN("b")};
    struct pl_token_grant g = {.user = pl_span_of(user),
                               .issued_at_s = 1000,
                               .ttl_s = 10,
                               .info = PL_SPAN("{\"n\":1}"),
                               .channels = channels,
                               .channel_count = 2};
    uintptr_t wrong = 0;

    for (int i = 0; i < ROUNDS; i++) {
        struct pl_token_claims *c = NULL;
        char *token = NULL;

        if (pl_token_create(&key, &g, &token, NULL) != PL_OK ||
            pl_token_verify(policy, PL_TOKEN_CONNECTION, pl_span_of(token),
                            1001, &c, NULL) != PL_OK ||
            !pl_span_equal(c->user, g.user) || c->sub_count != 2)
            wrong++;
        if (pl_token_verify(policy, PL_TOKEN_CONNECTION, pl_span_of(token),
                            1010, &c, NULL) != PL_EEXPIRED)
            wrong++;
        pl_token_claims_destroy(c);
        free(token);
    }
    return (void *)wrong;
}

static void loops_verify_tokens_at_the_same_time(void **state)
{
    static char names[THREADS][4] = {"ann", "bob", "cem", "dot"};
    pthread_t thread[THREADS];
    struct pl_jws_key *secret;
    void *wrong;

    (void)state;
    assert_int_equal(pl_jws_key_of_secret(&secret, key.secret), PL_OK);
    assert_int_equal(pl_token_policy_of_key(&policy, secret), PL_OK);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, work, names[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(thread[i], &wrong), 0);
        assert_null(wrong);
    }
    pl_jws_key_release(secret);
    pl_token_policy_release(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_verify_tokens_at_the_same_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
