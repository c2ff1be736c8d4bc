/* SPDX-License-Identifier: Apache-2.0 */
/* hash.c - see hash.h.
 *
 * SipHash as in its paper, with one round per word and three at the end: each
 * publication hashes its channel name several times, and the shorter variant
 * still keeps an untrusted peer without the key from choosing names that
 * collide.
 *
 * Rejected: faster hashes without a key. */
#include "hash.h"

#include <endian.h>

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void do_round(struct state *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 = rotate(s->v2, 32);
}

static inline void take_word(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    do_round(s);
    s->v0 ^= word;
}

/* Read `len` bytes, at most eight, as a little-endian number. */
static inline uint64_t load(const char *at, size_t len)
{
    uint64_t word = 0;

    memcpy(&word, at, len);
    return le64toh(word);
}

uint64_t pl_hash(const struct pl_hash_key *key, struct pl_span bytes)
{
    /* the constants spell "somepseudorandomlygeneratedbytes" */
    struct state s = {
        key->k0 ^ 0x736f6d6570736575, key->k1 ^ 0x646f72616e646f6d,
        key->k0 ^ 0x6c7967656e657261, key->k1 ^ 0x7465646279746573};
    size_t whole = bytes.len & ~(size_t)7;

    for (size_t i = 0; i < whole; i += 8)
        take_word(&s, load(bytes.at + i, 8));
    uint64_t last = (uint64_t)bytes.len << 56;
    if (bytes.len > whole)
        last |= load(bytes.at + whole, bytes.len - whole);
    take_word(&s, last);
    s.v2 ^= 0xff;
    do_round(&s);
    do_round(&s);
    do_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
