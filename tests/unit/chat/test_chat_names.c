/* SPDX-License-Identifier: Apache-2.0 */
/* test_chat_names.c - names of people and rooms, as the chat page has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

static void expect_room(const char *text, const char *room)
{
    char clean[PL_CHAT_ROOM_SIZE];

    pl_chat_clean_room(clean, pl_span_of(text));
    assert_string_equal(clean, room);
}

static void a_room_is_letters_and_digits_with_dashes_between(void **state)
{
    (void)state;
    expect_room("Lobby", "lobby");
    expect_room("#lobby", "lobby");
    expect_room("  The  Kitchen! 2 ", "the-kitchen-2");
    expect_room("Grüße/世界", "grüße-世界");
    expect_room("--- \033[2J", "2j");
    expect_room("", "");
    expect_room("\xff\xc3!", "");
    expect_room("abcdefghijklmnopqrstuvwxyz0123456789",
                "abcdefghijklmnopqrstuvwxyz0123");
    expect_room("abcdefghijklmnopqrstuvwxyz012 x",
                "abcdefghijklmnopqrstuvwxyz012");
}

static void expect_clipped(struct pl_span text, size_t units, const char *clip)
{
    char *got = pl_chat_clip(text, units);

    assert_string_equal(got, clip);
    free(got);
}

static void text_is_clipped_to_utf16_units_without_outer_blanks(void **state)
{
    (void)state;
    expect_clipped(PL_SPAN("  a b \n"), 9, "a b");
    expect_clipped(PL_SPAN("\u00a0\ufeffa\u00a0"), 9, "a");
    expect_clipped(PL_SPAN("abcdef"), 3, "abc");
    expect_clipped(PL_SPAN("ab🎉c"), 3, "ab");
    expect_clipped(PL_SPAN("ab🎉c"), 4, "ab🎉");
    expect_clipped(PL_SPAN("ab  c"), 4, "ab");
    expect_clipped(PL_SPAN("a\0b\xff"), 9, "ab");
    expect_clipped(PL_SPAN("   "), 9, "");
}

static void names_that_look_the_same_are_the_same(void **state)
{
    (void)state;
    assert_true(pl_chat_looks_same("Ada", " a d\u200ba"));
    assert_true(pl_chat_looks_same("ÄDA", "äda"));
    assert_true(pl_chat_looks_same("Ada", "Ａｄａ"));
    assert_false(pl_chat_looks_same("Ada", "Adam"));
    assert_false(pl_chat_looks_same("Ada", ""));
}

static void a_mention_is_a_word(void **state)
{
    (void)state;
    assert_true(pl_chat_mentions("ada: hello", "Ada"));
    assert_true(pl_chat_mentions("hello, ADA!", "Ada"));
    assert_true(pl_chat_mentions("ask Ada L.", "Ada L"));
    assert_false(pl_chat_mentions("Adam and canada", "Ada"));
    assert_false(pl_chat_mentions("anything", ""));
    assert_true(pl_chat_mentions("Adam, Ada", "Ada"));
}

static void a_beginning_is_compared_without_case(void **state)
{
    (void)state;
    assert_true(pl_chat_begins_with("Ada", PL_SPAN("aD")));
    assert_true(pl_chat_begins_with("Ada", PL_SPAN("")));
    assert_false(pl_chat_begins_with("Ad", PL_SPAN("ada")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_room_is_letters_and_digits_with_dashes_between),
        cmocka_unit_test(text_is_clipped_to_utf16_units_without_outer_blanks),
        cmocka_unit_test(names_that_look_the_same_are_the_same),
        cmocka_unit_test(a_mention_is_a_word),
        cmocka_unit_test(a_beginning_is_compared_without_case),
    };

    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
