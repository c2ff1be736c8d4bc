/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.c - see utf8.h.
 *
 * The whole state is how many bytes a character still wants and between which
 * bounds the next one must lie: only the second byte of a character has
 * bounds of its own (RFC 3629 section 4: no overlong forms, no surrogates,
 * nothing above U+10FFFF), the others lie between 80 and BF.  So the first
 * wrong byte is known when it arrives.  ASCII goes 16 bytes at a time, and a
 * character that lies whole in the piece is checked without touching the
 * state.  Rejected: a table of states and classes, which is smaller but takes
 * one dependent load a byte.
 *
 * Invariant: state is 0, or wanted > 0 in its low byte, the lowest and
 * highest next byte in the two above. */
#include "utf8.h"

#include <stddef.h>
#include <string.h>

typedef unsigned char byte;

static uint32_t expect(unsigned wanted, byte low, byte high)
{
    return wanted | (uint32_t)low << 8 | (uint32_t)high << 16;
}

/* The state behind a first byte that is not ASCII; 0: none may follow it. */
static uint32_t begin(byte first)
{
    if (first < 0xC2 || first > 0xF4)
        return 0;
    if (first < 0xE0)
        return expect(1, 0x80, 0xBF);
    if (first < 0xF0)
        return expect(2, first == 0xE0 ? 0xA0 : 0x80,
                      first == 0xED ? 0x9F : 0xBF);
    return expect(3, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF);
}

/* Take one byte of an unfinished character. */
static bool step(uint32_t *state, byte next)
{
    unsigned wanted = *state & 0xFF;

    if (next < (*state >> 8 & 0xFF) || next > (*state >> 16 & 0xFF))
        return false;
    *state = wanted == 1 ? 0 : expect(wanted - 1, 0x80, 0xBF);
    return true;
}

static const byte *skip_ascii(const byte *at, const byte *end)
{
    const uint64_t high_bits = 0x8080808080808080u;
    uint64_t word[2];

    for (; end - at >= (ptrdiff_t)sizeof word; at += sizeof word) {
        memcpy(word, at, sizeof word);
        if (((word[0] | word[1]) & high_bits) != 0)
            break;
    }
    while (at < end && *at < 0x80)
        at++;
    return at;
}

static bool is_continuation(byte c)
{
    return (c & 0xC0) == 0x80;
}

/* Check the character at `at`, which is not ASCII; gives what follows it or
 * NULL.  When the piece ends inside it, *state tells where. */
static const byte *character(const byte *at, const byte *end, uint32_t *state)
{
    uint32_t s = begin(*at++);
    size_t wanted = s & 0xFF;

    if (s == 0)
        return NULL;
    if ((size_t)(end - at) >= wanted) {
        bool good = at[0] >= (s >> 8 & 0xFF) && at[0] <= (s >> 16) &&
                    (wanted < 2 || is_continuation(at[1])) &&
                    (wanted < 3 || is_continuation(at[2]));
        return good ? at + wanted : NULL;
    }
    while (at < end)
        if (!step(&s, *at++))
            return NULL;
    *state = s;
    return at;
}

bool pl_utf8_feed(struct pl_utf8 *u, struct pl_span piece)
{
    const byte *at = (const byte *)piece.at;
    const byte *end = at + piece.len;
    uint32_t state = u->state;

    while (state != 0 && at < end)
        if (!step(&state, *at++))
            return false;
    while (at < end) {
        if (*at < 0x80)
            at = skip_ascii(at, end);
        else if ((at = character(at, end, &state)) == NULL)
            return false;
    }
    u->state = state;
    return true;
}

bool pl_utf8_is_valid(struct pl_span text)
{
    struct pl_utf8 u = {0};

    return pl_utf8_feed(&u, text) && pl_utf8_is_complete(&u);
}
