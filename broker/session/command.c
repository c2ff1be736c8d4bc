/* SPDX-License-Identifier: Apache-2.0 */
/* command.c - runs the commands of a client in order.
 *
 * A connect is a barrier: the session keeps all later commands until the login
 * has its verdict.  All other commands start in order.  Commands for one
 * channel keep that order, because they take one path through the hub; replies
 * for different channels may overtake one another. */
#include "verdict_private.h"

#include <stdio.h>

#include "channels_mail.h"
#include "commands.h"
#include "custom.h"
#include "ending.h"
#include "hooks_private.h"
#include "kept.h"
#include "log.h"
#include "login.h"
#include "missing.h"
#include "output.h"
#include "overload.h"
#include "pace.h"
#include "permission.h"
#include "queried.h"
#include "subscribe.h"

void pl_session_settle(struct pl_session *s, enum pl_metric as)
{
    pl_count(metrics(s), as, 1);
    pl_gauge_drop(metrics(s), PL_METRIC_COMMANDS_PENDING, 1);
    s->pending--;
    if (s->holds & PL_HOLD_ENDING && s->pending == 0)
        pl_session_touch(s);
    if (s->holds & PL_HOLD_PENDING && s->pending <= PL_PENDING_RESUME)
        pl_session_release(s, PL_HOLD_PENDING);
}

void pl_session_answer(struct pl_session *s, const struct pl_reply *reply)
{
    pl_session_say(s, reply);
    pl_session_settle(s, PL_METRIC_COMMANDS_ANSWERED);
}

void pl_session_refuse_as(struct pl_session *s, uint32_t id, uint32_t code,
                          struct pl_span text, bool is_temporary)
{
    struct pl_reply reply = {
        .id = id,
        .kind = PL_REPLY_ERROR,
        .error = {.code = code, .message = text, .temporary = is_temporary},
    };

    pl_session_say(s, &reply);
    pl_count(metrics(s), PL_METRIC_ERRORS, 1);
    pl_session_settle(s, PL_METRIC_COMMANDS_REFUSED);
}

void pl_session_refuse_text(struct pl_session *s, uint32_t id, uint32_t code,
                            struct pl_span text)
{
    pl_session_refuse_as(s, id, code, text, pl_code_is_temporary(code));
}

void pl_session_fail(struct pl_session *s, uint32_t id, uint32_t code)
{
    if (code == PL_ERROR_STOPPING)
        pl_count(metrics(s), PL_METRIC_REFUSED_STOPPING, 1);
    if (code == PL_ERROR_TOO_MANY_REQUESTS)
        pl_count(metrics(s), PL_METRIC_REFUSED_BUSY, 1);
    pl_session_refuse_text(s, id, code, pl_span_of(pl_code_text(code)));
}

void pl_session_violate(struct pl_session *s, uint32_t code, const char *why)
{
    pl_count(metrics(s), PL_METRIC_ERRORS, 1);
    pl_session_settle(s, PL_METRIC_COMMANDS_REFUSED);
    PL_LOG_LIMITED(PL_LOG_KIND_VIOLATION, PL_LOG_INFO, "protocol violation",
                   pl_log_text("client", pl_session_id(s)),
                   pl_log_number("code", code), pl_log_string("reason", why));
    pl_session_bar(s, (uint16_t)code);
}

/* A command with an unsupported field is rejected: ignoring the field would do
 * something else than the client requested.  Without the filter `tf` a client
 * would get publications that it must not get, so `tf` is a bad request, as in
 * Centrifugo. */
uint32_t pl_session_field_error(const char *field, char *room,
                                struct pl_span *text)
{
    int len = snprintf(room, PL_FIELD_TEXT_MAX, "%s is not supported", field);

    *text = (struct pl_span){room, (size_t)len};
    return strcmp(field, "tf") == 0 ? PL_ERROR_BAD_REQUEST
                                    : PL_ERROR_NOT_AVAILABLE;
}

void pl_session_refuse_field(struct pl_session *s, uint32_t id,
                             const char *field)
{
    char room[PL_FIELD_TEXT_MAX];
    struct pl_span text;
    uint32_t code = pl_session_field_error(field, room, &text);

    pl_session_refuse_text(s, id, code, text);
}

