/* SPDX-License-Identifier: Apache-2.0 */
/* verdict_private.h - verdicts for the commands of a session.
 *
 * Thread: the session's loop. */
#ifndef PL_VERDICT_PRIVATE_H
#define PL_VERDICT_PRIVATE_H

#include "session_parts.h"
#include "verdict.h"

struct pl_answer_mail;

/* Return true if the program has a judge of `asks`. */
bool pl_session_is_judged(const struct pl_session *s, enum pl_asks asks);

/* Return true if `c`, which was counted and is about to run, must not run: it
 * waits after others of its channel, or was refused.  `c` is at the front of
 * `rest`, of which `left` bytes follow it.  Call this only while
 * manager->judged is not 0.  Nearly all brokers have no judge, so this stays
 * apart from the code that they run. */
__attribute__((cold, noinline)) bool
pl_session_is_stopped(struct pl_session *s, const struct pl_command *c,
                      struct pl_span rest, size_t left);

/* Return true if another command about `channel` waits.  Command `id`, which
 * runs now, then waits after it, or was refused. */
bool pl_session_joins(struct pl_session *s, struct pl_span channel,
                      uint32_t id);

/* Call the judge of q->asks about command `id`, which runs now.  On YES,
 * continue.  On NO and LATER, the command was refused, or waits. */
enum pl_verdict_kind pl_session_judge(struct pl_session *s, uint32_t id,
                                      struct pl_question *q);

/* Let command `id` about `channel`, which runs now, wait for `number`.  If it
 * cannot wait, it was refused. */
void pl_session_wait_for(struct pl_session *s, uint32_t id,
                         struct pl_span channel, uint32_t number);

/* Refuse command `id` as the verdict NO says: with an error, or by closing the
 * session.  `id` 0 gets no reply. */
void pl_session_deny(struct pl_session *s, uint32_t id,
                     const struct pl_verdict *v);

/* Return the verdict in `m`.  Its spans are those of `m`. */
struct pl_verdict pl_verdict_of(const struct pl_answer_mail *m);

/* Return the verdict for a call without an answer in time. */
struct pl_verdict pl_verdict_overdue(void);

#endif
