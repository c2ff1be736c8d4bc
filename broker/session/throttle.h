/* SPDX-License-Identifier: Apache-2.0 */
/* throttle.h - commands that wait for their rate or for another turn; see
 * throttle.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_THROTTLE_H
#define PL_SESSION_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "kept.h"
#include "span.h"

struct pl_session_manager;
struct pl_throttle;
struct pl_session;

void pl_throttle_init(struct pl_session_manager *k);

/* Take one command from the burst.  Return true if it may run now.  Call this
 * only if manager->command_ns is not 0. */
bool pl_throttle_take(struct pl_session *s);

/* Keep `message`, the rest of a message whose next command may not run yet.
 * Reading and decoding pause. */
void pl_throttle_hold(struct pl_session *s, struct pl_span message);

/* While PL_HOLD_RATE is set: when to call pl_session_go_on(). */
uint64_t pl_throttle_due_ms(const struct pl_session *s);

/* The visit has used its budget (budget.h): decoding continues in another turn,
 * after `message`, the rest of a message, if there is one.  Return false if out
 * of memory; the session then closes at the end of the turn. */
void pl_throttle_carry(struct pl_session *s, struct pl_span message);
bool pl_throttle_carry_on(struct pl_session *s);

/* Take the first session whose input was carried; NULL: there is none. */
struct pl_session *pl_throttle_carried(struct pl_session_manager *k);

/* What is kept; or take it, to run it now: decoding is allowed again, and
 * PL_HOLD_REPLAY is set instead.
 * Owner: the caller of pl_throttle_take_kept(). */
struct pl_kept *pl_throttle_kept(struct pl_throttle *p);
struct pl_kept pl_throttle_take_kept(struct pl_session *s);

/* Free what is kept: no command runs any more, or the session is about to be
 * freed.  What a login keeps stays. */
void pl_throttle_end(struct pl_session *s);

#endif
