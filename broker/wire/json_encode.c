/* SPDX-License-Identifier: Apache-2.0 */
/* json_encode.c - encodes replies and pushes as JSON; see docs/protocol.md.
 *
 * Zero values are omitted, except those that SDKs read unconditionally.  An
 * empty list is [], an empty map {}; a result is present even if empty, and
 * never together with `error`.  Payloads are sent as they were received.  Keys
 * have the order of the exchanges in the protocol.
 *
 * A member writes the comma before it, and opening an object clears the flag
 * for it, so no writer depends on the members before it. */
#include "json_codec.h"
#include "tags.h"

#include "wire_text.h"

#define PUT(b, literal) pl_buf_put(b, literal, sizeof(literal) - 1)

/* A writer of members; `comma` is false at the start of an object. */
struct json_out {
    struct pl_buf *b;
    bool comma;
};

static void key_of(struct json_out *o, const char *key, size_t len)
{
    if (o->comma)
        PUT(o->b, ",");
    o->comma = true;
    pl_buf_put(o->b, key, len);
}

/* KEY(o, "offset") writes "offset": and the comma before it, if needed. */
#define KEY(o, name) key_of(o, "\"" name "\":", sizeof("\"" name "\":") - 1)

static void open_object(struct json_out *o)
{
    PUT(o->b, "{");
    o->comma = false;
}

static void close_object(struct json_out *o)
{
    PUT(o->b, "}");
    o->comma = true;
}

void pl_json_number_encode(struct pl_buf *b, uint64_t n)
{
    char text[20];
    char *at = text + sizeof(text);

    do
        *--at = (char)('0' + n % 10);
    while ((n /= 10) != 0);
    pl_buf_put(b, at, (size_t)(text + sizeof(text) - at));
}

/* Write a character that a string cannot contain unescaped. */
static void put_escaped(struct pl_buf *b, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

    switch (c) {
    case '\n':
        PUT(b, "\\n");
        return;
    case '\r':
        PUT(b, "\\r");
        return;
    case '\t':
        PUT(b, "\\t");
        return;
    case '"':
    case '\\':
        PUT(b, "\\");
        pl_buf_put(b, &c, 1);
        return;
    default:
        pl_buf_put(b, text, sizeof(text));
    }
}

void pl_json_text_encode(struct pl_buf *b, struct pl_span s)
{
    const char *at = s.at;
    const char *end = s.len == 0 ? at : at + s.len;

    PUT(b, "\"");
    while (at < end) {
        const char *stop = pl_text_plain(at, end, 0);

        pl_buf_put(b, at, (size_t)(stop - at));
        if (stop < end)
            put_escaped(b, (unsigned char)*stop++);
        at = stop;
    }
    PUT(b, "\"");
}

/* A string, a payload, a number, true; each is omitted if zero. */
#define TEXT(o, name, s)                                                       \
    do {                                                                       \
        if ((s).len > 0) {                                                     \
            KEY(o, name);                                                      \
            pl_json_text_encode((o)->b, s);                                    \
        }                                                                      \
    } while (0)
#define DATA(o, name, s)                                                       \
    do {                                                                       \
        if ((s).len > 0) {                                                     \
            KEY(o, name);                                                      \
            pl_buf_put_span((o)->b, s);                                        \
        }                                                                      \
    } while (0)
#define NUMBER(o, name, n)                                                     \
    do {                                                                       \
        if ((n) != 0) {                                                        \
            KEY(o, name);                                                      \
            pl_json_number_encode((o)->b, n);                                  \
        }                                                                      \
    } while (0)
#define TRUE(o, name, yes)                                                     \
    do {                                                                       \
        if (yes) {                                                             \
            KEY(o, name);                                                      \
            PUT((o)->b, "true");                                               \
        }                                                                      \
    } while (0)

static void client_info(struct json_out *o, const struct pl_client_info *i)
{
    open_object(o);
    KEY(o, "user");
    pl_json_text_encode(o->b, i->user);
    KEY(o, "client");
    pl_json_text_encode(o->b, i->client);
    DATA(o, "conn_info", i->conn_info);
    DATA(o, "chan_info", i->chan_info);
    close_object(o);
}

