/* SPDX-License-Identifier: Apache-2.0 */
/* custom.c - rpc and send: messages that do not concern a channel.
 *
 * A method belongs to parley (actor.*, sys.*) or to a handler of the embedding
 * program.  A handler may reply later; until then the command is pending, and
 * no other command waits for it.  Each result arrives by mail, whether the
 * handler replies at once or from another thread.  If a handler does not reply
 * within handlers.timeout, the command fails with error 408, and a later result
 * is only counted.  A connect has its own deadline, connect.timeout. */
#include "verdict_private.h"

#include <stdio.h>

#include "commands.h"
#include "custom.h"
#include "json_scan.h"
#include "line.h"
#include "log.h"
#include "login.h"
#include "login_private.h"
#include "mail.h"
#include "permission.h"
#include "phase_mail.h"
#include "session_mail.h"
#include "supervisor_mail.h"
#include "system.h"
#include "token.h"

static uint64_t clock_ms(const struct pl_session *s)
{
    const struct pl_clock *c = pl_system_clock(pl_loop_system(s->actor.loop));

    return c->monotonic(c) / 1000000;
}

uint64_t pl_session_enter(struct pl_session *s, const char *name)
{
    uint64_t began_ms = clock_ms(s);

    pl_loop_enter(s->actor.loop, name);
    return began_ms;
}

static void note_slow(struct pl_session *s, const char *name, uint64_t ms)
{
    if (ms < s->keeper->options.config->handlers.slow_ms)
        return;
    pl_count(metrics(s), PL_METRIC_HANDLER_SLOW, 1);
    PL_LOG_LIMITED(PL_LOG_KIND_HANDLER_SLOW, PL_LOG_WARN,
                   "handler blocks its loop", pl_log_string("handler", name),
                   pl_log_number("ms", (int64_t)ms),
                   pl_log_text("client", pl_session_id(s)));
}

void pl_session_leave(struct pl_session *s, const char *name, uint64_t began_ms)
{
    pl_loop_leave(s->actor.loop);
    note_slow(s, name, clock_ms(s) - began_ms);
}

void pl_session_sign_call(struct pl_session *s, struct pl_call *fields)
{
    fields->line = pl_loop_line(s->actor.loop);
    fields->session = pl_actor_address(&s->actor);
    if (s->subscriber.client == NULL)
        return;
    fields->user = pl_client_user(s->subscriber.client);
    fields->client = pl_client_id(s->subscriber.client);
}

void pl_session_note_peer(struct pl_session *s, struct pl_call *fields)
{
    char text[PL_IP_TEXT_MAX];

    snprintf(fields->peer, sizeof fields->peer, "%s", pl_session_peer(s, text));
}

/* Create a call.  Unless `command` is 0, add it to the call table.
 * Errors: PL_ENOMEM, PL_EFULL. */
static enum pl_err make_call(struct pl_session *s, const struct pl_call *fields,
                             uint32_t command, const char *name,
                             struct pl_call **out)
{
    struct pl_call *call = pl_call_create(fields);
    enum pl_err rc = call == NULL ? PL_ENOMEM : PL_OK;

    if (rc == PL_OK && command != 0)
        rc = pl_call_table_add(&s->keeper->calls, fields->session, command,
                               s->keeper->handlers, name, &call->number);
    if (rc != PL_OK && call != NULL)
        pl_call_destroy(call);
    else
        *out = call;
    return rc;
}

/* Run the handler of `type`.  Its result is the reply to `command`; 0: the
 * client expects none.  Return false if no handler has this type, or if the
 * type is "connect" and the message is not a connect.  If allocation fails,
 * schedule the close of the session. */
static bool call_handler(struct pl_session *s, struct pl_call fields,
                         struct pl_span type, uint32_t command)
{
    pl_handler *handler;
    void *context;
    const char *name;

