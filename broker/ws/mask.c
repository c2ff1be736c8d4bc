/* SPDX-License-Identifier: Apache-2.0 */
/* mask.c - see mask.h.
 *
 * The key is repeated over 8 bytes, and each step processes two vectors of 16
 * bytes.  The vectors are compiler extensions, so the loop is wide at each
 * level of optimisation and on each machine.  All loads and stores use
 * memcpy(), because a payload may have any address.  Collecting the high bits
 * costs one OR per vector and makes the UTF-8 check of ASCII text free.
 *
 * Rejected: aligning first, because that costs more than it gains for payloads
 * of 50 to 200 bytes; intrinsics, because they fit one machine only.
 *
 * Invariant: bytes outside [bytes, bytes + len) are neither read nor
 * written. */
#include "mask.h"

#include <stdint.h>
#include <string.h>

typedef uint64_t wide __attribute__((vector_size(16)));

static const uint64_t high_bits = 0x8080808080808080u;

static uint64_t unmask_word(char *at, uint64_t key)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    word ^= key;
    memcpy(at, &word, sizeof word);
    return word;
}

static uint32_t unmask_half(char *at, uint32_t key)
{
    uint32_t word;

    memcpy(&word, at, sizeof word);
    word ^= key;
    memcpy(at, &word, sizeof word);
    return word;
}

/* The key from `phase` on, in memory order. */
static uint32_t turn(const unsigned char key[4], unsigned phase)
{
    unsigned char twice[8];
    uint32_t turned;

    memcpy(twice, key, 4);
    memcpy(twice + 4, key, 4);
    memcpy(&turned, twice + (phase & 3), sizeof turned);
    return turned;
}

static wide unmask_wide(char *at, wide key)
{
    wide bytes;

    memcpy(&bytes, at, sizeof bytes);
    bytes ^= key;
    memcpy(at, &bytes, sizeof bytes);
    return bytes;
}

bool pl_ws_unmask(char *bytes, size_t len, const unsigned char key[4],
                  unsigned phase)
{
    uint32_t half = turn(key, phase);
    uint64_t word = (uint64_t)half << 32 | half, seen = 0;
    size_t i = 0;

    if (len >= 2 * sizeof(wide)) {
        wide both = {word, word}, any = {0, 0};

        for (; len - i >= 2 * sizeof(wide); i += 2 * sizeof(wide)) {
            any |= unmask_wide(bytes + i, both);
            any |= unmask_wide(bytes + i + sizeof(wide), both);
        }
        seen = any[0] | any[1];
    }
    for (; len - i >= sizeof word; i += sizeof word)
        seen |= unmask_word(bytes + i, word);
    if (len - i >= sizeof half) {
        seen |= unmask_half(bytes + i, half);
        i += sizeof half;
    }
    for (; i < len; i++) {
        bytes[i] = (char)(bytes[i] ^ ((const char *)&half)[i & 3]);
        seen |= (unsigned char)bytes[i];
    }
    return (seen & high_bits) == 0;
}
