/* SPDX-License-Identifier: Apache-2.0 */
/* test_token.c - which tokens are good, and what they say. */
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

static const struct pl_token_key key = {PL_SPAN(SECRET)};

enum { NOW = 1700000000 };

/* `payload` signed by `alg` with the secret, through libjwt alone. */
static char *sign_as(jwt_alg_t alg, const char *payload)
{
    static const unsigned char secret[] = SECRET;
    jwt_t *jwt;
    char *token;

    assert_int_equal(jwt_new(&jwt), 0);
    assert_int_equal(jwt_add_grants_json(jwt, payload), 0);
    assert_int_equal(jwt_set_alg(jwt, alg, alg == JWT_ALG_NONE ? NULL : secret,
                                 alg == JWT_ALG_NONE ? 0 : 32),
                     0);
    token = jwt_encode_str(jwt);
    assert_non_null(token);
    jwt_free(jwt);
    return token;
}

static struct pl_token_claims *claims_of(const char *payload)
{
    struct pl_token_claims *c = NULL;
    char *token = sign_as(JWT_ALG_HS256, payload);

    assert_int_equal(pl_token_verify(&key, pl_span_of(token), NOW, &c, NULL),
                     PL_OK);
    free(token);
    return c;
}

static void assert_refused(struct pl_span token, enum pl_err err,
                           const char *wanted)
{
    struct pl_token_claims *c = (void *)&key;
    const char *why = NULL;

    assert_int_equal(pl_token_verify(&key, token, NOW, &c, &why), err);
    assert_string_equal(why, wanted);
    assert_ptr_equal(c, &key); /* untouched */
}

static void assert_payload_refused(const char *payload, enum pl_err err,
                                   const char *why)
{
    char *token = sign_as(JWT_ALG_HS256, payload);

    assert_refused(pl_span_of(token), err, why);
    free(token);
}

static void assert_span(struct pl_span got, const char *wanted)
{
    assert_int_equal(got.len, strlen(wanted));
    assert_memory_equal(got.at, wanted, got.len);
}

static void a_good_token_gives_its_claims(void **state)
{
    struct pl_token_claims *c = claims_of(
        "{\"sub\":\"42\",\"exp\":1700000001,\"iat\":1,\"aud\":\"x\","
        "\"info\":{ \"name\": \"J\\u00f6rg\" },\"channels\":[\"a\",\"b:c\"]}");

    (void)state;
    assert_span(c->user, "42");
    assert_span(c->info, "{\"name\":\"J\xc3\xb6rg\"}");
    assert_int_equal(c->expires_at_s, NOW + 1);
    assert_int_equal(c->channel_count, 2);
    assert_span(c->channels[0], "a");
    assert_span(c->channels[1], "b:c");
    pl_token_claims_destroy(c);
}

static void no_claim_is_needed_and_without_sub_it_is_nobody(void **state)
{
    static const char *const nobody[] = {
        "{}",
        "{\"iat\":1700000000}",
        "{\"sub\":\"\",\"info\":null}",
        "{\"sub\":null,\"channel\":\"\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
        struct pl_token_claims *c = claims_of(nobody[i]);

        assert_int_equal(c->user.len, 0);
        assert_null(c->info.at);
        assert_int_equal(c->expires_at_s, 0);
        assert_int_equal(c->channel_count, 0);
        pl_token_claims_destroy(c);
    }
}

static void a_token_for_a_subscription_opens_no_connection(void **state)
{
    (void)state;
    assert_payload_refused("{\"sub\":\"u\",\"channel\":\"room\"}", PL_EBADMSG,
                           "it is for a subscription");
    assert_payload_refused("{\"iat\":1,\"channel\":\"room\"}", PL_EBADMSG,
                           "it is for a subscription");
}

static void info_may_be_any_json(void **state)
{
    struct pl_token_claims *c = claims_of("{\"sub\":\"u\",\"info\":\"x\"}");

    (void)state;
    assert_span(c->info, "\"x\"");
    pl_token_claims_destroy(c);
    c = claims_of("{\"sub\":\"u\",\"info\":[1, 2]}");
    assert_span(c->info, "[1,2]");
    pl_token_claims_destroy(c);
}