    if (!fields.is_connect && pl_span_equal(type, PL_SPAN("connect")))
        return false;
    if (!pl_handlers_find(s->keeper->handlers, type, &handler, &context, &name))
        return false;
    fields.type = type;
    pl_session_sign_call(s, &fields);
    struct pl_call *call;
    enum pl_err rc = make_call(s, &fields, command, name, &call);
    if (rc == PL_EFULL) {
        pl_session_fail_begin(s, command, rc);
        return true;
    }
    if (rc != PL_OK) {
        pl_session_doom(s, PL_DISCONNECT_SERVER_ERROR);
        return true;
    }
    /* The handler may replace the table, and note_slow() needs the name. */
    struct pl_handlers *table = pl_handlers_hold(s->keeper->handlers);
    uint64_t began_ms = pl_session_enter(s, name);
    handler(call, context);
    pl_session_leave(s, name, began_ms);
    pl_handlers_release(table);
    return true;
}

void pl_session_ask_connect(struct pl_session *s,
                            const struct pl_connect_request *r, uint32_t number)
{
    struct pl_call fields = {.is_connect = true,
                             .number = number,
                             .token = r->token,
                             .data = r->data};

    pl_session_note_peer(s, &fields);
    if (s->login->claims != NULL)
        fields.user = s->login->claims->user;
    if (!call_handler(s, fields, PL_SPAN("connect"), 0))
        pl_session_doom(s, PL_DISCONNECT_SERVER_ERROR);
}

static void unknown_method(struct pl_session *s, uint32_t id)
{
    pl_count(metrics(s), PL_METRIC_CUSTOM_UNKNOWN, 1);
    pl_session_fail(s, id,
                    pl_handlers_count(s->keeper->handlers) == 0
                        ? PL_ERROR_NOT_AVAILABLE
                        : PL_ERROR_METHOD_NOT_FOUND);
}

/* Ask the supervisor how many connections the user has; pl_session_counted()
 * replies. */
static void whoami(struct pl_session *s, uint32_t id)
{
    struct pl_user_mail *m = pl_user_mail_create();

    if (m != NULL)
        m->user = pl_blob_create(pl_client_user(s->subscriber.client));
    if (m == NULL || m->user == NULL) {
        if (m != NULL)
            pl_mail_destroy(&m->msg);
        pl_session_fail(s, id, PL_ERROR_INTERNAL);
        return;
    }
    m->ask = PL_USER_COUNT;
    m->origin.command = id;
    pl_actor_send(&s->actor, s->keeper->options.supervisor, &m->msg);
}

static void put_permissions(struct pl_buf *b, uint8_t grants)
{
    static const char *const names[] = {"subscribe", "publish", "presence",
                                        "history", "send"};
    bool first = true;

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (!(grants & 1u << i))
            continue;
        pl_buf_printf(b, "%s\"%s\"", first ? "" : ",", names[i]);
        first = false;
    }
}

void pl_session_counted(struct pl_session *s, const struct pl_user_mail *m)
{
    struct pl_buf b = {0};
    struct pl_reply reply = {.id = m->origin.command, .kind = PL_REPLY_RPC};

    if (s->state != PL_SESSION_CONNECTED)
        return;
    if (m->msg.returned) {
        pl_session_fail(s, reply.id, PL_ERROR_STOPPING);
        return;
    }
    pl_buf_put_span(&b, PL_SPAN("{\"user\":"));
    pl_json_text_encode(&b, pl_client_user(s->subscriber.client));
    pl_buf_put_span(&b, PL_SPAN(",\"client\":"));
    pl_json_text_encode(&b, pl_session_id(s));
    pl_buf_printf(&b, ",\"connections\":%u,\"permissions\":[",
                  (unsigned)m->connections);
    put_permissions(&b, pl_session_grants(s));
    pl_buf_put_span(&b, PL_SPAN("]}"));
    reply.rpc = pl_buf_span(&b);
    if (b.failed)
        pl_session_fail(s, reply.id, PL_ERROR_INTERNAL);
    else
        pl_session_answer(s, &reply);
    pl_buf_fini(&b);
}

void pl_session_rpc(struct pl_session *s, const struct pl_command *c)
{
    struct pl_span method = c->rpc.method;
    struct pl_call fields = {.data = c->rpc.data};

    if (pl_span_equal(method, PL_SPAN("actor.send"))) {
        pl_session_actor_send(s, c->id, c->rpc.data);
    } else if (pl_span_equal(method, PL_SPAN("sys.whoami"))) {
        whoami(s, c->id);
    } else if (!call_handler(s, fields, method, c->id)) {
        unknown_method(s, c->id);
    } else {
        pl_count(metrics(s), PL_METRIC_CUSTOM, 1);
    }
}

