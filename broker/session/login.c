/* SPDX-License-Identifier: Apache-2.0 */
/* login.c - connect and refresh: who is this, and what is it given at once?
 *
 * The verdict comes from a token, from the embedding program's connect handler,
 * or from the permission to be anonymous, and it precedes everything else.
 * A session that is let in is registered with the supervisor, subscribed to its
 * server-side channels, and answered when all of these are attached.  What the
 * channels deliver meanwhile waits behind the connect reply.
 *
 * Rejected: waiting for the supervisor's word before answering.  It would cost
 * each login a trip to another thread; the supervisor kicks whom it cannot
 * take instead. */
#include "session_private.h"

#include <stdlib.h>

#include "json_scan.h"
#include "log.h"
#include "permission.h"
#include "token.h"

/* A server-side subscription and what came of it. */
struct server_sub {
    struct pl_span channel;
    bool recover;
    uint64_t offset;
    struct pl_span epoch;
    struct pl_subscribe_result result;
    uint32_t ends; /* unsubscribed already, with this code */
};

struct pl_login {
    struct pl_arena arena;
    struct pl_outq deferred;
    uint32_t command;
    uint32_t outstanding; /* attaches on their way */
    uint32_t error;       /* the first that failed */
    struct server_sub *subs;
    size_t sub_count;
    const struct pl_subscribe_request *positions; /* of the client */
    size_t position_count;
    int64_t expires_at_s; /* 0: never */
    bool is_judged;       /* let in; only attaches are missing */
    bool wants_inbox;
    bool has_unsuitable; /* a recovered publication is not JSON */
};

static const struct pl_config *config_of(const struct pl_session *s)
{
    return s->keeper->options.config;
}

struct pl_outq *pl_login_deferred(struct pl_login *l)
{
    return &l->deferred;
}

void pl_login_destroy(struct pl_login *l, struct pl_out_pool *pool)
{
    if (l == NULL)
        return;
    pl_outq_drop(&l->deferred, pool, PL_METRIC_FRAMES_CANCELLED, true);
    pl_arena_fini(&l->arena);
    free(l);
}

static bool copy_span(struct pl_arena *a, struct pl_span *span)
{
    if (span->len == 0) {
        span->at = "";
        return true;
    }
    char *copy = pl_arena_alloc(a, span->len);
    if (copy == NULL)
        return false;
    memcpy(copy, span->at, span->len);
    span->at = copy;
    return true;
}

/* The verdict may come when the request's bytes are gone. */
static bool copy_positions(struct pl_login *l,
                           const struct pl_connect_request *r)
{
    struct pl_subscribe_request *p =
        pl_arena_alloc(&l->arena, (r->sub_count + 1) * sizeof *p);

    if (p == NULL)
        return false;
    for (size_t i = 0; i < r->sub_count; i++) {
        p[i] = r->subs[i];
        if (!copy_span(&l->arena, &p[i].channel) ||
            !copy_span(&l->arena, &p[i].epoch))
            return false;
    }
    l->positions = p;
    l->position_count = r->sub_count;
    return true;
}

/* --- The end of a login --- */

static void leave_login(struct pl_session *s, enum pl_session_state state)
{
    pl_login_destroy(s->login, &s->keeper->pool);
    s->login = NULL;
    s->state = (uint8_t)state;
}

/* The connect is answered with an error; the connection is of no more use. */
static void end_login(struct pl_session *s, uint32_t code, struct pl_span text)
{
    uint32_t id = s->login->command;

    pl_hub_leave(s->keeper->options.hub, &s->subscriber);
    pl_session_unregister(s);
    leave_login(s, PL_SESSION_FAILED);
    if (text.len == 0)
        text = pl_span_of(pl_code_text(code));
    pl_session_refuse_text(s, id, code, text);
    pl_session_read_on(s);
    pl_session_replay(s); /* whatever follows is a violation now */
}

/* The same, as the verdict on who it is. */
static void fail_login(struct pl_session *s, uint32_t code, struct pl_span text)
{
    pl_count(metrics(s), PL_METRIC_AUTH_ATTEMPTS, 1);
    pl_count(metrics(s), PL_METRIC_AUTH_FAILED, 1);
    end_login(s, code, text);
}

