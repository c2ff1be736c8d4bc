/* SPDX-License-Identifier: Apache-2.0 */
/* test_terminal_glyph.c - text from outside as what a terminal shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "glyph.h"

static void expect_shown(const char *text, size_t len, const char *shown)
{
    struct pl_buf b = {0};

    pl_glyphs_put(&b, (struct pl_span){text, len});
    pl_buf_put_byte(&b, '\0');
    assert_string_equal(b.data, shown);
    pl_buf_fini(&b);
}

#define SHOWN(literal, shown) expect_shown(literal, sizeof(literal) - 1, shown)

static void what_is_printable_stays(void **state)
{
    (void)state;
    SHOWN("Ada: 1 + 1 = 2 ~", "Ada: 1 + 1 = 2 ~");
    SHOWN("Grüße, 世界 🎉", "Grüße, 世界 🎉");
}

static void controls_are_escaped(void **state)
{
    (void)state;
    SHOWN("a\033[2Jb", "a<U+001B>[2Jb");
    SHOWN("\a\b\r\x7f", "<U+0007><U+0008><U+000D><U+007F>");
    SHOWN("a\0b", "a<U+0000>b");
    SHOWN("\xc2\x9b"
          "31m",
          "<U+009B>31m");
    SHOWN("a\nb\tc", "a<U+000A>b c");
}

static void what_reorders_or_hides_text_is_escaped(void **state)
{
    (void)state;
    SHOWN("\u202eabc", "<U+202E>abc");
    SHOWN("\u2066\u2069\u200f\u061c", "<U+2066><U+2069><U+200F><U+061C>");
    SHOWN("ad\u200ba\ufeff", "ad<U+200B>a<U+FEFF>");
    SHOWN("\U000e0041", "<U+E0041>");
    SHOWN("\u2028", "<U+2028>");
}

static void broken_utf8_is_a_question_mark_for_each_byte(void **state)
{
    (void)state;
    SHOWN("\xff", "?");
    SHOWN("a\xc3", "a?");
    SHOWN("\xc3(", "?(");
    SHOWN("\xc0\xaf", "??");
    SHOWN("\xed\xa0\x80", "???");
    SHOWN("\xf4\x90\x80\x80", "????");
    SHOWN("\xe2\x82", "??");
}

static void combining_characters_join_their_base_up_to_a_bound(void **state)
{
    char text[1 + 40 * 2];
    struct pl_span rest = {text, sizeof text};
    struct pl_glyph g;

    (void)state;
    text[0] = 'e';
    for (size_t i = 0; i < 40; i++)
        memcpy(text + 1 + 2 * i, "\u0301", 2);
    assert_true(pl_glyph_next(&rest, &g));
    assert_int_equal(g.taken, sizeof text);
    assert_int_equal(g.columns, 1);
    assert_int_equal(g.len, 1 + 2 * PL_GLYPH_COMBINING);
    assert_false(pl_glyph_next(&rest, &g));
    SHOWN("\u0301x", " \u0301x");
}

static void columns_are_those_of_the_terminal(void **state)
{
    (void)state;
    assert_int_equal(pl_glyphs_columns(PL_SPAN("abc")), 3);
    assert_int_equal(pl_glyphs_columns(PL_SPAN("世界")), 4);
    assert_int_equal(pl_glyphs_columns(PL_SPAN("e\u0301")), 1);
    assert_int_equal(pl_glyphs_columns(PL_SPAN("\033")), 8);
    /* Drawn as one by some terminals and as three by others. */
    assert_int_equal(pl_glyphs_columns(PL_SPAN("❤\ufe0f")), 1);
    assert_int_equal(pl_glyphs_columns(PL_SPAN("👩\u200d🚀")), 4);
}

static void a_wide_character_is_never_cut(void **state)
{
    size_t columns;

    (void)state;
    assert_int_equal(pl_glyphs_fit(PL_SPAN("a世界"), 4, &columns), 4);
    assert_int_equal(columns, 3);
    assert_int_equal(pl_glyphs_fit(PL_SPAN("ab"), 9, &columns), 2);
    assert_int_equal(columns, 2);
}

/* The lines of `text`, joined by "|". */
static void expect_wrapped(const char *text, size_t columns, const char *lines)
{
    struct pl_span rest = pl_span_of(text);
    struct pl_buf b = {0};
    size_t skip;

    while (rest.len > 0) {
        size_t len = pl_glyphs_wrap(rest, columns, &skip);

        assert_true(len + skip > 0);
        pl_buf_put(&b, rest.at, len);
        pl_buf_put_byte(&b, '|');
        rest.at += len + skip;
        rest.len -= len + skip;
    }
    pl_buf_put_byte(&b, '\0');
    assert_string_equal(b.data, lines);
    pl_buf_fini(&b);
}

static void lines_break_at_blanks_newlines_and_inside_long_words(void **state)
{
    (void)state;
    expect_wrapped("one two three", 20, "one two three|");
    expect_wrapped("one two three", 7, "one two|three|");
    expect_wrapped("one two three", 8, "one two|three|");
    expect_wrapped("one  \ntwo", 4, "one|two|");
    expect_wrapped("one\n\ntwo", 9, "one||two|");
    expect_wrapped("abcdefgh i", 3, "abc|def|gh|i|");
    expect_wrapped("世界世", 3, "世|界|世|");
    expect_wrapped("世", 1, "世|");
    expect_wrapped("    abc", 3, " |abc|");
}

static void without_unicode_what_is_not_ascii_is_a_question_mark(void **state)
{
    (void)state;
    assert_non_null(setlocale(LC_CTYPE, "C"));
    SHOWN("Grüße \033", "Gr??e <U+001B>");
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_printable_stays),
        cmocka_unit_test(controls_are_escaped),
        cmocka_unit_test(what_reorders_or_hides_text_is_escaped),
        cmocka_unit_test(broken_utf8_is_a_question_mark_for_each_byte),
        cmocka_unit_test(combining_characters_join_their_base_up_to_a_bound),
        cmocka_unit_test(columns_are_those_of_the_terminal),
        cmocka_unit_test(a_wide_character_is_never_cut),
        cmocka_unit_test(lines_break_at_blanks_newlines_and_inside_long_words),
        cmocka_unit_test(without_unicode_what_is_not_ascii_is_a_question_mark),
    };

    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
