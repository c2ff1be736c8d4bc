/* SPDX-License-Identifier: Apache-2.0 */
/* test_jwks.c - which keys of a published set may check tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the first three */
#include <cmocka.h>

#include "jwks.h"

/* RFC 7517, appendix A.1, without `use` and `kid`; RFC 8037, appendix A.2. */
#define EC_XY                                                                  \
    "\"kty\":\"EC\",\"crv\":\"P-256\","                                        \
    "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","                   \
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\""
#define RSA_NE                                                                 \
    "\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbX" \
    "Eps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV" \
    "4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FD" \
    "W2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qN" \
    "Lyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFC" \
    "ur-kEgU8awapJzKnqDKgw\""
#define ED_X                                                                   \
    "\"kty\":\"OKP\",\"crv\":\"Ed25519\","                                     \
    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""
#define SIG "\"use\":\"sig\",\"kid\":\"k\","

static struct pl_jwks *read_set(const char *keys)
{
    struct pl_jwks *set = NULL;
    struct pl_buf text = {0};

    pl_buf_printf(&text, "{\"keys\":[%s]}", keys);
    assert_int_equal(pl_jwks_create(&set, pl_buf_span(&text)), PL_OK);
    pl_buf_fini(&text);
    return set;
}

static void a_key_is_for_its_algorithm_or_its_family(void **state)
{
    static const struct {
        const char *key;
        unsigned fits; /* 1 << enum pl_jws_alg */
    } rows[] = {
        {"{" SIG RSA_NE "}",
         1u << PL_JWS_RS256 | 1u << PL_JWS_RS384 | 1u << PL_JWS_RS512},
        {"{" SIG RSA_NE ",\"alg\":\"RS384\"}", 1u << PL_JWS_RS384},
        {"{" SIG EC_XY "}", 1u << PL_JWS_ES256},
        {"{" SIG EC_XY ",\"alg\":\"ES256\"}", 1u << PL_JWS_ES256},
        {"{" SIG ED_X "}", 1u << PL_JWS_EdDSA},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pl_jwks *set = read_set(rows[i].key);

        assert_int_equal(pl_jwks_count(set), 1);
        for (unsigned alg = 0; alg < PL_JWS_ALGS; alg++) {
            assert_int_equal(
                pl_jwks_find(set, PL_SPAN("k"), (enum pl_jws_alg)alg) != NULL,
                rows[i].fits >> alg & 1);
            assert_null(pl_jwks_find(set, PL_SPAN("K"), (enum pl_jws_alg)alg));
        }
        pl_jwks_destroy(set);
    }
}

static void other_keys_and_bad_ones_are_left_out(void **state)
{
    static const char *const keys[] = {
        "1",
        "null",
        "{}",
        "{\"kid\":\"k\"," EC_XY "}",                 /* no use */
        "{\"use\":\"enc\",\"kid\":\"k\"," EC_XY "}", /* another */
        "{\"use\":\"sig\"," EC_XY "}",               /* no kid */
        "{\"use\":\"sig\",\"kid\":7," EC_XY "}",     /* no text */
        "{" SIG EC_XY ",\"alg\":\"ES384\"}",         /* another curve's */
        "{" SIG EC_XY ",\"alg\":\"HS256\"}",         /* confusion */
        "{" SIG RSA_NE ",\"alg\":\"PS256\"}",        /* unknown */
        "{" SIG RSA_NE ",\"alg\":null}",             /* no name */
        "{" SIG "\"kty\":\"oct\",\"k\":\"AAAA\"}",   /* a secret */
        "{" SIG "\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", /* small */
        "{" SIG "\"kty\":\"RSA\",\"n\":\"!\",\"e\":\"AQAB\"}",
        "{" SIG "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AA\"}",
        "{" SIG "\"kty\":\"EC\",\"crv\":\"P-256\"," /* not on the curve */
        "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
        "\"y\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\"}",
        "{" SIG "\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"\",\"y\":\"\"}",
        "{" SIG "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}",
        "{" SIG "\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AAAA\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct pl_buf both = {0};

        /* what is good beside it stays */
        pl_buf_printf(&both, "%s,{\"use\":\"sig\",\"kid\":\"good\",%s}",
                      keys[i], ED_X);
        pl_buf_put_byte(&both, '\0');
        struct pl_jwks *set = read_set(both.data);
        if (pl_jwks_count(set) != 1)
            fail_msg("%s", keys[i]);
        assert_non_null(pl_jwks_find(set, PL_SPAN("good"), PL_JWS_EdDSA));
        pl_jwks_destroy(set);
        pl_buf_fini(&both);
    }
}

static void what_is_no_set_is_refused(void **state)
{
    static const char *const texts[] = {
        "", "{", "[]", "{}", "{\"keys\":{}}", "{\"keys\":null}", "<html>"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct pl_jwks *set = NULL;

        assert_int_equal(pl_jwks_create(&set, pl_span_of(texts[i])),
                         PL_EBADMSG);
        assert_null(set);
    }
}

static void a_set_has_at_most_100_keys(void **state)
{
    struct pl_buf keys = {0};

    (void)state;
    for (int i = 0; i < 101; i++)
        pl_buf_printf(&keys, "%s{\"use\":\"sig\",\"kid\":\"%d\",%s}",
                      i == 0 ? "" : ",", i, ED_X);
    pl_buf_put_byte(&keys, '\0');
    struct pl_jwks *set = read_set(keys.data);
    assert_int_equal(PL_JWKS_MAX, 100);
    assert_int_equal(pl_jwks_count(set), 100);
    assert_non_null(pl_jwks_find(set, PL_SPAN("99"), PL_JWS_EdDSA));
    assert_null(pl_jwks_find(set, PL_SPAN("100"), PL_JWS_EdDSA));
    pl_jwks_destroy(set);
    pl_buf_fini(&keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_for_its_algorithm_or_its_family),
        cmocka_unit_test(other_keys_and_bad_ones_are_left_out),
        cmocka_unit_test(what_is_no_set_is_refused),
        cmocka_unit_test(a_set_has_at_most_100_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