static void reject_token(struct pl_session *s, const char *why)
{
    pl_count(metrics(s), PL_METRIC_AUTH_ATTEMPTS, 1);
    pl_count(metrics(s), PL_METRIC_AUTH_FAILED, 1);
    pl_count(metrics(s), PL_METRIC_ERRORS, 1);
    pl_session_settle(s, PL_METRIC_COMMANDS_REFUSED);
    PL_LOG(PL_LOG_INFO, "token rejected",
           pl_log_text("client", pl_session_id(s)),
           pl_log_string("reason", why));
    pl_session_close(s, PL_DISCONNECT_INVALID_TOKEN, (struct pl_span){0});
}

static uint32_t seconds(uint64_t ms)
{
    return (uint32_t)((ms + 999) / 1000);
}

static void start_pings(struct pl_session *s)
{
    uint64_t interval = config_of(s)->ping.interval_ms;

    if (interval == 0)
        return;
    uint64_t first =
        interval / 2 +
        pl_random_below(pl_loop_random(s->actor.loop), interval / 2 + 1);
    s->ping_ms = pl_loop_now_ms(s->actor.loop) + first;
}

/* Until when the token is good; gives the seconds left. */
static uint32_t set_expiry(struct pl_session *s, int64_t expires_at_s)
{
    int64_t now_s = (int64_t)(pl_loop_wall_ms(s->actor.loop) / 1000);
    int64_t left = expires_at_s - now_s;

    s->expires_ms = 0;
    if (expires_at_s == 0)
        return 0;
    if (left < 1)
        left = 1;
    if (left > UINT32_MAX)
        left = UINT32_MAX;
    s->expires_ms = pl_loop_now_ms(s->actor.loop) + (uint64_t)left * 1000 +
                    PL_EXPIRE_GRACE_MS;
    return (uint32_t)left;
}

static bool list_subs(struct pl_session *s, struct pl_connect_result *r)
{
    struct pl_login *l = s->login;
    struct pl_connect_sub *subs =
        pl_arena_alloc(&l->arena, (l->sub_count + 1) * sizeof *subs);

    if (subs == NULL)
        return false;
    for (size_t i = 0; i < l->sub_count; i++)
        subs[i] = (struct pl_connect_sub){.channel = l->subs[i].channel,
                                          .result = l->subs[i].result};
    r->subs = subs;
    r->sub_count = l->sub_count;
    return true;
}

/* Those that ended before the client could hear of them. */
static void end_subs(struct pl_session *s, const struct pl_login *l)
{
    for (size_t i = 0; i < l->sub_count; i++) {
        if (l->subs[i].ends != 0)
            pl_session_kick_channel(s, l->subs[i].channel, l->subs[i].ends);
    }
}

static void answer_login(struct pl_session *s)
{
    struct pl_login *l = s->login;
    struct pl_reply reply = {.id = l->command, .kind = PL_REPLY_CONNECT};
    struct pl_connect_result *r = &reply.connect;

    if (!list_subs(s, r)) {
        end_login(s, PL_ERROR_INTERNAL, (struct pl_span){0});
        return;
    }
    r->client = pl_session_id(s);
    r->version = pl_span_of(s->keeper->options.version);
    r->ttl = set_expiry(s, l->expires_at_s);
    r->expires = l->expires_at_s != 0;
    r->ping = seconds(config_of(s)->ping.interval_ms);
    r->pong = r->ping > 0;
    start_pings(s);
    pl_count(metrics(s), PL_METRIC_AUTH_ATTEMPTS, 1);
    pl_count(metrics(s), PL_METRIC_AUTH_PASSED, 1);
    pl_count(metrics(s), PL_METRIC_CLIENTS, 1);
    pl_session_answer(s, &reply);
    if (s->doom == 0) /* else there was no memory for the reply */
        pl_outq_splice(&s->out, &l->deferred);
    s->state = PL_SESSION_CONNECTED;
    end_subs(s, l);
    leave_login(s, PL_SESSION_CONNECTED);
    pl_session_schedule(s);
    PL_LOG(PL_LOG_DEBUG, "client connected",
           pl_log_text("client", pl_session_id(s)),
           pl_log_text("user", pl_client_user(s->subscriber.client)));
    pl_session_replay(s);
}

