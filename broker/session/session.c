/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - see session.h: from the begin of one connection to its end.
 *
 * When a connection closes, its logical end (subscriptions, registration,
 * pending commands) follows at once.  The transport ends later, when the Close
 * frames are exchanged.  In between, the actor keeps its address but ignores
 * mail, so that no other actor finds half a session.
 *
 * Callbacks from the hub never close a session, because the hub may be
 * iterating over its subscribers.  They schedule the close (pl_session_doom())
 * for the flush at the end of the turn.
 *
 * Invariant: s->pending is the number of commands received and not yet counted
 * as answered, refused, silent or cancelled. */
#include "session_private.h"

#include <assert.h>
#include <stdlib.h>

#include "commands.h"
#include "custom.h"
#include "ending.h"
#include "hooks_private.h"
#include "log.h"
#include "login.h"
#include "mail.h"
#include "missing.h"
#include "monitor.h"
#include "output.h"
#include "pace.h"
#include "session_mail.h"
#include "subscribe.h"
#include "supervisor_mail.h"
#include "wait.h"

static struct pl_loop *loop_of(const struct pl_session *s)
{
    return s->actor.loop;
}

struct pl_span pl_session_id(const struct pl_session *s)
{
    if (s->subscriber.client == NULL)
        return PL_SPAN("-");
    return pl_client_id(s->subscriber.client);
}

struct pl_span pl_session_user(const struct pl_session *s)
{
    if (s->subscriber.client == NULL)
        return PL_SPAN("");
    return pl_client_user(s->subscriber.client);
}

void *pl_session_link(struct pl_session *s)
{
    return s + 1;
}

const struct pl_link_ops *pl_session_link_ops(const struct pl_session *s)
{
    return s->link;
}

void *pl_session_transport(struct pl_session *s)
{
    return (char *)(s + 1) + PL_LINK_SIZE;
}

struct pl_session *pl_session_of_transport(void *transport)
{
    void *link = (char *)transport - PL_LINK_SIZE;

    return (struct pl_session *)link - 1;
}

struct pl_keeper *pl_session_keeper(const struct pl_session *s)
{
    return s->keeper;
}

const struct pl_session_settings *pl_session_config(const struct pl_session *s)
{
    return s->keeper->options.config;
}

bool pl_session_is_insecure(const struct pl_session *s)
{
    return s->keeper->options.users->insecure;
}

const struct pl_access *pl_session_access(const struct pl_session *s)
{
    return s->keeper->access;
}

struct pl_metrics *pl_session_metrics(const struct pl_session *s)
{
    return metrics(s);
}

struct pl_loop *pl_session_loop(const struct pl_session *s)
{
    return loop_of(s);
}

struct pl_actor *pl_session_actor(struct pl_session *s)
{
    return &s->actor;
}

struct pl_session *pl_session_at(struct pl_loop *loop,
                                 struct pl_address address)
{
    return (struct pl_session *)pl_actor_find(loop, address);
}

const char *pl_session_peer(struct pl_session *s, char text[PL_IP_TEXT_MAX])
{
    if (s->link->peer == NULL || s->ending == PL_ENDING_GONE)
        return "-";
    s->link->peer(s, text);
    return text;
}

/* --- Timers --- */

static uint64_t next_ms(const struct pl_session *s)
{
    uint64_t next = s->ping_ms;

    if (s->expires_ms != 0 && (next == 0 || s->expires_ms < next))
        next = s->expires_ms;
    if (s->holds & PL_HOLD_PACE && (next == 0 || pl_pace_due_ms(s) < next))
        next = pl_pace_due_ms(s);
    return next;
}

void pl_session_schedule(struct pl_session *s)
{
    uint64_t next = next_ms(s), now = pl_loop_now_ms(loop_of(s));

    if (s->holds & PL_HOLD_ENDING)
        return;
    if (s->holds & PL_HOLD_BACKLOG)
        pl_timer_start(loop_of(s), &s->timer, PL_BACKLOG_WAIT_MS);
    else if (next == 0)
        pl_timer_stop(loop_of(s), &s->timer);
    else
        pl_timer_start(loop_of(s), &s->timer, next > now ? next - now : 0);
}