static void an_expired_token_is_told_from_a_bad_one(void **state)
{
    (void)state;
    assert_payload_refused("{\"sub\":\"u\",\"exp\":1700000000}", PL_EEXPIRED,
                           "expired");
    assert_payload_refused("{\"sub\":\"u\",\"exp\":1699999999.9}", PL_EEXPIRED,
                           "expired");
    assert_payload_refused("{\"sub\":\"u\",\"exp\":0}", PL_EEXPIRED, "expired");
    assert_payload_refused("{\"sub\":\"u\",\"exp\":-5}", PL_EEXPIRED,
                           "expired");
}

static void a_date_may_have_a_fraction(void **state)
{
    struct pl_token_claims *c =
        claims_of("{\"sub\":\"u\",\"exp\":1700000001.5,\"nbf\":1.5}");

    (void)state;
    assert_int_equal(c->expires_at_s, NOW + 1);
    pl_token_claims_destroy(c);
}

static void a_token_is_not_good_before_its_time(void **state)
{
    (void)state;
    assert_payload_refused("{\"sub\":\"u\",\"nbf\":1700000001}", PL_EDENIED,
                           "not valid yet");
    pl_token_claims_destroy(claims_of("{\"sub\":\"u\",\"nbf\":1700000000}"));
}

static void claims_that_make_no_sense_are_refused(void **state)
{
    static const struct {
        const char *payload, *why;
    } bad[] = {
        {"{\"sub\":42}", "sub is not a string"},
        {"{\"sub\":\"u\",\"exp\":\"soon\"}", "exp is not a date"},
        {"{\"sub\":\"u\",\"exp\":1e300}", "exp is not a date"},
        {"{\"sub\":\"u\",\"nbf\":true}", "nbf is not a date"},
        {"{\"sub\":\"u\",\"channels\":\"a\"}", "channels is not a list"},
        {"{\"sub\":\"u\",\"channels\":[1]}", "channels holds something else"},
        {"{\"sub\":\"u\",\"channels\":[\"\"]}",
         "channels: a name of bad length"},
        {"{\"sub\":\"u\",\"channels\":[\"#v\"]}", "channels: a reserved name"},
        {"{\"sub\":\"u\",\"channels\":[\"@u\"]}", "channels: a reserved name"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_payload_refused(bad[i].payload, PL_EBADMSG, bad[i].why);
}

static void a_user_must_fit_into_the_name_of_its_inbox(void **state)
{
    char payload[300];
    struct pl_token_claims *c;

    (void)state;
    snprintf(payload, sizeof(payload), "{\"sub\":\"%0254d\"}", 0);
    c = claims_of(payload);
    assert_int_equal(c->user.len, PL_TOKEN_USER_MAX);
    pl_token_claims_destroy(c);
    snprintf(payload, sizeof(payload), "{\"sub\":\"%0255d\"}", 0);
    assert_payload_refused(payload, PL_EBADMSG, "sub is too long");
}

static void channels_come_once_and_without_the_own_inbox(void **state)
{
    struct pl_token_claims *c =
        claims_of("{\"sub\":\"u\",\"channels\":[\"a\",\"#u\",\"b\",\"a\"]}");

    (void)state;
    assert_int_equal(c->channel_count, 2);
    assert_span(c->channels[0], "a");
    assert_span(c->channels[1], "b");
    pl_token_claims_destroy(c);
}

static void other_algorithms_are_refused_whatever_the_header_says(void **state)
{
    static const char payload[] = "{\"sub\":\"u\"}";
    char *token = sign_as(JWT_ALG_NONE, payload);

    (void)state;
    assert_refused(pl_span_of(token), PL_EDENIED, "the signature is not ours");
    free(token);
    token = sign_as(JWT_ALG_HS384, payload);
    assert_refused(pl_span_of(token), PL_EDENIED, "the algorithm is not HS256");
    free(token);
    token = sign_as(JWT_ALG_HS512, payload);
    assert_refused(pl_span_of(token), PL_EDENIED, "the algorithm is not HS256");
    free(token);
    /* {"alg":"none"}, {"alg":"RS256"}, {"alg":"hs256"}, {} over {"sub":"u"} */
    assert_refused(PL_SPAN("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1In0."), PL_EDENIED,
                   "the signature is not ours");
    assert_refused(PL_SPAN("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1In0.AAAA"),
                   PL_EDENIED, "the signature is not ours");
    assert_refused(PL_SPAN("e30.eyJzdWIiOiJ1In0.AAAA"), PL_EDENIED,
                   "the signature is not ours");
}

static void each_changed_byte_spoils_a_token(void **state)
{
    char *token = sign_as(JWT_ALG_HS256, "{\"sub\":\"u\",\"info\":1}");
    size_t len = strlen(token);
    struct pl_token_claims *c = NULL;

    (void)state;
    for (size_t i = 0; i + 1 < len; i++) { /* the last has unused bits */
        char kept = token[i];

        token[i] = kept == 'A' ? 'B' : 'A';
        assert_int_not_equal(
            pl_token_verify(&key, (struct pl_span){token, len}, NOW, &c, NULL),
            PL_OK);
        token[i] = kept;
    }
    for (size_t i = 0; i < len - 1; i++)
        assert_int_not_equal(
            pl_token_verify(&key, (struct pl_span){token, i}, NOW, &c, NULL),
            PL_OK);
    assert_null(c);
    free(token);
}

static void another_secret_is_refused(void **state)
{
    const struct pl_token_key other = {
        PL_SPAN("0123456789abcdef0123456789abcdeX")};
    char *token = sign_as(JWT_ALG_HS256, "{\"sub\":\"u\",\"exp\":1}");
    struct pl_token_claims *c;

    (void)state;
    /* and the expiry of a forged token is not told */
    assert_int_equal(pl_token_verify(&other, pl_span_of(token), NOW, &c, NULL),
                     PL_EDENIED);
    free(token);
}

static void without_a_secret_every_token_is_refused(void **state)
{
    const struct pl_token_key none = {{NULL, 0}};
    struct pl_token_grant g = {.user = PL_SPAN("u")};
    char *token = sign_as(JWT_ALG_HS256, "{\"sub\":\"u\"}"), *made = NULL;
    struct pl_token_claims *c;

    (void)state;
    assert_int_equal(pl_token_verify(&none, pl_span_of(token), NOW, &c, NULL),
                     PL_EDENIED);
    assert_int_equal(
        pl_token_verify(&none, PL_SPAN("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1In0."),
                        NOW, &c, NULL),
        PL_EDENIED);
    assert_int_equal(pl_token_create(&none, &g, &made), PL_EINVAL);
    assert_null(made);
    free(token);
}

static void what_is_no_token_is_refused_before_it_is_decoded(void **state)
{
    static char large[PL_TOKEN_MAX + 1];

    (void)state;
    memset(large, 'a', sizeof(large));
    assert_refused((struct pl_span){large, sizeof(large)}, PL_ETOOBIG,
                   "longer than tokens may be");
    assert_refused((struct pl_span){large, PL_TOKEN_MAX}, PL_EBADMSG,
                   "not a token");
    assert_refused(PL_SPAN(""), PL_EBADMSG, "not a token");
    assert_refused(PL_SPAN("a.b"), PL_EBADMSG, "not a token");
    assert_refused(PL_SPAN("a.b.c.d"), PL_EBADMSG, "not a token");
    assert_refused(PL_SPAN("a.b.\0c"), PL_EBADMSG, "not a token");
    assert_refused(PL_SPAN("a.b.c\n"), PL_EBADMSG, "not a token");
    assert_refused(PL_SPAN(".."), PL_EDENIED, "the signature is not ours");
}

static void a_created_token_says_what_was_granted(void **state)
{
    struct pl_span channels[] = {PL_SPAN("a"), PL_SPAN("b")};
    struct pl_token_grant g = {.user = PL_SPAN("42"),
                               .issued_at_s = NOW,
                               .ttl_s = 60,
                               .info = PL_SPAN("{\"n\":[1]}"),
                               .channels = channels,
                               .channel_count = 2};
    struct pl_token_claims *c = NULL;
    char *token = NULL;

    (void)state;
    assert_int_equal(pl_token_create(&key, &g, &token), PL_OK);
    assert_int_equal(
        pl_token_verify(&key, pl_span_of(token), NOW + 59, &c, NULL), PL_OK);
    assert_span(c->user, "42");
    assert_span(c->info, "{\"n\":[1]}");
    assert_int_equal(c->expires_at_s, NOW + 60);
    assert_int_equal(c->channel_count, 2);
    pl_token_claims_destroy(c);
    assert_int_equal(
        pl_token_verify(&key, pl_span_of(token), NOW + 60, &c, NULL),
        PL_EEXPIRED);
    free(token);
    assert_int_equal(
        pl_token_create(&key, &(struct pl_token_grant){.ttl_s = 0}, &token),
        PL_OK);
    assert_int_equal(
        pl_token_verify(&key, pl_span_of(token), INT64_MAX, &c, NULL), PL_OK);
    assert_int_equal(c->user.len, 0);
    pl_token_claims_destroy(c);
    free(token);
}

static void a_token_that_would_be_refused_is_not_made(void **state)
{
    struct pl_span bad = PL_SPAN("#other"), good = PL_SPAN("a");
    static char large[PL_TOKEN_MAX];
    struct pl_token_grant g = {.user = PL_SPAN("u"), .channels = &bad};
    char *token = NULL;

    (void)state;
    g.channel_count = 1;
    assert_int_equal(pl_token_create(&key, &g, &token), PL_EINVAL);
    g.channels = &good;
    g.info = PL_SPAN("{\"n\":");
    assert_int_equal(pl_token_create(&key, &g, &token), PL_EINVAL);
    g.info = (struct pl_span){NULL, 0};
    g.user = PL_SPAN("\xff");
    assert_int_equal(pl_token_create(&key, &g, &token), PL_EINVAL);
    g.user = PL_SPAN("u");
    g.ttl_s = -1;
    assert_int_equal(pl_token_create(&key, &g, &token), PL_EINVAL);
    g.ttl_s = INT64_MAX;
    g.issued_at_s = 1;
    assert_int_equal(pl_token_create(&key, &g, &token), PL_EINVAL);
    g.ttl_s = 0;
    memset(large, '1', sizeof(large));
    large[0] = large[sizeof(large) - 1] = '"';
    g.info = (struct pl_span){large, sizeof(large)};
    assert_int_equal(pl_token_create(&key, &g, &token), PL_ETOOBIG);
    assert_null(token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_token_gives_its_claims),
        cmocka_unit_test(no_claim_is_needed_and_without_sub_it_is_nobody),
        cmocka_unit_test(a_token_for_a_subscription_opens_no_connection),
        cmocka_unit_test(info_may_be_any_json),
        cmocka_unit_test(an_expired_token_is_told_from_a_bad_one),
        cmocka_unit_test(a_date_may_have_a_fraction),
        cmocka_unit_test(a_token_is_not_good_before_its_time),
        cmocka_unit_test(claims_that_make_no_sense_are_refused),
        cmocka_unit_test(a_user_must_fit_into_the_name_of_its_inbox),
        cmocka_unit_test(channels_come_once_and_without_the_own_inbox),
        cmocka_unit_test(other_algorithms_are_refused_whatever_the_header_says),
        cmocka_unit_test(each_changed_byte_spoils_a_token),
        cmocka_unit_test(another_secret_is_refused),
        cmocka_unit_test(without_a_secret_every_token_is_refused),
        cmocka_unit_test(what_is_no_token_is_refused_before_it_is_decoded),
        cmocka_unit_test(a_created_token_says_what_was_granted),
        cmocka_unit_test(a_token_that_would_be_refused_is_not_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
