/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.h against every code point, every pair of bytes and a decoder of its
 * own; at which byte an error is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "utf8.h"

/* The length of the character at `at` by the table of RFC 3629 section 4, or
 * 0; written by value and not by bounds of bytes, unlike the module's. */
static size_t character(const unsigned char *at, size_t len)
{
    size_t size = at[0] < 0x80           ? 1
                  : (at[0] >> 5) == 0x6  ? 2
                  : (at[0] >> 4) == 0xE  ? 3
                  : (at[0] >> 3) == 0x1E ? 4
                                         : 0;
    static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};

    if (size == 0 || size > len)
        return 0;
    uint32_t value = size == 1 ? at[0] : at[0] & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) {
        if (at[i] >> 6 != 2)
            return 0;
        value = value << 6 | (at[i] & 0x3F);
    }
    if (value < lowest[size] || value > 0x10FFFF ||
        (value >= 0xD800 && value <= 0xDFFF))
        return 0;
    return size;
}

static bool is_valid(const unsigned char *at, size_t len)
{
    while (len > 0) {
        size_t size = character(at, len);

        if (size == 0)
            return false;
        at += size;
        len -= size;
    }
    return true;
}

static bool bytewise(struct pl_span text)
{
    struct pl_utf8 u = {0};

    for (size_t i = 0; i < text.len; i++)
        if (!pl_utf8_feed(&u, (struct pl_span){text.at + i, 1}))
            return false;
    return pl_utf8_is_complete(&u);
}

static void check(const unsigned char *bytes, size_t len)
{
    struct pl_span text = {(const char *)bytes, len};
    bool expected = is_valid(bytes, len);

    assert_int_equal(pl_utf8_is_valid(text), expected);
    assert_int_equal(bytewise(text), expected);
}

static void every_sequence_of_three_bytes_is_judged_right(void **state)
{
    unsigned char b[3];

    (void)state;
    for (unsigned i = 0; i < 1u << 24; i++) {
        b[0] = (unsigned char)(i >> 16);
        b[1] = (unsigned char)(i >> 8);
        b[2] = (unsigned char)i;
        if (b[0] < 0x7F && b[1] != 0x80)
            continue; /* ASCII first is covered by the two behind it */
        check(b, 3);
    }
}

static void every_start_of_four_bytes_is_judged_right(void **state)
{
    static const unsigned char last[] = {0x00, 0x7F, 0x80, 0xBF, 0xC0, 0xFF};
    unsigned char b[4];

    (void)state;
    for (unsigned i = 0xE0 << 16; i < 1u << 24; i++) {
        b[0] = (unsigned char)(i >> 16);
        b[1] = (unsigned char)(i >> 8);
        b[2] = (unsigned char)i;
        if ((b[2] & 0x3F) % 0x3F != 0)
            continue; /* the edges of each block of 64 are enough */
        for (size_t k = 0; k < sizeof last; k++) {
            b[3] = last[k];
            check(b, 4);
        }
    }
}

/* One odd character at every place of a long ASCII text: the wide steps must
 * neither skip it nor stop before it. */
static void characters_are_seen_at_every_place_of_a_long_text(void **state)
{
    static const char *const odd[] = {"\xC3\xA9",         "\xE2\x82\xAC",
                                      "\xF0\x9F\x98\x80", "\xFF",
                                      "\xC3\x28",         "\xED\xA0\x80"};
    char text[80];

    (void)state;
    for (size_t k = 0; k < sizeof odd / sizeof *odd; k++)
        for (size_t at = 0; at + 4 < sizeof text; at++) {
            memset(text, 'a', sizeof text);
            memcpy(text + at, odd[k], strlen(odd[k]));
            check((unsigned char *)text, sizeof text);
            check((unsigned char *)text, at + 1); /* perhaps cut inside */
        }
}

/* The state must not depend on where pieces end. */
static void a_text_may_be_split_anywhere(void **state)
{
    struct pl_span text = PL_SPAN("k\xCF\x8C\xCE\xBC\xCE\xB5 plain text behind "
                                  "\xE2\x82\xAC\xF0\x9F\x98\x80 \xF4\x8F\xBF"
                                  "\xBF and an end");

    (void)state;
    for (size_t i = 0; i <= text.len; i++)
        for (size_t k = i; k <= text.len; k++) {
            struct pl_utf8 u = {0};

            assert_true(pl_utf8_feed(&u, (struct pl_span){text.at, i}));
            assert_true(pl_utf8_feed(&u, (struct pl_span){text.at + i, k - i}));
            assert_true(
                pl_utf8_feed(&u, (struct pl_span){text.at + k, text.len - k}));
            assert_true(pl_utf8_is_complete(&u));
        }
}

static void an_error_is_told_at_the_first_byte_that_makes_it(void **state)
{
    static const struct {
        const char *bytes;
        size_t good; /* bytes before the one that is wrong */
    } rows[] = {
        {"\x80", 0},         {"\xBF", 0},          {"\xC0\x80", 0},
        {"\xC1\xBF", 0},     {"\xF5\x80", 0},      {"\xFE", 0},
        {"\xC2\x41", 1},     {"\xE0\x9F", 1},      {"\xED\xA0", 1},
        {"\xE1\x80\xC0", 2}, {"\xF0\x8F", 1},      {"\xF4\x90", 1},
        {"\xF1\x80\x41", 2}, {"\xF3\xBF\xBF ", 3}, {"ok\xFF", 2},
        {"\xC3\xA9\xA9", 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pl_utf8 u = {0};

        assert_true(
            pl_utf8_feed(&u, (struct pl_span){rows[i].bytes, rows[i].good}));
        assert_false(pl_utf8_feed(
            &u, (struct pl_span){rows[i].bytes + rows[i].good, 1}));
    }
}

static void an_unfinished_character_is_good_but_not_complete(void **state)
{
    struct pl_utf8 u = {0};

    (void)state;
    assert_true(pl_utf8_feed(&u, PL_SPAN("\xF0\x9F")));
    assert_false(pl_utf8_is_complete(&u));
    assert_true(pl_utf8_feed(&u, PL_SPAN("")));
    assert_false(pl_utf8_is_complete(&u));
    assert_true(pl_utf8_feed(&u, PL_SPAN("\x98\x80")));
    assert_true(pl_utf8_is_complete(&u));
    assert_false(pl_utf8_is_valid(PL_SPAN("\xE2\x82")));
}

static void nothing_at_all_is_valid(void **state)
{
    (void)state;
    assert_true(pl_utf8_is_valid(PL_SPAN("")));
    assert_true(pl_utf8_is_valid((struct pl_span){NULL, 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sequence_of_three_bytes_is_judged_right),
        cmocka_unit_test(every_start_of_four_bytes_is_judged_right),
        cmocka_unit_test(characters_are_seen_at_every_place_of_a_long_text),
        cmocka_unit_test(a_text_may_be_split_anywhere),
        cmocka_unit_test(an_error_is_told_at_the_first_byte_that_makes_it),
        cmocka_unit_test(an_unfinished_character_is_good_but_not_complete),
        cmocka_unit_test(nothing_at_all_is_valid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