/* A missing pong closes the session only if no hold has delayed reading since
 * the last ping. */
static void on_ping_due(struct pl_session *s, uint64_t now)
{
    if (s->pongs_due > 0 && !(s->held_lately & PL_HOLDS_PONGS)) {
        pl_session_close(s, PL_DISCONNECT_NO_PONG, (struct pl_span){0});
        return;
    }
    if (s->pongs_due < UINT8_MAX) {
        pl_session_say_ping(s);
        s->pongs_due++;
    }
    pl_session_renew_holds(s);
    s->ping_ms = now + s->keeper->options.config->ping.timeout_ms;
    pl_session_schedule(s);
}

static void on_connected_timer(struct pl_session *s)
{
    uint64_t now = pl_loop_now_ms(loop_of(s));

    pl_session_release(s, PL_HOLD_BACKLOG);
    if (s->holds & PL_HOLD_PACE && now >= pl_pace_due_ms(s))
        pl_pace_go_on(s);
    if (s->state != PL_SESSION_CONNECTED)
        return; /* pl_pace_go_on() has closed it */
    if (s->expires_ms != 0 && now >= s->expires_ms)
        pl_session_close(s, PL_DISCONNECT_EXPIRED, (struct pl_span){0});
    else if (s->ping_ms != 0 && now >= s->ping_ms)
        on_ping_due(s, now);
    else
        pl_session_schedule(s);
}

/* Runs after pl_session_open() and until the end; before and after that, the
 * timer is lent to the link. */
static void on_timer(struct pl_timer *t)
{
    struct pl_session *s = pl_session_of_timer(t);

    if (s->holds & PL_HOLD_ENDING)
        pl_session_conclude(s);
    else if (s->state == PL_SESSION_LOGIN)
        pl_session_login_overdue(s);
    else if (s->state == PL_SESSION_CONNECTED)
        on_connected_timer(s);
    else
        pl_session_close(s, PL_DISCONNECT_STALE, (struct pl_span){0});
}

struct pl_session *pl_session_of_timer(struct pl_timer *t)
{
    return PL_CONTAINER(t, struct pl_session, timer);
}

void pl_session_lend_timer(struct pl_session *s,
                           void (*fire)(struct pl_timer *t), uint64_t ms)
{
    s->timer.fire = fire;
    if (ms == 0)
        pl_timer_stop(loop_of(s), &s->timer);
    else
        pl_timer_start(loop_of(s), &s->timer, ms);
}

/* --- Begin --- */

void pl_session_agree(struct pl_session *s, struct pl_terms terms)
{
    s->subscriber.encoding = terms.encoding;
    s->subscriber.form = terms.form;
}

void pl_session_open(struct pl_session *s)
{
    s->state = PL_SESSION_OPEN;
    s->timer.fire = on_timer;
}

void pl_session_give_up(struct pl_session *s)
{
    s->state = PL_SESSION_CLOSING;
}

/* --- End --- */

bool pl_session_unregister(struct pl_session *s)
{
    if (!s->is_registered)
        return true;
    struct pl_register_mail *m = pl_register_mail_create(true);
    if (m == NULL)
        return false;
    m->client = pl_client_hold(s->subscriber.client);
    s->is_registered = false;
    pl_actor_send(&s->actor, s->keeper->options.supervisor, &m->msg);
    return true;
}

/* End the session logically: it is no longer a client, whatever happens to the
 * transport. */
static void teardown(struct pl_session *s, uint16_t code, struct pl_span reason)
{
    pl_session_tell_disconnected(s, code, reason);
    pl_pace_end(s);
    pl_wait_forget(s);
    pl_call_table_drop(&s->keeper->calls, pl_actor_address(&s->actor));
    pl_count(metrics(s), PL_METRIC_COMMANDS_CANCELLED, s->pending);
    pl_gauge_drop(metrics(s), PL_METRIC_COMMANDS_PENDING, s->pending);
    s->pending = 0;
    if (s->state == PL_SESSION_CONNECTED)
        pl_gauge_drop(metrics(s), PL_METRIC_CLIENTS, 1);
    pl_budget_spend(&s->keeper->budget,
                    PL_COST_END + PL_COST_DETACH * s->subscriber.sub_count);
    pl_hub_leave(s->keeper->options.hub, &s->subscriber);
    if (s->state == PL_SESSION_LOGIN)
        pl_login_destroy(s);
    s->login = NULL;
    pl_session_unregister(s);
    pl_timer_stop(loop_of(s), &s->timer);
}

