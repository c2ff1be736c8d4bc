/* SPDX-License-Identifier: Apache-2.0 */
/* random.h - random numbers: unguessable from the kernel, or repeatable by
 * seed. */
#ifndef PL_RANDOM_H
#define PL_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* One stream of numbers.  Thread: its owner's. */
struct pl_random {
    uint64_t state[4]; /* of the seeded generator, xoshiro256** */
    char pool[256];    /* kernel bytes not returned yet */
    unsigned left;
    int is_seeded;
};

/* Start an unguessable stream from the kernel. */
void pl_random_init(struct pl_random *r);

/* Start a stream that the same seed repeats, for tests. */
void pl_random_init_seeded(struct pl_random *r, uint64_t seed);

void pl_random_bytes(struct pl_random *r, void *out, size_t len);
uint64_t pl_random_u64(struct pl_random *r);

/* A uniform number from 0 to bound - 1; `bound` is at least 1. */
uint64_t pl_random_below(struct pl_random *r, uint64_t bound);

#endif