static void publication(struct json_out *o, const struct pl_publication *p)
{
    open_object(o);
    DATA(o, "data", p->data);
    if (p->info != NULL) {
        KEY(o, "info");
        client_info(o, p->info);
    } else if (p->tags.len > 0) {
        KEY(o, "tags");
        pl_tags_write_json(o->b, p->tags);
    }
    NUMBER(o, "offset", p->offset);
    close_object(o);
}

static void publications(struct json_out *o, const struct pl_publication *p,
                         size_t count)
{
    KEY(o, "publications");
    PUT(o->b, "[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            PUT(o->b, ",");
        publication(o, &p[i]);
    }
    PUT(o->b, "]");
}

static void subscribe_result(struct json_out *o,
                             const struct pl_subscribe_result *r)
{
    open_object(o);
    TRUE(o, "expires", r->expires);
    NUMBER(o, "ttl", r->ttl);
    TRUE(o, "recoverable", r->recoverable);
    TEXT(o, "epoch", r->epoch);
    NUMBER(o, "offset", r->offset);
    TRUE(o, "positioned", r->positioned);
    DATA(o, "data", r->data);
    TRUE(o, "was_recovering", r->was_recovering);
    TRUE(o, "recovered", r->recovered);
    if (r->publication_count > 0)
        publications(o, r->publications, r->publication_count);
    close_object(o);
}

/* A subscribe push has fewer members than the result. */
static void subscribe_push(struct json_out *o,
                           const struct pl_subscribe_result *r)
{
    open_object(o);
    TRUE(o, "recoverable", r->recoverable);
    TEXT(o, "epoch", r->epoch);
    NUMBER(o, "offset", r->offset);
    TRUE(o, "positioned", r->positioned);
    DATA(o, "data", r->data);
    close_object(o);
}

/* The key of a map entry: a name that a client or backend chose. */
static void map_key(struct json_out *o, struct pl_span name)
{
    if (o->comma)
        PUT(o->b, ",");
    o->comma = true;
    pl_json_text_encode(o->b, name);
    PUT(o->b, ":");
}

static void connect_result(struct json_out *o,
                           const struct pl_connect_result *r)
{
    open_object(o);
    TEXT(o, "client", r->client);
    TEXT(o, "version", r->version);
    TRUE(o, "expires", r->expires);
    NUMBER(o, "ttl", r->ttl);
    DATA(o, "data", r->data);
    NUMBER(o, "ping", r->ping);
    TRUE(o, "pong", r->pong);
    if (r->sub_count > 0) {
        KEY(o, "subs");
        open_object(o);
        for (size_t i = 0; i < r->sub_count; i++) {
            map_key(o, r->subs[i].channel);
            subscribe_result(o, &r->subs[i].result);
        }
        close_object(o);
    }
    close_object(o);
}

static void presence_result(struct json_out *o,
                            const struct pl_presence_result *r)
{
    open_object(o);
    KEY(o, "presence");
    open_object(o);
    for (size_t i = 0; i < r->count; i++) {
        map_key(o, r->clients[i].client);
        client_info(o, &r->clients[i]);
    }
    close_object(o);
    close_object(o);
}

static void history_result(struct json_out *o,
                           const struct pl_history_result *r)
{
    open_object(o);
    publications(o, r->publications, r->count);
    KEY(o, "epoch");
    pl_json_text_encode(o->b, r->epoch);
    KEY(o, "offset");
    pl_json_number_encode(o->b, r->offset);
    close_object(o);
}

static void refresh_result(struct json_out *o,
                           const struct pl_refresh_result *r)
{
    open_object(o);
    TEXT(o, "client", r->client);
    TEXT(o, "version", r->version);
    TRUE(o, "expires", r->expires);
    NUMBER(o, "ttl", r->ttl);
    close_object(o);
}

static void error(struct json_out *o, const struct pl_reply *r)
{
    open_object(o);
    NUMBER(o, "code", r->error.code);
    TEXT(o, "message", r->error.message);
    TRUE(o, "temporary", r->error.temporary);
    close_object(o);
}

