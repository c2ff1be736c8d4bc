/* SPDX-License-Identifier: Apache-2.0 */
/* actor_send.c - messages from actor to actor: channel/, user/, conn/.
 *
 * The session of the sender writes the envelope once and copies the body into
 * it unchanged.  A message to a channel or to a user is a publication; the
 * user's inbox keeps it while the user is away.  A message to one connection is
 * direct mail, which returns with the result.
 *
 * A connection id contains the address of an actor.  A client can write any
 * address: that of a hub, of the supervisor, or of no actor.  So the runtime
 * delivers direct mail to sessions only, and a session compares the whole id.
 *
 * Rejected: signed ids, because all loops, and later all nodes, would have to
 * share the key. */
#include "verdict_private.h"

#include <stdio.h>

#include "channels_mail.h"
#include "custom.h"
#include "grants.h"
#include "json_scan.h"
#include "envelope.h"
#include "log.h"
#include "mail.h"
#include "output.h"
#include "channel_name.h"
#include "permission.h"
#include "replies.h"
#include "session_mail.h"

enum { KIND_TO_CHANNEL = 1000, KIND_TO_USER }; /* pl_origin.kind */

/* Parse {to, type, body}.  Return false if `data` is not a JSON object or has
 * no "to". */
static bool read_message(struct pl_session *s, struct pl_span data,
                         struct pl_envelope *out)
{
    struct pl_json j;
    struct pl_span key;
    bool first = true;

    *out = (struct pl_envelope){0};
    pl_json_init(&j, data, pl_session_arena(s));
    pl_json_space(&j);
    if (!pl_json_take(&j, '{'))
        return false;
    while (pl_json_member(&j, &first, &key)) {
        if (pl_span_equal(key, PL_SPAN("to"))) {
            pl_json_text(&j, &out->to);
        } else if (pl_span_equal(key, PL_SPAN("type"))) {
            pl_json_text(&j, &out->type);
        } else {
            bool is_body = pl_span_equal(key, PL_SPAN("body"));

            pl_json_space(&j);
            const char *from = j.at;
            if (pl_json_skip(&j, PL_JSON_DEPTH_MAX) && is_body)
                out->body = (struct pl_span){from, (size_t)(j.at - from)};
        }
        if (j.err != PL_OK)
            return false;
    }
    pl_json_space(&j);
    return j.err == PL_OK && j.at == j.end && out->to.at != NULL;
}

bool pl_session_is_envelope(struct pl_session *s, struct pl_span data)
{
    struct pl_envelope l;

    return read_message(s, data, &l);
}

/* Append to `b` what the receiver gets. */
static void write_envelope(struct pl_session *s, const struct pl_envelope *l,
                           struct pl_buf *b)
{
    struct pl_envelope signed_one = *l;

    signed_one.user = pl_session_user(s);
    signed_one.client = pl_session_id(s);
    pl_envelope_write(b, &signed_one,
                      pl_random_u64(pl_loop_random(pl_session_loop(s))));
}

static void refuse_begin(struct pl_session *s, uint32_t id, enum pl_err rc)
{
    if (id != 0)
        pl_session_fail_begin(s, id, rc);
    else
        pl_session_refuse(s, id,
                          rc == PL_EFULL ? PL_ERROR_TOO_MANY_REQUESTS
                                         : PL_ERROR_INTERNAL);
}

static void accepted(struct pl_session *s, uint32_t id, uint32_t count,
                     bool stored)
{
    char text[64];
    struct pl_reply reply = {.id = id, .kind = PL_REPLY_RPC};

    pl_count(metrics(s), PL_METRIC_CUSTOM, 1);
    if (id == 0) {
        pl_session_resolve(s, PL_METRIC_COMMANDS_SILENT);
        return;
    }
    int len = snprintf(text, sizeof text, "{\"accepted\":%u,\"stored\":%s}",
                       (unsigned)count, stored ? "true" : "false");
    reply.rpc = (struct pl_span){text, (size_t)len};
    pl_session_answer(s, &reply);
}