static void log_close(const struct pl_session *s, uint16_t code,
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
static void end(struct pl_session *s, const struct pl_goodbye *g,
                struct pl_span why)
{
    teardown(s, g->code, why);
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
    log_close(s, code, reason);
    pl_count(metrics(s), counter_of(code), 1);
    end(s, &(struct pl_goodbye){.code = code, .reason = reason}, reason);
}

void pl_session_echo_close(struct pl_session *s, uint16_t code)
{
    pl_count(metrics(s), PL_METRIC_CLOSED_PEER, 1);
    log_close(s, code, PL_SPAN("the peer closed"));
    end(s, &(struct pl_goodbye){.code = code, .is_echo = true},
        PL_SPAN("the peer closed"));
}

/* The supervisor was not notified, because an allocation failed: try again. */
static void tell_again(struct pl_timer *t)
{
    pl_session_gone(pl_session_of_timer(t), NULL);
}

void pl_session_gone(struct pl_session *s, const char *why)
{
    if (s->actor.mailbox.is_exited)
        return;
    if (s->state < PL_SESSION_CLOSING) {
        pl_count(metrics(s), PL_METRIC_CLOSED_PEER, 1);
        log_close(s, 0, pl_span_of(why));
        teardown(s, 0, pl_span_of(why));
    }
    s->state = PL_SESSION_CLOSING;
    s->ending = PL_ENDING_GONE;
    if (!pl_session_unregister(s)) {
        pl_session_lend_timer(s, tell_again, PL_TELL_AGAIN_MS);
        return;
    }
    pl_actor_exit(&s->actor, "closed");
}

void pl_session_flush(struct pl_session *s)
{
    if (s->ending == PL_ENDING_DOOMED && s->state < PL_SESSION_CLOSING)
        pl_session_close(s, s->end_code, (struct pl_span){0});
    if (s->has_behind)
        pl_session_give_up_behind(s);
    if (s->state == PL_SESSION_LOGIN)
        pl_session_settle_login(s);
    if (s->holds & PL_HOLD_ENDING && s->pending == 0 &&
        s->state < PL_SESSION_CLOSING)
        pl_session_conclude(s);
    if (s->is_new) /* before the client receives anything */
        pl_session_tell_connected(s);
    if (s->out.first != NULL)
        s->link->flush(s);
}

/* --- Input --- */

void pl_session_visit(struct pl_session *s)
{
    pl_budget_visit(&s->keeper->budget, pl_loop_stats(loop_of(s))->turns);
}

bool pl_session_may_go_on(const struct pl_session *s)
{
    return !pl_budget_is_spent(&s->keeper->budget);
}

void pl_session_count_input(struct pl_session *s, size_t len)
{
    pl_count(metrics(s), PL_METRIC_BYTES_IN, len);
    pl_budget_spend(&s->keeper->budget, PL_COST_READ + len * PL_COST_BYTE);
}

bool pl_session_listens(const struct pl_session *s)
{
    return pl_session_runs_commands(s);
}

bool pl_session_takes_messages(const struct pl_session *s)
{
    return !(s->holds & PL_HOLDS_MESSAGES);
}

void pl_session_message(struct pl_session *s, struct pl_span message)
{
    if (!pl_session_runs_commands(s))
        return;
    pl_count(metrics(s), PL_METRIC_MESSAGES_IN, 1);
    pl_session_commands(s, message);
}

/* During a login the rest of the input waits for the verdict, not only for
 * another turn. */
bool pl_session_postpones(struct pl_session *s)
{
    if (!pl_budget_is_spent(&s->keeper->budget))
        return false;
    if (s->state == PL_SESSION_LOGIN)
        pl_session_hold(s, PL_HOLD_LOGIN);
    else
        pl_pace_carry_on(s);
    return true;
}

/* --- The actor --- */

static void kick_from(struct pl_session *s, struct pl_span channel,
                      uint32_t code)
{
    pl_session_kick_channel(s, channel, code);
    pl_wait_kick(s, channel, code);
}

static void on_kick(struct pl_session *s, struct pl_kick_mail *m)
{
    if (m->client != NULL &&
        !pl_span_equal(pl_blob_span(m->client), pl_session_id(s)))
        return;
    if (s->state >= PL_SESSION_CLOSING)
        return;
    if (m->subscribes)
        pl_session_take_channel(s, pl_blob_span(m->channel));
    else if (m->channel != NULL && s->state == PL_SESSION_LOGIN)
        pl_login_end_sub(s->login, pl_blob_span(m->channel), m->code);
    else if (m->channel != NULL)
        kick_from(s, pl_blob_span(m->channel), m->code);
    else
        pl_session_close(s, (uint16_t)m->code, pl_blob_span(m->reason));
}

static uint16_t code_of(enum pl_register_refusal refusal)
{
    switch (refusal) {
    case PL_REGISTER_STOPPING:
        return PL_DISCONNECT_SHUTDOWN;
    case PL_REGISTER_USER_LIMIT:
        return PL_DISCONNECT_CONNECTION_LIMIT;
    case PL_REGISTER_TAKEN: /* never sent */
    case PL_REGISTER_NO_MEMORY:
        break;
    }
    return PL_DISCONNECT_SERVER_ERROR;
}

/* The supervisor has rejected the client. */
static void on_refused(struct pl_session *s, const struct pl_register_mail *m)
{
    if (s->state < PL_SESSION_CLOSING)
        pl_session_close(s, code_of(m->refusal), (struct pl_span){0});
}

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct pl_session *s = (struct pl_session *)a;

    switch (msg->type) {
    case PL_MAIL_REGISTER:
        on_refused(s, (struct pl_register_mail *)msg);
        break;
    case PL_MAIL_KICK:
        on_kick(s, (struct pl_kick_mail *)msg);
        break;
    case PL_MAIL_ANSWER:
        pl_session_answered(s, (struct pl_answer_mail *)msg);
        break;
    case PL_MAIL_WATCH:
        pl_session_watched(s, (struct pl_watch_mail *)msg);
        return;
    case PL_MAIL_DIRECT:
        pl_session_direct(s, (struct pl_direct_mail *)msg);
        return;
    case PL_MAIL_USER:
        pl_session_counted(s, (struct pl_user_mail *)msg);
        break;
    case PL_MAIL_INPUT:
        if (s->link->mail != NULL)
            s->link->mail(s, msg);
        else
            pl_actor_refuse(a, msg);
        return;
    case PL_MSG_STOP:
        pl_session_close(s, PL_DISCONNECT_SHUTDOWN, (struct pl_span){0});
        break;
    default:
        pl_actor_refuse(a, msg);
        return;
    }
    pl_mail_destroy(msg);
}

