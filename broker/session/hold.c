/* SPDX-License-Identifier: Apache-2.0 */
/* hold.c - pauses and resumes reading of the client.
 *
 * Each reason is a bit of s->holds.  The first hold pauses the link, and the
 * release of the last one resumes it, so the reasons are independent.  Most
 * holds stop reading only: bytes that were read are still decoded, so the
 * session sees a Close after a connect during the login.  PL_HOLDS_MESSAGES
 * stop decoding as well.
 *
 * PENDING and OUTPUT begin at a high mark and end at a low mark.  Between the
 * marks they prolong any other hold, so that the release of that hold does not
 * let the client fill a queue that is still half full.  A login prolongs other
 * holds too, because new input would only wait for its verdict.
 *
 * Rejected: one flag per reason, tested wherever a flag is cleared, because
 * each new reason would change all those tests.
 * Rejected: a count of holds, because most are set again while they are set.
 *
 * Invariant: while the transport exists, it is paused if and only if s->holds
 * is not 0.  No other file calls its pause() or resume(). */
#include "session_private.h"

#include "session_settings.h"

/* Return the holds that now prolong the others. */
static unsigned prolonging(const struct pl_session *s)
{
    uint64_t low = pl_session_config(s)->limits.outgoing_queue / 2;
    unsigned holds = 0;

    if (s->pending > PL_PENDING_RESUME)
        holds |= PL_HOLD_PENDING;
    if (s->state == PL_SESSION_LOGIN)
        holds |= PL_HOLD_LOGIN;
    if (s->holds & PL_HOLD_OUTPUT && s->out.bytes > low)
        holds |= PL_HOLD_OUTPUT;
    return holds;
}

void pl_session_hold(struct pl_session *s, enum pl_hold why)
{
    bool was_read = s->holds == 0;

    s->holds |= (uint16_t)why;
    s->held_lately |= (uint16_t)why;
    if (!was_read)
        return;
    if (!(why & PL_HOLDS_UNCOUNTED))
        pl_count(metrics(s), PL_METRIC_READS_PAUSED, 1);
    s->link->pause(s);
}

void pl_session_release(struct pl_session *s, enum pl_hold why)
{
    if (!(s->holds & why))
        return;
    unsigned longer = s->state >= PL_SESSION_CLOSING ? 0 : prolonging(s);
    s->holds = (uint16_t)((s->holds & ~(unsigned)why) | longer);
    if (s->holds == 0)
        s->link->resume(s);
}

bool pl_session_is_held(const struct pl_session *s, enum pl_hold why)
{
    return (s->holds & why) != 0;
}

void pl_session_renew_holds(struct pl_session *s)
{
    s->held_lately = s->holds;
    if (s->holds != 0)
        s->held_lately |= (uint16_t)prolonging(s);
}
