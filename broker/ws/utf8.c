/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.c - see utf8.h.
 *
 * An automaton of nine states (RFC 3629 section 4: no overlong forms, no
 * surrogates, nothing above U+10FFFF).  A state is a bit position.  Each byte
 * has a word that holds the next state at that position: a step is one shift,
 * and the load does not wait for the previous step.  ASCII is skipped 16 bytes
 * at a time.
 *
 * Rejected: the bounds of the next byte as the state, because its branches are
 * mispredicted in mixed text (a third of the speed); vector instructions,
 * because they fit one machine only.
 *
 * Invariant: between two pieces the state is START or inside a character that
 * can still become valid. */
#include "utf8.h"

#include <stddef.h>
#include <string.h>

typedef unsigned char byte;

enum {
    START = 0,     /* between two characters */
    LAST = 6,      /* one more byte of 80 to BF */
    TWO = 12,      /* two more */
    THREE = 18,    /* three more */
    AFTER_E0 = 24, /* two more, the next not overlong */
    AFTER_ED = 30, /* two more, no surrogate */
    AFTER_F0 = 36, /* three more, the next not overlong */
    AFTER_F4 = 42, /* three more, not above U+10FFFF */
    WRONG = 48,    /* final */
    MASK = 63
};

#define TO(from, to) ((uint64_t)(to) << (from))

/* A byte that begins a character, or is one. */
#define FIRST(to)                                                              \
    (TO(START, to) | TO(LAST, WRONG) | TO(TWO, WRONG) | TO(THREE, WRONG) |     \
     TO(AFTER_E0, WRONG) | TO(AFTER_ED, WRONG) | TO(AFTER_F0, WRONG) |         \
     TO(AFTER_F4, WRONG) | TO(WRONG, WRONG))

/* A byte that continues a character; the states with bounds differ. */
#define NEXT(e0, ed, f0, f4)                                                   \
    (TO(START, WRONG) | TO(LAST, START) | TO(TWO, LAST) | TO(THREE, TWO) |     \
     TO(AFTER_E0, e0) | TO(AFTER_ED, ed) | TO(AFTER_F0, f0) |                  \
     TO(AFTER_F4, f4) | TO(WRONG, WRONG))

static const uint64_t steps[256] = {
    [0x00 ... 0x7F] = FIRST(START),
    [0x80 ... 0x8F] = NEXT(WRONG, LAST, WRONG, TWO),
    [0x90 ... 0x9F] = NEXT(WRONG, LAST, TWO, WRONG),
    [0xA0 ... 0xBF] = NEXT(LAST, WRONG, TWO, WRONG),
    [0xC0 ... 0xC1] = FIRST(WRONG),
    [0xC2 ... 0xDF] = FIRST(LAST),
    [0xE0] = FIRST(AFTER_E0),
    [0xE1 ... 0xEC] = FIRST(TWO),
    [0xED] = FIRST(AFTER_ED),
    [0xEE ... 0xEF] = FIRST(TWO),
    [0xF0] = FIRST(AFTER_F0),
    [0xF1 ... 0xF3] = FIRST(THREE),
    [0xF4] = FIRST(AFTER_F4),
    [0xF5 ... 0xFF] = FIRST(WRONG),
};

enum { BLOCK = 16 }; /* bytes */

static bool is_ascii(const byte *block)
{
    uint64_t word[BLOCK / 8];

    memcpy(word, block, sizeof word);
    return ((word[0] | word[1]) & 0x8080808080808080u) == 0;
}

bool pl_utf8_feed(struct pl_utf8 *u, struct pl_span piece)
{
    const byte *at = (const byte *)piece.at;
    size_t left = piece.len;
    uint64_t state = u->state; /* the bits above MASK are the rest of a word */

    for (; left >= BLOCK; left -= BLOCK, at += BLOCK) {
        if ((state & MASK) == START && is_ascii(at))
            continue;
        for (int i = 0; i < BLOCK; i++)
            state = steps[at[i]] >> (state & MASK);
        if ((state & MASK) == WRONG)
            return false;
    }
    for (; left > 0; left--)
        state = steps[*at++] >> (state & MASK);
    u->state = state & MASK;
    return u->state != WRONG;
}

bool pl_utf8_is_valid(struct pl_span text)
{
    struct pl_utf8 u = {0};

    return pl_utf8_feed(&u, text) && pl_utf8_is_complete(&u);
}
