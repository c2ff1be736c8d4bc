/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - see session.h: from the begin of one connection to its end.
 *
 * ending.c closes it.  Until the transport has ended too, the actor keeps its
 * address but ignores mail, so that no other actor finds half a session.
 *
 * This file calls the others of a session, which call nothing of it.  Only the
 * session manager does, to visit its sessions.
 *
 * Invariant: s->pending is the number of commands received and not yet counted
 * as answered, refused, silent or cancelled. */
#include "session_private.h"

#include <assert.h>
#include <stdlib.h>

#include "answered.h"
#include "commands.h"
#include "custom.h"
#include "ending.h"
#include "expiring.h"
#include "token_note.h"
#include "headers.h"
#include "hooks_private.h"
#include "session_manager_private.h"
#include "login.h"
#include "mail.h"
#include "missing.h"
#include "monitor.h"
#include "output.h"
#include "throttle.h"
#include "resume.h"
#include "session_mail.h"
#include "subscribe.h"
#include "subscriber.h"
#include "supervisor_mail.h"
#include "wait.h"

static struct pl_loop *loop_of(const struct pl_session *s)
{
    return s->actor.loop;
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
    s->ping_ms = now + s->manager->options.config->ping.timeout_ms;
    pl_session_schedule(s);
}

static void end_expired(struct pl_session *s)
{
    pl_expiring_end_due(s);
    pl_session_schedule(s);
}

static void on_connected_timer(struct pl_session *s)
{
    uint64_t now = pl_loop_now_ms(loop_of(s));

    pl_session_release(s, PL_HOLD_BACKLOG);
    if (s->holds & PL_HOLD_RATE && now >= pl_throttle_due_ms(s))
        pl_session_go_on(s);
    if (s->state != PL_SESSION_CONNECTED)
        return; /* pl_session_go_on() has closed it */
    if (s->expires_ms != 0 && now >= s->expires_ms)
        pl_session_close(s, PL_DISCONNECT_EXPIRED, (struct pl_span){0});
    else if (s->elsewhere & PL_ELSEWHERE_EXPIRING &&
             now >= pl_expiring_due_ms(s))
        end_expired(s);
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
        pl_session_log_close(s, 0, pl_span_of(why));
        pl_session_teardown(s, 0, pl_span_of(why));
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
    if (s->ending == PL_ENDING_SCHEDULED && s->state < PL_SESSION_CLOSING)
        pl_session_close(s, s->end_code, (struct pl_span){0});
    if (s->has_dropping)
        pl_session_unsubscribe_dropping(s);
    if (s->state == PL_SESSION_LOGIN)
        pl_session_resolve_login(s);
    if (s->holds & PL_HOLD_ENDING && s->pending == 0 &&
        s->state < PL_SESSION_CLOSING)
        pl_session_conclude(s);
    if (s->known == PL_KNOWN_SOON && /* before the client receives anything */
        !pl_session_tell_connected(s))
        pl_session_close(s, PL_DISCONNECT_SERVER_ERROR, (struct pl_span){0});
    if (s->out.first != NULL)
        s->link->flush(s);
}

/* --- Input --- */

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
    s->messages += s->messages < UINT16_MAX;
    pl_session_commands(s, message);
}

/* During a login the rest of the input waits for the verdict, not only for
 * another turn. */
bool pl_session_postpones(struct pl_session *s)
{
    if (!pl_budget_is_spent(&s->manager->budget))
        return false;
    if (s->state == PL_SESSION_LOGIN)
        pl_session_hold(s, PL_HOLD_LOGIN);
    else
        pl_throttle_carry_on(s);
    return true;
}

/* --- The actor --- */

static void kick_from(struct pl_session *s, struct pl_span channel,
                      uint32_t code)
{
    pl_missing_cancel(s, channel);
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
    if (m->issued_before_s != 0 &&
        !pl_token_note_is_before(s, m->issued_before_s))
        return;
    if (m->refreshes)
        pl_session_take_expiry(s, m->terms.expires_at_s);
    else if (m->subscribes)
        pl_session_take_channel(s, pl_blob_span(m->channel), m->sub_flags,
                                &m->terms);
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
    case PL_REGISTER_BLOCKED:
        return PL_DISCONNECT_FORCED;
    case PL_REGISTER_REVOKED:
        return PL_DISCONNECT_INVALID_TOKEN;
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
    pl_outq_drop(&s->out, &s->manager->pool, PL_METRIC_FRAMES_CANCELLED, true);
    pl_throttle_end(s);
    pl_headers_forget(s);
    pl_wait_forget(s);
    pl_expiring_forget(s);
    pl_token_note_forget(s);
    pl_client_release(s->subscriber.client);
    pl_session_manager_drop(s->manager, s);
    free(s);
}

const struct pl_actor_ops pl_session_actor_ops = {
    .name = "session",
    .mailbox_limit = 256,
    .receive = receive,
    .reap = reap,
};

enum pl_err pl_session_create(struct pl_session **out,
                              struct pl_session_manager *k,
                              const struct pl_link_ops *ops,
                              size_t transport_size)
{
    if (k->refuses_sessions)
        return PL_ESTOPPING;
    struct pl_session *s = calloc(1, sizeof *s + PL_LINK_SIZE + transport_size);
    if (s == NULL)
        return PL_ENOMEM;
    if (pl_actor_init(&s->actor, k->actor.loop, &pl_session_actor_ops) !=
        PL_OK) {
        free(s);
        return PL_ENOMEM;
    }
    s->manager = k;
    s->link = ops;
    s->subscriber.ops = &pl_session_subscriber_ops;
    pl_session_manager_add(k);
    *out = s;
    return PL_OK;
}
