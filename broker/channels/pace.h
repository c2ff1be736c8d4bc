/* SPDX-License-Identifier: Apache-2.0 */
/* pace.h - how many publications channels may still have, where their rules
 * limit the rate.
 *
 * A table of PL_PACE_CHANNELS buckets, which is allocated with the first such
 * publication.  When more channels than that are busy at once, the fullest
 * bucket near the place of the new one is forgotten, so some channels have more
 * than their rate, and none has less.
 *
 * Thread: the owner's loop. */
#ifndef PL_PACE_H
#define PL_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "rules.h"

enum { PL_PACE_CHANNELS = 16384 };

struct pl_pace_place {
    uint64_t hash; /* keyed: a client chooses no place */
    uint64_t full; /* bucket.h, in microseconds; 0: the place is empty */
};

/* All zero: nothing was published. */
struct pl_pace {
    struct pl_pace_place *at; /* owned */
};

/* Count a publication in the channel with this hash.  Return false if `r`,
 * which limits the rate, allows none now, or if out of memory. */
bool pl_pace_allows(struct pl_pace *p, const struct pl_rules *r, uint64_t hash,
                    uint64_t now_ms);

void pl_pace_fini(struct pl_pace *p);

#endif
