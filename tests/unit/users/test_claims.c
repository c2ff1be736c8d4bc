/* SPDX-License-Identifier: Apache-2.0 */
/* test_claims.c - what tokens of connections and of subscriptions say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the first three */
#include <cmocka.h>
#include <jwt.h>

#include "token.h"

#define SECRET "0123456789abcdef0123456789abcdef"

enum { NOW = 1700000000 };

/* The settings of most cases; `more` has what differs. */
static struct pl_token_policy *policy_of(struct pl_token_settings more)
{
    static char secret[] = SECRET;
    struct pl_token_policy *p = NULL;
    const char *key = "", *why = "";

    more.hmac_secret = secret;
    if (pl_token_policy_create(&p, &more, &key, &why) != PL_OK)
        fail_msg("%s: %s", key, why);
    return p;
}

static char *sign(const char *payload)
{
    jwt_t *jwt;
    char *token;

    assert_int_equal(jwt_new(&jwt), 0);
    assert_int_equal(jwt_add_grants_json(jwt, payload), 0);
    assert_int_equal(
        jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)SECRET, 32), 0);
    token = jwt_encode_str(jwt);
    assert_non_null(token);
    jwt_free(jwt);
    return token;
}

/* Verify with `p`, which may be NULL: no settings but the secret. */
static enum pl_err verify(const struct pl_token_policy *p,
                          enum pl_token_kind kind, const char *payload,
                          struct pl_token_claims **c, const char **why)
{
    struct pl_token_policy *plain =
        p == NULL ? policy_of((struct pl_token_settings){0}) : NULL;
    char *token = sign(payload);

    *c = NULL;
    *why = "";
    enum pl_err rc = pl_token_verify(p == NULL ? plain : p, kind,
                                     pl_span_of(token), NOW, c, why);
    free(token);
    pl_token_policy_release(plain);
    return rc;
}

static struct pl_token_claims *claims_of(const struct pl_token_policy *p,
                                         enum pl_token_kind kind,
                                         const char *payload)
{
    struct pl_token_claims *c;
    const char *why;

    if (verify(p, kind, payload, &c, &why) != PL_OK)
        fail_msg("%s: %s", payload, why);
    return c;
}

static void assert_refused(const struct pl_token_policy *p,
                           enum pl_token_kind kind, const char *payload,
                           enum pl_err err, const char *wanted)
{
    struct pl_token_claims *c;
    const char *why;

    assert_int_equal(verify(p, kind, payload, &c, &why), err);
    assert_string_equal(why, wanted);
    assert_null(c);
}

static void assert_good(const struct pl_token_policy *p, const char *payload)
{
    pl_token_claims_destroy(claims_of(p, PL_TOKEN_CONNECTION, payload));
}

static void assert_span(struct pl_span got, const char *wanted)
{
    assert_int_equal(got.len, strlen(wanted));
    assert_memory_equal(got.at, wanted, got.len);
}

