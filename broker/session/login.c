/* SPDX-License-Identifier: Apache-2.0 */
/* login.c - connect: identifies the client and admits it.
 *
 * The verdict comes first.  It comes from a token, from the connect handler of
 * the embedding program, or from the permission to be anonymous.  If a required
 * handler is not registered or is late, the login fails with a temporary error,
 * so that SDKs retry.
 *
 * An admitted session registers with the supervisor and attaches its
 * server-side subscriptions.  The connect reply follows when all attaches have
 * their result; deliveries before that wait until after the reply.
 *
 * Rejected: waiting for the supervisor before the reply, because each login
 * would wait for another thread.  Instead, the supervisor returns the mail of a
 * client that it rejects, and the session closes. */
#include "login.h"

#include <stdlib.h>

#include "custom.h"
#include "ending.h"
#include "denied.h"
#include "headers.h"
#include "session_manager_private.h"
#include "log.h"
#include "login_private.h"
#include "missing.h"
#include "replies.h"
#include "resume.h"
#include "session_mail.h"
#include "session_private.h"
#include "subscribe.h"
#include "supervisor_mail.h"
#include "token.h"
#include "token_check.h"
#include "token_note.h"
#include "trace.h"
#include "verdict_private.h"

static const struct pl_session_settings *config_of(const struct pl_session *s)
{
    return s->manager->options.config;
}

/* --- The end of a login --- */

/* Free the login, enter `state`, and return the messages kept after the
 * connect, for go_on(). */
static struct pl_kept leave_login(struct pl_session *s,
                                  enum pl_session_state state)
{
    struct pl_kept kept = s->login->kept;

    s->login->kept = (struct pl_kept){0};
    pl_login_destroy(s->login, s->actor.loop, &s->manager->pool);
    s->login = NULL;
    s->state = (uint8_t)state;
    return kept;
}

/* Run the kept messages, then let the link go on with its bytes.  With REPLAY
 * the connect was itself a kept message: the caller runs the messages after it
 * and lets the link go on. */
static void go_on(struct pl_session *s, struct pl_kept kept)
{
    pl_session_run_kept(s, kept);
    if (!(s->holds & PL_HOLD_REPLAY))
        s->link->go_on(s);
    pl_session_release(s, PL_HOLD_LOGIN);
}

/* Reply to the connect with an error.  No other command may follow. */
static void deny_login(struct pl_session *s, const struct pl_verdict *v)
{
    uint32_t id = s->login->command;

    pl_hub_leave(s->manager->options.hub, &s->subscriber);
    pl_session_unregister(s);
    struct pl_kept kept = leave_login(s, PL_SESSION_FAILED);
    pl_session_deny(s, id, v);
    if (s->state == PL_SESSION_FAILED)
        go_on(s, kept); /* each later command is a violation */
    else
        pl_kept_fini(&kept);
}

static void end_login(struct pl_session *s, uint32_t code, struct pl_span text)
{
    struct pl_verdict v = {.kind = PL_NO, .code = code, .text = text};

    deny_login(s, &v);
}

static void count_failed(struct pl_session *s)
{
    pl_count(metrics(s), PL_METRIC_AUTH_ATTEMPTS, 1);
    pl_count(metrics(s), PL_METRIC_AUTH_FAILED, 1);
}

/* Like end_login(), and count a failed authentication. */
static void fail_login(struct pl_session *s, uint32_t code, struct pl_span text)
{
    count_failed(s);
    end_login(s, code, text);
}

static void close_for_token(struct pl_session *s, uint16_t code,
                            const char *why)
{
    char peer[PL_IP_TEXT_MAX];

    count_failed(s);
    pl_count(metrics(s), PL_METRIC_TOKENS_REJECTED, 1);
    pl_count(metrics(s), PL_METRIC_ERRORS, 1);
    pl_session_resolve(s, PL_METRIC_COMMANDS_REFUSED);
    PL_LOG_LIMITED(PL_LOG_KIND_TOKEN, PL_LOG_INFO, "token rejected",
                   pl_log_string("address", pl_session_peer(s, peer)),
                   pl_log_text("client", pl_session_id(s)),
                   pl_log_string("reason", why));
    pl_session_close(s, code, (struct pl_span){0});
}