/* --- To a channel, to a user --- */

static void publish(struct pl_session *s, uint32_t id, struct pl_span channel,
                    uint64_t hash, const struct pl_envelope *l, uint32_t kind)
{
    struct pl_buf b = {0};
    enum pl_err rc = PL_ENOMEM;

    write_envelope(s, l, &b);
    struct pl_publish_ask ask = {.channel = channel,
                                 .hash = hash,
                                 .data = pl_buf_span(&b),
                                 .is_json = true,
                                 .command = id,
                                 .kind = kind};
    if (!b.failed)
        rc = pl_hub_publish(pl_session_hub(s), pl_session_subscriber(s),
                            pl_session_shown(s, channel, hash), &ask);
    if (rc != PL_OK)
        refuse_begin(s, id, rc);
    pl_buf_fini(&b);
}

/* If a judge decides on publications, it also decides on messages to a channel;
 * they keep their order within the channel.  Return false if the command waits
 * or has its reply. */
static bool is_allowed(struct pl_session *s, uint32_t id, struct pl_span name,
                       struct pl_envelope *l)
{
    struct pl_question q = {
        .asks = PL_ASKS_PUBLISH, .channel = name, .data = l->body};

    if (!pl_session_is_judged(s, PL_ASKS_PUBLISH))
        return true;
    if (pl_session_joins(s, name, id) || pl_session_judge(s, id, &q) != PL_YES)
        return false;
    l->body = q.data;
    return true;
}

static void to_channel(struct pl_session *s, uint32_t id, struct pl_span name,
                       const struct pl_envelope *l)
{
    struct pl_envelope allowed = *l;

    if (pl_session_is_bad_length(s, name)) {
        pl_session_refuse(s, id, PL_ERROR_BAD_REQUEST);
        return;
    }
    struct pl_named n = pl_session_name(s, name);
    if (n.rules == NULL)
        pl_session_refuse(s, id, PL_ERROR_UNKNOWN_CHANNEL);
    else if (n.traits & PL_NAME_BAD)
        pl_session_refuse(s, id, PL_ERROR_BAD_REQUEST);
    else if (!pl_session_has_grant(s, name, &n, PL_GRANT_PUBLISH))
        pl_session_refuse(s, id, PL_ERROR_PERMISSION_DENIED);
    else if (is_allowed(s, id, name, &allowed))
        publish(s, id, name, n.hash, &allowed, KIND_TO_CHANNEL);
}

static void to_user(struct pl_session *s, uint32_t id, struct pl_span user,
                    const struct pl_envelope *l)
{
    char name[PL_CHANNEL_NAME_MAX];

    if (user.len == 0 || user.len > sizeof name - 1) {
        pl_session_refuse(s, id, PL_ERROR_BAD_REQUEST);
        return;
    }
    name[0] = PL_CHANNEL_USER_INBOX;
    memcpy(name + 1, user.at, user.len);
    struct pl_span inbox = {name, user.len + 1};
    publish(s, id, inbox, pl_session_name(s, inbox).hash, l, KIND_TO_USER);
}

void pl_session_actor_published(struct pl_session *s,
                                const struct pl_publish_mail *m)
{
    if (m->error != 0)
        pl_session_refuse(s, m->origin.command, m->error);
    else if (m->origin.kind == KIND_TO_CHANNEL)
        accepted(s, m->origin.command, 1, m->stored);
    else
        accepted(s, m->origin.command, m->accepted, m->stored);
}

/* --- To one connection --- */

static void to_connection(struct pl_session *s, uint32_t id,
                          struct pl_span client, const struct pl_envelope *l)
{
    struct pl_address address;
    struct pl_buf b = {0};

