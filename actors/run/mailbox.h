/* SPDX-License-Identifier: Apache-2.0 */
/* mailbox.h - the bounded FIFO queue of one actor's mail.
 *
 * Plain lists: only the owning loop appends and takes.  Reserved mail
 * (PL_MSG_RESERVED) is accepted above the limit too. */
#ifndef PL_MAILBOX_H
#define PL_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "msg.h"

/* An all-zero struct is empty. */
struct pl_mailbox {
    struct pl_msg *first;
    struct pl_msg *last;
    uint32_t count;
    /* Fields of the actor, here because they would cost it 8 bytes more. */
    bool is_queued; /* in the loop's run queue */
    bool is_exited; /* address stale; reaped at the end of the turn */
};

/* Append `msg`.  Return false if `limit` messages are queued already and `msg`
 * is not reserved; the caller still owns it then.
 * Owner:  the mailbox, if it was appended. */
bool pl_mailbox_push(struct pl_mailbox *mb, uint32_t limit, struct pl_msg *msg);

/* Take the oldest message, or NULL.  Owner: the caller. */
struct pl_msg *pl_mailbox_pop(struct pl_mailbox *mb);

#endif
