/* SPDX-License-Identifier: Apache-2.0 */
/* orders.c - the orders of parley.h: from the arguments of a call to the
 * request that a desk sends.
 *
 * The requests are those of the server API (admin/calls_send.c) and of clients
 * (session/actor_send.c), so the program can do what these can, by the same
 * path.  All memory is allocated here, by the calling thread: an order that was
 * accepted cannot fail for lack of it before its request is answered.
 *
 * Invariant: all orders about one channel, or to one connection, go to one
 * desk; what is sent to a user goes to that of the channel that is the user's
 * inbox. */
#include "broker_private.h"

#include <string.h>

#include "channels_mail.h"
#include "code.h"
#include "denial_mail.h"
#include "codec.h"
#include "envelope.h"
#include "hub.h"
#include "mail.h"
#include "channel_name.h"
#include "orders.h"
#include "session.h"
#include "session_mail.h"
#include "setup.h"
#include "supervisor_mail.h"
#include "system.h"
#include "tags.h"
#include "token.h"
#include "wire_text.h"

enum {
    DATA_MAX = 1 << 30, /* bytes, the largest that websocket.max_message may
                           be */
    REASON_MAX = 123,   /* bytes in a Close frame, RFC 6455 section 5.5 */
    HISTORY_BYTES = 16 * 1024 * 1024
};

/* The program's part of an order. */
struct asked {
    const char *name;
    pl_report *report;
    void *arg;
    size_t bytes;
};

/* Post the order to the desk of `hash`.  Its request goes to *to, which is read
 * under the guard.
 * Owner: takes `request`, also on error. */
static enum pl_err give(struct pl_broker *b, const struct asked *a,
                        uint64_t hash, const struct pl_address *to,
                        struct pl_msg *request)
{
    struct pl_order *o;
    enum pl_err rc = pl_order_create(&o, request, a->bytes, &b->orders);

    if (rc != PL_OK)
        return rc;
    o->name = a->name;
    o->report = a->report;
    o->arg = a->arg;
    rc = PL_ESTOPPING;
    pl_guard_enter(b->guard);
    if (b->is_running && pl_status_is_ready(&b->status)) {
        o->to = *to;
        o->host = b->host;
        pl_system_post(b->system, b->desks[hash % b->workers], &o->mail.msg);
        rc = PL_OK;
    }
    pl_guard_leave(b->guard);
    if (rc != PL_OK)
        pl_order_forget(o);
    return rc;
}

static enum pl_err give_to_owner(struct pl_broker *b, const struct asked *a,
                                 uint64_t hash, struct pl_msg *request)
{
    return give(b, a, hash, &b->owners[hash % b->workers], request);
}

static enum pl_err copy(struct pl_blob **out, struct pl_span text)
{
    *out = pl_blob_create(text);
    return *out == NULL ? PL_ENOMEM : PL_OK;
}

static bool is_channel(struct pl_span name)
{
    return name.len > 0 && name.len <= PL_CHANNEL_NAME_MAX &&
           pl_text_valid(name);
}

/* --- Publications and messages --- */

static bool may_be_binary(struct pl_broker *b, struct pl_span channel)
{
    pl_guard_enter(b->guard);
    const struct pl_rules *rules = pl_rulebook_find(b->rules, channel);
    bool is_binary = rules != NULL && !pl_rules_want_json(rules);
    pl_guard_leave(b->guard);
    return is_binary;
}

/* Check the data of the publication in place; line ends in JSON become
 * spaces. */
static enum pl_err check_data(struct pl_pub *pub, bool is_binary)
{
    if (pub == NULL)
        return PL_ENOMEM;
    pub->is_json = pl_json_accepts(pl_pub_data(pub));
    return pub->is_json || is_binary ? PL_OK : PL_EINVAL;
}

static enum pl_err copy_terms(struct pl_publish_mail *m,
                              const struct pl_pub_terms *terms)
{
    if (pl_pub_terms_are_usual(terms))
        return PL_OK;
    m->terms = pl_pub_terms_copy(terms);
    return m->terms == NULL ? PL_ENOMEM : PL_OK;
}

/* What is asked of a publication. */
struct wish {
    struct pl_pub_terms terms;
    struct pl_span tags; /* tags.h */
};

