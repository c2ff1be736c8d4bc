/* SPDX-License-Identifier: Apache-2.0 */
/* test_hash.c - pl_hash() is SipHash-1-3: the same numbers as OpenSSL's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "hash.h"

enum { LONGEST = 130 };

static const struct pl_hash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

/* OpenSSL's hash of `bytes`, with `key` as it lies in memory. */
static uint64_t other_hash(struct pl_span bytes, const unsigned char *raw_key)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    unsigned c = 1, d = 3, size = 8;
    unsigned char out[8];
    size_t len = 0;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_uint("c-rounds", &c),
                           OSSL_PARAM_construct_uint("d-rounds", &d),
                           OSSL_PARAM_construct_uint("size", &size),
                           OSSL_PARAM_construct_end()};
    uint64_t hash = 0;

    assert_int_equal(EVP_MAC_init(ctx, raw_key, 16, params), 1);
    EVP_MAC_update(ctx, (const unsigned char *)bytes.at, bytes.len);
    assert_int_equal(EVP_MAC_final(ctx, out, &len, sizeof out), 1);
    for (int i = 7; i >= 0; i--)
        hash = hash << 8 | out[i];
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return hash;
}

static void each_length_hashes_as_another_implementation_says(void **state)
{
    char bytes[LONGEST];
    unsigned char raw_key[16];

    (void)state;
    for (int i = 0; i < 16; i++)
        raw_key[i] = (unsigned char)i;
    for (int i = 0; i < LONGEST; i++) {
        bytes[i] = (char)i;
        struct pl_span s = {bytes, (size_t)i};
        assert_true(pl_hash(&key, s) == other_hash(s, raw_key));
    }
}

static void known_numbers_stay(void **state)
{
    char bytes[15];

    (void)state;
    for (int i = 0; i < 15; i++)
        bytes[i] = (char)i;
    assert_true(pl_hash(&key, (struct pl_span){bytes, 0}) ==
                0xabac0158050fc4dc);
    assert_true(pl_hash(&key, (struct pl_span){bytes, 8}) ==
                0x369095118d299a8e);
    assert_true(pl_hash(&key, (struct pl_span){bytes, 15}) ==
                0xd320d86d2a519956);
}

static void the_bytes_may_lie_anywhere(void **state)
{
    char space[64];

    (void)state;
    for (size_t shift = 0; shift < 8; shift++) {
        memcpy(space + shift, "a name of some length", 21);
        assert_true(pl_hash(&key, (struct pl_span){space + shift, 21}) ==
                    pl_hash(&key, PL_SPAN("a name of some length")));
    }
}

static void another_key_gives_another_hash(void **state)
{
    struct pl_hash_key other = {key.k0, key.k1 ^ 1};

    (void)state;
    assert_true(pl_hash(&key, PL_SPAN("x")) != pl_hash(&other, PL_SPAN("x")));
    other = (struct pl_hash_key){key.k0 ^ 1, key.k1};
    assert_true(pl_hash(&key, PL_SPAN("x")) != pl_hash(&other, PL_SPAN("x")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_length_hashes_as_another_implementation_says),
        cmocka_unit_test(known_numbers_stay),
        cmocka_unit_test(the_bytes_may_lie_anywhere),
        cmocka_unit_test(another_key_gives_another_hash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
