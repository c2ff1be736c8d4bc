/* SPDX-License-Identifier: Apache-2.0 */
/* ending.c - the end of a connection whose peer broke a rule, or closed.
 *
 * What came before that is answered: commands may be on their way to the owner
 * of a channel then, which mostly costs one turn.  So the Close waits until
 * nothing is pending, for a bounded time since a handler may take longer.
 * Meanwhile reading is paused: the peer's end, right behind, would take the
 * transport away.  Ends that the peer did not bring about (a stop, a kick, too
 * slow) wait for nothing.
 *
 * When a command is wrong, what follows it is still decoded, since the peer's
 * Close may be there, but no command runs any more: BARRED.  When the WebSocket
 * is wrong or the peer closed, the decoder is closed: nothing is decoded.
 * Commands that waited for the login came before that, and run; when they are
 * more than limits.commands_per_second lets run at once, the end waits for its
 * turn behind them, as it does where it was not even decoded: pings go on, and
 * there is no deadline but the rate.
 *
 * s->ending says how it ends and s->end_code with which code.  Of the ends that
 * wait the last one counts: a command that waited for the login came before
 * what was wrong behind it.  A doom beats them all, and the first doom counts.
 * How it ends is one thing, that it waits for answers (PL_HOLD_ENDING) another:
 * an end that was put off is known, and its deadline does not run.
 *
 * Rejected: queueing the end behind the commands as one more of them; they are
 * answered in any order.  Rejected: a flag for each kind of end, since most of
 * their combinations mean nothing.
 *
 * Invariant: s->ending never goes back, but for an end that waits and is
 * replaced by another.  While PL_HOLD_ENDING is set, the timer is the deadline
 * of the end and serves nothing else. */
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

/* --- Ends that wait for answers --- */

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

/* The end that is known came from the peer's bytes, behind all commands. */
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

/* --- What ends it --- */

void pl_session_bar(struct pl_session *s, uint16_t code)
{
    end_behind(s, PL_ENDING_BARRED, code, (struct pl_span){0});
}

void pl_session_peer_closed(struct pl_session *s, uint16_t code)
{
    if (s->holds & PL_HOLD_ENDING)
        return; /* ours is about to come */
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
