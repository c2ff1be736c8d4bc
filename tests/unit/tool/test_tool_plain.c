/* SPDX-License-Identifier: Apache-2.0 */
/* test_tool_plain.c - text of others on a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "plain.h"

static void assert_plain(enum plain_form form, const char *text,
                         const char *expected)
{
    struct pl_buf b = {0};

    put_plain(&b, pl_span_of(text), form);
    pl_buf_put_byte(&b, '\0');
    assert_false(b.failed);
    assert_string_equal(b.data, expected);
    pl_buf_fini(&b);
}

static void every_control_character_is_written_out(void **state)
{
    char text[2] = "", expected[16];

    (void)state;
    for (int c = 1; c < 0x20; c++) {
        text[0] = (char)c;
        snprintf(expected, sizeof expected, "<U+%04X>", c);
        assert_plain(PLAIN_LINE, text, expected);
        snprintf(expected, sizeof expected, "\\u%04x", c);
        assert_plain(PLAIN_JSON, text, expected);
    }
    for (int c = 0x80; c < 0xa0; c++) {
        const char two[3] = {'\xc2', (char)c, '\0'};

        snprintf(expected, sizeof expected, "<U+%04X>", c);
        assert_plain(PLAIN_PAGE, two, expected);
    }
    assert_plain(PLAIN_LINE, "\x7f", "<U+007F>");
    assert_plain(PLAIN_PAGE, "a\n\tb\r", "a\n\tb<U+000D>");
}

static void marks_of_direction_are_written_out(void **state)
{
    (void)state;
    assert_plain(PLAIN_LINE, "\xe2\x80\xae", "<U+202E>");
    assert_plain(PLAIN_LINE, "\xe2\x81\xa6", "<U+2066>");
    assert_plain(PLAIN_LINE, "\xd8\x9c", "<U+061C>");
    assert_plain(PLAIN_JSON, "\xe2\x80\x8f\xe2\x80\xa8", "\\u200f\\u2028");
}

static void bytes_that_are_no_utf8_become_question_marks(void **state)
{
    (void)state;
    assert_plain(PLAIN_LINE, "\xff\xfe", "??");
    assert_plain(PLAIN_LINE, "\xc0\x80", "??");           /* too long */
    assert_plain(PLAIN_LINE, "\xed\xa0\x80", "???");      /* a surrogate */
    assert_plain(PLAIN_LINE, "\xf4\x90\x80\x80", "????"); /* too large */
    assert_plain(PLAIN_LINE, "\xe2\x80", "??");           /* cut */
    assert_plain(PLAIN_LINE, "\xe2\x1b[1m", "?<U+001B>[1m");
}

static void everything_else_stays(void **state)
{
    static const char text[] = "plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80";

    (void)state;
    assert_plain(PLAIN_LINE, text, text);
    assert_plain(PLAIN_JSON, text, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_control_character_is_written_out),
        cmocka_unit_test(marks_of_direction_are_written_out),
        cmocka_unit_test(bytes_that_are_no_utf8_become_question_marks),
        cmocka_unit_test(everything_else_stays),
    };

    return cmocka_run_group_tests_name("tool_plain", tests, NULL, NULL);
}