static void reject_token(struct pl_session *s, const char *why)
{
    close_for_token(s, PL_DISCONNECT_INVALID_TOKEN, why);
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

static bool list_subs(struct pl_session *s, struct pl_connect_result *r)
{
    struct pl_login *l = s->login;
    struct pl_connect_sub *subs =
        pl_arena_alloc(&l->arena, (l->sub_count + 1) * sizeof *subs);

    if (subs == NULL)
        return false;
    r->subs = subs;
    for (size_t i = 0; i < l->sub_count; i++) {
        if (!pl_login_expire(s, &l->subs[i]))
            return false;
        if (!l->subs[i].is_missing)
            subs[r->sub_count++] = (struct pl_connect_sub){
                .channel = l->subs[i].channel, .result = l->subs[i].result};
    }
    return true;
}

/* Send the unsubscribe pushes of subscriptions that ended before the reply. */
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
    r->version = pl_span_of(s->manager->options.version);
    r->data = l->data;
    r->ttl = pl_session_set_expiry(s, l->expires_at_s);
    r->expires = l->expires_at_s != 0;
    r->ping = seconds(config_of(s)->ping.interval_ms);
    r->pong = r->ping > 0;
    start_pings(s);
    pl_count(metrics(s), PL_METRIC_AUTH_ATTEMPTS, 1);
    pl_count(metrics(s), PL_METRIC_AUTH_PASSED, 1);
    pl_count(metrics(s), PL_METRIC_CLIENTS, 1);
    pl_session_answer(s, &reply);
    if (s->ending <
        PL_ENDING_SCHEDULED) /* else the reply could not be allocated */
        pl_outq_splice(&s->out, &l->deferred);
    s->state = PL_SESSION_CONNECTED;
    if (pl_tracer_is_on(s->manager->tracer))
        pl_session_trace_connect(s);
    if (s->manager->options.hooks != NULL)
        s->known = PL_KNOWN_SOON;
    end_subs(s, l);
    pl_missing_note(s, l);
    struct pl_kept kept = leave_login(s, PL_SESSION_CONNECTED);
    pl_session_schedule(s);
    PL_LOG(PL_LOG_DEBUG, "client connected",
           pl_log_text("client", pl_session_id(s)),
           pl_log_text("user", pl_client_user(s->subscriber.client)));
    go_on(s, kept);
}

void pl_session_resolve_login(struct pl_session *s)
{
    struct pl_login *l = s->login;

    if (!l->is_judged || l->outstanding > 0)
        return;
    if (l->error != 0)
        end_login(s, l->error, (struct pl_span){0});
    else if (l->has_unencodable)
        pl_session_schedule_close(s, PL_DISCONNECT_INAPPROPRIATE);
    else
        answer_login(s);
}

/* --- The verdict --- */

static bool register_user(struct pl_session *s)
{
    struct pl_register_mail *m = pl_register_mail_create(false);

    if (m == NULL)
        return false;
    m->client = pl_client_hold(s->subscriber.client);
    m->is_single = pl_rulebook_naming(pl_session_rules(s)->book)->is_single;
    m->has_token = s->login->claims != NULL;
    m->issued_at_s = m->has_token ? s->login->claims->issued_at_s : 0;
    s->known = PL_KNOWN_SUPERVISOR;
    pl_actor_send(&s->actor, s->manager->options.supervisor, &m->msg);
    return true;
}

/* How a client is admitted.  Its spans are not owned. */
struct admission {
    struct pl_span user, info;
    struct pl_span data;             /* JSON for the reply; absent: none */
    const struct pl_token_sub *subs; /* last as long as the login */
    size_t sub_count;
    int64_t expires_at_s; /* 0: never */
    bool is_authenticated;
};

