/* SPDX-License-Identifier: Apache-2.0 */
/* test_wire_text.c - UTF-8 and the plain part of JSON strings. */
#include "wire_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define VALID(text) assert_true(pl_text_valid(PL_SPAN(text)))
#define INVALID(text) assert_false(pl_text_valid(PL_SPAN(text)))

static void text_of_every_length_of_character_is_valid(void **state)
{
    (void)state;
    VALID("");
    assert_true(pl_text_valid((struct pl_span){0}));
    VALID("room:1");
    VALID("\x01\x7f");
    VALID("\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80");
    VALID("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf");
    VALID("twelve ascii then \xe4\xbd\xa0\xe5\xa5\xbd and on it goes");
}

static void what_rfc_3629_forbids_is_not_valid(void **state)
{
    (void)state;
    INVALID("\x80");
    INVALID("\xc0\x80");
    INVALID("\xc1\xbf");
    INVALID("\xe0\x9f\xbf");
    INVALID("\xed\xa0\x80");
    INVALID("\xf0\x8f\xbf\xbf");
    INVALID("\xf4\x90\x80\x80");
    INVALID("\xf5\x80\x80\x80");
    INVALID("\xff");
    INVALID("\xe4\xbd");
    INVALID("\xf0\x9f\x98");
    INVALID("\xc3(");
}

/* At each place of a word and behind it, since words are looked at whole. */
static void one_bad_byte_is_found_wherever_it_stands(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 20; len++) {
        for (size_t i = 0; i < len; i++) {
            char text[20];

            memset(text, 'a', len);
            assert_true(pl_text_valid((struct pl_span){text, len}));
            text[i] = '\0';
            assert_false(pl_text_valid((struct pl_span){text, len}));
            text[i] = '\xff';
            assert_false(pl_text_valid((struct pl_span){text, len}));
        }
    }
}

static void the_plain_part_ends_at_what_json_escapes(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 40; len++) {
        for (int c = 0; c < 256; c++) {
            char text[40];
            const char *end = text + len;
            const char *stop =
                c < 0x20 || c == '"' || c == '\\' ? end - 1 : end;

            memset(text, ' ', len);
            text[len - 1] = (char)c;
            assert_ptr_equal(pl_text_plain(text, end, 0), stop);
            if (c >= 0x80)
                stop = end - 1;
            assert_ptr_equal(pl_text_plain(text, end, PL_TEXT_HIGH), stop);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_of_every_length_of_character_is_valid),
        cmocka_unit_test(what_rfc_3629_forbids_is_not_valid),
        cmocka_unit_test(one_bad_byte_is_found_wherever_it_stands),
        cmocka_unit_test(the_plain_part_ends_at_what_json_escapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