static void answer_rpc(struct pl_session *s, uint32_t command,
                       const struct pl_verdict *v)
{
    struct pl_reply reply = {
        .id = command, .kind = PL_REPLY_RPC, .rpc = v->data};

    if (v->kind == PL_NO) {
        pl_session_deny(s, command, v);
    } else if (s->subscriber.encoding == PL_ENCODING_JSON &&
               reply.rpc.len > 0 && !pl_json_accepts(reply.rpc)) {
        pl_session_fail(s, command, PL_ERROR_INTERNAL);
    } else {
        pl_session_answer(s, &reply);
    }
}

void pl_session_answered(struct pl_session *s, struct pl_answer_mail *m)
{
    struct pl_verdict v = pl_verdict_of(m);
    uint32_t command;

    if (m->is_connect) {
        pl_session_login_answered(s, m->call, &v);
    } else if (m->call != 0) {
        if (!pl_call_table_take(&s->keeper->calls, pl_actor_address(&s->actor),
                                m->call, &command))
            pl_count(metrics(s), PL_METRIC_HANDLER_LATE, 1);
        else if (s->state == PL_SESSION_CONNECTED && command != 0)
            answer_rpc(s, command, &v);
        else
            pl_wait_end(s, m->call, &v);
    }
}

/* The watch of a call comes before its answer, but maybe after its end. */
void pl_session_watched(struct pl_session *s, struct pl_watch_mail *m)
{
    bool is_open =
        m->is_connect
            ? pl_session_login_watched(s, m)
            : pl_call_table_watch(&s->keeper->calls,
                                  pl_actor_address(&s->actor), m->call, m);

    if (!is_open)
        pl_watch_end(s->actor.loop, m, true);
}

/* A handler did not reply in time.  Calls of a session end with it, so the
 * session is connected. */
void pl_session_overdue(void *keeper, const struct pl_call_overdue *call)
{
    struct pl_keeper *k = keeper;
    struct pl_session *s =
        (struct pl_session *)pl_actor_find(k->actor.loop, call->session);

    pl_count(metrics(s), PL_METRIC_HANDLER_TIMEOUT, 1);
    PL_LOG_LIMITED(PL_LOG_KIND_HANDLER_TIMEOUT, PL_LOG_WARN,
                   "handler did not answer in time",
                   pl_log_string("handler", call->name),
                   pl_log_text("client", pl_session_id(s)));
    struct pl_verdict v = pl_verdict_overdue();
    if (call->command != 0)
        pl_session_fail(s, call->command, PL_ERROR_TIMED_OUT);
    else
        pl_wait_end(s, call->number, &v);
}

/* Return the member "type" of a message; absent if the message is not a JSON
 * object or has no type. */
static struct pl_span type_of(struct pl_session *s, struct pl_span data)
{
    struct pl_json j;
    struct pl_span key, type = {0};
    bool first = true;

    pl_json_init(&j, data, &s->keeper->arena);
    pl_json_space(&j);
    if (!pl_json_take(&j, '{'))
        return type;
    while (pl_json_member(&j, &first, &key)) {
        if (pl_span_equal(key, PL_SPAN("type")))
            pl_json_text(&j, &type);
        else
            pl_json_skip(&j, PL_JSON_DEPTH_MAX);
        if (j.err != PL_OK)
            return (struct pl_span){0};
    }
    return type;
}

void pl_session_send(struct pl_session *s, const struct pl_command *c)
{
    struct pl_call fields = {.data = c->data};

    if (s->keeper->phase != PL_PHASE_RUNNING) {
        pl_count(metrics(s), PL_METRIC_REFUSED_STOPPING, 1);
        pl_session_settle(s, PL_METRIC_COMMANDS_REFUSED);
    } else if (pl_session_is_letter(s, c->data)) {
        pl_session_actor_send(s, 0, c->data);
    } else if (call_handler(s, fields, type_of(s, c->data), 0)) {
        pl_count(metrics(s), PL_METRIC_CUSTOM, 1);
        pl_session_settle(s, PL_METRIC_COMMANDS_SILENT);
    } else {
        pl_count(metrics(s), PL_METRIC_CUSTOM_UNKNOWN, 1);
        pl_session_violate(s, PL_DISCONNECT_NOT_AVAILABLE,
                           "nobody handles this message");
    }
}
