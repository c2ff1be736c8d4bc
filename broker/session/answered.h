/* SPDX-License-Identifier: Apache-2.0 */
/* answered.h - the answers to calls of handlers and judges, and those that are
 * overdue.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_ANSWERED_H
#define PL_SESSION_ANSWERED_H

struct pl_answer_mail;
struct pl_call_overdue;
struct pl_session;
struct pl_watch_mail;

void pl_session_answered(struct pl_session *s, struct pl_answer_mail *m);

/* Owner: takes `m`. */
void pl_session_watched(struct pl_session *s, struct pl_watch_mail *m);

/* `overdue` of the session manager's call table. */
void pl_session_overdue(void *loop, const struct pl_call_overdue *call);

#endif