/* Only the user of an inbox may read its history. */
static bool is_own_inbox(const struct pl_session *s, struct pl_span channel)
{
    struct pl_span user = pl_client_user(s->subscriber.client);

    return user.len > 0 && channel.at[0] == PL_CHANNEL_USER_INBOX &&
           pl_span_equal((struct pl_span){channel.at + 1, channel.len - 1},
                         user);
}

/* Most rules grant the same to all kinds of clients, so search the subscription
 * only if that changes the answer. */
bool pl_session_has_grant(struct pl_session *s, struct pl_span channel,
                          const struct pl_named *n, uint8_t grant)
{
    const uint8_t *grants = n->rules->grants + s->kind;

    if (grants[0] & grants[PL_RULES_SUBSCRIBER] & grant)
        return true;
    if (!((grants[0] | grants[PL_RULES_SUBSCRIBER]) & grant))
        return false;
    bool is_subscriber = pl_hub_find(s->keeper->options.hub, &s->subscriber,
                                     channel, n->hash) != NULL;
    return grants[is_subscriber ? PL_RULES_SUBSCRIBER : 0] & grant;
}

bool pl_session_may(struct pl_session *s, uint32_t id, struct pl_span channel,
                    uint8_t grant, struct pl_named *out)
{
    switch (pl_channel_name_check(channel)) {
    case PL_CHANNEL_NAME_OK:
        break;
    case PL_CHANNEL_NAME_EMPTY:
        pl_session_violate(s, PL_DISCONNECT_BAD_REQUEST, "no channel");
        return false;
    case PL_CHANNEL_NAME_TOO_LONG:
        pl_session_fail(s, id, PL_ERROR_BAD_REQUEST);
        return false;
    case PL_CHANNEL_NAME_RESERVED:
        if (grant == PL_GRANT_HISTORY && is_own_inbox(s, channel)) {
            *out = pl_session_name(s, channel);
            return true;
        }
        pl_session_fail(s, id, PL_ERROR_PERMISSION_DENIED);
        return false;
    }
    *out = pl_session_name(s, channel);
    if (out->rules == NULL)
        pl_session_fail(s, id, PL_ERROR_UNKNOWN_CHANNEL);
    else if (!pl_session_has_grant(s, channel, out, grant))
        pl_session_fail(s, id, PL_ERROR_PERMISSION_DENIED);
    else
        return true;
    return false;
}

/* Reply to a command whose request to the hub failed with `rc`. */
void pl_session_fail_begin(struct pl_session *s, uint32_t id, enum pl_err rc)
{
    switch (rc) {
    case PL_EFULL:
        pl_session_fail(s, id, PL_ERROR_TOO_MANY_REQUESTS);
        pl_session_hold(s, PL_HOLD_BACKLOG);
        pl_session_schedule(s);
        return;
    case PL_EEXIST:
        pl_session_fail(s, id, PL_ERROR_ALREADY_SUBSCRIBED);
        return;
    default:
        pl_session_fail(s, id, PL_ERROR_INTERNAL);
    }
}

/* Data from a JSON connection is always JSON.  From other connections it must
 * be JSON unless the rules of the channel allow binary. */
static bool is_data_json(const struct pl_session *s,
                         const struct pl_rules *rules, struct pl_span data,
                         bool *is_json)
{
    *is_json = s->subscriber.encoding == PL_ENCODING_JSON;
    if (*is_json || rules->data == PL_DATA_BINARY)
        return true;
    *is_json = pl_json_accepts(data);
    return *is_json;
}

/* Ask the judge of publications, which may replace the data by other JSON.
 * Return false if the command waits or has its reply. */
static bool is_allowed(struct pl_session *s, struct pl_publish_ask *ask)
{
    struct pl_question q = {
        .asks = PL_ASKS_PUBLISH, .channel = ask->channel, .data = ask->data};

    if (!pl_session_is_judged(s, PL_ASKS_PUBLISH))
        return true;
    if (pl_session_judge(s, ask->command, &q) != PL_YES)
        return false;
    ask->is_json |= q.data.at != ask->data.at;
    ask->data = q.data;
    return true;
}