static void presence_stats(struct json_out *o, const struct pl_reply *r)
{
    open_object(o);
    KEY(o, "num_clients");
    pl_json_number_encode(o->b, r->presence_stats.clients);
    KEY(o, "num_users");
    pl_json_number_encode(o->b, r->presence_stats.users);
    close_object(o);
}

static void sub_refresh(struct json_out *o, const struct pl_reply *r)
{
    open_object(o);
    TRUE(o, "expires", r->sub_refresh.expires);
    NUMBER(o, "ttl", r->sub_refresh.ttl);
    close_object(o);
}

/* An object with only a payload. */
static void data_only(struct json_out *o, struct pl_span data)
{
    open_object(o);
    DATA(o, "data", data);
    close_object(o);
}

/* Write the key and the object of this kind of reply. */
static void result(struct json_out *o, const struct pl_reply *r)
{
    switch (r->kind) {
    case PL_REPLY_ERROR:
        KEY(o, "error");
        error(o, r);
        return;
    case PL_REPLY_CONNECT:
        KEY(o, "connect");
        connect_result(o, &r->connect);
        return;
    case PL_REPLY_SUBSCRIBE:
        KEY(o, "subscribe");
        subscribe_result(o, &r->subscribe);
        return;
    case PL_REPLY_UNSUBSCRIBE:
        KEY(o, "unsubscribe");
        PUT(o->b, "{}");
        return;
    case PL_REPLY_PUBLISH:
        KEY(o, "publish");
        PUT(o->b, "{}");
        return;
    case PL_REPLY_PRESENCE:
        KEY(o, "presence");
        presence_result(o, &r->presence);
        return;
    case PL_REPLY_PRESENCE_STATS:
        KEY(o, "presence_stats");
        presence_stats(o, r);
        return;
    case PL_REPLY_HISTORY:
        KEY(o, "history");
        history_result(o, &r->history);
        return;
    case PL_REPLY_RPC:
        KEY(o, "rpc");
        data_only(o, r->rpc);
        return;
    case PL_REPLY_REFRESH:
        KEY(o, "refresh");
        refresh_result(o, &r->refresh);
        return;
    case PL_REPLY_SUB_REFRESH:
        KEY(o, "sub_refresh");
        sub_refresh(o, r);
        return;
    }
}

void pl_json_reply_encode(struct pl_buf *b, const struct pl_reply *reply)
{
    struct json_out o = {b, false};

    open_object(&o);
    NUMBER(&o, "id", reply->id);
    result(&o, reply);
    close_object(&o);
}

static void presence_push(struct json_out *o, const struct pl_client_info *i)
{
    open_object(o);
    KEY(o, "info");
    client_info(o, i);
    close_object(o);
}

static void unsubscribe_push(struct json_out *o, const struct pl_push *p)
{
    open_object(o);
    NUMBER(o, "code", p->unsubscribe.code);
    TEXT(o, "reason", p->unsubscribe.reason);
    close_object(o);
}

void pl_json_push_encode(struct pl_buf *b, const struct pl_push *push)
{
    struct json_out o = {b, false};

    PUT(b, "{\"push\":{");
    TEXT(&o, "channel", push->channel);
    switch (push->kind) {
    case PL_PUSH_PUBLICATION:
        KEY(&o, "pub");
        publication(&o, &push->publication);
        break;
    case PL_PUSH_JOIN:
        KEY(&o, "join");
        presence_push(&o, &push->client);
        break;
    case PL_PUSH_LEAVE:
        KEY(&o, "leave");
        presence_push(&o, &push->client);
        break;
    case PL_PUSH_UNSUBSCRIBE:
        KEY(&o, "unsubscribe");
        unsubscribe_push(&o, push);
        break;
    case PL_PUSH_MESSAGE:
        KEY(&o, "message");
        data_only(&o, push->data);
        break;
    case PL_PUSH_SUBSCRIBE:
        KEY(&o, "subscribe");
        subscribe_push(&o, &push->subscribe);
        break;
    }
    PUT(b, "}}");
}
