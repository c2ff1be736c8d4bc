/* SPDX-License-Identifier: Apache-2.0 */
/* test_code.c - the numbers of the protocol and their texts. */
#include "code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_list_of_codes_has_its_texts(void **state)
{
    (void)state;
    assert_string_equal(pl_code_text(109), "token expired");
    assert_string_equal(pl_code_text(3501), "bad request");
    assert_string_equal(pl_code_text(2500), "insufficient state");
    assert_string_equal(pl_code_text(7), "unknown code");
}

static void only_what_passes_by_itself_is_temporary(void **state)
{
    (void)state;
    assert_true(pl_code_is_temporary(PL_ERROR_INTERNAL));
    assert_true(pl_code_is_temporary(PL_ERROR_TOO_MANY_REQUESTS));
    assert_false(pl_code_is_temporary(PL_ERROR_TOKEN_EXPIRED));
    assert_false(pl_code_is_temporary(PL_DISCONNECT_SHUTDOWN));
}

/* A reason is sent in a Close frame of at most 125 bytes, and SDKs try to read
 * it as JSON first: neither a number nor a quoted string may come out. */
static void no_reason_is_too_long_or_reads_as_json(void **state)
{
    static const uint32_t codes[] = {
#define X(name, value, text) value,
        PL_CODE_DISCONNECT_MAP(X)
#undef X
    };

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        const char *text = pl_code_text(codes[i]);

        assert_in_range(strlen(text), 1, 123);
        assert_in_range(text[0], 'a', 'z');
        assert_string_not_equal(text, "true");
        assert_string_not_equal(text, "false");
        assert_string_not_equal(text, "null");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_list_of_codes_has_its_texts),
        cmocka_unit_test(only_what_passes_by_itself_is_temporary),
        cmocka_unit_test(no_reason_is_too_long_or_reads_as_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