static enum pl_err publish(struct pl_broker *b, struct asked *a,
                           struct pl_span channel, struct pl_span data,
                           bool is_binary, const struct wish *wish)
{
    uint64_t hash = pl_hash(&b->key, channel);
    struct pl_publish_mail *m = pl_publish_mail_create();

    if (m == NULL)
        return PL_ENOMEM;
    m->pub = pl_pub_create_tagged(channel, hash, data, wish->tags);
    enum pl_err rc = check_data(m->pub, is_binary);
    if (rc == PL_OK)
        rc = copy_terms(m, &wish->terms);
    if (rc != PL_OK) {
        pl_mail_destroy(&m->msg);
        return rc;
    }
    a->bytes = data.len;
    return give_to_owner(b, a, hash, &m->msg);
}

static bool is_text(const char *text, size_t max)
{
    struct pl_span s = pl_span_of(text);

    return text == NULL || (s.len > 0 && s.len <= max && pl_text_valid(s));
}

/* Append the tags of `p` to `to`, which ends with PL_TAGS_BYTES at most. */
static enum pl_err read_tags(const struct pl_post *p, struct pl_buf *to)
{
    if (p->tag_count > PL_TAGS_MAX || (p->tag_count > 0 && p->tags == NULL))
        return PL_EINVAL;
    for (size_t i = 0; i < p->tag_count; i++) {
        struct pl_span key = pl_span_of(p->tags[i].key);
        struct pl_span value = pl_span_of(p->tags[i].value);

        if (key.at == NULL || value.at == NULL || !pl_text_valid(key) ||
            !pl_text_valid(value) || key.len > PL_TAGS_BYTES ||
            value.len > PL_TAGS_BYTES)
            return PL_EINVAL;
        pl_tags_put(to, key, value);
        if (to->len > PL_TAGS_BYTES)
            return PL_EINVAL;
    }
    return to->failed ? PL_ENOMEM : PL_OK;
}

/* Read `how` into *w; its tags become those in `tags`. */
static enum pl_err read_post(struct pl_broker *b, const struct pl_post *how,
                             struct wish *w, struct pl_buf *tags)
{
    struct pl_post p = {0};

    if (how == NULL)
        return PL_OK;
    const struct pl_log *before = pl_log_use(&b->log);
    enum pl_err rc =
        pl_options_copy(&p, sizeof p, sizeof p, how, "struct pl_post");
    pl_log_use(before);
    if (rc == PL_OK && (!is_text(p.id, PL_PUB_ID_MAX) ||
                        !is_text(p.version_epoch, PL_PUB_VERSION_EPOCH_MAX)))
        rc = PL_EINVAL;
    if (rc != PL_OK)
        return rc;
    w->terms =
        (struct pl_pub_terms){.id = pl_span_of(p.id),
                              .version = p.version,
                              .version_epoch = pl_span_of(p.version_epoch),
                              .skips_history = p.skip_history};
    rc = read_tags(&p, tags);
    w->tags = pl_buf_span(tags);
    return rc;
}

enum pl_err pl_broker_post(struct pl_broker *b, const char *channel,
                           const void *data, size_t len,
                           const struct pl_post *how, pl_report *report,
                           void *arg)
{
    struct asked a = {.name = "post", .report = report, .arg = arg};
    struct pl_buf tags = {0};
    struct wish wish = {0};
    enum pl_err rc = read_post(b, how, &wish, &tags);

    if (rc == PL_OK && !is_channel(pl_span_of(channel)))
        rc = PL_EINVAL;
    if (rc == PL_OK && len > DATA_MAX)
        rc = PL_ETOOBIG;
    if (rc == PL_OK)
        rc = publish(b, &a, pl_span_of(channel), (struct pl_span){data, len},
                     may_be_binary(b, pl_span_of(channel)), &wish);
    pl_buf_fini(&tags);
    return rc;
}

static bool begins_with(struct pl_span *s, struct pl_span prefix)
{
    if (s->len <= prefix.len || memcmp(s->at, prefix.at, prefix.len) != 0)
        return false;
    s->at += prefix.len;
    s->len -= prefix.len;
    return true;
}

static enum pl_err send_direct(struct pl_broker *b, struct asked *a,
                               uint64_t hash, struct pl_span client,
                               struct pl_span envelope)
{
    struct pl_address to;

    if (pl_client_id_parse(client, &to) != PL_OK)
        return PL_EINVAL;
    struct pl_direct_mail *m = pl_direct_mail_create();
    if (m == NULL)
        return PL_ENOMEM;
    m->for_kind.kind = &pl_session_actor_ops;
    m->client = pl_blob_create(client);
    m->data = pl_blob_create(envelope);
    if (m->client == NULL || m->data == NULL) {
        pl_mail_destroy(&m->msg);
        return PL_ENOMEM;
    }
    a->bytes = envelope.len;
    return give(b, a, hash, &to, &m->msg);
}

