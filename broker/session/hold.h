/* SPDX-License-Identifier: Apache-2.0 */
/* hold.h - the reasons for which a session does not read its client.
 *
 * Thread: the loop's. */
#ifndef PL_HOLD_H
#define PL_HOLD_H

#include <stdbool.h>

struct pl_session;

/* Bits; several may be set at once.  See hold.c. */
enum pl_hold {
    PL_HOLD_PENDING = 1 << 0, /* PL_PENDING_PAUSE commands have no reply */
    PL_HOLD_BACKLOG = 1 << 1, /* PL_BACKLOG_WAIT_MS after error 111 */
    PL_HOLD_LOGIN = 1 << 2,   /* input after a connect waits for its verdict */
    PL_HOLD_RATE = 1 << 3,    /* limits.commands_per_second */
    PL_HOLD_CARRY = 1 << 4,   /* the input waits for another turn */
    PL_HOLD_REPLAY = 1 << 5,  /* messages kept for RATE or CARRY run now */
    PL_HOLD_ENDING = 1 << 6,  /* the end waits for replies; see ending.c */
    PL_HOLD_WAITS = 1 << 9,   /* too many wait for verdicts; see wait.h */
    /* The link sets these two. */
    PL_HOLD_ADMISSION = 1 << 7, /* the admission of the client is not decided */
    PL_HOLD_OUTPUT = 1 << 8, /* until half of limits.outgoing_queue is sent */

    /* These stop decoding as well: the link keeps the bytes it has read. */
    PL_HOLDS_MESSAGES = PL_HOLD_RATE | PL_HOLD_CARRY,
    /* With these a pong may stay unread for long. */
    PL_HOLDS_PONGS = PL_HOLD_PENDING | PL_HOLD_WAITS | PL_HOLDS_MESSAGES,
    /* These are not backpressure, so a pause for them is not counted. */
    PL_HOLDS_UNCOUNTED =
        PL_HOLD_CARRY | PL_HOLD_REPLAY | PL_HOLD_ENDING | PL_HOLD_ADMISSION,
    PL_HOLDS_ALL = (PL_HOLD_WAITS << 1) - 1
};

/* Stop reading the client for `why`.  Reading resumes when no hold is left.
 * The release of a hold that is not set does nothing. */
void pl_session_hold(struct pl_session *s, enum pl_hold why);
void pl_session_release(struct pl_session *s, enum pl_hold why);
bool pl_session_is_held(const struct pl_session *s, enum pl_hold why);

#endif