void pl_session_settle_login(struct pl_session *s)
{
    struct pl_login *l = s->login;

    if (!l->is_judged || l->outstanding > 0)
        return;
    if (l->error != 0)
        end_login(s, l->error, (struct pl_span){0});
    else if (l->has_unsuitable)
        pl_session_doom(s, PL_DISCONNECT_INAPPROPRIATE);
    else
        answer_login(s);
}

/* --- Server-side subscriptions --- */

static struct server_sub *find_sub(struct pl_login *l, struct pl_span channel)
{
    for (size_t i = 0; i < l->sub_count; i++) {
        if (pl_span_equal(l->subs[i].channel, channel))
            return &l->subs[i];
    }
    return NULL;
}

void pl_login_end_sub(struct pl_login *l, struct pl_span channel, uint32_t code)
{
    struct server_sub *sub = find_sub(l, channel);

    if (sub != NULL)
        sub->ends = code;
}

/* Copy recovered publications: the message goes, the reply comes later. */
static bool keep_publications(struct pl_session *s, struct server_sub *sub,
                              const struct pl_attach_mail *m)
{
    struct pl_arena *arena = &s->login->arena;
    const struct pl_publication *made;

    if (!pl_publications_make(arena, m->pubs, m->pub_count,
                              s->subscriber.encoding, &made))
        return false;
    if (made == NULL) {
        s->login->has_unsuitable = m->pub_count > 0;
        return true;
    }
    struct pl_publication *p = (struct pl_publication *)made;
    for (uint32_t i = 0; i < m->pub_count; i++) {
        struct pl_client_info *info = (struct pl_client_info *)p[i].info;

        if (!copy_span(arena, &p[i].data))
            return false;
        if (info != NULL && (!copy_span(arena, &info->user) ||
                             !copy_span(arena, &info->client) ||
                             (info->conn_info.at != NULL &&
                              !copy_span(arena, &info->conn_info))))
            return false;
    }
    sub->result.publications = p;
    sub->result.publication_count = m->pub_count;
    return true;
}

void pl_session_login_attached(struct pl_session *s, struct pl_sub *sub,
                               const struct pl_attach_mail *m)
{
    struct pl_login *l = s->login;
    struct server_sub *mine = find_sub(l, pl_sub_channel(sub));

    l->outstanding--;
    if (m->error != 0) {
        l->error = m->error;
    } else {
        mine->result =
            pl_subscribe_result_of(m, mine->recover, m->offset - m->pub_count);
        if (!copy_span(&l->arena, &mine->result.epoch) ||
            (mine->result.recovered && !keep_publications(s, mine, m)))
            l->error = PL_ERROR_INTERNAL;
    }
    if (l->outstanding == 0) /* not inside the hub's call */
        pl_session_touch(s);
}

static void take_position(struct pl_login *l, struct server_sub *sub)
{
    for (size_t i = 0; i < l->position_count; i++) {
        const struct pl_subscribe_request *p = &l->positions[i];

        if (!p->recover || !pl_span_equal(p->channel, sub->channel))
            continue;
        sub->recover = true;
        sub->offset = p->offset;
        sub->epoch = p->epoch;
    }
}

/* "#user", "@client": an inbox's name, the arena's. */
static bool inbox_name(struct pl_arena *a, char mark, struct pl_span of,
                       struct pl_span *out)
{
    char *name = pl_arena_alloc(a, of.len + 1);

    if (name == NULL)
        return false;
    name[0] = mark;
    memcpy(name + 1, of.at, of.len);
    *out = (struct pl_span){name, of.len + 1};
    return true;
}

static bool list_channels(struct pl_session *s,
                          const struct pl_token_claims *claims)
{
    struct pl_login *l = s->login;
    struct pl_span user = pl_client_user(s->subscriber.client);
    size_t max = 2 + (claims == NULL ? 0 : claims->channel_count);

    l->subs = pl_arena_alloc(&l->arena, max * sizeof *l->subs);
    if (l->subs == NULL)
        return false;
    memset(l->subs, 0, max * sizeof *l->subs);
    if (user.len > 0 && !inbox_name(&l->arena, PL_CHANNEL_USER_INBOX, user,
                                    &l->subs[l->sub_count++].channel))
        return false;
    for (size_t i = 0; claims != NULL && i < claims->channel_count; i++) {
        l->subs[l->sub_count].channel = claims->channels[i];
        if (!copy_span(&l->arena, &l->subs[l->sub_count++].channel))
            return false;
    }
    if (l->wants_inbox) /* no channel behind it: told of, never attached */
        return inbox_name(&l->arena, PL_CHANNEL_CONNECTION_INBOX,
                          pl_session_id(s), &l->subs[l->sub_count++].channel);
    return true;
}