static enum pl_err send_envelope(struct pl_broker *b, struct asked *a,
                                 struct pl_span to, struct pl_span envelope)
{
    char inbox[1 + PL_TOKEN_USER_MAX] = {PL_CHANNEL_USER_INBOX};
    uint64_t hash = pl_hash(&b->key, to); /* as of other orders to "conn/ID" */
    const struct wish none = {0};

    if (begins_with(&to, PL_SPAN("conn/")))
        return send_direct(b, a, hash, to, envelope);
    if (begins_with(&to, PL_SPAN("channel/")))
        return is_channel(to) ? publish(b, a, to, envelope, false, &none)
                              : PL_EINVAL;
    if (!begins_with(&to, PL_SPAN("user/")) || to.len > PL_TOKEN_USER_MAX)
        return PL_EINVAL;
    memcpy(inbox + 1, to.at, to.len);
    return publish(b, a, (struct pl_span){inbox, to.len + 1}, envelope, false,
                   &none);
}

static uint64_t random_id(void)
{
    struct pl_random random;

    pl_random_init(&random);
    return pl_random_u64(&random);
}

/* The body alone must be one JSON value: the envelope around it would hide
 * another member. */
static enum pl_err check_envelope(const struct pl_envelope *l)
{
    struct pl_buf body = {0};

    if (l->to.at == NULL || !pl_text_valid(l->to) || !pl_text_valid(l->type))
        return PL_EINVAL;
    if (l->body.at == NULL)
        return PL_OK;
    pl_buf_put_span(&body, l->body);
    enum pl_err rc = body.failed                           ? PL_ENOMEM
                     : pl_json_accepts(pl_buf_span(&body)) ? PL_OK
                                                           : PL_EINVAL;
    pl_buf_fini(&body);
    return rc;
}

enum pl_err pl_broker_send(struct pl_broker *b, const char *to,
                           const char *type, const void *body, size_t len,
                           pl_report *report, void *arg)
{
    struct asked a = {.name = "send", .report = report, .arg = arg};
    struct pl_buf envelope = {0};
    struct pl_envelope l = {
        .user = PL_SPAN(""),
        .client = PL_SPAN(""),
        .to = pl_span_of(to),
        .type = pl_span_of(type),
        .body = {body, len},
    };

    if (len > DATA_MAX)
        return PL_ETOOBIG;
    enum pl_err rc = check_envelope(&l);
    if (rc != PL_OK)
        return rc;
    pl_envelope_write(&envelope, &l, random_id());
    if (envelope.failed)
        rc = PL_ENOMEM;
    else if (!pl_json_accepts(pl_buf_span(&envelope))) /* removes line ends */
        rc = PL_EINVAL; /* nested too deep with the envelope around it */
    else
        rc = send_envelope(b, &a, l.to, pl_buf_span(&envelope));
    pl_buf_fini(&envelope);
    return rc;
}

/* --- Connections --- */

/* Read "user/ID" or "conn/ID". */
static enum pl_err set_target(struct pl_user_mail *m, struct pl_span target)
{
    struct pl_address address;

    if (target.at == NULL || !pl_text_valid(target))
        return PL_EINVAL;
    if (begins_with(&target, PL_SPAN("user/")))
        return target.len > PL_TOKEN_USER_MAX ? PL_EINVAL
                                              : copy(&m->user, target);
    if (!begins_with(&target, PL_SPAN("conn/")) ||
        pl_client_id_parse(target, &address) != PL_OK)
        return PL_EINVAL;
    return copy(&m->client, target);
}

/* Ask the supervisor.  `channel` and `reason` may be absent. */
static enum pl_err ask_user(struct pl_broker *b, const struct asked *a,
                            const struct pl_user_mail *fields,
                            const char *target, struct pl_span channel,
                            struct pl_span reason)
{
    struct pl_user_mail *m = pl_user_mail_create();

    if (m == NULL)
        return PL_ENOMEM;
    m->ask = fields->ask;
    m->code = fields->code;
    m->sub_flags = fields->sub_flags;
    m->terms = pl_sub_terms_hold(&fields->terms);
    enum pl_err rc = set_target(m, pl_span_of(target));
    if (rc == PL_OK && channel.at != NULL)
        rc = copy(&m->channel, channel);
    if (rc == PL_OK && reason.len > 0)
        rc = copy(&m->reason, reason);
    if (rc != PL_OK) {
        pl_mail_destroy(&m->msg);
        return rc;
    }
    return give(b, a, pl_hash(&b->key, pl_span_of(target)),
                &b->supervisor_address, &m->msg);
}

