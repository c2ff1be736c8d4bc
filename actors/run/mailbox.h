/* SPDX-License-Identifier: Apache-2.0 */
/* mailbox.h - the bounded FIFO queue of one actor's mail.
 *
 * Plain lists: only the owning loop appends and takes.  Reserved mail
 * (PL_MSG_RESERVED) is accepted above the limit too, and never dropped. */
#ifndef PL_MAILBOX_H
#define PL_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "msg.h"

enum pl_when_full {
    PL_FULL_REFUSE,      /* refuse the new message */
    PL_FULL_DROP_OLDEST, /* drop the oldest that is not reserved; if there is
                            none, refuse the new */
    PL_FULL_KEEP_LATEST, /* put the new message in the place of the newest of
                            its type and sender; if there is none, as
                            DROP_OLDEST */
    PL_FULL_CLOSE        /* the actor exits, reason "mailbox full" */
};

struct pl_mail_policy {
    uint32_t limit; /* messages; at least 1 */
    enum pl_when_full when_full;
};

/* An all-zero struct is empty. */
struct pl_mailbox {
    struct pl_msg *first;
    struct pl_msg *last;
    uint32_t count;
    /* Fields of the actor, here because they would cost it 8 bytes more. */
    bool is_queued; /* in the loop's run queue */
    bool is_exited; /* address stale; reaped at the end of the turn */
};

enum pl_mailbox_verdict {
    PL_MAILBOX_TAKEN,    /* appended */
    PL_MAILBOX_REFUSED,  /* full: the caller still owns `msg` */
    PL_MAILBOX_DISPLACED /* stored; *displaced was removed for it */
};

/* Store `msg`.  PL_FULL_CLOSE returns PL_MAILBOX_REFUSED; the caller ends the
 * actor.
 * Owner:  the mailbox, unless refused; *displaced: the caller. */
enum pl_mailbox_verdict pl_mailbox_push(struct pl_mailbox *mb,
                                        struct pl_mail_policy policy,
                                        struct pl_msg *msg,
                                        struct pl_msg **displaced);

/* Take the oldest message, or NULL.  Owner: the caller. */
struct pl_msg *pl_mailbox_pop(struct pl_mailbox *mb);

#endif
