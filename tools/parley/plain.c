/* SPDX-License-Identifier: Apache-2.0 */
/* plain.c - see plain.h.
 *
 * Terminals obey C0 and C1 characters, and some also C1 in the form of UTF-8.
 * Marks of direction cannot harm a terminal, but make text look like other
 * text.  A byte that begins no character is judged alone, so a broken character
 * cannot hide the one after it.
 *
 * Invariant: what is appended is UTF-8 that only prints. */
#include "plain.h"

#include <stdint.h>

/* The length of the character at the start of `s`, and the character; 0: there
 * is none. */
static size_t read_character(struct pl_span s, uint32_t *out)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)s.at[0];
    size_t len = first < 0x80             ? 1
                 : (first & 0xe0) == 0xc0 ? 2
                 : (first & 0xf0) == 0xe0 ? 3
                 : (first & 0xf8) == 0xf0 ? 4
                                          : 0;
    uint32_t c = len == 1 ? first : first & (0x7fu >> len);

    if (len == 0 || len > s.len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if (((unsigned char)s.at[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | ((unsigned char)s.at[i] & 0x3f);
    }
    if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *out = c;
    return len;
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029;
}

static bool is_direction(uint32_t c)
{
    return c == 0x061c || c == 0x200e || c == 0x200f ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static bool stays(uint32_t c, enum plain_form form)
{
    if (form == PLAIN_PAGE && (c == '\n' || c == '\t'))
        return true;
    return !is_control(c) && !is_direction(c);
}

void put_plain(struct pl_buf *out, struct pl_span text, enum plain_form form)
{
    while (text.len > 0) {
        uint32_t c = 0;
        size_t len = read_character(text, &c);

        if (len == 0)
            pl_buf_put_byte(out, '?');
        else if (stays(c, form))
            pl_buf_put(out, text.at, len);
        else
            pl_buf_printf(out, form == PLAIN_JSON ? "\\u%04x" : "<U+%04X>", c);
        len = len == 0 ? 1 : len;
        text.at += len;
        text.len -= len;
    }
}
