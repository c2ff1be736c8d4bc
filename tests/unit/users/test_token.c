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
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "token.h"

#define SECRET "0123456789abcdef0123456789abcdef"

static const struct pl_token_key key = {.secret = PL_SPAN(SECRET)};
static struct pl_token_policy *policy;

enum { NOW = 1700000000 };

static struct pl_token_policy *policy_of(const char *secret)
{
    struct pl_token_policy *made;
    struct pl_jws_key *k;

    assert_int_equal(pl_jws_key_of_secret(&k, pl_span_of(secret)), PL_OK);
    assert_int_equal(pl_token_policy_of_key(&made, k), PL_OK);
    pl_jws_key_release(k);
    return made;
}

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

static char *put_part(char *at, const char *text, size_t len)
{
    int n = EVP_EncodeBlock((unsigned char *)at, (const unsigned char *)text,
                            (int)len);

    for (; n > 0 && at[n - 1] == '='; n--)
        continue;
    for (int i = 0; i < n; i++)
        at[i] = at[i] == '+' ? '-' : at[i] == '/' ? '_' : at[i];
    return at + n;
}

/* Any header and payload, signed with the secret; valid until the next call. */
static struct pl_span sign_raw(const char *header, const char *payload)
{
    static char token[2 * PL_TOKEN_MAX];
    unsigned char mac[32];
    char *at = put_part(token, header, strlen(header));

    *at++ = '.';
    at = put_part(at, payload, strlen(payload));
    HMAC(EVP_sha256(), SECRET, 32, (unsigned char *)token, (size_t)(at - token),
         mac, NULL);
    *at++ = '.';
    at = put_part(at, (char *)mac, sizeof mac);
    return (struct pl_span){token, (size_t)(at - token)};
}

static struct pl_token_claims *claims_of(const char *payload)
{
    struct pl_token_claims *c = NULL;
    char *token = sign_as(JWT_ALG_HS256, payload);

    assert_int_equal(pl_token_verify(policy, PL_TOKEN_CONNECTION,
                                     pl_span_of(token), NOW, &c, NULL),
                     PL_OK);
    free(token);
    return c;
}

static void assert_refused(struct pl_span token, enum pl_err err,
                           const char *wanted)
{
    struct pl_token_claims *c = (void *)&key;
    const char *why = NULL;

    assert_int_equal(
        pl_token_verify(policy, PL_TOKEN_CONNECTION, token, NOW, &c, &why),
        err);
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
        "{\"sub\":\"42\",\"exp\":1700000001,\"iat\":1,\"jti\":\"x\","
        "\"info\":{ \"name\": \"J\\u00f6rg\" },\"channels\":[\"a\",\"b:c\"]}");

    (void)state;
    assert_span(c->user, "42");
    assert_span(c->info, "{\"name\":\"J\xc3\xb6rg\"}");
    assert_int_equal(c->expires_at_s, NOW + 1);
    assert_int_equal(c->sub_count, 2);
    assert_span(c->subs[0].channel, "a");
    assert_span(c->subs[1].channel, "b:c");
    pl_token_claims_destroy(c);
}

