/* SPDX-License-Identifier: Apache-2.0 */
/* test_base64.c - the examples of RFC 4648, and one text for each value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the first four */
#include <cmocka.h>

#include "base64.h"

static void assert_pair(struct pl_span bytes, const char *text)
{
    struct pl_buf b = {0};

    pl_base64url_encode(&b, bytes);
    assert_int_equal(b.len, strlen(text));
    if (b.len > 0)
        assert_memory_equal(b.data, text, b.len);
    pl_buf_fini(&b);
    assert_true(pl_base64url_decode(&b, pl_span_of(text)));
    assert_int_equal(b.len, bytes.len);
    if (b.len > 0)
        assert_memory_equal(b.data, bytes.at, b.len);
    pl_buf_fini(&b);
}

static void the_examples_of_the_rfc_go_both_ways(void **state)
{
    (void)state;
    assert_pair(PL_SPAN(""), "");
    assert_pair(PL_SPAN("f"), "Zg");
    assert_pair(PL_SPAN("fo"), "Zm8");
    assert_pair(PL_SPAN("foo"), "Zm9v");
    assert_pair(PL_SPAN("foob"), "Zm9vYg");
    assert_pair(PL_SPAN("fooba"), "Zm9vYmE");
    assert_pair(PL_SPAN("foobar"), "Zm9vYmFy");
    assert_pair(PL_SPAN("\xfb\xff\x00"), "-_8A");
}

static void what_is_no_base64url_is_refused(void **state)
{
    static const char *const bad[] = {
        "A",     "Zg==", "Zm9v=",  "Zm8 ",    "+/8A",
        "Zm9vY", "Z.g",  "Zm\n9v", "\xc3\xa9"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct pl_buf b = {0};

        if (pl_base64url_decode(&b, pl_span_of(bad[i])))
            fail_msg("%s", bad[i]);
        assert_false(b.failed);
        pl_buf_fini(&b);
    }
}

/* Of the 64 texts of two characters that begin with 'Z', four are a byte. */
static void unused_bits_are_zero(void **state)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq"
                                   "rstuvwxyz0123456789-_";
    unsigned good = 0;

    (void)state;
    for (int i = 0; i < 64; i++) {
        const char text[] = {'Z', alphabet[i], '\0'};
        struct pl_buf b = {0};

        good += pl_base64url_decode(&b, pl_span_of(text));
        pl_buf_fini(&b);
    }
    assert_int_equal(good, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_rfc_go_both_ways),
        cmocka_unit_test(what_is_no_base64url_is_refused),
        cmocka_unit_test(unused_bits_are_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
