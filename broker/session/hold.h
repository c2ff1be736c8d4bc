/* SPDX-License-Identifier: Apache-2.0 */
/* hold.h - why the client of a session is not read.
 *
 * Thread: the loop's. */
#ifndef PL_HOLD_H
#define PL_HOLD_H

#include <stdbool.h>

struct pl_session;

/* Several at once; see hold.c. */
enum pl_hold {
    PL_HOLD_PENDING = 1 << 0, /* PL_PENDING_PAUSE commands have no answer */
    PL_HOLD_BACKLOG = 1 << 1, /* PL_BACKLOG_WAIT_MS after error 111 */
    PL_HOLD_LOGIN = 1 << 2,   /* what follows a connect waits for its verdict */
    PL_HOLD_PACE = 1 << 3,    /* limits.commands_per_second */
    PL_HOLD_CARRY = 1 << 4,   /* the input waits for another turn */
    PL_HOLD_REPLAY = 1 << 5,  /* what waited for PACE or CARRY runs now */
    PL_HOLD_ENDING = 1 << 6,  /* the end waits for answers; see ending.c */
    PL_HOLD_WAITS = 1 << 9,   /* too much waits for verdicts; see wait.h */
    /* These two are the link's. */
    PL_HOLD_DOOR = 1 << 7,   /* whether to admit the client is not known yet */
    PL_HOLD_OUTPUT = 1 << 8, /* until half of limits.outgoing_queue is sent */

    /* These stop messages as well: the link keeps the bytes that it has. */
    PL_HOLDS_MESSAGES = PL_HOLD_PACE | PL_HOLD_CARRY,
    /* A pong may wait behind these for long. */
    PL_HOLDS_PONGS = PL_HOLD_PENDING | PL_HOLD_WAITS | PL_HOLDS_MESSAGES,
    /* These are no backpressure: no pause is counted for them. */
    PL_HOLDS_UNCOUNTED =
        PL_HOLD_CARRY | PL_HOLD_REPLAY | PL_HOLD_ENDING | PL_HOLD_DOOR,
    PL_HOLDS_ALL = (PL_HOLD_WAITS << 1) - 1
};

/* Stop reading the client for `why`, and read again when no hold is left.
 * Releasing what does not hold does nothing. */
void pl_session_hold(struct pl_session *s, enum pl_hold why);
void pl_session_release(struct pl_session *s, enum pl_hold why);
bool pl_session_is_held(const struct pl_session *s, enum pl_hold why);

#endif
