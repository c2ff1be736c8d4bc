/* SPDX-License-Identifier: Apache-2.0 */
/* test_jws.c - the algorithms of tokens, and the keys that they need.
 *
 * libjwt signs where it can, and OpenSSL alone where it cannot: neither is the
 * code that is tested. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the first three */
#include <cmocka.h>
#include <jwt.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "token.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define OLD_SECRET "an old secret that was replaced, once"

enum { NOW = 1700000000 };

/* A key pair as PEM texts. */
struct pair {
    char *own, *public;
};

static struct pair rsa, small_rsa, p256, p384, p521, k1, ed;

static char *text_of(BIO *b)
{
    char *at;
    long len = BIO_get_mem_data(b, &at);
    char *text = strndup(at, (size_t)len);

    BIO_free(b);
    return text;
}

static struct pair make_pair(EVP_PKEY *key)
{
    BIO *own = BIO_new(BIO_s_mem()), *public = BIO_new(BIO_s_mem());

    assert_non_null(key);
    assert_int_equal(
        PEM_write_bio_PrivateKey(own, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(PEM_write_bio_PUBKEY(public, key), 1);
    EVP_PKEY_free(key);
    return (struct pair){text_of(own), text_of(public)};
}

static void free_pair(struct pair *p)
{
    free(p->own);
    free(p->public);
}

static int make_pairs(void **state)
{
    (void)state;
    rsa = make_pair(EVP_RSA_gen(2048));
    small_rsa = make_pair(EVP_RSA_gen(1024));
    p256 = make_pair(EVP_EC_gen("P-256"));
    p384 = make_pair(EVP_EC_gen("P-384"));
    p521 = make_pair(EVP_EC_gen("P-521"));
    k1 = make_pair(EVP_EC_gen("secp256k1"));
    ed = make_pair(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
    return 0;
}

static int free_pairs(void **state)
{
    struct pair *all[] = {&rsa, &small_rsa, &p256, &p384, &p521, &k1, &ed};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free_pair(all[i]);
    return 0;
}

static char *sign_as(jwt_alg_t alg, const char *key, const char *payload)
{
    jwt_t *jwt;
    char *token;

    assert_int_equal(jwt_new(&jwt), 0);
    assert_int_equal(jwt_add_grants_json(jwt, payload), 0);
    assert_int_equal(jwt_set_alg(jwt, alg, (const unsigned char *)key,
                                 key == NULL ? 0 : (int)strlen(key)),
                     0);
    token = jwt_encode_str(jwt);
    assert_non_null(token);
    jwt_free(jwt);
    return token;
}

static struct pl_token_policy *policy_of(const struct pl_token_settings *s)
{
    struct pl_token_policy *p = NULL;
    const char *key = "", *why = "";

    if (pl_token_policy_create(&p, s, &key, &why) != PL_OK)
        fail_msg("%s: %s", key, why);
    return p;
}

/* Every kind of key at once; the curve varies. */
static struct pl_token_policy *full_policy(const struct pair *curve)
{
    char secret[] = SECRET;

    return policy_of(
        &(struct pl_token_settings){.hmac_secret = secret,
                                    .rsa_public_key = rsa.public,
                                    .ecdsa_public_key = curve->public,
                                    .eddsa_public_key = ed.public});
}

static enum pl_err verify(const struct pl_token_policy *p, struct pl_span token,
                          const char **why)
{
    struct pl_token_claims *c = NULL;
    enum pl_err rc =
        pl_token_verify(p, PL_TOKEN_CONNECTION, token, NOW, &c, why);

    pl_token_claims_destroy(c);
    return rc;
}

static void assert_good(const struct pl_token_policy *p, const char *token)
{
    const char *why = "";

    if (verify(p, pl_span_of(token), &why) != PL_OK)
        fail_msg("%s", why);
}

static void assert_refused(const struct pl_token_policy *p, const char *token,
                           const char *wanted)
{
    const char *why = "";

    assert_int_equal(verify(p, pl_span_of(token), &why), PL_EDENIED);
    assert_string_equal(why, wanted);
}

static void a_token_of_each_algorithm_is_good(void **state)
{
    const struct {
        jwt_alg_t alg;
        const char *key;
        const struct pair *curve;
    } rows[] = {
        {JWT_ALG_HS256, SECRET, &p256},   {JWT_ALG_HS384, SECRET, &p256},
        {JWT_ALG_HS512, SECRET, &p256},   {JWT_ALG_RS256, rsa.own, &p256},
        {JWT_ALG_RS384, rsa.own, &p256},  {JWT_ALG_RS512, rsa.own, &p256},
        {JWT_ALG_ES256, p256.own, &p256}, {JWT_ALG_ES384, p384.own, &p384},
        {JWT_ALG_ES512, p521.own, &p521},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pl_token_policy *p = full_policy(rows[i].curve);
        char *token = sign_as(rows[i].alg, rows[i].key, "{\"sub\":\"u\"}");

        assert_good(p, token);
        token[strlen(token) / 2] ^= 1; /* in the signature, or before it */
        assert_int_not_equal(verify(p, pl_span_of(token), NULL), PL_OK);
        free(token);
        pl_token_policy_release(p);
    }
}

/* The example of RFC 8037, appendix A.4, whose payload is no JSON: the
 * signature is good, and then the payload is refused. */
static void the_example_of_eddsa_in_rfc_8037_has_a_good_signature(void **state)
{
    static const char pem[] =
        "-----BEGIN PUBLIC KEY-----\n"
        "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
        "-----END PUBLIC KEY-----\n";
    static const char token[] =
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt"
        "9g7sVvpAr_MuM0KAg";
    struct pl_token_policy *p =
        policy_of(&(struct pl_token_settings){.eddsa_public_key = (char *)pem});
    const char *why = "";

    (void)state;
    assert_int_equal(verify(p, pl_span_of(token), &why), PL_EBADMSG);
    assert_string_equal(why, "the payload is not JSON");
    pl_token_policy_release(p);
}

static void what_pl_token_create_signs_is_good_by_each_algorithm(void **state)
{
    const struct {
        enum pl_jws_alg alg;
        const struct pair *pair;
    } rows[] = {
        {PL_JWS_HS256, NULL},  {PL_JWS_HS384, NULL},  {PL_JWS_HS512, NULL},
        {PL_JWS_RS256, &rsa},  {PL_JWS_RS384, &rsa},  {PL_JWS_RS512, &rsa},
        {PL_JWS_ES256, &p256}, {PL_JWS_ES384, &p384}, {PL_JWS_ES512, &p521},
        {PL_JWS_EdDSA, &ed},
    };
    const struct pl_token_grant grant = {.user = PL_SPAN("u"),
                                         .issued_at_s = NOW};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct pair *pair = rows[i].pair;
        struct pl_token_policy *p = full_policy(
            pair == NULL || pair == &rsa || pair == &ed ? &p256 : pair);
        struct pl_token_key key = {.secret = PL_SPAN(SECRET),
                                   .alg = rows[i].alg};
        const char *why = "";
        char *token = NULL;

        if (pair != NULL)
            assert_int_equal(pl_jws_key_of_pem(&key.signer,
                                               pl_span_of(pair->own), true,
                                               &why),
                             PL_OK);
        assert_int_equal(pl_token_create(&key, &grant, &token, &why), PL_OK);
        assert_good(p, token);
        free(token);
        pl_jws_key_release(key.signer);
        pl_token_policy_release(p);
    }
}

static void a_public_key_is_no_secret_and_signs_nothing(void **state)
{
    static const char not_ours[] = "the signature is not ours";
    const struct pl_token_grant grant = {.user = PL_SPAN("u")};
    struct pl_token_key key = {.alg = PL_JWS_RS256};
    struct pl_token_policy *p = full_policy(&p256), *no_secret;
    const char *const publics[] = {rsa.public, p256.public, ed.public};
    const char *why = "";
    char *token = NULL;

    (void)state;
    no_secret = policy_of(&(struct pl_token_settings){
        .rsa_public_key = rsa.public, .ecdsa_public_key = p256.public});
    for (size_t i = 0; i < 3; i++) {
        char *forged = sign_as(JWT_ALG_HS256, publics[i], "{\"sub\":\"u\"}");

        assert_refused(p, forged, not_ours);
        assert_refused(no_secret, forged,
                       "no key for its algorithm is configured");
        free(forged);
    }
    assert_int_equal(
        pl_jws_key_of_pem(&key.signer, pl_span_of(rsa.public), false, &why),
        PL_OK);
    assert_int_equal(pl_token_create(&key, &grant, &token, &why), PL_EINVAL);
    assert_null(token);
    pl_jws_key_release(key.signer);
    pl_token_policy_release(no_secret);
    pl_token_policy_release(p);
}

/* A header that names an algorithm, over {"sub":"u"} and some signature. */
static void algorithms_that_nobody_configured_are_refused(void **state)
{
    static const char unknown[] = "the algorithm is unknown";
    static const char no_key[] = "no key for its algorithm is configured";
    char secret[] = SECRET;
    struct pl_token_policy *p =
        policy_of(&(struct pl_token_settings){.hmac_secret = secret});
    char *none = sign_as(JWT_ALG_NONE, NULL, "{\"sub\":\"u\"}");
    char *other = sign_as(JWT_ALG_ES256, p256.own, "{\"sub\":\"u\"}");

    (void)state;
    assert_refused(p, none, unknown);
    assert_refused(p, other, no_key);
    /* {"alg":"None"}, {"alg":"PS256"}, {} */
    assert_refused(p, "eyJhbGciOiJOb25lIn0.eyJzdWIiOiJ1In0.", unknown);
    assert_refused(p, "eyJhbGciOiJQUzI1NiJ9.eyJzdWIiOiJ1In0.AAAA", unknown);
    assert_refused(p, "e30.eyJzdWIiOiJ1In0.AAAA", unknown);
    assert_refused(p, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1In0.AAAA",
                   "the signature is not ours");
    free(none);
    free(other);
    pl_token_policy_release(p);
}

static void a_curve_is_for_its_own_algorithm_alone(void **state)
{
    struct pl_token_policy *p = full_policy(&p256);
    char *token = sign_as(JWT_ALG_ES384, p384.own, "{\"sub\":\"u\"}");
    char *stranger;

    (void)state;
    assert_refused(p, token, "no key for its algorithm is configured");
    free(token);
    stranger = sign_as(JWT_ALG_RS256, small_rsa.own, "{\"sub\":\"u\"}");
    assert_refused(p, stranger, "the signature is not ours");
    free(stranger);
    pl_token_policy_release(p);
}

/* Replace the signature of `token` by `signature`, in base64url. */
static void with_signature(char *out, const char *token, const char *signature)
{
    size_t len = (size_t)(strrchr(token, '.') - token) + 1;

    memcpy(out, token, len);
    strcpy(out + len, signature);
}

static void a_signature_of_another_form_is_refused(void **state)
{
    static const char not_ours[] = "the signature is not ours";
    struct pl_token_policy *p = full_policy(&p256);
    char *tokens[] = {sign_as(JWT_ALG_ES256, p256.own, "{\"sub\":\"u\"}"),
                      sign_as(JWT_ALG_RS256, rsa.own, "{\"sub\":\"u\"}")};
    char made[1024], zeros[87];

    (void)state;
    memset(zeros, 'A', 86); /* 64 bytes: r and s are 0 */
    zeros[86] = '\0';
    for (size_t i = 0; i < 2; i++) {
        const char *good = strrchr(tokens[i], '.') + 1;
        char changed[512];

        with_signature(made, tokens[i], "");
        assert_refused(p, made, not_ours);
        with_signature(made, tokens[i], zeros);
        assert_refused(p, made, not_ours);
        snprintf(changed, sizeof changed, "%.40s+%s", good, good + 41);
        with_signature(made, tokens[i], changed); /* base64, not base64url */
        assert_refused(p, made, not_ours);
        snprintf(changed, sizeof changed, "%s=", good);
        with_signature(made, tokens[i], changed);
        assert_refused(p, made, not_ours);
        snprintf(changed, sizeof changed, "%sAAAA", good);
        with_signature(made, tokens[i], changed);
        assert_refused(p, made, not_ours);
        free(tokens[i]);
    }
    pl_token_policy_release(p);
}

static void the_previous_secret_is_good_until_its_end(void **state)
{
    char secret[] = SECRET, old[] = OLD_SECRET;
    struct pl_token_settings s = {.hmac_secret = secret,
                                  .hmac_previous_secret = old};
    char *token = sign_as(JWT_ALG_HS256, OLD_SECRET, "{\"sub\":\"u\"}");
    char *new = sign_as(JWT_ALG_HS512, SECRET, "{\"sub\":\"u\"}");
    const uint32_t ends[] = {0, NOW + 1, NOW, 1};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct pl_token_policy *p;

        s.hmac_previous_secret_valid_until = ends[i];
        p = policy_of(&s);
        assert_good(p, new);
        if (i < 2)
            assert_good(p, token);
        else
            assert_refused(p, token, "the signature is not ours");
        pl_token_policy_release(p);
    }
    free(new);
    free(token);
}

static void a_key_that_is_bad_is_named_without_its_value(void **state)
{
    const struct {
        struct pl_token_settings s;
        const char *key, *why;
    } rows[] = {
        {{.rsa_public_key = SECRET},
         "rsa_public_key",
         "it is not a public key in PEM: -----BEGIN PUBLIC KEY-----"},
        {{.rsa_public_key = rsa.own},
         "rsa_public_key",
         "it is not a public key in PEM: -----BEGIN PUBLIC KEY-----"},
        {{.rsa_public_key = p256.public},
         "rsa_public_key",
         "it is not a key of RSA"},
        {{.rsa_public_key = small_rsa.public},
         "rsa_public_key",
         "an RSA key has at least 2048 bits"},
        {{.ecdsa_public_key = rsa.public},
         "ecdsa_public_key",
         "it is not a key of an elliptic curve"},
        {{.ecdsa_public_key = k1.public},
         "ecdsa_public_key",
         "its curve is not P-256, P-384 or P-521"},
        {{.eddsa_public_key = p256.public},
         "eddsa_public_key",
         "it is not a key of Ed25519"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pl_token_policy *p = NULL;
        const char *key = "", *why = "";

        assert_int_equal(pl_token_policy_create(&p, &rows[i].s, &key, &why),
                         PL_EINVAL);
        assert_null(p);
        assert_string_equal(key, rows[i].key);
        assert_string_equal(why, rows[i].why);
    }
}

static void the_name_of_a_key_is_a_short_text(void **state)
{
    const struct {
        const char *header;
        enum pl_err err;
    } rows[] = {
        {"eyJhbGciOiJIUzI1NiIsImtpZCI6MX0", PL_EBADMSG},          /* 1 */
        {"eyJhbGciOiJIUzI1NiIsImtpZCI6bnVsbH0", PL_EBADMSG},      /* null */
        {"eyJhbGciOiJIUzI1NiIsImtpZCI6Ilx1MDAwMCJ9", PL_EBADMSG}, /* a NUL */
        {"eyJhbGciOiJIUzI1NiIsImtpZCI6ImEifQ", PL_OK},            /* "a" */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char token[200];
        const char *why = "";
        struct pl_jws j;

        snprintf(token, sizeof token, "%s.e30.AA", rows[i].header);
        assert_int_equal(pl_jws_open(&j, pl_span_of(token), &why), rows[i].err);
        if (rows[i].err == PL_OK)
            assert_string_equal(j.kid, "a");
        pl_jws_fini(&j);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_of_each_algorithm_is_good),
        cmocka_unit_test(the_example_of_eddsa_in_rfc_8037_has_a_good_signature),
        cmocka_unit_test(what_pl_token_create_signs_is_good_by_each_algorithm),
        cmocka_unit_test(a_public_key_is_no_secret_and_signs_nothing),
        cmocka_unit_test(algorithms_that_nobody_configured_are_refused),
        cmocka_unit_test(a_curve_is_for_its_own_algorithm_alone),
        cmocka_unit_test(a_signature_of_another_form_is_refused),
        cmocka_unit_test(the_previous_secret_is_good_until_its_end),
        cmocka_unit_test(a_key_that_is_bad_is_named_without_its_value),
        cmocka_unit_test(the_name_of_a_key_is_a_short_text),
    };

    return cmocka_run_group_tests(tests, make_pairs, free_pairs);
}