static void let_in(struct pl_session *s, const struct admission *a)
{
    struct pl_client_fields fields = {.user = a->user, .info = a->info};
    struct pl_login *l = s->login;
    struct pl_ip ip, place;

    pl_login_find_address(s, &fields, &ip, &place);
    enum pl_err rc = pl_client_create_with(
        &s->subscriber.client, pl_actor_address(&s->actor),
        pl_loop_random(s->actor.loop), &fields);

    /* as in Centrifugo: a token without a user is that of an anonymous */
    s->kind =
        a->is_authenticated && a->user.len > 0 ? PL_RULES_AUTHENTICATED : 0;
    l->expires_at_s = a->expires_at_s;
    l->data = a->data;
    if (rc != PL_OK || !register_user(s) ||
        (l->data.at != NULL && !pl_login_copy(l, &l->data)) ||
        !pl_login_list_channels(s, a->subs, a->sub_count)) {
        end_login(s, PL_ERROR_INTERNAL, (struct pl_span){0});
        return;
    }
    pl_login_attach_all(s);
    pl_session_resolve_login(s);
}

static void admit(struct pl_session *s, const struct admission *a)
{
    uint16_t code = PL_DISCONNECT_FORCED;
    const char *why = pl_session_denial(s, s->login->claims, a->user, &code);

    if (why == NULL) {
        let_in(s, a);
        return;
    }
    pl_count(metrics(s), PL_METRIC_REFUSED_DENIED, 1);
    close_for_token(s, code, why);
}

static struct admission of_token(const struct pl_token_claims *claims)
{
    return (struct admission){.user = claims->user,
                              .info = claims->info,
                              .subs = claims->subs,
                              .sub_count = claims->sub_count,
                              .expires_at_s = claims->expires_at_s,
                              .is_authenticated = true};
}

static void ask_handler(struct pl_session *s,
                        const struct pl_connect_request *r)
{
    struct pl_session_manager *k = s->manager;

    k->logins += k->logins == UINT32_MAX ? 2 : 1; /* 0 means no call */
    s->login->number = k->logins;
    s->login->handlers = pl_handlers_hold(k->handlers);
    const struct pl_token_claims *claims = s->login->claims;
    struct pl_span user = {NULL, 0};
    if (claims != NULL)
        user = claims->user;
    pl_session_ask_connect(s, r, user, k->logins);
}

/* Refuse with a temporary error: the program may be starting and register its
 * handler soon. */
static void refuse_unjudged(struct pl_session *s)
{
    PL_LOG_LIMITED(PL_LOG_KIND_HANDLER_ABSENT, PL_LOG_WARN,
                   "no connect handler is registered",
                   pl_log_text("client", pl_session_id(s)));
    end_login(s, PL_ERROR_INTERNAL,
              PL_SPAN("no connect handler is registered"));
}

static bool has_connect_handler(const struct pl_session *s)
{
    pl_handler *call;
    void *context;
    const char *name;

    return pl_handlers_find(s->manager->handlers, PL_SPAN("connect"), &call,
                            &context, &name);
}

/* The token is genuine: admit its user, or ask the connect handler if it
 * decides on verified tokens too.
 * Owner: takes `claims`. */
static void accept_token(struct pl_session *s,
                         const struct pl_connect_request *r,
                         struct pl_token_claims *claims, int64_t now_s)
{
    s->login->claims = claims;
    if (claims->user.len == 0 && !s->manager->access->nameless) {
        close_for_token(s, PL_DISCONNECT_PERMISSION,
                        "it has no user, and auth.anonymous_tokens is off");
    } else if (claims->sub_count > config_of(s)->limits.connection_channels) {
        close_for_token(s, PL_DISCONNECT_CHANNEL_LIMIT,
                        "more channels than limits.connection_channels");
    } else if (pl_token_is_over(claims, now_s)) {
        fail_login(s, PL_ERROR_EXPIRED, (struct pl_span){0});
    } else if (!pl_token_note_make(s, claims)) {
        end_login(s, PL_ERROR_INTERNAL, (struct pl_span){0});
    } else if (!pl_handlers_judges_tokens(s->manager->handlers)) {
        const struct admission a = of_token(claims);

        admit(s, &a);
    } else if (has_connect_handler(s)) {
        ask_handler(s, r);
    } else {
        refuse_unjudged(s);
    }
}

