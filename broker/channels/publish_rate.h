/* SPDX-License-Identifier: Apache-2.0 */
/* publish_rate.h - how many publications channels may still have, where their
 * rules limit the rate.
 *
 * A table of PL_PUBLISH_RATE_CHANNELS buckets, which is allocated with the
 * first such publication.  When more channels than that are busy at once, the
 * fullest bucket near the place of the new one is forgotten, so some channels
 * have more than their rate, and none has less.
 *
 * Thread: the owner's loop. */
#ifndef PL_PUBLISH_RATE_H
#define PL_PUBLISH_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "rules.h"

enum { PL_PUBLISH_RATE_CHANNELS = 16384 };

struct pl_publish_rate_place {
    uint64_t hash; /* keyed: a client chooses no place */
    uint64_t full; /* bucket.h, in microseconds; 0: the place is empty */
};

/* All zero: nothing was published. */
struct pl_publish_rate {
    struct pl_publish_rate_place *at; /* owned */
};

/* Count a publication in the channel with this hash.  Return false if `r`,
 * which limits the rate, allows none now, or if out of memory. */
bool pl_publish_rate_allows(struct pl_publish_rate *p, const struct pl_rules *r,
                            uint64_t hash, uint64_t now_ms);

void pl_publish_rate_fini(struct pl_publish_rate *p);

#endif
