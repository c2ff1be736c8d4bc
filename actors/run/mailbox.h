/* SPDX-License-Identifier: Apache-2.0 */
/* mailbox.h - the mail of one actor, first in first out, bounded.
 *
 * Plain lists: only the owning loop appends and takes.  Reserved mail
 * (PL_MSG_RESERVED) is taken above the bound too, and never dropped. */
#ifndef PL_MAILBOX_H
#define PL_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "msg.h"

enum pl_when_full {
    PL_FULL_REFUSE,      /* the new message is refused */
    PL_FULL_DROP_OLDEST, /* the oldest that is not reserved makes room */
    PL_FULL_KEEP_LATEST, /* the newest of the same type and sender is replaced
                            in its place; without one: as DROP_OLDEST */
    PL_FULL_CLOSE        /* the actor exits, reason "mailbox full" */
};

struct pl_mail_policy {
    uint32_t limit; /* messages; at least 1 */
    enum pl_when_full when_full;
};

/* All zero is empty. */
struct pl_mailbox {
    struct pl_msg *first;
    struct pl_msg *last;
    uint32_t count;
    /* Of its actor, here because elsewhere they would cost 8 bytes more. */
    bool is_queued; /* in the loop's run queue */
    bool is_exited; /* its address is stale; reaped at the end of the turn */
};

enum pl_mailbox_verdict {
    PL_MAILBOX_TAKEN,    /* appended */
    PL_MAILBOX_REFUSED,  /* full: `msg` is still the caller's */
    PL_MAILBOX_DISPLACED /* appended, and *displaced was taken out for it */
};

/* Append `msg`.  PL_FULL_CLOSE answers PL_MAILBOX_REFUSED; closing is the
 * caller's part.
 * Owner: the mailbox, unless refused; *displaced becomes the caller's. */
enum pl_mailbox_verdict pl_mailbox_push(struct pl_mailbox *mb,
                                        struct pl_mail_policy policy,
                                        struct pl_msg *msg,
                                        struct pl_msg **displaced);

/* Take the oldest, or NULL.  Owner: the caller. */
struct pl_msg *pl_mailbox_pop(struct pl_mailbox *mb);

#endif