static enum pl_err attach(struct pl_session *s, struct server_sub *sub)
{
    struct pl_subscribe_ask ask = {
        .channel = sub->channel,
        .flags = PL_SUB_SERVER_SIDE,
        .kind = PL_VERB_CONNECT,
    };

    take_position(s->login, sub);
    if (sub->recover)
        ask.flags |= PL_SUB_RECOVER;
    if (sub->channel.at[0] == PL_CHANNEL_USER_INBOX)
        ask.flags |= PL_SUB_HIDDEN;
    ask.offset = sub->offset;
    ask.epoch = sub->epoch;
    enum pl_err rc =
        pl_hub_subscribe(s->keeper->options.hub, &s->subscriber, &ask);
    if (rc == PL_OK)
        s->login->outstanding++;
    return rc;
}

static void attach_all(struct pl_session *s)
{
    struct pl_login *l = s->login;

    for (size_t i = 0; i < l->sub_count && l->error == 0; i++) {
        if (l->subs[i].channel.at[0] == PL_CHANNEL_CONNECTION_INBOX) {
            s->has_inbox = true;
            continue;
        }
        enum pl_err rc = attach(s, &l->subs[i]);
        if (rc != PL_OK)
            l->error =
                rc == PL_EFULL ? PL_ERROR_TOO_MANY_REQUESTS : PL_ERROR_INTERNAL;
    }
    l->is_judged = true;
    pl_session_settle_login(s);
}

/* --- The verdict --- */

static bool register_user(struct pl_session *s)
{
    struct pl_register_mail *m = pl_register_mail_create(false);

    if (m == NULL)
        return false;
    m->client = pl_client_hold(s->subscriber.client);
    s->is_registered = true;
    pl_actor_send(&s->actor, s->keeper->options.supervisor, &m->msg);
    return true;
}

/* Let it in as `user`.  `claims` may be NULL. */
static void admit(struct pl_session *s, struct pl_span user,
                  struct pl_span info, bool authenticated,
                  const struct pl_token_claims *claims)
{
    enum pl_err rc =
        pl_client_create(&s->subscriber.client, pl_actor_address(&s->actor),
                         pl_loop_random(s->actor.loop), user, info);

    s->grants = pl_permission_grants(config_of(s), authenticated);
    s->login->expires_at_s = claims == NULL ? 0 : claims->expires_at_s;
    if (rc != PL_OK || !register_user(s) || !list_channels(s, claims))
        end_login(s, PL_ERROR_INTERNAL, (struct pl_span){0});
    else
        attach_all(s);
}

static void judge_token(struct pl_session *s, struct pl_span token)
{
    struct pl_token_key key = {pl_span_of(s->keeper->access->hmac_secret)};
    int64_t now_s = (int64_t)(pl_loop_wall_ms(s->actor.loop) / 1000);
    struct pl_token_claims *claims = NULL;
    const char *why = NULL;

    if (key.secret.len == 0) {
        reject_token(s, "no auth.hmac_secret to check it with");
        return;
    }
    switch (pl_token_verify(&key, token, now_s, &claims, &why)) {
    case PL_OK:
        admit(s, claims->user, claims->info, true, claims);
        pl_token_claims_destroy(claims);
        return;
    case PL_EEXPIRED:
        fail_login(s, PL_ERROR_TOKEN_EXPIRED, (struct pl_span){0});
        return;
    case PL_ENOMEM:
        end_login(s, PL_ERROR_INTERNAL, (struct pl_span){0});
        return;
    default:
        reject_token(s, why);
    }
}

/* Does the connect data say {"inbox":true}? */
static bool wants_inbox(struct pl_session *s, struct pl_span data)
{
    struct pl_json j;
    struct pl_span key;
    bool first = true, yes = false;

    pl_json_init(&j, data, &s->keeper->arena);
    pl_json_space(&j);
    if (!pl_json_take(&j, '{'))
        return false;
    while (pl_json_member(&j, &first, &key)) {
        if (pl_span_equal(key, PL_SPAN("inbox")))
            pl_json_bool(&j, &yes);
        else
            pl_json_skip(&j, PL_JSON_DEPTH_MAX);
        if (j.err != PL_OK)
            return false;
    }
    return yes;
}