/* Keep what the connect says until the key of its token is known. */
static void wait_for_key(struct pl_session *s,
                         const struct pl_connect_request *r)
{
    struct pl_login *l = s->login;

    l->request =
        (struct pl_connect_request){.token = r->token, .data = r->data};
    if (!pl_login_copy(l, &l->request.token) ||
        (r->data.at != NULL && !pl_login_copy(l, &l->request.data)))
        end_login(s, PL_ERROR_INTERNAL, (struct pl_span){0});
    else
        l->waits_for_key = true;
}

static void judge_token(struct pl_session *s,
                        const struct pl_connect_request *r)
{
    int64_t now_s = (int64_t)(pl_loop_wall_ms(s->actor.loop) / 1000);
    struct pl_token_claims *claims = NULL;
    const char *why = NULL;

    switch (pl_session_check_login(s, r->token, &claims, &why)) {
    case PL_OK:
        accept_token(s, r, claims, now_s);
        return;
    case PL_EEXPIRED:
        fail_login(s, PL_ERROR_TOKEN_EXPIRED, (struct pl_span){0});
        return;
    case PL_EINVAL: /* genuine, but it names a channel closed to clients */
        fail_login(s, PL_ERROR_PERMISSION_DENIED, pl_span_of(why));
        return;
    case PL_EAGAIN:
        wait_for_key(s, r);
        return;
    case PL_EIO: /* no fault of the client, which tries again */
        fail_login(s, PL_ERROR_INTERNAL, pl_span_of(why));
        return;
    case PL_ENOMEM:
        end_login(s, PL_ERROR_INTERNAL, (struct pl_span){0});
        return;
    default:
        reject_token(s, why);
    }
}

void pl_session_login_keyed(struct pl_session *s)
{
    if (s->state != PL_SESSION_LOGIN || !s->login->waits_for_key)
        return;
    s->login->waits_for_key = false;
    judge_token(s, &s->login->request);
    if (s->state != PL_SESSION_LOGIN || !s->login->waits_for_key)
        pl_headers_forget(s);
}

void pl_session_login_overdue(struct pl_session *s)
{
    if (!s->login->is_judged && !s->login->waits_for_key) {
        pl_count(metrics(s), PL_METRIC_HANDLER_TIMEOUT, 1);
        PL_LOG_LIMITED(PL_LOG_KIND_HANDLER_TIMEOUT, PL_LOG_WARN,
                       "handler did not answer in time",
                       pl_log_string("handler", "connect"),
                       pl_log_text("client", pl_session_id(s)));
    }
    pl_timer_start(s->actor.loop, &s->timer, config_of(s)->connect.timeout_ms);
    end_login(s, PL_ERROR_INTERNAL, PL_SPAN("the login took too long"));
}

static void judge(struct pl_session *s, const struct pl_connect_request *r)
{
    if (r->token.len > 0 &&
        !pl_token_policy_is_empty(s->manager->access->tokens))
        judge_token(s, r);
    else if (has_connect_handler(s))
        ask_handler(s, r);
    else if (pl_handlers_judge(s->manager->handlers))
        refuse_unjudged(s);
    else if (r->token.len > 0)
        reject_token(s, "no key in auth to check it with");
    else if (s->manager->access->anonymous)
        admit(s, &(struct admission){.user = PL_SPAN("")});
    else
        fail_login(s, PL_ERROR_UNAUTHORIZED, (struct pl_span){0});
}

static void refuse_short(struct pl_session *s)
{
    pl_count(metrics(s), PL_METRIC_REFUSED_MEMORY, 1);
    end_login(s, PL_ERROR_TOO_MANY_REQUESTS, (struct pl_span){0});
}

static void refuse_field(struct pl_session *s, const char *field)
{
    char space[PL_FIELD_TEXT_MAX];
    struct pl_span text;
    uint32_t code = pl_session_field_error(field, space, &text);

    end_login(s, code, text);
}

