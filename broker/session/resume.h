/* SPDX-License-Identifier: Apache-2.0 */
/* resume.h - input and commands that had to wait run now; see resume.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_RESUME_H
#define PL_SESSION_RESUME_H

#include <stdbool.h>
#include <stdint.h>

#include "kept.h"

struct pl_session;
struct pl_task;
struct pl_verdict;

/* Run the messages of `k` in order.  If one of them has to wait, the session
 * keeps it and all later messages.
 * Owner: takes the memory of `k`. */
void pl_session_run_kept(struct pl_session *s, struct pl_kept k);

/* The wait for limits.commands_per_second or for another turn is over. */
void pl_session_go_on(struct pl_session *s);

/* A task of the session manager: serve the sessions whose input was carried. */
void pl_session_manager_run_carried(struct pl_task *t);

/* Run the command that waits for call `number`, whose verdict is `v`, and then
 * the commands that wait after it.  Return false if no command waits for
 * `number`. */
bool pl_session_run_waiting(struct pl_session *s, uint32_t number,
                            const struct pl_verdict *v);

#endif
