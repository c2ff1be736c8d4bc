/* SPDX-License-Identifier: Apache-2.0 */
/* ending.h - how a session ends; see ending.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_ENDING_H
#define PL_SESSION_ENDING_H

#include <stdbool.h>
#include <stdint.h>

struct pl_session;

/* ending.c.  A command was wrong: nothing runs after it, and the end waits for
 * the answers to what came before. */
void pl_session_bar(struct pl_session *s, uint16_t code);

/* Commands that waited for the login came before the peer's end, and now wait
 * again, for the rate or another turn: so does the end. */
void pl_session_put_off_end(struct pl_session *s);

/* They have run: an end that was put off waits for answers only. */
void pl_session_end_in_turn(struct pl_session *s);

/* While PL_HOLD_ENDING: nothing is pending any more, or it takes too long. */
void pl_session_conclude(struct pl_session *s);

#endif
