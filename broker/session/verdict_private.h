/* SPDX-License-Identifier: Apache-2.0 */
/* verdict_private.h - what the commands of a session need of verdicts.
 *
 * Thread: the session's loop. */
#ifndef PL_VERDICT_PRIVATE_H
#define PL_VERDICT_PRIVATE_H

#include "session_private.h"
#include "wait.h"

struct pl_answer_mail;

/* Whether the program has a judge of `asks`, or one has allowed the command
 * that runs now. */
static inline bool pl_session_is_judged(const struct pl_session *s,
                                        enum pl_asks asks)
{
    return s->keeper->judged >> asks & 1;
}

/* Whether `c`, which was counted and is about to run, does not: it waits behind
 * others of its channel, or is refused.  It is the front of `rest`, of which
 * `left` bytes are behind it.  Call this only while keeper->judged is not 0;
 * nearly all brokers have no judge, so this stays apart from what they run. */
__attribute__((cold, noinline)) bool
pl_session_is_stopped(struct pl_session *s, const struct pl_command *c,
                      struct pl_span rest, size_t left);

/* Ask the judge of q->asks about command `id`, which runs now.  YES: go on.  NO
 * and LATER: it is answered, or waits. */
enum pl_verdict_kind pl_session_judge(struct pl_session *s, uint32_t id,
                                      struct pl_question *q);

/* Answer command `id` as the verdict NO says; `id` 0 wants no answer. */
void pl_session_deny(struct pl_session *s, uint32_t id,
                     const struct pl_verdict *v);

/* What an answer says.  Its spans are those of `m`. */
struct pl_verdict pl_verdict_of(const struct pl_answer_mail *m);

/* What it means that nobody has answered in time. */
struct pl_verdict pl_verdict_overdue(void);

#endif
