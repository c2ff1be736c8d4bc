/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - what the requests of stream.h, bus.h and presence.h share.
 *
 * The caller fills in a request and submits it.  The memory of the request and
 * of the channel name must stay valid until it completes.  The result is
 *   PL_STORE_DONE:  complete; done() is not called;
 *   PL_STORE_LATER: done() is called exactly once, later, on the same loop and
 *                   never inside the call that submitted the request.
 * A complete request has its result in op.error; with PL_OK its other results
 * are valid.
 *
 * Every store promises:
 * - Requests of one channel complete in the order submitted, those of different
 *   channels in any order.  Only a refusal (PL_EFULL) may overtake.
 * - Pending requests are bounded; one beyond the bound gets PL_EFULL at once
 *   and has no effect.
 * - A store that waits for other processes has a timeout: PL_ETIMEDOUT.
 * - destroy() forgets pending requests: done() is called no more, and the
 *   caller owns the requests again.
 *
 * Thread: the loop's. */
#ifndef PL_STORE_H
#define PL_STORE_H

#include <stdint.h>

#include "err.h"
#include "span.h"

enum pl_store_reply { PL_STORE_DONE, PL_STORE_LATER };

/* Traits of a kind of store, in `traits` of its operations. */
enum pl_store_trait {
    PL_STORE_IMMEDIATE = 1, /* never returns PL_STORE_LATER */
    PL_STORE_ATOMIC = 2,    /* a failed request had no effect */
    PL_STORE_RELIABLE = 4,  /* loses nothing without reporting it */
    PL_STORE_DURABLE = 8    /* outlives the process */
};

enum { PL_EPOCH_MAX = 9 }; /* 8 letters and a zero */

/* First member of every request. */
struct pl_store_op {
    struct pl_span channel;
    uint64_t hash; /* of the channel's name, with the broker's key */
    void (*done)(struct pl_store_op *op);
    struct pl_store_op *next; /* used by the store while the request is
                                 pending */
    enum pl_err error;        /* result */
};

#endif
