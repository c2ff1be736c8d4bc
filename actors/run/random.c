/* SPDX-License-Identifier: Apache-2.0 */
/* random.c - see random.h.
 *
 * Unguessable numbers come from the kernel, 256 bytes at a time.  Repeatable
 * numbers come from xoshiro256** (Blackman and Vigna, 2018); splitmix64
 * (Steele, Lea and Flood, 2014) derives its state from the seed, so that
 * neighbouring seeds give unrelated streams.
 *
 * Rejected: a cryptographic generator of our own, because it would be one more
 * thing to get right.
 *
 * Invariant: bytes returned from the pool are wiped, so that no number is
 * returned twice and a later look into memory does not reveal it. */
#include "random.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static uint64_t xoshiro(uint64_t s[4])
{
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

/* If the kernel has no getrandom() (before 3.17), end the program: without
 * random numbers nothing later is safe. */
static void kernel_bytes(void *out, size_t len)
{
    char *at = out;

    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno != EINTR)
            abort();
        if (got > 0) {
            at += got;
            len -= (size_t)got;
        }
    }
}

void pl_random_init(struct pl_random *r)
{
    memset(r, 0, sizeof *r);
}

void pl_random_init_seeded(struct pl_random *r, uint64_t seed)
{
    memset(r, 0, sizeof *r);
    r->is_seeded = 1;
    for (unsigned i = 0; i < 4; i++)
        r->state[i] = splitmix64(&seed);
}

static void seeded_bytes(struct pl_random *r, char *out, size_t len)
{
    while (len > 0) {
        uint64_t x = xoshiro(r->state);
        size_t part = len < sizeof x ? len : sizeof x;
        memcpy(out, &x, part);
        out += part;
        len -= part;
    }
}

void pl_random_bytes(struct pl_random *r, void *out, size_t len)
{
    if (r->is_seeded) {
        seeded_bytes(r, out, len);
        return;
    }
    if (len > sizeof r->pool) {
        kernel_bytes(out, len);
        return;
    }
    if (r->left < len) {
        kernel_bytes(r->pool, sizeof r->pool);
        r->left = sizeof r->pool;
    }
    r->left -= (unsigned)len;
    memcpy(out, r->pool + r->left, len);
    explicit_bzero(r->pool + r->left, len);
}

uint64_t pl_random_u64(struct pl_random *r)
{
    uint64_t x;

    if (r->is_seeded)
        return xoshiro(r->state);
    pl_random_bytes(r, &x, sizeof x);
    return x;
}

/* Reject numbers below 2^64 mod `bound`: the count of the others is a multiple
 * of `bound`. */
uint64_t pl_random_below(struct pl_random *r, uint64_t bound)
{
    assert(bound > 0);
    uint64_t unfair = -bound % bound;
    uint64_t x;

    do
        x = pl_random_u64(r);
    while (x < unfair);
    return x % bound;
}
