/* SPDX-License-Identifier: Apache-2.0 */
/* custom.c - rpc and send: messages that do not concern a channel.
 *
 * A method belongs to parley (actor.*, sys.*) or to a handler of the embedding
 * program.  A handler may reply later; until then the command is pending, and
 * no other command waits for it.  Each result arrives by mail, whether the
 * handler replies at once or from another thread.  If a handler does not reply
 * within handlers.timeout, the command fails with error 408, and a later result
 * is only counted.  A connect has its own deadline, connect.timeout. */
#include "custom.h"

#include <stdio.h>

#include "call.h"
#include "grants.h"
#include "handlers.h"
#include "headers.h"
#include "json_scan.h"
#include "mail.h"
#include "replies.h"
#include "supervisor_mail.h"
#include "verdict_private.h"

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
    if (!pl_handlers_find(pl_session_handlers(s), type, &handler, &context,
                          &name))
        return false;
    fields.type = type;
    pl_session_sign_call(s, &fields);
    struct pl_call *call;
    enum pl_err rc =
        pl_session_create_call(s, &fields, name, command != 0, command, &call);
    if (rc == PL_EFULL) {
        pl_session_fail_begin(s, command, rc);
        return true;
    }
    if (rc != PL_OK) {
        pl_session_schedule_close(s, PL_DISCONNECT_SERVER_ERROR);
        return true;
    }
    /* The handler may replace the table, and note_slow() needs the name. */
    struct pl_handlers *table = pl_handlers_hold(pl_session_handlers(s));
    uint64_t began_ms = pl_session_enter(s, name);
    handler(call, context);
    pl_session_leave(s, name, began_ms);
    pl_handlers_release(table);
    return true;
}

void pl_session_ask_connect(struct pl_session *s,
                            const struct pl_connect_request *r,
                            struct pl_span user, uint32_t number)
{
    struct pl_call fields = {.is_connect = true,
                             .number = number,
                             .user = user,
                             .token = r->token,
                             .data = r->data,
                             .headers = pl_headers_of(s)};

    pl_session_note_peer(s, &fields);
    if (!call_handler(s, fields, PL_SPAN("connect"), 0))
        pl_session_schedule_close(s, PL_DISCONNECT_SERVER_ERROR);
}

static void unknown_method(struct pl_session *s, uint32_t id)
{
    pl_count(metrics(s), PL_METRIC_CUSTOM_UNKNOWN, 1);
    pl_session_fail(s, id,
                    pl_handlers_count(pl_session_handlers(s)) == 0
                        ? PL_ERROR_NOT_AVAILABLE
                        : PL_ERROR_METHOD_NOT_FOUND);
}

/* Ask the supervisor how many connections the user has; pl_session_counted()
 * replies. */
static void whoami(struct pl_session *s, uint32_t id)
{
    struct pl_user_mail *m = pl_user_mail_create();

    if (m != NULL)
        m->user = pl_blob_create(pl_session_user(s));
    if (m == NULL || m->user == NULL) {
        if (m != NULL)
            pl_mail_destroy(&m->msg);
        pl_session_fail(s, id, PL_ERROR_INTERNAL);
        return;
    }
    m->ask = PL_USER_COUNT;
    m->origin.command = id;
    pl_actor_send(pl_session_actor(s), pl_session_supervisor(s), &m->msg);
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

    if (!pl_session_is_connected(s))
        return;
    if (m->msg.returned) {
        pl_session_fail(s, reply.id, PL_ERROR_STOPPING);
        return;
    }
    pl_buf_put_span(&b, PL_SPAN("{\"user\":"));
    pl_json_text_encode(&b, pl_session_user(s));
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

void pl_session_answer_rpc(struct pl_session *s, uint32_t command,
                           const struct pl_verdict *v)
{
    struct pl_reply reply = {
        .id = command, .kind = PL_REPLY_RPC, .rpc = v->data};

    if (v->kind == PL_NO) {
        pl_session_deny(s, command, v);
    } else if (pl_session_encoding(s) == PL_ENCODING_JSON &&
               reply.rpc.len > 0 && !pl_json_accepts(reply.rpc)) {
        pl_session_fail(s, command, PL_ERROR_INTERNAL);
    } else {
        pl_session_answer(s, &reply);
    }
}

/* Return the member "type" of a message; absent if the message is not a JSON
 * object or has no type. */
static struct pl_span type_of(struct pl_session *s, struct pl_span data)
{
    struct pl_json j;
    struct pl_span key, type = {0};
    bool first = true;

    pl_json_init(&j, data, pl_session_arena(s));
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

    if (pl_session_is_stopping(s)) {
        pl_count(metrics(s), PL_METRIC_REFUSED_STOPPING, 1);
        pl_session_resolve(s, PL_METRIC_COMMANDS_REFUSED);
    } else if (pl_session_is_envelope(s, c->data)) {
        pl_session_actor_send(s, 0, c->data);
    } else if (call_handler(s, fields, type_of(s, c->data), 0)) {
        pl_count(metrics(s), PL_METRIC_CUSTOM, 1);
        pl_session_resolve(s, PL_METRIC_COMMANDS_SILENT);
    } else {
        pl_count(metrics(s), PL_METRIC_CUSTOM_UNKNOWN, 1);
        pl_session_violate(s, PL_DISCONNECT_NOT_AVAILABLE,
                           "nobody handles this message");
    }
}