static void expire_at_is_the_end_of_the_connection_in_place_of_exp(void **state)
{
    static const struct {
        const char *payload;
        int64_t end;
    } rows[] = {
        {"{\"exp\":1700000001}", NOW + 1},
        {"{\"exp\":1700000001,\"expire_at\":1700000009}", NOW + 9},
        {"{\"exp\":1700000001,\"expire_at\":1700000009.5}", NOW + 9},
        {"{\"exp\":1700000001,\"expire_at\":0}", 0},
        {"{\"exp\":1700000001,\"expire_at\":-1}", 0},
        {"{\"expire_at\":1600000000}", 1600000000}, /* the caller looks */
        {"{}", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pl_token_claims *c =
            claims_of(NULL, PL_TOKEN_CONNECTION, rows[i].payload);

        assert_int_equal(c->expires_at_s, rows[i].end);
        pl_token_claims_destroy(c);
    }
    assert_refused(NULL, PL_TOKEN_CONNECTION, "{\"expire_at\":null}",
                   PL_EBADMSG, "expire_at is not a date");
    /* the token itself has ended, whatever it opens */
    assert_refused(NULL, PL_TOKEN_CONNECTION,
                   "{\"exp\":1,\"expire_at\":1800000000}", PL_EEXPIRED,
                   "expired");
}

static void info_may_be_in_base64_which_wins(void **state)
{
    static const char bad[] = "a b64 claim does not hold JSON in base64";
    static const char *const wrong[] = {
        "{\"b64info\":\"e30\"}",      /* no padding */
        "{\"b64info\":\"bm8=\"}",     /* no */
        "{\"b64info\":\"/w==\"}",     /* no UTF-8 */
        "{\"b64info\":\"%%%%\"}",     /* no base64 */
        "{\"b64info\":{}}",           /* no text */
        "{\"b64info\":\"eyJhIjox\"}", /* {"a":1 */
    };
    struct pl_token_claims *c =
        claims_of(NULL, PL_TOKEN_CONNECTION,
                  "{\"info\":1,\"b64info\":\"eyAiYSIgOiAxIH0=\",\"jti\":\"x\","
                  "\"meta\":{ \"m\": [] },\"iat\":5}");

    (void)state;
    assert_span(c->info, "{\"a\":1}");
    assert_span(c->meta, "{\"m\":[]}");
    assert_span(c->id, "x");
    assert_int_equal(c->issued_at_s, 5);
    pl_token_claims_destroy(c);
    c = claims_of(NULL, PL_TOKEN_CONNECTION, "{\"info\":1,\"b64info\":\"\"}");
    assert_span(c->info, "1");
    pl_token_claims_destroy(c);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_refused(NULL, PL_TOKEN_CONNECTION, wrong[i], PL_EBADMSG, bad);
    assert_refused(NULL, PL_TOKEN_CONNECTION, "{\"jti\":1}", PL_EBADMSG,
                   "jti is not a text of up to 256 bytes");
}

/* Return the subscription to `name`. */
static const struct pl_token_sub *sub_of(const struct pl_token_claims *c,
                                         const char *name)
{
    for (size_t i = 0; i < c->sub_count; i++)
        if (pl_span_equal(c->subs[i].channel, pl_span_of(name)))
            return &c->subs[i];
    fail_msg("no subscription to %s", name);
    return NULL;
}

static void subs_win_over_channels_and_have_options(void **state)
{
    struct pl_token_claims *c = claims_of(
        NULL, PL_TOKEN_CONNECTION,
        "{\"sub\":\"u\",\"channels\":[\"x\"],\"subs\":{\"a\":{\"info\":{\"i\":"
        "1},\"b64data\":\"WzFd\",\"expire_at\":1700000060,\"override\":{"
        "\"presence\":{\"value\":true},\"join_leave\":{\"value\":false},"
        "\"force_recovery\":{},\"force_positioning\":null}},\"b\":{},\"c\":"
        "null,\"#u\":{}}}");
    const struct pl_token_sub *a = sub_of(c, "a"), *b = sub_of(c, "b");

    (void)state;
    assert_int_equal(c->sub_count, 3);
    sub_of(c, "c");
    assert_span(a->info, "{\"i\":1}");
    assert_span(a->data, "[1]");
    assert_int_equal(a->expires_at_s, NOW + 60);
    assert_int_equal(a->overrides, PL_OVERRIDE_PRESENCE |
                                       PL_OVERRIDE_JOIN_LEAVE |
                                       PL_OVERRIDE_RECOVERY);
    assert_int_equal(a->values, PL_OVERRIDE_PRESENCE);
    assert_null(b->info.at);
    assert_null(b->data.at);
    assert_int_equal(b->expires_at_s, 0);
    assert_int_equal(b->overrides, 0);
    pl_token_claims_destroy(c);
    c = claims_of(NULL, PL_TOKEN_CONNECTION,
                  "{\"channels\":[\"x\"],\"subs\":{}}");
    assert_int_equal(c->sub_count, 1);
    sub_of(c, "x");
    pl_token_claims_destroy(c);
}

static void subs_that_make_no_sense_are_refused(void **state)
{
    static const struct {
        const char *payload, *why;
    } rows[] = {
        {"{\"subs\":[]}", "subs is not an object"},
        {"{\"subs\":{\"a\":1}}", "subs holds something else"},
        {"{\"subs\":{\"\":{}}}", "channels: a name of bad length"},
        {"{\"subs\":{\"a\":{\"override\":[]}}}", "override is not an object"},
        {"{\"subs\":{\"a\":{\"override\":{\"presence\":true}}}}",
         "override: a member without a boolean"},
        {"{\"subs\":{\"a\":{\"override\":{\"presence\":{\"value\":1}}}}}",
         "override: a member without a boolean"},
        {"{\"subs\":{\"a\":{\"expire_at\":\"soon\"}}}",
         "subs: expire_at is not a date"},
        {"{\"subs\":{\"a\":{\"b64info\":\"x\"}}}",
         "a b64 claim does not hold JSON in base64"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_refused(NULL, PL_TOKEN_CONNECTION, rows[i].payload, PL_EBADMSG,
                       rows[i].why);
}

static void a_subscription_token_says_what_it_opens(void **state)
{
    struct pl_token_claims *c = claims_of(
        NULL, PL_TOKEN_SUBSCRIPTION,
        "{\"sub\":\"u\",\"channel\":\"$room#1\",\"client\":\"id\",\"exp\":"
        "1700000001,\"info\":\"i\",\"data\":2,\"override\":{\"presence\":{"
        "\"value\":true}}}");

    (void)state;
    assert_span(c->user, "u");
    assert_span(c->client, "id");
    assert_int_equal(c->sub_count, 1);
    assert_span(c->subs[0].channel, "$room#1");
    assert_span(c->subs[0].info, "\"i\"");
    assert_span(c->subs[0].data, "2");
    assert_int_equal(c->subs[0].values, PL_OVERRIDE_PRESENCE);
    assert_int_equal(c->expires_at_s, NOW + 1);
    pl_token_claims_destroy(c);
    c = claims_of(NULL, PL_TOKEN_SUBSCRIPTION,
                  "{\"channel\":\"a\",\"client\":\"\"}");
    assert_int_equal(c->user.len, 0);
    assert_null(c->client.at);
    pl_token_claims_destroy(c);
}

static void a_subscription_token_without_a_channel_is_refused(void **state)
{
    static const struct {
        const char *payload, *why;
    } rows[] = {
        {"{\"sub\":\"u\"}", "it is for no channel"},
        {"{\"channel\":\"\"}", "it is for no channel"},
        {"{\"channel\":7}", "it is for no channel"},
        {"{\"channel\":\"a\",\"client\":7}", "client is not a string"},
        {"{\"channel\":\"a\",\"allow\":[]}", "allow is not supported"},
        {"{\"channel\":\"a\",\"server_tags_filter\":null}",
         "server_tags_filter is not supported"},
        {"{\"channel\":\"a\",\"exp\":null}", "exp is not a date"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_refused(NULL, PL_TOKEN_SUBSCRIPTION, rows[i].payload, PL_EBADMSG,
                       rows[i].why);
    assert_refused(NULL, PL_TOKEN_SUBSCRIPTION,
                   "{\"channel\":\"a\",\"nbf\":1700000001}", PL_EEXPIRED,
                   "not valid yet");
}

static void aud_and_iss_are_compared_with_what_is_configured(void **state)
{
    static const char aud[] = "aud is for another audience";
    static const char iss[] = "iss is another issuer";
    struct pl_token_policy *p = policy_of(
        (struct pl_token_settings){.audience = "chat", .issuer = "https://id"});

    (void)state;
    assert_good(p, "{\"aud\":\"chat\",\"iss\":\"https://id\"}");
    assert_good(p, "{\"aud\":[\"x\",\"chat\"],\"iss\":\"https://id\"}");
    assert_refused(p, PL_TOKEN_CONNECTION, "{\"iss\":\"https://id\"}",
                   PL_EBADMSG, aud);
    assert_refused(p, PL_TOKEN_CONNECTION,
                   "{\"aud\":[],\"iss\":\"https://id\"}", PL_EBADMSG, aud);
    assert_refused(p, PL_TOKEN_CONNECTION,
                   "{\"aud\":\"chats\",\"iss\":\"https://id\"}", PL_EBADMSG,
                   aud);
    assert_refused(p, PL_TOKEN_CONNECTION, "{\"aud\":\"chat\"}", PL_EBADMSG,
                   iss);
    assert_refused(p, PL_TOKEN_CONNECTION,
                   "{\"aud\":\"chat\",\"iss\":[\"https://id\"]}", PL_EBADMSG,
                   iss);
    pl_token_policy_release(p);
    p = policy_of((struct pl_token_settings){.audience_regex = "^chat-\\d+$",
                                             .issuer_regex = "(?P<t>a|b)"});
    assert_good(p, "{\"aud\":\"chat-12\",\"iss\":\"xbx\"}");
    assert_refused(p, PL_TOKEN_CONNECTION, "{\"aud\":\"chat-\",\"iss\":\"a\"}",
                   PL_EBADMSG, aud);
    assert_refused(p, PL_TOKEN_CONNECTION, "{\"aud\":\"chat-1\",\"iss\":\"c\"}",
                   PL_EBADMSG, iss);
    pl_token_policy_release(p);
    p = policy_of((struct pl_token_settings){.ignores_names = true});
    assert_good(p, "{\"aud\":[\"x\"],\"iss\":\"y\"}");
    pl_token_policy_release(p);
}

/* It would take PCRE2 about 2^40 steps. */
static void a_claim_that_makes_a_pattern_slow_does_not_match(void **state)
{
    struct pl_token_policy *p =
        policy_of((struct pl_token_settings){.issuer_regex = "^(a+)+$"});

    (void)state;
    assert_refused(p, PL_TOKEN_CONNECTION,
                   "{\"iss\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"}",
                   PL_EBADMSG, "iss is another issuer");
    assert_good(p, "{\"iss\":\"aaaaaaaaaaaaaaaaaaaaaaaa\"}");
    pl_token_policy_release(p);
}

static void the_user_may_be_in_another_claim(void **state)
{
    struct pl_token_policy *p = policy_of(
        (struct pl_token_settings){.user_id_claim = "preferred_username"});
    struct pl_token_claims *c =
        claims_of(p, PL_TOKEN_CONNECTION,
                  "{\"sub\":\"x\",\"preferred_username\":\"ann\"}");

    (void)state;
    assert_span(c->user, "ann");
    pl_token_claims_destroy(c);
    c = claims_of(p, PL_TOKEN_CONNECTION, "{\"sub\":\"x\"}");
    assert_int_equal(c->user.len, 0);
    pl_token_claims_destroy(c);
    assert_refused(p, PL_TOKEN_CONNECTION, "{\"preferred_username\":5}",
                   PL_EBADMSG,
                   "sub, or the claim of the user, is not a string");
    pl_token_policy_release(p);
}

static void settings_of_claims_that_are_bad_are_named(void **state)
{
    static const struct {
        struct pl_token_settings s;
        const char *key, *why;
    } rows[] = {
        {{.audience_regex = "("},
         "audience_regex",
         "it is not a regular expression"},
        {{.issuer_regex = "a{2,1}"},
         "issuer_regex",
         "it is not a regular expression"},
        {{.user_id_claim = "a.b"},
         "user_id_claim",
         "a claim has letters and _ alone"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pl_token_policy *p = NULL;
        const char *key = "", *why = "";

        assert_int_equal(pl_token_policy_create(&p, &rows[i].s, &key, &why),
                         PL_EINVAL);
        assert_string_equal(key, rows[i].key);
        assert_string_equal(why, rows[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            expire_at_is_the_end_of_the_connection_in_place_of_exp),
        cmocka_unit_test(info_may_be_in_base64_which_wins),
        cmocka_unit_test(subs_win_over_channels_and_have_options),
        cmocka_unit_test(subs_that_make_no_sense_are_refused),
        cmocka_unit_test(a_subscription_token_says_what_it_opens),
        cmocka_unit_test(a_subscription_token_without_a_channel_is_refused),
        cmocka_unit_test(aud_and_iss_are_compared_with_what_is_configured),
        cmocka_unit_test(a_claim_that_makes_a_pattern_slow_does_not_match),
        cmocka_unit_test(the_user_may_be_in_another_claim),
        cmocka_unit_test(settings_of_claims_that_are_bad_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
