/* SPDX-License-Identifier: Apache-2.0 */
/* ending.c - the end of a connection whose peer broke a rule, or closed.
 *
 * Earlier commands still get their replies.  Some may be in transit to the
 * owner of a channel, which usually takes one turn, or wait for a handler.  So
 * the Close waits until no command is pending, up to a deadline.  Reading
 * pauses meanwhile, because the peer's FIN would end the transport.  A
 * shutdown, a kick or a slow reader closes the session without waiting.
 *
 * After an invalid command, decoding goes on, since the peer's Close may
 * follow, but no command runs.  After a WebSocket violation or the peer's
 * Close, nothing more is decoded, but commands kept during the login still run.
 * If the rate limit or the budget defers them, the end is deferred until they
 * have run: pings go on, and its deadline does not run.
 *
 * A later waiting end replaces an earlier one, because kept commands came
 * before the violation.  The first scheduled close overrides all waiting ends.
 *
 * Rejected: queueing the end after the commands, because replies come in any
 * order.
 * Rejected: a flag per kind of end, because most combinations mean nothing.
 *
 * Invariant: s->ending only grows, unless one waiting end replaces another.
 * While PL_HOLD_ENDING is set, the timer is the deadline of the end. */
#include "session_private.h"

#include "ending.h"

enum { ANSWER_WAIT_MS = 1000 };

static void decide(struct pl_session *s, enum pl_ending ending, uint16_t code)
{
    if (s->ending >= PL_ENDING_DOOMED)
        return;
    s->ending = (uint8_t)ending;
    s->end_code = code;
}

void pl_session_doom(struct pl_session *s, uint16_t code)
{
    decide(s, PL_ENDING_DOOMED, code);
    pl_session_touch(s);
}

/* --- Ends that wait for replies --- */

static void wait(struct pl_session *s)
{
    if (s->holds & PL_HOLD_ENDING)
        return;
    pl_session_hold(s, PL_HOLD_ENDING);
    pl_timer_start(s->actor.loop, &s->timer, ANSWER_WAIT_MS);
}

void pl_session_conclude(struct pl_session *s)
{
    if (s->ending == PL_ENDING_PEER)
        pl_session_echo_close(s, s->end_code);
    else
        pl_session_close(s, s->end_code, (struct pl_span){0});
}

static void end_behind(struct pl_session *s, enum pl_ending ending,
                       uint16_t code, struct pl_span reason)
{
    if (s->pending == 0) {
        pl_session_close(s, code, reason);
        return;
    }
    decide(s, ending, code);
    wait(s);
}

/* Return true if the peer's Close or violation set the end: all commands of the
 * peer came before it. */
static bool is_behind_all(const struct pl_session *s)
{
    return s->ending == PL_ENDING_PEER || s->ending == PL_ENDING_VIOLATED;
}

void pl_session_put_off_end(struct pl_session *s)
{
    if (!(s->holds & PL_HOLD_ENDING) || !is_behind_all(s))
        return;
    pl_session_release(s, PL_HOLD_ENDING);
    pl_session_schedule(s);
}

void pl_session_end_in_turn(struct pl_session *s)
{
    if (!is_behind_all(s) || s->holds & (PL_HOLDS_MESSAGES | PL_HOLD_ENDING))
        return;
    if (s->pending > 0)
        wait(s);
    else
        pl_session_conclude(s);
}

/* --- Causes of an end --- */

void pl_session_bar(struct pl_session *s, uint16_t code)
{
    end_behind(s, PL_ENDING_BARRED, code, (struct pl_span){0});
}

void pl_session_peer_closed(struct pl_session *s, uint16_t code)
{
    if (s->holds & PL_HOLD_ENDING)
        return; /* our own Close is about to be sent */
    if (s->pending > 0) {
        decide(s, PL_ENDING_PEER, code);
        wait(s);
    } else {
        pl_session_echo_close(s, code);
    }
}

void pl_session_violated(struct pl_session *s, uint16_t code,
                         struct pl_span reason)
{
    if (!(s->holds & PL_HOLD_ENDING))
        end_behind(s, PL_ENDING_VIOLATED, code, reason);
}