void pl_session_connect(struct pl_session *s, const struct pl_command *c)
{
    struct pl_login *l = calloc(1, sizeof *l);

    if (l == NULL) {
        pl_session_resolve(s, PL_METRIC_COMMANDS_REFUSED);
        pl_session_close(s, PL_DISCONNECT_SERVER_ERROR, (struct pl_span){0});
        return;
    }
    l->command = c->id;
    s->login = l;
    s->state = PL_SESSION_LOGIN;
    l->wants_inbox = pl_login_wants_inbox(s, c->connect.data);
    if (s->manager->phase != PL_PHASE_RUNNING)
        end_login(s, PL_ERROR_STOPPING, (struct pl_span){0});
    else if (s->manager->is_short)
        refuse_short(s);
    else if (pl_login_refused(&c->connect) != NULL)
        refuse_field(s, pl_login_refused(&c->connect));
    else if (!pl_login_copy_positions(l, &c->connect))
        end_login(s, PL_ERROR_INTERNAL, (struct pl_span){0});
    else
        judge(s, &c->connect);
    if (s->state != PL_SESSION_LOGIN || !s->login->waits_for_key)
        pl_headers_forget(s); /* the call of the judge has a copy */
}

/* Let *a have the channels of the verdict.  False: out of memory. */
static bool take_channels(struct pl_session *s, const struct pl_verdict *v,
                          struct admission *a)
{
    const char *at = v->channels.at, *end = at + v->channels.len;
    size_t count = 0;

    for (const char *c = at; c < end; c++)
        count += *c == '\0';
    struct pl_token_sub *subs =
        pl_arena_alloc(&s->login->arena, count * sizeof *subs);
    if (subs == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        subs[i] = (struct pl_token_sub){.channel = pl_span_of(at)};
        at += subs[i].channel.len + 1;
        if (!pl_login_copy(s->login, &subs[i].channel))
            return false;
    }
    a->subs = subs;
    a->sub_count = count;
    return true;
}

/* Admit the client; the token supplies what the program left out. */
static void admit_judged(struct pl_session *s, const struct pl_verdict *v)
{
    const struct pl_token_claims *claims = s->login->claims;
    struct admission a = {0};

    if (claims != NULL)
        a = of_token(claims);
    a.user = v->user;
    a.data = v->data;
    a.is_authenticated = !v->is_anonymous;
    if (v->info.at != NULL)
        a.info = v->info;
    if (v->expires_at_s != 0)
        a.expires_at_s = v->expires_at_s;
    if (v->channels.at != NULL && !take_channels(s, v, &a))
        end_login(s, PL_ERROR_INTERNAL, (struct pl_span){0});
    else if (a.sub_count > config_of(s)->limits.connection_channels)
        end_login(s, PL_ERROR_LIMIT_EXCEEDED, (struct pl_span){0});
    else
        admit(s, &a);
}

/* Return true if the login waits for the answer to call `number`. */
static bool is_asked(const struct pl_session *s, uint32_t number)
{
    return s->state == PL_SESSION_LOGIN && !s->login->is_judged &&
           s->login->number == number;
}

bool pl_session_login_watched(struct pl_session *s, struct pl_watch_mail *m)
{
    if (!is_asked(s, m->call) || s->login->watch != NULL)
        return false;
    s->login->watch = m;
    return true;
}

/* The result of the connect handler.  Only pl_call_admit() sets a user. */
void pl_session_login_answered(struct pl_session *s, uint32_t number,
                               const struct pl_verdict *v)
{
    if (!is_asked(s, number)) {
        pl_count(metrics(s), PL_METRIC_HANDLER_LATE, 1);
        return;
    }
    pl_login_end_watch(s->login, s->actor.loop, false);
    if (v->kind == PL_NO) {
        count_failed(s);
        deny_login(s, v);
    } else if (v->user.at == NULL) {
        fail_login(s, PL_ERROR_INTERNAL, (struct pl_span){0});
    } else {
        admit_judged(s, v);
    }
}
