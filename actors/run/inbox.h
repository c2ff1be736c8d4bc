/* SPDX-License-Identifier: Apache-2.0 */
/* inbox.h - the queue in which other threads put mail for a loop. */
#ifndef PL_INBOX_H
#define PL_INBOX_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "msg.h"

/* Mail collected before a push: a list, newest first.  An all-zero struct is
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
    atomic_uint_fast64_t count;               /* may briefly be too high */
    atomic_bool sleeping; /* the owner sleeps; the thread that clears it wakes
                             the owner */
    /* Mail of threads without a loop that was destroyed instead of pushed.  The
     * owner adds the numbers to its ledger. */
    atomic_uint_fast64_t lost_full;
    atomic_uint_fast64_t lost_unreachable;
};

void pl_inbox_init(struct pl_inbox *in, uint32_t limit);

/* Append `msg` to the batch.  Owner: the batch. */
void pl_batch_add(struct pl_batch *b, struct pl_msg *msg);

/* Push the whole batch, which is then empty.  Messages over the limit, never
 * reserved ones, come back in *refused, linked by `next`, newest first.  If
 * this returns true, the caller must wake the owner of the inbox.
 * Owner:  the inbox; *refused: the caller.
 * Thread: any. */
bool pl_inbox_push(struct pl_inbox *in, struct pl_batch *b,
                   struct pl_msg **refused);

/* Take all mail, oldest first, or NULL.  Call pl_inbox_taken() after moving it
 * elsewhere.  Thread: the owner's. */
struct pl_msg *pl_inbox_take(struct pl_inbox *in);
void pl_inbox_taken(struct pl_inbox *in, uint64_t count);

bool pl_inbox_is_empty(struct pl_inbox *in);

/* Return true if the owner may sleep: the next push then asks for a wake-up.
 * Return false if there is mail.  Thread: the owner's. */
bool pl_inbox_sleep(struct pl_inbox *in);
void pl_inbox_awake(struct pl_inbox *in);

#endif