static void judge(struct pl_session *s, const struct pl_connect_request *r)
{
    pl_handler *call;
    void *context;
    const char *name;
    bool has_handler = pl_handlers_find(s->keeper->handlers, PL_SPAN("connect"),
                                        &call, &context, &name);

    if (r->token.len > 0 &&
        (s->keeper->access->hmac_secret != NULL || !has_handler))
        judge_token(s, r->token);
    else if (has_handler)
        pl_session_ask_connect(s, r);
    else if (config_of(s)->auth.anonymous)
        admit(s, PL_SPAN(""), (struct pl_span){0}, false, NULL);
    else
        fail_login(s, PL_ERROR_UNAUTHORIZED, (struct pl_span){0});
}

static void refuse_short(struct pl_session *s)
{
    pl_count(metrics(s), PL_METRIC_REFUSED_MEMORY, 1);
    end_login(s, PL_ERROR_TOO_MANY_REQUESTS, (struct pl_span){0});
}

void pl_session_connect(struct pl_session *s, const struct pl_command *c)
{
    struct pl_login *l = calloc(1, sizeof *l);

    if (l == NULL) {
        pl_session_settle(s, PL_METRIC_COMMANDS_REFUSED);
        pl_session_close(s, PL_DISCONNECT_SERVER_ERROR, (struct pl_span){0});
        return;
    }
    l->command = c->id;
    s->login = l;
    s->state = PL_SESSION_LOGIN;
    l->wants_inbox = wants_inbox(s, c->connect.data);
    if (s->keeper->phase != PL_PHASE_RUNNING)
        end_login(s, PL_ERROR_STOPPING, (struct pl_span){0});
    else if (s->keeper->is_short)
        refuse_short(s);
    else if (!copy_positions(l, &c->connect))
        end_login(s, PL_ERROR_INTERNAL, (struct pl_span){0});
    else
        judge(s, &c->connect);
}

/* The connect handler's answer. */
void pl_session_login_answered(struct pl_session *s,
                               const struct pl_answer_mail *m)
{
    if (m->error != 0)
        fail_login(s, m->error, pl_blob_span(m->data));
    else
        admit(s, pl_blob_span(m->user), pl_blob_span(m->data), true, NULL);
}

/* --- Refresh --- */

static void refreshed(struct pl_session *s, const struct pl_command *c,
                      const struct pl_token_claims *claims)
{
    struct pl_reply reply = {.id = c->id, .kind = PL_REPLY_REFRESH};

    if (!pl_span_equal(claims->user, pl_client_user(s->subscriber.client))) {
        pl_session_violate(s, PL_DISCONNECT_INVALID_TOKEN,
                           "token of another user");
        return;
    }
    reply.refresh.client = pl_session_id(s);
    reply.refresh.version = pl_span_of(s->keeper->options.version);
    reply.refresh.ttl = set_expiry(s, claims->expires_at_s);
    reply.refresh.expires = claims->expires_at_s != 0;
    pl_session_schedule(s);
    pl_session_answer(s, &reply);
}

void pl_session_refresh(struct pl_session *s, const struct pl_command *c)
{
    struct pl_token_key key = {pl_span_of(s->keeper->access->hmac_secret)};
    int64_t now_s = (int64_t)(pl_loop_wall_ms(s->actor.loop) / 1000);
    struct pl_token_claims *claims = NULL;
    const char *why = "no auth.hmac_secret to check a token with";

    if (c->token.len == 0) {
        pl_session_violate(s, PL_DISCONNECT_BAD_REQUEST, "empty token");
        return;
    }
    enum pl_err rc =
        key.secret.len == 0
            ? PL_EDENIED
            : pl_token_verify(&key, c->token, now_s, &claims, &why);
    if (rc == PL_OK)
        refreshed(s, c, claims);
    else if (rc == PL_EEXPIRED)
        pl_session_fail(s, c->id, PL_ERROR_TOKEN_EXPIRED);
    else if (rc == PL_ENOMEM)
        pl_session_fail(s, c->id, PL_ERROR_INTERNAL);
    else
        pl_session_violate(s, PL_DISCONNECT_INVALID_TOKEN, why);
    pl_token_claims_destroy(claims);
}
