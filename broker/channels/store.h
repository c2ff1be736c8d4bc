/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - what the requests to stream.h, bus.h and presence.h share.
 *
 * The caller fills in a request, whose memory and channel name stay where they
 * are until it is complete, and submits it.  The answer is
 *   PL_STORE_DONE:  complete now; done() is not called;
 *   PL_STORE_LATER: done() is called exactly once, later, on the same loop and
 *                   never inside the call that submitted it.
 * Complete means: op.error says how it went, and with PL_OK the results hold.
 *
 * What every store promises:
 * - Requests of one channel complete in the order submitted; those of different
 *   channels in any order.  Only a refusal (PL_EFULL) may overtake.
 * - What is in flight is bounded; a request over the bound is PL_EFULL at once
 *   and has done nothing.
 * - A store that waits for others gives up by itself: PL_ETIMEDOUT.
 * - destroy() forgets what is in flight: done() is called no more, and the
 *   requests are the caller's again.
 * Everything here is for one loop and its thread. */
#ifndef PL_STORE_H
#define PL_STORE_H

#include <stdint.h>

#include "err.h"
#include "span.h"

enum pl_store_reply { PL_STORE_DONE, PL_STORE_LATER };

/* What a kind of store can do; bits of `traits` in its operations. */
enum pl_store_trait {
    PL_STORE_IMMEDIATE = 1, /* never answers PL_STORE_LATER */
    PL_STORE_ATOMIC = 2,    /* what failed has not happened */
    PL_STORE_RELIABLE = 4,  /* loses nothing without telling */
    PL_STORE_DURABLE = 8    /* outlives the process */
};

enum { PL_EPOCH_MAX = 9 }; /* 8 letters and a zero */

/* First in every request. */
struct pl_store_op {
    struct pl_span channel;
    uint64_t hash; /* of the channel's name, with the broker's key */
    void (*done)(struct pl_store_op *op);
    struct pl_store_op *next; /* the store's, while in flight */
    enum pl_err error;        /* result */
};

#endif