static void no_claim_is_needed_and_without_sub_it_is_nobody(void **state)
{
    static const char *const nobody[] = {
        "{}",
        "{\"iat\":1700000000}",
        "{\"sub\":\"\",\"info\":null}",
        "{\"channels\":null,\"channel\":\"\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
        struct pl_token_claims *c = claims_of(nobody[i]);

        assert_int_equal(c->user.len, 0);
        assert_null(c->info.at);
        assert_int_equal(c->expires_at_s, 0);
        assert_int_equal(c->sub_count, 0);
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
    assert_payload_refused("{\"sub\":\"u\",\"channel\":7}", PL_EBADMSG,
                           "it is for a subscription");
    assert_payload_refused("{\"sub\":\"u\",\"channel\":[\"room\"]}", PL_EBADMSG,
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
    assert_payload_refused("{\"sub\":\"u\",\"nbf\":1700000001}", PL_EEXPIRED,
                           "not valid yet");
    pl_token_claims_destroy(claims_of("{\"sub\":\"u\",\"nbf\":1700000000}"));
}

static void claims_that_make_no_sense_are_refused(void **state)
{
    static const struct {
        const char *payload, *why;
    } bad[] = {
        {"{\"sub\":42}", "sub, or the claim of the user, is not a string"},
        {"{\"sub\":null}", "sub, or the claim of the user, is not a string"},
        {"{\"sub\":\"u\",\"exp\":null}", "exp is not a date"},
        {"{\"sub\":\"u\",\"nbf\":null}", "nbf is not a date"},
        {"{\"sub\":\"u\",\"iat\":\"now\"}", "iat is not a date"},
        {"{\"sub\":\"u\",\"exp\":\"soon\"}", "exp is not a date"},
        {"{\"sub\":\"u\",\"exp\":1e300}", "exp is not a date"},
        {"{\"sub\":\"u\",\"nbf\":true}", "nbf is not a date"},
        {"{\"sub\":\"u\",\"channels\":\"a\"}", "channels is not a list"},
        {"{\"sub\":\"u\",\"channels\":[1]}", "channels holds something else"},
        {"{\"sub\":\"u\",\"channels\":[\"\"]}",
         "channels: a name of bad length"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_payload_refused(bad[i].payload, PL_EBADMSG, bad[i].why);
}

static void a_channel_that_no_client_may_have_is_refused(void **state)
{
    static const char *const payloads[] = {
        "{\"sub\":\"u\",\"channels\":[\"#v\"]}",
        "{\"sub\":\"u\",\"channels\":[\"@u\"]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++)
        assert_payload_refused(payloads[i], PL_EINVAL,
                               "channels: a reserved name");
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
    assert_payload_refused(payload, PL_EBADMSG,
                           "sub, or the claim of the user, is too long");
}

static void channels_come_once_and_without_the_own_inbox(void **state)
{
    struct pl_token_claims *c =
        claims_of("{\"sub\":\"u\",\"channels\":[\"a\",\"#u\",\"b\",\"a\"]}");

    (void)state;
    assert_int_equal(c->sub_count, 2);
    assert_span(c->subs[0].channel, "a");
    assert_span(c->subs[1].channel, "b");
    pl_token_claims_destroy(c);
}

static void claims_that_narrow_a_token_are_refused_by_name(void **state)
{
    static const struct {
        const char *claim, *why;
    } rows[] = {
        {"\"aud\":\"chat\"",
         "it has aud, and nothing is configured to compare it with"},
        {"\"aud\":[]",
         "it has aud, and nothing is configured to compare it with"},
        {"\"iss\":\"https://id.example\"",
         "it has iss, and nothing is configured to compare it with"},
        {"\"caps\":[]", "caps is not supported"},
        {"\"subs\":{\"a\":{\"allow\":[]}}", "allow is not supported"},
        {"\"subs\":{\"a\":{\"server_tags_filter\":{}}}",
         "server_tags_filter is not supported"},
        {"\"cnf\":{\"jkt\":\"x\"}",
         "cnf is not supported: the client cannot prove its key"},
    };
    char payload[200];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(payload, sizeof payload, "{\"sub\":\"u\",%s}", rows[i].claim);
        assert_payload_refused(payload, PL_EBADMSG, rows[i].why);
    }
}

static void claims_that_nobody_here_knows_are_ignored(void **state)
{
    struct pl_token_claims *c =
        claims_of("{\"sub\":\"u\",\"jti\":\"1\",\"meta\":{\"a\":1},"
                  "\"email\":\"u@example.org\",\"scope\":\"x\"}");

    (void)state;
    assert_span(c->user, "u");
    pl_token_claims_destroy(c);
}

static void doubled_members_are_refused_wherever_they_are(void **state)
{
    static const char header[] = "{\"alg\":\"HS256\"}";
    static const char doubled[] = "the payload has a doubled member";

    (void)state;
    assert_refused(sign_raw(header, "{\"sub\":\"a\",\"sub\":\"b\"}"),
                   PL_EBADMSG, doubled);
    assert_refused(sign_raw(header, "{\"exp\":1800000000,\"exp\":1}"),
                   PL_EBADMSG, doubled);
    assert_refused(
        sign_raw(header, "{\"sub\":\"a\",\"info\":{\"n\":1,\"n\":2}}"),
        PL_EBADMSG, doubled);
    assert_refused(
        sign_raw("{\"alg\":\"none\",\"alg\":\"HS256\"}", "{\"sub\":\"a\"}"),
        PL_EBADMSG, "the header is not JSON, or has a doubled member");
}

static void extensions_of_the_header_are_refused(void **state)
{
    static const struct {
        const char *header, *why;
    } rows[] = {
        {"{\"alg\":\"HS256\",\"crit\":[\"x\"],\"x\":1}",
         "the header has crit, and no extension is supported"},
        {"{\"alg\":\"HS256\",\"crit\":[]}",
         "the header has crit, and no extension is supported"},
        {"{\"alg\":\"HS256\",\"crit\":null}",
         "the header has crit, and no extension is supported"},
        {"{\"alg\":\"HS256\",\"b64\":false}",
         "the header has b64, which is not supported"},
        {"{\"alg\":\"hs256\"}", "the algorithm is unknown"},
        {"{\"alg\":\"HS256 \"}", "the algorithm is unknown"},
        {"{\"alg\":[\"HS256\"]}", "the algorithm is unknown"},
        {"{\"typ\":\"JWT\"}", "the algorithm is unknown"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_refused(sign_raw(rows[i].header, "{\"sub\":\"u\"}"), PL_EDENIED,
                       rows[i].why);
    struct pl_token_claims *c = NULL;
    assert_int_equal(
        pl_token_verify(
            policy, PL_TOKEN_CONNECTION,
            sign_raw("{\"kid\":\"1\",\"alg\":\"HS256\"}", "{\"sub\":\"u\"}"),
            NOW, &c, NULL),
        PL_OK);
    pl_token_claims_destroy(c);
}

/* A token of exactly `len` bytes, its payload filled up. */
static struct pl_span token_of_length(size_t len)
{
    static char payload[PL_TOKEN_MAX];
    const size_t around = strlen("eyJhbGciOiJIUzI1NiJ9") + 2 + 43;
    size_t encoded = len - around;
    size_t n = encoded / 4 * 3 + (encoded % 4 == 0 ? 0 : encoded % 4 - 1);

    assert_int_not_equal(encoded % 4, 1); /* no bytes have such a text */
    memset(payload, 'x', n);
    memcpy(payload, "{\"info\":\"", 9);
    memcpy(payload + n - 2, "\"}", 3);
    return sign_raw("{\"alg\":\"HS256\"}", payload);
}

static void a_token_has_at_most_16384_bytes(void **state)
{
    struct pl_token_claims *c = NULL;
    struct pl_span token = token_of_length(16384);

    (void)state;
    assert_int_equal(PL_TOKEN_MAX, 16384);
    assert_int_equal(token.len, 16384);
    assert_int_equal(
        pl_token_verify(policy, PL_TOKEN_CONNECTION, token, NOW, &c, NULL),
        PL_OK);
    pl_token_claims_destroy(c);
    token = token_of_length(16385);
    assert_int_equal(token.len, 16385);
    assert_refused(token, PL_ETOOBIG, "longer than tokens may be");
}

static void a_token_names_at_most_1024_channels(void **state)
{
    struct pl_token_claims *c = NULL;
    char payload[1024 * 8 + 64];
    size_t len = (size_t)sprintf(payload, "{\"sub\":\"u\",\"channels\":[");

    (void)state;
    for (int i = 0; i < 1024; i++)
        len +=
            (size_t)sprintf(payload + len, "%s\"c%d\"", i == 0 ? "" : ",", i);
    strcpy(payload + len, "]}");
    assert_int_equal(pl_token_verify(policy, PL_TOKEN_CONNECTION,
                                     sign_raw("{\"alg\":\"HS256\"}", payload),
                                     NOW, &c, NULL),
                     PL_OK);
    assert_int_equal(c->sub_count, 1024);
    pl_token_claims_destroy(c);
    strcpy(payload + len, ",\"c0\"]}");
    assert_refused(sign_raw("{\"alg\":\"HS256\"}", payload), PL_EBADMSG,
                   "channels is too long");
}

static void each_changed_byte_spoils_a_token(void **state)
{
    char *token = sign_as(JWT_ALG_HS256, "{\"sub\":\"u\",\"info\":1}");
    size_t len = strlen(token);
    struct pl_token_claims *c = NULL;

    (void)state;
    for (size_t i = 0; i < len; i++) {
        char kept = token[i];

        token[i] = kept == 'A' ? 'B' : 'A';
        assert_int_not_equal(pl_token_verify(policy, PL_TOKEN_CONNECTION,
                                             (struct pl_span){token, len}, NOW,
                                             &c, NULL),
                             PL_OK);
        token[i] = kept;
    }
    for (size_t i = 0; i < len - 1; i++)
        assert_int_not_equal(pl_token_verify(policy, PL_TOKEN_CONNECTION,
                                             (struct pl_span){token, i}, NOW,
                                             &c, NULL),
                             PL_OK);
    assert_null(c);
    free(token);
}

static void another_secret_is_refused(void **state)
{
    struct pl_token_policy *other =
        policy_of("0123456789abcdef0123456789abcdeX");
    char *token = sign_as(JWT_ALG_HS256, "{\"sub\":\"u\",\"exp\":1}");
    struct pl_token_claims *c;

    (void)state;
    /* and the expiry of a forged token is not told */
    assert_int_equal(pl_token_verify(other, PL_TOKEN_CONNECTION,
                                     pl_span_of(token), NOW, &c, NULL),
                     PL_EDENIED);
    pl_token_policy_release(other);
    free(token);
}

static void without_a_secret_every_token_is_refused(void **state)
{
    const struct pl_token_settings no_keys = {.hmac_secret = NULL};
    const struct pl_token_key none = {.secret = {NULL, 0}};
    struct pl_token_policy *empty;
    const char *setting, *why;
    struct pl_token_grant g = {.user = PL_SPAN("u")};
    char *token = sign_as(JWT_ALG_HS256, "{\"sub\":\"u\"}"), *made = NULL;
    struct pl_token_claims *c;

    (void)state;
    assert_int_equal(pl_token_policy_create(&empty, &no_keys, &setting, &why),
                     PL_OK);
    assert_true(pl_token_policy_is_empty(empty));
    assert_int_equal(pl_token_verify(empty, PL_TOKEN_CONNECTION,
                                     pl_span_of(token), NOW, &c, NULL),
                     PL_EDENIED);
    assert_int_equal(
        pl_token_verify(empty, PL_TOKEN_CONNECTION,
                        PL_SPAN("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1In0."), NOW,
                        &c, NULL),
        PL_EDENIED);
    assert_int_equal(pl_token_create(&none, &g, &made, NULL), PL_EINVAL);
    assert_null(made);
    pl_token_policy_release(empty);
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
    assert_refused(PL_SPAN("eyJhbGciOiJIUzI1NiJ9.e30.AA.AA"), PL_EDENIED,
                   "the signature is not ours");
    assert_refused(PL_SPAN("a.b.\0c"), PL_EBADMSG, "not a token");
    assert_refused(PL_SPAN("a.b.c\n"), PL_EBADMSG, "not a token");
    assert_refused(PL_SPAN(".."), PL_EBADMSG,
                   "the header is not JSON, or has a doubled member");
    assert_refused(PL_SPAN("eyJhbGciOiJIUzI1NiJ9=.e30.AA"), PL_EBADMSG,
                   "not a token");
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
    assert_int_equal(pl_token_create(&key, &g, &token, NULL), PL_OK);
    assert_int_equal(pl_token_verify(policy, PL_TOKEN_CONNECTION,
                                     pl_span_of(token), NOW + 59, &c, NULL),
                     PL_OK);
    assert_span(c->user, "42");
    assert_span(c->info, "{\"n\":[1]}");
    assert_int_equal(c->expires_at_s, NOW + 60);
    assert_int_equal(c->sub_count, 2);
    pl_token_claims_destroy(c);
    assert_int_equal(pl_token_verify(policy, PL_TOKEN_CONNECTION,
                                     pl_span_of(token), NOW + 60, &c, NULL),
                     PL_EEXPIRED);
    free(token);
    assert_int_equal(pl_token_create(&key, &(struct pl_token_grant){.ttl_s = 0},
                                     &token, NULL),
                     PL_OK);
    assert_int_equal(pl_token_verify(policy, PL_TOKEN_CONNECTION,
                                     pl_span_of(token), INT64_MAX, &c, NULL),
                     PL_OK);
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
    assert_int_equal(pl_token_create(&key, &g, &token, NULL), PL_EINVAL);
    g.channels = &good;
    g.info = PL_SPAN("{\"n\":");
    assert_int_equal(pl_token_create(&key, &g, &token, NULL), PL_EINVAL);
    g.info = (struct pl_span){NULL, 0};
    g.user = PL_SPAN("\xff");
    assert_int_equal(pl_token_create(&key, &g, &token, NULL), PL_EINVAL);
    g.user = PL_SPAN("u");
    g.ttl_s = -1;
    assert_int_equal(pl_token_create(&key, &g, &token, NULL), PL_EINVAL);
    g.ttl_s = INT64_MAX;
    g.issued_at_s = 1;
    assert_int_equal(pl_token_create(&key, &g, &token, NULL), PL_EINVAL);
    g.ttl_s = 0;
    memset(large, '1', sizeof(large));
    large[0] = large[sizeof(large) - 1] = '"';
    g.info = (struct pl_span){large, sizeof(large)};
    assert_int_equal(pl_token_create(&key, &g, &token, NULL), PL_ETOOBIG);
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
        cmocka_unit_test(a_channel_that_no_client_may_have_is_refused),
        cmocka_unit_test(a_user_must_fit_into_the_name_of_its_inbox),
        cmocka_unit_test(channels_come_once_and_without_the_own_inbox),
        cmocka_unit_test(claims_that_narrow_a_token_are_refused_by_name),
        cmocka_unit_test(claims_that_nobody_here_knows_are_ignored),
        cmocka_unit_test(doubled_members_are_refused_wherever_they_are),
        cmocka_unit_test(extensions_of_the_header_are_refused),
        cmocka_unit_test(a_token_has_at_most_16384_bytes),
        cmocka_unit_test(a_token_names_at_most_1024_channels),
        cmocka_unit_test(each_changed_byte_spoils_a_token),
        cmocka_unit_test(another_secret_is_refused),
        cmocka_unit_test(without_a_secret_every_token_is_refused),
        cmocka_unit_test(what_is_no_token_is_refused_before_it_is_decoded),
        cmocka_unit_test(a_created_token_says_what_was_granted),
        cmocka_unit_test(a_token_that_would_be_refused_is_not_made),
    };

    policy = policy_of(SECRET);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pl_token_policy_release(policy);
    return failed;
}
