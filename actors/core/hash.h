/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - a keyed hash for tables with keys that untrusted peers choose. */
#ifndef PL_HASH_H
#define PL_HASH_H

#include <stdint.h>

#include "span.h"

struct pl_hash_key {
    uint64_t k0, k1; /* random, secret, fixed for the lifetime of a table */
};

/* SipHash-1-3 (Aumasson and Bernstein, 2012; the variant with one and three
 * rounds).  An attacker without the key cannot choose names that collide. */
uint64_t pl_hash(const struct pl_hash_key *key, struct pl_span bytes);

#endif
