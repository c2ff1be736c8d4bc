/* SPDX-License-Identifier: Apache-2.0 */
/* late_lane.h - the requests in flight of one late store, see late_store.h. */
#ifndef PL_LATE_LANE_H
#define PL_LATE_LANE_H

#include "late_store.h"
#include "map.h"
#include "random.h"

struct pl_late_lanes {
    struct pl_loop *loop;
    struct pl_late_options options;
    struct pl_random random;
    struct pl_map map; /* of lanes, by channel */
    uint32_t in_flight;
};

/* Have the inner store do what `op` asks for, at once. */
typedef void pl_late_apply(struct pl_late_lanes *lanes, struct pl_store_op *op);

void pl_late_lanes_init(struct pl_late_lanes *lanes, struct pl_loop *loop,
                        const struct pl_late_options *options);

/* Forget all requests. */
void pl_late_lanes_fini(struct pl_late_lanes *lanes);

/* Do `op` later.  `is_change`: it may have happened though its answer is that
 * it timed out. */
enum pl_store_reply pl_late_lanes_submit(struct pl_late_lanes *lanes,
                                         struct pl_store_op *op,
                                         pl_late_apply *apply, bool is_change);

/* Whether chance says so, `permille` times in a thousand. */
bool pl_late_lanes_chance(struct pl_late_lanes *lanes, uint32_t permille);

#endif