static void publish(struct pl_session *s, const struct pl_command *c)
{
    struct pl_publish_ask ask = {
        .channel = c->publish.channel,
        .data = c->publish.data,
        .command = c->id,
        .kind = PL_VERB_PUBLISH,
    };
    struct pl_named n;

    if (c->publish.unsupported != NULL) {
        pl_session_refuse_field(s, c->id, c->publish.unsupported);
        return;
    }
    if (ask.data.len == 0) {
        pl_session_violate(s, PL_DISCONNECT_BAD_REQUEST,
                           "publish without data");
        return;
    }
    if (!pl_session_may(s, c->id, ask.channel, PL_GRANT_PUBLISH, &n))
        return;
    ask.hash = n.hash;
    if (!is_data_json(s, n.rules, ask.data, &ask.is_json)) {
        pl_session_fail(s, c->id, PL_ERROR_BAD_REQUEST);
        return;
    }
    if (!is_allowed(s, &ask))
        return;
    enum pl_err rc =
        pl_hub_publish(s->keeper->options.hub, &s->subscriber, &ask);
    if (rc != PL_OK)
        pl_session_fail_begin(s, c->id, rc);
}

static void query(struct pl_session *s, const struct pl_command *c,
                  struct pl_query_mail *q, struct pl_span channel,
                  uint64_t hash)
{
    enum pl_err rc = PL_ENOMEM;

    if (q != NULL) {
        q->hash = hash;
        rc = pl_hub_query(s->keeper->options.hub, &s->subscriber, q, channel,
                          c->id, c->verb);
    }
    if (rc != PL_OK)
        pl_session_fail_begin(s, c->id, rc);
}

static void presence(struct pl_session *s, const struct pl_command *c)
{
    struct pl_named n;

    if (!pl_session_may(s, c->id, c->channel, PL_GRANT_PRESENCE, &n))
        return;
    if (!(n.rules->flags & PL_RULE_PRESENCE)) {
        pl_session_fail(s, c->id, PL_ERROR_NOT_AVAILABLE);
        return;
    }
    struct pl_query_mail *q = pl_query_mail_create();
    if (q != NULL)
        q->kind = c->verb == PL_VERB_PRESENCE ? PL_QUERY_PRESENCE
                                              : PL_QUERY_PRESENCE_STATS;
    query(s, c, q, c->channel, n.hash);
}

static void history(struct pl_session *s, const struct pl_command *c)
{
    const struct pl_history_request *h = &c->history;
    const struct pl_session_settings *config = s->keeper->options.config;
    struct pl_named n;

    if (!pl_session_may(s, c->id, h->channel, PL_GRANT_HISTORY, &n))
        return;
    if (!pl_rules_have_history(n.rules)) {
        pl_session_fail(s, c->id, PL_ERROR_NOT_AVAILABLE);
        return;
    }
    struct pl_query_mail *q = pl_query_mail_create();
    if (q != NULL) {
        q->kind = PL_QUERY_HISTORY;
        q->limit = h->limit;
        q->reverse = h->reverse;
        q->has_since = h->has_since;
        q->offset = h->since_offset;
        pl_epoch_copy(q->epoch, h->since_epoch);
        q->byte_budget = (uint32_t)(config->limits.outgoing_queue / 2);
    }
    query(s, c, q, h->channel, n.hash);
}

static void pong(struct pl_session *s)
{
    if (s->pongs_due == 0) {
        pl_session_violate(s, PL_DISCONNECT_BAD_REQUEST, "unasked pong");
        return;
    }
    const struct pl_session_settings *c = s->keeper->options.config;
    s->pongs_due--;
    if (s->pongs_due == 0) {
        s->ping_ms = s->ping_ms - c->ping.timeout_ms + c->ping.interval_ms;
        pl_session_schedule(s);
    }
    pl_session_settle(s, PL_METRIC_COMMANDS_SILENT);
}

