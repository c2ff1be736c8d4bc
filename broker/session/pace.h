/* SPDX-License-Identifier: Apache-2.0 */
/* pace.h - commands that wait for their rate or for another turn; see pace.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_PACE_H
#define PL_SESSION_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

struct pl_keeper;
struct pl_kept;
struct pl_pace;
struct pl_session;
struct pl_task;

void pl_pace_init(struct pl_keeper *k);

/* One command more: may it run now?  Only with keeper->command_ns. */
bool pl_pace_take(struct pl_session *s);

/* It may not: keep the rest of its message.  Reading and decoding pause. */
void pl_pace_hold(struct pl_session *s, struct pl_span message);

/* While PL_HOLD_PACE: when to call pl_pace_go_on(). */
uint64_t pl_pace_due_ms(const struct pl_session *s);
void pl_pace_go_on(struct pl_session *s);

/* The visit has used its budget (budget.h): decoding goes on in another turn,
 * behind the rest of a message, if there is one.  False: out of memory, and the
 * session is doomed. */
void pl_pace_carry(struct pl_session *s, struct pl_span message);
bool pl_pace_carry_on(struct pl_session *s);

/* A keeper's task: serve the sessions whose input was carried. */
void pl_pace_run_carried(struct pl_task *t);

struct pl_kept *pl_pace_kept(struct pl_pace *p);

/* No command runs any more, or the session is about to be freed.  What a login
 * keeps is not touched. */
void pl_pace_end(struct pl_session *s);

#endif
