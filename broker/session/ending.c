/* SPDX-License-Identifier: Apache-2.0 */
/* ending.c - how a session ends: why, when, and what its close does.
 *
 * When a connection closes, its logical end (subscriptions, registration,
 * pending commands) follows at once.  The transport ends later, when the Close
 * frames are exchanged.
 *
 * Callbacks from the hub never close a session, because the hub may be
 * iterating over its subscribers.  They schedule the close
 * (pl_session_schedule_close()) for the flush at the end of the turn.
 *
 * If the peer broke a rule, or closed, earlier commands still get their
 * replies.  Some may be in transit to the owner of a channel, which usually
 * takes one turn, or wait for a handler.  So the Close waits until no command
 * is pending, up to a deadline.  Reading pauses meanwhile, because the peer's
 * FIN would end the transport.  A shutdown, a kick or a slow reader closes the
 * session without waiting.
 *
 * After an invalid command, decoding goes on, since the peer's Close may
 * follow, but no command runs.  After a WebSocket violation or the peer's
 * Close, nothing more is decoded, but commands kept during the login still
 * run.  If the rate limit or the budget defers them, the end is deferred until
 * they have run: pings go on, and its deadline does not run.
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
#include "ending.h"

#include "expiring.h"
#include "token_note.h"
#include "headers.h"
#include "hooks_private.h"
#include "session_manager_private.h"
#include "log.h"
#include "login.h"
#include "throttle.h"
#include "trace.h"
#include "session_private.h"
#include "supervisor_mail.h"
#include "wait.h"

enum { ANSWER_WAIT_MS = 1000 };

static void decide(struct pl_session *s, enum pl_ending ending, uint16_t code)
{
    if (s->ending >= PL_ENDING_SCHEDULED)
        return;
    s->ending = (uint8_t)ending;
    s->end_code = code;
}

void pl_session_schedule_close(struct pl_session *s, uint16_t code)
{
    decide(s, PL_ENDING_SCHEDULED, code);
    pl_session_mark_dirty(s);
}

/* --- The close --- */

bool pl_session_unregister(struct pl_session *s)
{
    if (s->known == PL_KNOWN_HERE)
        return true;
    struct pl_register_mail *m = pl_register_mail_create(true);
    if (m == NULL)
        return false;
    m->client = pl_client_hold(s->subscriber.client);
    s->known = PL_KNOWN_HERE;
    pl_actor_send(&s->actor, s->manager->options.supervisor, &m->msg);
    return true;
}

void pl_session_teardown(struct pl_session *s, uint16_t code,
                         struct pl_span reason)
{
    if (pl_tracer_is_on(s->manager->tracer))
        pl_session_trace_close(s, code, reason);
    pl_session_tell_disconnected(s, code, reason);
    pl_throttle_end(s);
    pl_headers_forget(s);
    pl_wait_forget(s);
    pl_expiring_forget(s);
    pl_token_note_forget(s);
    pl_call_table_drop(&s->manager->calls, pl_session_address(s));
    pl_count(metrics(s), PL_METRIC_COMMANDS_CANCELLED, s->pending);
    pl_gauge_drop(metrics(s), PL_METRIC_COMMANDS_PENDING, s->pending);
    s->pending = 0;
    if (s->state == PL_SESSION_CONNECTED)
        pl_gauge_drop(metrics(s), PL_METRIC_CLIENTS, 1);
    pl_budget_spend(&s->manager->budget,
                    PL_COST_END + PL_COST_DETACH * s->subscriber.sub_count);
    pl_hub_leave(s->manager->options.hub, &s->subscriber);
    if (s->state == PL_SESSION_LOGIN)
        pl_login_destroy(s->login, s->actor.loop, &s->manager->pool);
    s->login = NULL;
    pl_session_unregister(s);
    pl_timer_stop(s->actor.loop, &s->timer);
}

void pl_session_log_close(const struct pl_session *s, uint16_t code,
                          struct pl_span reason)
{
    PL_LOG(PL_LOG_DEBUG, "connection closes",
           pl_log_text("client", pl_session_id(s)),
           pl_log_text("user", pl_session_user(s)), pl_log_number("code", code),
           pl_log_text("reason", reason));
}

