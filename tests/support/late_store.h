/* SPDX-License-Identifier: Apache-2.0 */
/* late_store.h - stores for tests that answer turns later.
 *
 * Each wraps a memory store (or any that answers at once) and does what it is
 * asked when a task or timer of the loop says so: in order within a channel, in
 * any order across channels, and a share of it fails.  Delays and failures
 * come from a seed.  What fails has not happened, but for half of the failed
 * publications on the bus, which have, though the answer says otherwise. */
#ifndef PL_LATE_STORE_H
#define PL_LATE_STORE_H

#include <stdint.h>

#include "bus.h"
#include "channels.h"
#include "presence.h"
#include "stream.h"

struct pl_loop;

struct pl_late_options {
    uint64_t seed;
    uint32_t delay_ms;   /* the longest; some answers come with the next turn */
    uint32_t latency_ms; /* each answer comes so much later, and up to delay_ms
                            more; the requests of a channel wait side by side.
                            0: the delay of one begins when the one before it
                            is done */
    uint32_t timeout_permille; /* 10: one in a hundred is PL_ETIMEDOUT; half of
                                  those that change something have done it */
    uint32_t fail_permille;    /* 10: one in a hundred is PL_EIO */
    uint32_t again_permille;   /* behind so many publications the bus brings one
                                  again that came before */
    uint32_t limit; /* requests in flight in a store; more are PL_EFULL; 0: no
                       limit */
};

/* Put late stores around memory stores, all made as `channels` says, into
 * `channels`, ready for pl_channels_create().
 * Owner:  the caller, until pl_channels_create() has succeeded.
 * Errors: PL_ENOMEM. */
enum pl_err pl_late_stores_create(struct pl_channels_options *channels,
                                  struct pl_loop *loop,
                                  const struct pl_late_options *options);

/* Wrap `inner`.
 * Owner:  the caller, until ops->destroy(), which destroys `inner` too; on
 *         error `inner` stays the caller's.  `loop` outlives it.
 * Errors: PL_ENOMEM. */
enum pl_err pl_late_stream_create(struct pl_stream **out, struct pl_loop *loop,
                                  struct pl_stream *inner,
                                  const struct pl_late_options *options);
enum pl_err pl_late_bus_create(struct pl_bus **out, struct pl_loop *loop,
                               struct pl_bus *inner,
                               const struct pl_late_options *options);
enum pl_err pl_late_presence_create(struct pl_presence **out,
                                    struct pl_loop *loop,
                                    struct pl_presence *inner,
                                    const struct pl_late_options *options);

/* Have the bus bring what another owner has published. */
void pl_late_bus_bring(struct pl_bus *bus, struct pl_pub *pub);

/* Have the bus tell that it may have lost publications of the channel. */
void pl_late_bus_gap(struct pl_bus *bus, struct pl_span channel, uint64_t hash);

#endif
