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

#include "log.h"
#include "pieces.h"

enum { ANSWER_WAIT_MS = 1000 };

/* For codes below 3000, which code.h has not; what exactly was wrong is in the
 * log. */
static struct pl_span reason_of(uint16_t code)
{
    switch (code) {
    case PL_WS_CODE_PROTOCOL:
        return PL_SPAN("protocol error");
    case PL_WS_CODE_TEXT:
        return PL_SPAN("invalid data");
    case PL_WS_CODE_TOO_BIG:
        return PL_SPAN("the message is too long");
    case PL_WS_CODE_MEMORY:
        return PL_SPAN("out of memory");
    default:
        return (struct pl_span){0};
    }
}

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
        pl_session_close(s, s->end_code, reason_of(s->end_code));
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
    if (!is_behind_all(s) || s->holds & (PL_HOLDS_DECODING | PL_HOLD_ENDING))
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

void pl_session_on_close(struct pl_session *s, uint16_t code)
{
    pl_session_deafen(s);
    if (s->state >= PL_SESSION_CLOSING) {
        pl_session_end_transport(s, PL_END_CLOSE);
    } else if (s->holds & PL_HOLD_ENDING) {
        return; /* ours is about to come */
    } else if (s->pending > 0) {
        decide(s, PL_ENDING_PEER, code);
        wait(s);
    } else {
        pl_session_echo_close(s, code);
    }
}

static void log_violation(struct pl_session *s, const struct pl_ws_event *e)
{
    char peer[PL_IP_TEXT_MAX];

    PL_LOG_LIMITED(PL_LOG_KIND_WEBSOCKET, PL_LOG_INFO, "WebSocket violation",
                   pl_log_string("address", pl_session_peer(s, peer)),
                   pl_log_text("client", pl_session_id(s)),
                   pl_log_text("user", pl_session_user(s)),
                   pl_log_number("code", e->code),
                   pl_log_text("reason", e->payload));
}

/* No violation, and final for SDKs: the line names the key that allows more. */
static void log_too_big(struct pl_session *s)
{
    char peer[PL_IP_TEXT_MAX];

    PL_LOG_LIMITED(
        PL_LOG_KIND_TOO_BIG, PL_LOG_INFO, "message of a client too long",
        pl_log_string("address", pl_session_peer(s, peer)),
        pl_log_text("client", pl_session_id(s)),
        pl_log_text("user", pl_session_user(s)),
        pl_log_string("key", "websocket.max_message"),
        pl_log_number("limit", (int64_t)s->keeper->limits.max_message));
}

/* RFC 6455 section 7.1.7: say why, then end the connection; whatever comes now,
 * a Close too, is read only so that the end is no reset. */
void pl_session_on_violation(struct pl_session *s, const struct pl_ws_event *e)
{
    pl_session_deafen(s);
    if (s->state >= PL_SESSION_CLOSING) {
        pl_session_end_transport(s, PL_END_LINGER);
        return;
    }
    if (s->holds & PL_HOLD_ENDING)
        return;
    if (e->code == PL_WS_CODE_TOO_BIG)
        log_too_big(s);
    else
        log_violation(s, e);
    end_behind(s, PL_ENDING_VIOLATED, e->code, e->payload);
}