static void run_connected(struct pl_session *s, const struct pl_command *c)
{
    switch (c->verb) {
    case PL_VERB_SUBSCRIBE:
        pl_session_subscribe(s, c);
        return;
    case PL_VERB_PUBLISH:
        publish(s, c);
        return;
    case PL_VERB_PRESENCE:
    case PL_VERB_PRESENCE_STATS:
        presence(s, c);
        return;
    case PL_VERB_HISTORY:
        history(s, c);
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
    case PL_VERB_CONNECT:
        pl_session_violate(s, PL_DISCONNECT_BAD_REQUEST, "second connect");
        return;
    case PL_VERB_PING:
    case PL_VERB_SUB_REFRESH:
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
    } else if (!s->keeper->is_refusing || !pl_session_refuse_work(s, c)) {
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
    pl_session_bar(s, PL_DISCONNECT_BAD_REQUEST);
}

/* Return true if the rate limit defers `c`.  Pongs and commands before the end
 * of the login are exempt. */
static bool is_too_fast(struct pl_session *s, const struct pl_command *c)
{
    return s->keeper->command_ns != 0 && s->state == PL_SESSION_CONNECTED &&
           c->verb != PL_VERB_PONG && !pl_pace_take(s);
}

/* Carry the rest of the message to another turn if the budget is spent.  After
 * a connect the rest waits for the verdict instead. */
static bool is_carried(struct pl_session *s, struct pl_span rest)
{
    if (!pl_budget_is_spent(&s->keeper->budget) || s->state == PL_SESSION_LOGIN)
        return false;
    pl_pace_carry(s, rest);
    return true;
}

void pl_session_commands(struct pl_session *s, struct pl_span message)
{
    struct pl_arena *arena = &s->keeper->arena;
    struct pl_command c;
    const char *why = NULL;
    size_t at = 0;

    do {
        struct pl_span rest = message;

        if (s->state == PL_SESSION_LOGIN) {
            pl_session_keep(s, message);
            pl_session_hold(s, PL_HOLD_LOGIN);
            return;
        }
        pl_budget_spend(&s->keeper->budget, PL_COST_COMMAND);
        pl_arena_reset(arena);
        enum pl_err rc = pl_command_decode(s->subscriber.encoding, &message,
                                           arena, &c, &why, &at);
        if (rc != PL_OK) {
            on_malformed(s, rc, why, at);
            return;
        }
        if (is_too_fast(s, &c)) {
            pl_pace_hold(s, rest);
            return;
        }
        pl_count(metrics(s), PL_METRIC_COMMANDS, 1);
        pl_count(metrics(s), PL_METRIC_COMMANDS_PENDING, 1);
        s->pending++;
        if (s->keeper->judged != 0 &&
            pl_session_is_stopped(s, &c, rest, message.len))
            continue;
        run(s, &c);
    } while (message.len > 0 && pl_session_runs_commands(s) &&
             !is_carried(s, message));
    if (s->pending >= PL_PENDING_PAUSE)
        pl_session_hold(s, PL_HOLD_PENDING);
}

/* --- Results from the hub --- */

static struct pl_session *session_of(struct pl_subscriber *u)
{
    return PL_CONTAINER(u, struct pl_session, subscriber);
}

static bool is_over(const struct pl_session *s)
{
    return s->state >= PL_SESSION_CLOSING;
}

static void published(struct pl_subscriber *u, const struct pl_publish_mail *m)
{
    struct pl_session *s = session_of(u);
    struct pl_reply reply = {.id = m->origin.command, .kind = PL_REPLY_PUBLISH};

    if (is_over(s))
        return;
    if (m->origin.kind != PL_VERB_PUBLISH)
        pl_session_actor_published(s, m);
    else if (m->error != 0)
        pl_session_fail(s, m->origin.command, m->error);
    else
        pl_session_answer(s, &reply);
}

static void attached(struct pl_subscriber *u, struct pl_sub *sub,
                     const struct pl_attach_mail *m)
{
    struct pl_session *s = session_of(u);

    pl_arena_reset(&s->keeper->arena);
    if (m->origin.kind == PL_VERB_CONNECT)
        pl_session_login_attached(s, sub, m);
    else if (m->origin.kind == PL_KIND_MISSING)
        pl_missing_attached(s, sub, m);
    else
        pl_session_tell_attached(s, sub, m);
    if (m->error == 0)
        pl_session_tell_begun(s, sub);
}

static void dropped(struct pl_subscriber *u, struct pl_sub *sub, uint32_t code)
{
    pl_session_tell_ended(session_of(u), sub, code);
    pl_session_tell_dropped(session_of(u), sub, code);
}

static void unsubscribed(struct pl_subscriber *u, uint32_t command)
{
    pl_session_tell_unsubscribed(session_of(u), command);
}

static void unsuitable(struct pl_subscriber *u)
{
    pl_session_doom(session_of(u), PL_DISCONNECT_INAPPROPRIATE);
}

const struct pl_subscriber_ops pl_session_subscriber_ops = {
    .deliver = pl_session_deliver,
    .has_room = pl_session_may_recover,
    .attached = attached,
    .dropped = dropped,
    .unsubscribed = unsubscribed,
    .unsuitable = unsuitable,
    .published = published,
    .queried = pl_session_tell_queried,
};