    if (pl_client_id_parse(client, &address) != PL_OK) {
        pl_session_refuse(s, id, PL_ERROR_NOT_FOUND);
        return;
    }
    write_envelope(s, l, &b);
    struct pl_direct_mail *m = b.failed ? NULL : pl_direct_mail_create();
    if (m != NULL) {
        m->client = pl_blob_create(client);
        m->data = pl_blob_create(pl_buf_span(&b));
    }
    pl_buf_fini(&b);
    if (m == NULL || m->client == NULL || m->data == NULL) {
        if (m != NULL)
            pl_mail_destroy(&m->msg);
        pl_session_refuse(s, id, PL_ERROR_INTERNAL);
        return;
    }
    m->origin.command = id;
    m->for_kind.kind = pl_session_actor(s)->ops; /* sessions only */
    pl_actor_send_kind(pl_session_actor(s), address, &m->for_kind);
}

/* Push the message to the client of `s`.  Return 0, or an error: this session
 * has no connected client with the id, or is about to close. */
static uint32_t take_direct(struct pl_session *s,
                            const struct pl_direct_mail *m)
{
    char inbox[1 + PL_CLIENT_ID_LEN] = {PL_CHANNEL_CONNECTION_INBOX};
    struct pl_push push = {.kind = PL_PUSH_MESSAGE,
                           .data = pl_blob_span(m->data)};

    if (!pl_session_is_connected(s) ||
        !pl_span_equal(pl_blob_span(m->client), pl_session_id(s)))
        return PL_ERROR_NOT_FOUND;
    if (pl_session_has_inbox(s)) {
        memcpy(inbox + 1, pl_session_id(s).at, PL_CLIENT_ID_LEN);
        push = (struct pl_push){.kind = PL_PUSH_PUBLICATION,
                                .channel = {inbox, sizeof inbox},
                                .publication = {.data = pl_blob_span(m->data)}};
    }
    pl_session_push(s, &push);
    return !pl_session_has_scheduled_close(s) ? 0 : PL_ERROR_GONE;
}

/* Handle direct mail: a message for this connection, or the result of a message
 * that this session sent. */
void pl_session_direct(struct pl_session *s, struct pl_direct_mail *m)
{
    if (m->msg.returned) {
        m->error =
            m->msg.status == PL_EFULL ? PL_ERROR_STOPPING : PL_ERROR_NOT_FOUND;
    } else if (!m->is_answer) {
        m->error = take_direct(s, m);
        m->is_answer = true;
        pl_mail_answer(pl_session_actor(s), &m->msg);
        return;
    }
    if (pl_session_is_connected(s)) {
        if (m->error == 0)
            accepted(s, m->origin.command, 1, false);
        else
            pl_session_refuse(s, m->origin.command, m->error);
    }
    pl_mail_destroy(&m->msg);
}

void pl_session_actor_send(struct pl_session *s, uint32_t id,
                           struct pl_span data)
{
    static const struct {
        struct pl_span prefix;
        uint8_t grant; /* of the connection; 0: none is needed */
        void (*send)(struct pl_session *, uint32_t, struct pl_span,
                     const struct pl_envelope *);
    } kinds[] = {
        {{"channel/", 8}, 0, to_channel}, /* its rules say */
        {{"user/", 5}, PL_GRANT_SEND, to_user},
        {{"conn/", 5}, PL_GRANT_SEND, to_connection},
    };
    struct pl_envelope l;

    if (pl_session_is_short(s)) {
        pl_count(metrics(s), PL_METRIC_REFUSED_MEMORY, 1);
        pl_session_refuse(s, id, PL_ERROR_TOO_MANY_REQUESTS);
        return;
    }
    if (!read_message(s, data, &l)) {
        pl_session_refuse(s, id, PL_ERROR_BAD_REQUEST);
        return;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct pl_span p = kinds[i].prefix;

        if (l.to.len < p.len || memcmp(l.to.at, p.at, p.len) != 0)
            continue;
        if ((pl_session_grants(s) & kinds[i].grant) != kinds[i].grant) {
            pl_session_refuse(s, id, PL_ERROR_PERMISSION_DENIED);
            return;
        }
        kinds[i].send(s, id,
                      (struct pl_span){l.to.at + p.len, l.to.len - p.len}, &l);
        return;
    }
    pl_session_refuse(s, id, PL_ERROR_NOT_FOUND);
}
