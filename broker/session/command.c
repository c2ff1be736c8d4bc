/* SPDX-License-Identifier: Apache-2.0 */
/* command.c - runs the commands of a client in order.
 *
 * A connect is a barrier: the session keeps all later commands until the login
 * has its verdict.  All other commands start in order.  Commands for one
 * channel keep that order, because they take one path through the hub; replies
 * for different channels may overtake one another. */
#include "session_private.h"

#include "commands.h"
#include "custom.h"
#include "ending.h"
#include "session_manager_private.h"
#include "log.h"
#include "login.h"
#include "throttle.h"
#include "trace.h"
#include "publish.h"
#include "query.h"
#include "replies.h"
#include "subscribe.h"
#include "verdict_private.h"

static void pong(struct pl_session *s)
{
    if (s->pongs_due == 0) {
        pl_session_violate(s, PL_DISCONNECT_BAD_REQUEST, "unasked pong");
        return;
    }
    const struct pl_session_settings *c = s->manager->options.config;
    s->pongs_due--;
    if (s->pongs_due == 0) {
        s->ping_ms = s->ping_ms - c->ping.timeout_ms + c->ping.interval_ms;
        pl_session_schedule(s);
    }
    pl_session_resolve(s, PL_METRIC_COMMANDS_SILENT);
}

/* The broker stops, or is short of memory.  Return true if `c` was refused. */
static bool refuse_work(struct pl_session *s, const struct pl_command *c)
{
    struct pl_session_manager *k = s->manager;

    if (k->phase != PL_PHASE_RUNNING) {
        if (c->verb == PL_VERB_SEND)
            return false; /* a send reports this itself */
        pl_session_fail(s, c->id, PL_ERROR_STOPPING);
        return true;
    }
    if (c->verb != PL_VERB_PUBLISH && c->verb != PL_VERB_SUBSCRIBE)
        return false;
    pl_count(k->options.metrics, PL_METRIC_REFUSED_MEMORY, 1);
    pl_session_fail(s, c->id, PL_ERROR_TOO_MANY_REQUESTS);
    return true;
}

static void run_connected(struct pl_session *s, const struct pl_command *c)
{
    switch (c->verb) {
    case PL_VERB_SUBSCRIBE:
        pl_session_subscribe(s, c);
        return;
    case PL_VERB_PUBLISH:
        pl_session_publish(s, c);
        return;
    case PL_VERB_PRESENCE:
    case PL_VERB_PRESENCE_STATS:
        pl_session_presence(s, c);
        return;
    case PL_VERB_HISTORY:
        pl_session_history(s, c);
        return;
    case PL_VERB_RPC:
        pl_session_rpc(s, c);
        return;
    case PL_VERB_SEND:
        pl_session_send(s, c);
        return;
    case PL_VERB_REFRESH:
        pl_session_refresh(s, c);
        return;
    case PL_VERB_SUB_REFRESH:
        pl_session_sub_refresh(s, c);
        return;
    case PL_VERB_CONNECT:
        pl_session_violate(s, PL_DISCONNECT_BAD_REQUEST, "second connect");
        return;
    case PL_VERB_PING:
        pl_session_fail(s, c->id, PL_ERROR_NOT_AVAILABLE);
        return;
    default:
        pl_session_violate(s, PL_DISCONNECT_BAD_REQUEST, "no known request");
    }
}

static void run(struct pl_session *s, const struct pl_command *c)
{
    if (s->state == PL_SESSION_OPEN && c->verb == PL_VERB_CONNECT) {
        pl_session_connect(s, c);
    } else if (s->state != PL_SESSION_CONNECTED) {
        pl_session_violate(s, PL_DISCONNECT_BAD_REQUEST, "not connected");
    } else if (c->verb == PL_VERB_PONG) {
        pong(s);
    } else if (c->verb == PL_VERB_UNSUBSCRIBE) {
        pl_session_unsubscribe(s, c);
    } else if (!s->manager->is_refusing || !refuse_work(s, c)) {
        run_connected(s, c);
    }
}

static void on_malformed(struct pl_session *s, enum pl_err rc, const char *why,
                         size_t at)
{
    if (rc != PL_EBADMSG) {
        pl_session_close(s, PL_DISCONNECT_SERVER_ERROR, (struct pl_span){0});
        return;
    }
    pl_count(metrics(s), PL_METRIC_ERRORS, 1);
    PL_LOG_LIMITED(PL_LOG_KIND_MALFORMED, PL_LOG_INFO, "malformed command",
                   pl_log_text("client", pl_session_id(s)),
                   pl_log_string("reason", why),
                   pl_log_number("byte", (int64_t)at));
    pl_session_end_commands(s, PL_DISCONNECT_BAD_REQUEST);
}

/* Return true if the rate limit defers `c`.  Pongs and commands before the end
 * of the login are exempt. */
static bool is_too_fast(struct pl_session *s, const struct pl_command *c)
{
    return s->manager->command_ns != 0 && s->state == PL_SESSION_CONNECTED &&
           c->verb != PL_VERB_PONG && !pl_throttle_take(s);
}

/* Carry the rest of the message to another turn if the budget is spent.  After
 * a connect the rest waits for the verdict instead. */
static bool is_carried(struct pl_session *s, struct pl_span rest)
{
    if (!pl_budget_is_spent(&s->manager->budget) ||
        s->state == PL_SESSION_LOGIN)
        return false;
    pl_throttle_carry(s, rest);
    return true;
}

static void keep_for_login(struct pl_session *s, struct pl_span message)
{
    if (!pl_kept_put(pl_login_kept(s->login), s->manager->running, message))
        pl_session_schedule_close(s, PL_DISCONNECT_SERVER_ERROR);
}

/* Whether a trace or a judge wants to see commands, in one branch because
 * nearly always neither does. */
static bool is_watched(const struct pl_session_manager *k)
{
    return __builtin_expect((k->judged | k->tracer->count) != 0, 0);
}

__attribute__((noinline)) static bool is_stopped(struct pl_session *s,
                                                 const struct pl_command *c,
                                                 struct pl_span rest,
                                                 size_t left)
{
    if (pl_tracer_is_on(s->manager->tracer))
        pl_session_trace_command(s, c);
    return s->manager->judged != 0 && pl_session_is_stopped(s, c, rest, left);
}

void pl_session_commands(struct pl_session *s, struct pl_span message)
{
    struct pl_arena *arena = &s->manager->arena;
    struct pl_command c;
    const char *why = NULL;
    size_t at = 0;

    do {
        struct pl_span rest = message;

        if (s->state == PL_SESSION_LOGIN) {
            keep_for_login(s, message);
            pl_session_hold(s, PL_HOLD_LOGIN);
            return;
        }
        pl_budget_spend(&s->manager->budget, PL_COST_COMMAND);
        pl_arena_reset(arena);
        enum pl_err rc = pl_command_decode(s->subscriber.encoding, &message,
                                           arena, &c, &why, &at);
        if (rc != PL_OK) {
            on_malformed(s, rc, why, at);
            return;
        }
        if (is_too_fast(s, &c)) {
            pl_throttle_hold(s, rest);
            return;
        }
        pl_session_count(s);
        if (is_watched(s->manager) && is_stopped(s, &c, rest, message.len))
            continue;
        run(s, &c);
    } while (message.len > 0 && pl_session_runs_commands(s) &&
             !is_carried(s, message));
    if (s->pending >= PL_PENDING_PAUSE)
        pl_session_hold(s, PL_HOLD_PENDING);
}
