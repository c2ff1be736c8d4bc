/* SPDX-License-Identifier: Apache-2.0 */
/* inbox.h - where other threads leave mail for a loop, and wake it. */
#ifndef PL_INBOX_H
#define PL_INBOX_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "msg.h"

/* Mail joined before it is pushed: a list, newest first.  All zero is
 * empty.  Thread: one. */
struct pl_batch {
    struct pl_msg *newest;
    struct pl_msg *oldest;
    uint32_t count;
};

struct pl_inbox {
    /* Constant. */
    uint32_t limit;
    /* Any thread. */
    alignas(64) _Atomic(struct pl_msg *) top; /* newest first */
    atomic_uint_fast64_t count;               /* may briefly overshoot */
    atomic_bool sleeping; /* the owner sleeps; who clears it, wakes it */
    /* Mail of threads without a loop that was destroyed before it was
     * pushed; the owner takes the numbers into its ledger. */
    atomic_uint_fast64_t lost_full;
    atomic_uint_fast64_t lost_unreachable;
};

void pl_inbox_init(struct pl_inbox *in, uint32_t limit);

/* Put `msg` behind the batch.  Owner: the batch. */
void pl_batch_add(struct pl_batch *b, struct pl_msg *msg);

/* Push the whole batch, which is then empty; what does not fit (never
 * reserved mail) is given in *refused, linked by next, newest first.
 * True: the caller must wake the owner of the inbox.
 * Owner:  the inbox; of *refused the caller.
 * Thread: any. */
bool pl_inbox_push(struct pl_inbox *in, struct pl_batch *b,
                   struct pl_msg **refused);

/* Take all mail, oldest first, or NULL.  pl_inbox_taken() follows once it has
 * been put elsewhere.  Thread: the owner. */
struct pl_msg *pl_inbox_take(struct pl_inbox *in);
void pl_inbox_taken(struct pl_inbox *in, uint64_t count);

bool pl_inbox_is_empty(struct pl_inbox *in);

/* True: asleep from now on, the next push asks for a wake.  False: there is
 * mail.  Thread: the owner. */
bool pl_inbox_sleep(struct pl_inbox *in);
void pl_inbox_awake(struct pl_inbox *in);

#endif