/* Return the counter of the cause of a close.  Each close is counted once. */
static enum pl_metric counter_of(uint16_t code)
{
    switch (code) {
    case PL_DISCONNECT_SLOW:
        return PL_METRIC_CLOSED_SLOW;
    case PL_DISCONNECT_NO_PONG:
        return PL_METRIC_CLOSED_NO_PONG;
    case PL_DISCONNECT_STALE:
        return PL_METRIC_CLOSED_STALE;
    case PL_DISCONNECT_BAD_REQUEST:
    case PL_DISCONNECT_NOT_AVAILABLE:
        return PL_METRIC_CLOSED_PROTOCOL;
    default: /* below 3000 the WebSocket itself was violated */
        return code < PL_APPLICATION_CODES ? PL_METRIC_CLOSED_PROTOCOL
                                           : PL_METRIC_CLOSED_SERVER;
    }
}

/* Close: the client receives the queued output and then the link's Close.
 * `why` is for the program. */
static void close_link(struct pl_session *s, const struct pl_goodbye *g,
                       struct pl_span why)
{
    pl_session_teardown(s, g->code, why);
    s->ending = PL_ENDING_CLOSED;
    s->state = PL_SESSION_CLOSING;
    pl_session_release(s, PL_HOLDS_ALL); /* read on, to see the peer's end */
    s->link->close(s, g);
}

void pl_session_close(struct pl_session *s, uint16_t code,
                      struct pl_span reason)
{
    if (s->state >= PL_SESSION_CLOSING)
        return;
    if (reason.at == NULL && code >= PL_APPLICATION_CODES)
        reason = pl_span_of(pl_code_text(code));
    pl_session_log_close(s, code, reason);
    pl_count(metrics(s), counter_of(code), 1);
    close_link(s, &(struct pl_goodbye){.code = code, .reason = reason}, reason);
}

static void echo_close(struct pl_session *s, uint16_t code)
{
    pl_count(metrics(s), PL_METRIC_CLOSED_PEER, 1);
    pl_session_log_close(s, code, PL_SPAN("the peer closed"));
    close_link(s, &(struct pl_goodbye){.code = code, .is_echo = true},
               PL_SPAN("the peer closed"));
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
        echo_close(s, s->end_code);
    else
        pl_session_close(s, s->end_code, (struct pl_span){0});
}

static void end_after_replies(struct pl_session *s, enum pl_ending ending,
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
static bool is_after_all(const struct pl_session *s)
{
    return s->ending == PL_ENDING_PEER || s->ending == PL_ENDING_VIOLATED;
}

void pl_session_put_off_end(struct pl_session *s)
{
    if (!(s->holds & PL_HOLD_ENDING) || !is_after_all(s))
        return;
    pl_session_release(s, PL_HOLD_ENDING);
    pl_session_schedule(s);
}

void pl_session_end_in_turn(struct pl_session *s)
{
    if (!is_after_all(s) || s->holds & (PL_HOLDS_MESSAGES | PL_HOLD_ENDING))
        return;
    if (s->pending > 0)
        wait(s);
    else
        pl_session_conclude(s);
}

/* --- Causes of an end --- */

void pl_session_end_commands(struct pl_session *s, uint16_t code)
{
    end_after_replies(s, PL_ENDING_INVALID, code, (struct pl_span){0});
}

void pl_session_peer_closed(struct pl_session *s, uint16_t code)
{
    if (s->holds & PL_HOLD_ENDING)
        return; /* our own Close is about to be sent */
    if (s->pending > 0) {
        decide(s, PL_ENDING_PEER, code);
        wait(s);
    } else {
        echo_close(s, code);
    }
}

void pl_session_violated(struct pl_session *s, uint16_t code,
                         struct pl_span reason)
{
    if (!(s->holds & PL_HOLD_ENDING))
        end_after_replies(s, PL_ENDING_VIOLATED, code, reason);
}
