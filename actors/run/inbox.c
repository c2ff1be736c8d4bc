/* SPDX-License-Identifier: Apache-2.0 */
/* inbox.c - see inbox.h.
 *
 * A sender pushes a whole batch onto a stack with one compare-and-swap; the
 * owner takes the whole stack and reverses it.  A batch of any length costs the
 * same few atomic operations, mail is never half linked, and taking all avoids
 * the ABA problem: a push only needs its link to equal the top that it
 * replaces.
 *
 * Rejected: a linked queue, because it is half linked for a moment; a ring,
 * because of its fixed memory per loop.
 *
 * Invariant: `count` is at least the length of the stack. */
#include "inbox.h"

#include <stddef.h>

void pl_inbox_init(struct pl_inbox *in, uint32_t limit)
{
    in->limit = limit;
    atomic_init(&in->top, NULL);
    atomic_init(&in->count, 0);
    atomic_init(&in->sleeping, false);
    atomic_init(&in->lost_full, 0);
    atomic_init(&in->lost_unreachable, 0);
}

void pl_batch_add(struct pl_batch *b, struct pl_msg *msg)
{
    msg->next = b->newest;
    b->newest = msg;
    if (b->oldest == NULL)
        b->oldest = msg;
    b->count++;
}

/* Remove the newest `excess` messages that are not reserved from the batch. */
static struct pl_msg *trim(struct pl_batch *b, uint64_t excess)
{
    struct pl_msg *kept = NULL, **link = &b->newest, *out = NULL, **tail = &out;

    while (*link != NULL) {
        struct pl_msg *msg = *link;
        if (excess > 0 && (msg->flags & PL_MSG_RESERVED) == 0) {
            *link = msg->next;
            msg->next = NULL;
            *tail = msg;
            tail = &msg->next;
            b->count--;
            excess--;
        } else {
            kept = msg;
            link = &msg->next;
        }
    }
    b->oldest = kept;
    return out;
}

/* No wake-up is lost.  O1, O2, S1 and S2 are sequentially consistent: all
 * threads agree on one order of them.
 *
 *     owner, about to sleep        sender
 *     O1  sleeping = true          S1  push onto top
 *     O2  read top                 S2  read sleeping; if true, swap in false
 *
 * If S1 precedes O2, the owner sees the mail and does not sleep.  Otherwise
 * O1 < O2 < S1 < S2, and S2 reads true or a later false.  Either another sender
 * swapped that in and wakes the owner, or the owner stored it: it is awake and
 * reads `top` again before it sleeps.  Only one of several swaps reads true:
 * one wake per sleep.  A late wake costs one empty turn. */
static void push(struct pl_inbox *in, struct pl_batch *b)
{
    struct pl_msg *top = atomic_load_explicit(&in->top, memory_order_relaxed);

    do
        b->oldest->next = top;
    while (!atomic_compare_exchange_weak(&in->top, &top, b->newest)); /* S1 */
}

bool pl_inbox_push(struct pl_inbox *in, struct pl_batch *b,
                   struct pl_msg **refused)
{
    uint32_t given = b->count;
    uint64_t held = given + atomic_fetch_add_explicit(&in->count, given,
                                                      memory_order_relaxed);

    *refused = NULL;
    if (held > in->limit) {
        *refused = trim(b, held - in->limit);
        pl_inbox_taken(in, given - b->count);
    }
    bool is_pushed = b->newest != NULL;
    if (is_pushed)
        push(in, b);
    *b = (struct pl_batch){0};
    /* Reading first keeps the cache line shared while the owner is awake. */
    return is_pushed && atomic_load(&in->sleeping) && /* S2 */
           atomic_exchange(&in->sleeping, false);
}

struct pl_msg *pl_inbox_take(struct pl_inbox *in)
{
    if (pl_inbox_is_empty(in))
        return NULL;
    struct pl_msg *msg =
        atomic_exchange_explicit(&in->top, NULL, memory_order_acquire);
    struct pl_msg *oldest = NULL;
    while (msg != NULL) {
        struct pl_msg *older = msg->next;
        msg->next = oldest;
        oldest = msg;
        msg = older;
    }
    return oldest;
}

void pl_inbox_taken(struct pl_inbox *in, uint64_t count)
{
    atomic_fetch_sub_explicit(&in->count, count, memory_order_release);
}

bool pl_inbox_is_empty(struct pl_inbox *in)
{
    return atomic_load_explicit(&in->top, memory_order_relaxed) == NULL;
}

bool pl_inbox_sleep(struct pl_inbox *in)
{
    atomic_store(&in->sleeping, true); /* O1 */
    if (atomic_load(&in->top) == NULL) /* O2 */
        return true;
    pl_inbox_awake(in);
    return false;
}

void pl_inbox_awake(struct pl_inbox *in)
{
    atomic_store_explicit(&in->sleeping, false, memory_order_relaxed);
}