enum pl_err pl_broker_disconnect(struct pl_broker *b, const char *target,
                                 uint32_t code, const char *reason,
                                 pl_report *report, void *arg)
{
    const struct asked a = {.name = "disconnect", .report = report, .arg = arg};
    const struct pl_user_mail m = {.ask = PL_USER_DISCONNECT,
                                   .code =
                                       code == 0 ? PL_DISCONNECT_FORCED : code};
    struct pl_span text = pl_span_of(reason);

    if (m.code < 3000 || m.code > 4999 || text.len > REASON_MAX ||
        !pl_text_valid(text))
        return PL_EINVAL;
    return ask_user(b, &a, &m, target, (struct pl_span){0}, text);
}

static uint8_t sub_flags(uint32_t with)
{
    return (with & PL_WITH_JOIN_LEAVE ? PL_SUB_JOIN_LEAVE : 0) |
           (with & PL_WITHOUT_PRESENCE ? PL_SUB_HIDDEN : 0);
}

enum pl_err pl_broker_subscribe(struct pl_broker *b, const char *target,
                                const char *channel, uint32_t with,
                                pl_report *report, void *arg)
{
    const struct asked a = {.name = "subscribe", .report = report, .arg = arg};
    const struct pl_user_mail m = {.ask = PL_USER_SUBSCRIBE,
                                   .sub_flags = sub_flags(with)};
    struct pl_span name = pl_span_of(channel);

    if (with & ~(uint32_t)(PL_WITH_JOIN_LEAVE | PL_WITHOUT_PRESENCE))
        return PL_EINVAL;
    if (!is_channel(name) || pl_channel_name_check(name) != PL_CHANNEL_NAME_OK)
        return PL_EINVAL;
    return ask_user(b, &a, &m, target, name, (struct pl_span){0});
}

enum pl_err pl_broker_unsubscribe(struct pl_broker *b, const char *target,
                                  const char *channel, uint32_t code,
                                  pl_report *report, void *arg)
{
    const struct asked a = {
        .name = "unsubscribe", .report = report, .arg = arg};
    const struct pl_user_mail m = {.ask = PL_USER_UNSUBSCRIBE,
                                   .code = code == 0 ? PL_UNSUBSCRIBE_SERVER
                                                     : code};
    struct pl_span name = pl_span_of(channel);

    if (!is_channel(name) || m.code < 2000 || m.code > 2999)
        return PL_EINVAL;
    return ask_user(b, &a, &m, target, name, (struct pl_span){0});
}

enum pl_err pl_order_user(struct pl_broker *b, const char *name,
                          const struct pl_user_mail *fields, const char *target,
                          struct pl_span channel, pl_report *report, void *arg)
{
    const struct pl_sub_terms *t = &fields->terms;
    const struct asked a = {.name = name,
                            .report = report,
                            .arg = arg,
                            .bytes = pl_blob_span(t->info).len +
                                     pl_blob_span(t->data).len};

    if (channel.at != NULL &&
        (!is_channel(channel) ||
         pl_channel_name_check(channel) != PL_CHANNEL_NAME_OK))
        return PL_EINVAL;
    return ask_user(b, &a, fields, target, channel, (struct pl_span){0});
}

/* --- Revoked tokens and blocked users --- */

static enum pl_err set_denial(struct pl_denial_mail *m, struct pl_span name,
                              size_t most, struct pl_span channel)
{
    if (name.len == 0 || name.len > most || !pl_text_valid(name) ||
        m->denial.expires_at_s < 0 || m->denial.issued_before_s < 0 ||
        (channel.at != NULL && !is_channel(channel)))
        return PL_EINVAL;
    enum pl_err rc = copy(&m->name, name);
    return rc == PL_OK && channel.at != NULL ? copy(&m->channel, channel) : rc;
}

static enum pl_err deny(struct pl_broker *b, const struct asked *a,
                        enum pl_denial_ask ask, const struct pl_denial *d,
                        const char *name, const char *channel)
{
    size_t most =
        d->kind == PL_DENIAL_TOKEN ? PL_TOKEN_ID_MAX : PL_TOKEN_USER_MAX;
    struct pl_denial_mail *m = pl_denial_mail_create();

    if (m == NULL)
        return PL_ENOMEM;
    m->ask = ask;
    m->denial = *d;
    enum pl_err rc = set_denial(m, pl_span_of(name), most, pl_span_of(channel));
    if (rc != PL_OK) {
        pl_mail_destroy(&m->msg);
        return rc;
    }
    return give(b, a, pl_hash(&b->key, pl_blob_span(m->name)),
                &b->supervisor_address, &m->msg);
}

