/* SPDX-License-Identifier: Apache-2.0 */
/* test_terminal_keys.c - the bytes of a keyboard as keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "keys.h"

static char got[1024]; /* "kind:code:mods " for each key */

static void on_key(const struct pl_key *key, void *arg)
{
    size_t len = strlen(got);

    (void)arg;
    snprintf(got + len, sizeof got - len, "%d:%u:%u ", (int)key->kind,
             key->code, key->mods);
}

static struct pl_keys keys;

/* All bytes at once, or one by one. */
static void feed(const char *bytes, size_t len, size_t step)
{
    keys = (struct pl_keys){.got = on_key};
    got[0] = '\0';
    for (size_t at = 0; at < len; at += step)
        pl_keys_feed(&keys, bytes + at, len - at < step ? len - at : step);
}

static void expect(const char *bytes, size_t len, const char *format, ...)
{
    char expected[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(expected, sizeof expected, format, args);
    va_end(args);
    for (size_t step = 1; step <= len; step++) {
        feed(bytes, len, step);
        assert_string_equal(got, expected);
        assert_false(pl_keys_is_pending(&keys));
    }
}

#define EXPECT(literal, ...) expect(literal, sizeof(literal) - 1, __VA_ARGS__)

static void characters_are_text_in_utf8(void **state)
{
    (void)state;
    EXPECT("aé世🎉", "0:97:0 0:%u:0 0:%u:0 0:%u:0 ", 0xe9, 0x4e16, 0x1f389);
    EXPECT("a\xff"
           "b",
           "0:97:0 0:98:0 ");
    EXPECT("\xe4\xb8z", "0:%u:0 ", 'z');
}

static void controls_have_their_letter(void **state)
{
    (void)state;
    EXPECT("\x03\x1a", "%d:%u:0 %d:%u:0 ", PL_KEY_CTRL, 'c', PL_KEY_CTRL, 'z');
    EXPECT("\r", "%d:0:0 ", PL_KEY_ENTER);
    EXPECT("\t\x7f\b", "%d:0:0 %d:0:0 %d:0:0 ", PL_KEY_TAB, PL_KEY_BACKSPACE,
           PL_KEY_BACKSPACE);
}

static void both_kinds_of_arrows_are_known(void **state)
{
    (void)state;
    EXPECT("\033[A\033OA", "%d:0:0 %d:0:0 ", PL_KEY_UP, PL_KEY_UP);
    EXPECT("\033[1;5D", "%d:0:%u ", PL_KEY_LEFT, PL_KEY_WITH_CTRL);
    EXPECT("\033[5~\033[6;2~", "%d:0:0 %d:0:%u ", PL_KEY_PAGE_UP,
           PL_KEY_PAGE_DOWN, PL_KEY_SHIFT);
    EXPECT("\033OP\033[11~\033[24~", "%d:1:0 %d:1:0 %d:12:0 ", PL_KEY_F,
           PL_KEY_F, PL_KEY_F);
    EXPECT("\033[Z", "%d:0:%u ", PL_KEY_TAB, PL_KEY_SHIFT);
}

static void escape_before_a_character_is_alt(void **state)
{
    (void)state;
    EXPECT("\033b", "0:98:%u ", PL_KEY_ALT);
    EXPECT("\033\r", "%d:0:%u ", PL_KEY_ENTER, PL_KEY_ALT);
    EXPECT("\033\x7f", "%d:0:%u ", PL_KEY_BACKSPACE, PL_KEY_ALT);
    EXPECT("\033é", "0:%u:%u ", 0xe9, PL_KEY_ALT);
}

static void escape_alone_is_a_key_when_nothing_follows(void **state)
{
    (void)state;
    feed("\033", 1, 1);
    assert_string_equal(got, "");
    assert_true(pl_keys_is_pending(&keys));
    pl_keys_flush(&keys);
    char expected[16];
    snprintf(expected, sizeof expected, "%d:0:0 ", PL_KEY_ESCAPE);
    assert_string_equal(got, expected);
    pl_keys_flush(&keys);
    assert_string_equal(got, expected);
}

static void an_unknown_or_endless_sequence_leaves_no_text(void **state)
{
    char text[200] = "\033[";

    (void)state;
    EXPECT("\033[99~\033[?1;2c\033[Xz", "0:122:0 ");
    memset(text + 2, '1', 150);
    strcpy(text + 152, "~a");
    expect(text, strlen(text), "0:97:0 ");
    EXPECT("\033[12\033[A", "%d:0:0 ", PL_KEY_UP);
}

static void what_is_pasted_is_never_a_key(void **state)
{
    (void)state;
    EXPECT("\033[200~a\r\003\033[A\033b\033[201~b", "%d:97:0 %d:10:0 0:98:0 ",
           PL_KEY_PASTE, PL_KEY_PASTE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_are_text_in_utf8),
        cmocka_unit_test(controls_have_their_letter),
        cmocka_unit_test(both_kinds_of_arrows_are_known),
        cmocka_unit_test(escape_before_a_character_is_alt),
        cmocka_unit_test(escape_alone_is_a_key_when_nothing_follows),
        cmocka_unit_test(an_unknown_or_endless_sequence_leaves_no_text),
        cmocka_unit_test(what_is_pasted_is_never_a_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
