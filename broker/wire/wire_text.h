/* SPDX-License-Identifier: Apache-2.0 */
/* wire_text.h - checks text many bytes at a time: UTF-8 and JSON. */
#ifndef PL_WIRE_TEXT_H
#define PL_WIRE_TEXT_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "span.h"

#define PL_TEXT_ONES 0x0101010101010101ull
#define PL_TEXT_HIGH 0x8080808080808080ull

/* The length of the valid UTF-8 character at `at` if it has more than one byte
 * (RFC 3629: nothing overlong, no surrogate, at most U+10FFFF), else 0.  `at`
 * must be before `end`. */
size_t pl_text_sequence(const char *at, const char *end);

/* True if `s` is UTF-8 without a zero byte. */
bool pl_text_valid(struct pl_span s);

/* The offset of the first character of `s` that makes it invalid; its length if
 * there is none. */
size_t pl_text_fault(struct pl_span s);

/* The eight bytes at `at`, the first in the lowest place. */
static inline uint64_t pl_text_word(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return le64toh(word);
}

/* The high bit of each byte of `word` that equals `byte` (< 128).  Bits after
 * the first such byte may be wrong: only the lowest counts. */
static inline uint64_t pl_text_equal(uint64_t word, unsigned char byte)
{
    uint64_t x = word ^ (PL_TEXT_ONES * byte);

    return (x - PL_TEXT_ONES) & ~x & PL_TEXT_HIGH;
}

static inline bool pl_text_is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

#ifdef __SSE2__
/* One bit for each of the 16 bytes at `at` that is not plain; bytes that are
 * not ASCII count only if `high` is not 0. */
static inline unsigned pl_text_stops(const char *at, uint64_t high)
{
    __m128i v = _mm_loadu_si128((const __m128i *)at);
    __m128i low = _mm_set1_epi8(0x1F);
    __m128i stops = high != 0 ? _mm_cmpgt_epi8(_mm_set1_epi8(0x20), v)
                              : _mm_cmpeq_epi8(_mm_min_epu8(v, low), v);

    stops = _mm_or_si128(stops, _mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
    stops = _mm_or_si128(stops, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
    return (unsigned)_mm_movemask_epi8(stops);
}
#endif

/* Return the first byte that a JSON string cannot contain unescaped: a quote, a
 * backslash, a control character; also, if `high` is PL_TEXT_HIGH instead of 0,
 * one that is not ASCII.  `end` if there is none. */
static inline const char *pl_text_plain(const char *at, const char *end,
                                        uint64_t high)
{
#ifdef __SSE2__
    for (; end - at >= 16; at += 16) {
        unsigned stops = pl_text_stops(at, high);

        if (stops != 0)
            return at + __builtin_ctz(stops);
    }
#endif
    for (; end - at >= 8; at += 8) {
        uint64_t w = pl_text_word(at);
        uint64_t stop = pl_text_equal(w, '"') | pl_text_equal(w, '\\') |
                        ((w - PL_TEXT_ONES * 0x20) & ~w & PL_TEXT_HIGH) |
                        (w & high);

        if (stop != 0)
            return at + __builtin_ctzll(stop) / 8;
    }
    while (at < end && pl_text_is_plain((unsigned char)*at) &&
           ((unsigned char)*at & high) == 0)
        at++;
    return at;
}

#endif