enum pl_err pl_broker_revoke(struct pl_broker *b, const char *token_id,
                             int64_t expires_at_s, pl_report *report, void *arg)
{
    const struct asked a = {.name = "revoke", .report = report, .arg = arg};
    const struct pl_denial d = {.kind = PL_DENIAL_TOKEN,
                                .expires_at_s = expires_at_s};

    return deny(b, &a, PL_DENIAL_ADD, &d, token_id, NULL);
}

enum pl_err pl_broker_revoke_before(struct pl_broker *b, const char *user,
                                    const char *channel,
                                    int64_t issued_before_s,
                                    int64_t expires_at_s, pl_report *report,
                                    void *arg)
{
    const struct asked a = {.name = "revoke", .report = report, .arg = arg};
    const struct pl_denial d = {.kind = PL_DENIAL_TOKENS,
                                .issued_before_s = issued_before_s,
                                .expires_at_s = expires_at_s};

    return deny(b, &a, PL_DENIAL_ADD, &d, user, channel);
}

enum pl_err pl_broker_block(struct pl_broker *b, const char *user,
                            int64_t expires_at_s, pl_report *report, void *arg)
{
    const struct asked a = {.name = "block", .report = report, .arg = arg};
    const struct pl_denial d = {.kind = PL_DENIAL_USER,
                                .expires_at_s = expires_at_s};

    return deny(b, &a, PL_DENIAL_ADD, &d, user, NULL);
}

enum pl_err pl_broker_unblock(struct pl_broker *b, const char *user,
                              pl_report *report, void *arg)
{
    const struct asked a = {.name = "unblock", .report = report, .arg = arg};
    const struct pl_denial d = {.kind = PL_DENIAL_USER};

    return deny(b, &a, PL_DENIAL_REMOVE, &d, user, NULL);
}

/* --- Questions about a channel --- */

static enum pl_err query(struct pl_broker *b, const struct asked *a,
                         struct pl_query_mail *m, const char *channel)
{
    struct pl_span name = pl_span_of(channel);
    enum pl_err rc = is_channel(name) ? copy(&m->channel, name) : PL_EINVAL;

    if (rc != PL_OK) {
        pl_mail_destroy(&m->msg);
        return rc;
    }
    m->hash = pl_hash(&b->key, name);
    return give_to_owner(b, a, m->hash, &m->msg);
}

static enum pl_err read_history(struct pl_history *to,
                                const struct pl_history *from)
{
    *to = (struct pl_history){.limit = -1};
    if (from == NULL)
        return PL_OK;
    enum pl_err rc =
        pl_options_copy(to, sizeof *to, sizeof *to, from, "struct pl_history");
    return rc == PL_OK && to->limit < -1 ? PL_EINVAL : rc;
}

enum pl_err pl_broker_history(struct pl_broker *b, const char *channel,
                              const struct pl_history *what, pl_report *report,
                              void *arg)
{
    const struct asked a = {.name = "history", .report = report, .arg = arg};
    const struct pl_log *before = pl_log_use(&b->log);
    struct pl_history h;
    enum pl_err rc = read_history(&h, what);

    pl_log_use(before);
    if (rc != PL_OK)
        return rc;
    struct pl_query_mail *m = pl_query_mail_create();
    if (m == NULL)
        return PL_ENOMEM;
    m->kind = PL_QUERY_HISTORY;
    m->limit = h.limit;
    m->reverse = h.reverse != 0;
    m->has_since = h.epoch != NULL;
    m->offset = h.offset;
    m->byte_budget = HISTORY_BYTES;
    pl_epoch_copy(m->epoch, pl_span_of(h.epoch));
    return query(b, &a, m, channel);
}

enum pl_err pl_broker_presence(struct pl_broker *b, const char *channel,
                               pl_report *report, void *arg)
{
    const struct asked a = {.name = "presence", .report = report, .arg = arg};
    struct pl_query_mail *m = pl_query_mail_create();

    if (m == NULL)
        return PL_ENOMEM;
    m->kind = PL_QUERY_PRESENCE;
    return query(b, &a, m, channel);
}
