/* SPDX-License-Identifier: Apache-2.0 */
/* wire_text.c - see wire_text.h.
 *
 * Names are short and mostly ASCII, so ASCII is checked in steps of eight
 * bytes, anything else in steps of one character.  The module ws also checks
 * text, but in pieces as frames arrive; this module may not use it and has the
 * whole string.
 *
 * Rejected: a table-driven automaton, because it reads each byte, and here one
 * test of a word suffices for nearly all. */
#include "wire_text.h"

static bool follows(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

static size_t sequence_of_three(const unsigned char *s, size_t left)
{
    if (left < 3 || !follows(s[1]) || !follows(s[2]))
        return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F))
        return 0; /* overlong; surrogate */
    return 3;
}

static size_t sequence_of_four(const unsigned char *s, size_t left)
{
    if (left < 4 || !follows(s[1]) || !follows(s[2]) || !follows(s[3]))
        return 0;
    if ((s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
        return 0; /* overlong; beyond U+10FFFF */
    return 4;
}

size_t pl_text_sequence(const char *at, const char *end)
{
    const unsigned char *s = (const unsigned char *)at;
    size_t left = (size_t)(end - at);

    if (s[0] >= 0xC2 && s[0] <= 0xDF)
        return left >= 2 && follows(s[1]) ? 2 : 0;
    if (s[0] >= 0xE0 && s[0] <= 0xEF)
        return sequence_of_three(s, left);
    if (s[0] >= 0xF0 && s[0] <= 0xF4)
        return sequence_of_four(s, left);
    return 0;
}

bool pl_text_valid(struct pl_span s)
{
    const char *at = s.at; /* NULL if absent */
    const char *end = s.len == 0 ? at : at + s.len;

    while (at < end) {
        if (end - at >= 8) {
            uint64_t w = pl_text_word(at);

            if (((w | (w - PL_TEXT_ONES)) & PL_TEXT_HIGH) == 0) {
                at += 8;
                continue;
            }
        }
        if (*at > 0 && (unsigned char)*at < 0x80) {
            at++;
            continue;
        }
        size_t len = pl_text_sequence(at, end);
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}

size_t pl_text_fault(struct pl_span s)
{
    size_t at = 0;

    while (at < s.len) {
        unsigned char c = (unsigned char)s.at[at];
        size_t len =
            c > 0 && c < 0x80 ? 1 : pl_text_sequence(s.at + at, s.at + s.len);

        if (len == 0)
            break;
        at += len;
    }
    return at;
}
