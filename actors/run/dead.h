/* SPDX-License-Identifier: Apache-2.0 */
/* dead.h - the reasons why a message becomes a dead letter. */
#ifndef PL_DEAD_H
#define PL_DEAD_H

enum pl_dead {
    PL_DEAD_STALE,       /* no actor has the address any more */
    PL_DEAD_FULL,        /* the mailbox or inbox refused it */
    PL_DEAD_CLOSING,     /* its actor exited first */
    PL_DEAD_UNREACHABLE, /* no such loop or node, or the message
                            may not leave its node */
    PL_DEAD_REFUSED,     /* its actor does not know its type */
    PL_DEAD_COUNT
};

/* The reason for people. */
const char *pl_dead_text(enum pl_dead reason);

#endif
