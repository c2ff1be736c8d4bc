/* SPDX-License-Identifier: Apache-2.0 */
/* publish_rate.c - see publish_rate.h.
 *
 * Rejected: a bucket in each channel, because channels without a limit would
 * pay 8 bytes, and one without subscribers has no struct.  A bucket in each
 * publisher, because a channel would have as many rates as publishers. */
#include "publish_rate.h"

#include <stdlib.h>

#include "bucket.h"

enum { NEAR = 8, SECOND_US = 1000000 };

/* Return the place of the channel, or the one with the fullest bucket. */
static struct pl_publish_rate_place *find(struct pl_publish_rate *p,
                                          uint64_t hash)
{
    uint64_t first = hash % PL_PUBLISH_RATE_CHANNELS / NEAR * NEAR;
    struct pl_publish_rate_place *best = &p->at[first];

    for (uint64_t i = first; i < first + NEAR; i++) {
        if (p->at[i].hash == hash)
            return &p->at[i];
        if (p->at[i].full < best->full)
            best = &p->at[i];
    }
    *best = (struct pl_publish_rate_place){.hash = hash};
    return best;
}

bool pl_publish_rate_allows(struct pl_publish_rate *p, const struct pl_rules *r,
                            uint64_t hash, uint64_t now_ms)
{
    uint64_t cost = SECOND_US / r->publish_rate;
    uint64_t burst = r->publish_burst == 0 ? r->publish_rate : r->publish_burst;

    if (p->at == NULL &&
        (p->at = calloc(PL_PUBLISH_RATE_CHANNELS, sizeof *p->at)) == NULL)
        return false;
    return pl_bucket_take(&find(p, hash)->full, now_ms * 1000, cost,
                          burst * cost);
}

void pl_publish_rate_fini(struct pl_publish_rate *p)
{
    free(p->at);
    p->at = NULL;
}