static void reap(struct pl_actor *a)
{
    struct pl_session *s = (struct pl_session *)a;

    pl_session_tell_reaped(s);
    s->link->free(s);
    pl_timer_stop(a->loop, &s->timer);
    pl_outq_drop(&s->out, &s->keeper->pool, PL_METRIC_FRAMES_CANCELLED, true);
    pl_pace_end(s);
    pl_wait_forget(s);
    pl_client_release(s->subscriber.client);
    pl_keeper_drop(s->keeper, s);
    free(s);
}

const struct pl_actor_ops pl_session_actor_ops = {
    .name = "session",
    .mailbox_limit = 256,
    .receive = receive,
    .reap = reap,
};

enum pl_err pl_session_create(struct pl_session **out, struct pl_keeper *k,
                              const struct pl_link_ops *ops,
                              size_t transport_size)
{
    if (k->is_cut)
        return PL_ESTOPPING;
    struct pl_session *s = calloc(1, sizeof *s + PL_LINK_SIZE + transport_size);
    if (s == NULL)
        return PL_ENOMEM;
    if (pl_actor_init(&s->actor, k->actor.loop, &pl_session_actor_ops) !=
        PL_OK) {
        free(s);
        return PL_ENOMEM;
    }
    s->keeper = k;
    s->link = ops;
    s->subscriber.ops = &pl_session_subscriber_ops;
    pl_keeper_add(k);
    *out = s;
    return PL_OK;
}
