/* SPDX-License-Identifier: Apache-2.0 */
/* peer_decode.c - see peer_decode.h.
 *
 * Only what tests ask for is looked at, where it lies, so that one thread can
 * follow thousands of connections.  The tokens of both encodings are read with
 * the broker's own scanners; their meaning is written down here a second time,
 * from the protocol's description, not taken from broker/wire. */
#include "peer_decode.h"

#include <string.h>

#include "json_scan.h"
#include "protobuf_read.h"

/* Numbers of fields; the same fields have names in JSON. */
enum {
    REPLY_ID = 1,
    REPLY_ERROR = 2,
    REPLY_PUSH = 4,
    ERROR_CODE = 1,
    PUSH_CHANNEL = 2,
    PUSH_PUBLICATION = 4,
    PUSH_JOIN = 5,
    PUSH_LEAVE = 6,
    PUSH_UNSUBSCRIBE = 7,
    PUSH_MESSAGE = 8,
    PUSH_SUBSCRIBE = 9,
    PUBLICATION_DATA = 4,
    PUBLICATION_OFFSET = 6,
    UNSUBSCRIBE_CODE = 2,
    RESULT_CONNECT = 5,
    RESULT_RPC = 13
};

static bool is_key(struct pl_span key, const char *name)
{
    return pl_span_equal(key, pl_span_of(name));
}

/* --- JSON --- */

static bool json_value(struct pl_json *j, struct pl_span *out)
{
    const char *from = j->at;

    if (!pl_json_skip(j, PL_JSON_DEPTH_MAX))
        return false;
    *out = (struct pl_span){from, (size_t)(j->at - from)};
    return true;
}

/* A string without its quotes, its escapes as they stand: resolving them needs
 * memory that outlives the reply, and only names that strangers chose have
 * any. */
static void json_string(struct pl_json *j, struct pl_span *out)
{
    struct pl_span quoted;

    if (json_value(j, &quoted) && quoted.len >= 2 && quoted.at[0] == '"')
        *out = (struct pl_span){quoted.at + 1, quoted.len - 2};
}

/* The members that results, errors and pushed things have in common. */
static bool json_fields(struct pl_span object, struct peer_reply *out)
{
    struct pl_json j;
    struct pl_span key;
    uint64_t number;
    bool first = true;

    pl_json_init(&j, object, NULL);
    if (!pl_json_take(&j, '{'))
        return false;
    while (pl_json_member(&j, &first, &key)) {
        if (is_key(key, "data")) {
            json_value(&j, &out->data);
        } else if (is_key(key, "client")) {
            json_string(&j, &out->client);
        } else if (is_key(key, "offset")) {
            pl_json_unsigned(&j, UINT64_MAX, &out->offset);
        } else if (is_key(key, "code")) {
            if (pl_json_unsigned(&j, UINT32_MAX, &number))
                out->code = (uint32_t)number;
        } else {
            pl_json_skip(&j, PL_JSON_DEPTH_MAX);
        }
    }
    return j.err == PL_OK;
}

static enum peer_kind push_kind(struct pl_span key)
{
    static const struct {
        const char *name;
        enum peer_kind kind;
    } kinds[] = {
        {"pub", PEER_PUBLICATION}, {"join", PEER_JOIN},
        {"leave", PEER_LEAVE},     {"unsubscribe", PEER_UNSUBSCRIBED},
        {"message", PEER_MESSAGE}, {"subscribe", PEER_SUBSCRIBED},
    };

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (is_key(key, kinds[i].name))
            return kinds[i].kind;
    }
    return PEER_OTHER;
}

static bool json_push(struct pl_span object, struct peer_reply *out)
{
    struct pl_json j;
    struct pl_span key;
    bool first = true;

    out->kind = PEER_OTHER;
    pl_json_init(&j, object, NULL);
    if (!pl_json_take(&j, '{'))
        return false;
    while (pl_json_member(&j, &first, &key)) {
        if (is_key(key, "channel")) {
            json_string(&j, &out->channel);
            continue;
        }
        out->kind = push_kind(key);
        if (!json_value(&j, &out->body) || !json_fields(out->body, out))
            return false;
    }
    return j.err == PL_OK;
}

static bool json_member(struct pl_json *j, struct pl_span key,
                        struct peer_reply *out)
{
    uint64_t id;

    if (is_key(key, "id")) {
        if (!pl_json_unsigned(j, UINT32_MAX, &id))
            return false;
        out->id = (uint32_t)id;
        return true;
    }
    if (!json_value(j, &out->body))
        return false;
    if (is_key(key, "push"))
        return json_push(out->body, out);
    out->kind = is_key(key, "error") ? PEER_ERROR : PEER_RESULT;
    return json_fields(out->body, out);
}

static bool decode_json(struct pl_span *batch, struct peer_reply *out)
{
    const char *end = memchr(batch->at, '\n', batch->len);
    size_t len = end == NULL ? batch->len : (size_t)(end - batch->at);
    struct pl_json j;
    struct pl_span key;
    bool first = true;

    pl_json_init(&j, (struct pl_span){batch->at, len}, NULL);
    batch->at += len + (end != NULL);
    batch->len -= len + (end != NULL);
    if (!pl_json_take(&j, '{'))
        return false;
    while (pl_json_member(&j, &first, &key)) {
        if (!json_member(&j, key, out))
            return false;
    }
    return j.err == PL_OK && j.at == j.end;
}

/* --- Protobuf --- */

/* Calls `take` for each field of `bytes`. */
static bool each_field(struct pl_span bytes, struct peer_reply *out,
                       bool (*take)(struct peer_reply *out,
                                    const struct pl_protobuf_field *f))
{
    struct pl_protobuf r = pl_protobuf_of(bytes);
    struct pl_protobuf_field f = {0};

    while (r.at < r.end) {
        if (!pl_protobuf_next(&r, &f) || !take(out, &f))
            return false;
    }
    return true;
}

static bool take_error(struct peer_reply *out,
                       const struct pl_protobuf_field *f)
{
    if (f->number == ERROR_CODE)
        out->code = (uint32_t)f->value;
    return true;
}

static bool take_unsubscribe(struct peer_reply *out,
                             const struct pl_protobuf_field *f)
{
    if (f->number == UNSUBSCRIBE_CODE)
        out->code = (uint32_t)f->value;
    return true;
}

static bool take_publication(struct peer_reply *out,
                             const struct pl_protobuf_field *f)
{
    if (f->number == PUBLICATION_DATA)
        out->data = f->bytes;
    if (f->number == PUBLICATION_OFFSET)
        out->offset = f->value;
    return true;
}

static bool take_message_data(struct peer_reply *out,
                              const struct pl_protobuf_field *f)
{
    if (f->number == 1)
        out->data = f->bytes;
    return true;
}

static bool take_connect(struct peer_reply *out,
                         const struct pl_protobuf_field *f)
{
    if (f->number == 1)
        out->client = f->bytes;
    if (f->number == 5)
        out->data = f->bytes;
    return true;
}

static bool take_push(struct peer_reply *out, const struct pl_protobuf_field *f)
{
    if (f->number == PUSH_CHANNEL) {
        out->channel = f->bytes;
        return true;
    }
    out->body = f->bytes;
    switch (f->number) {
    case PUSH_PUBLICATION:
        out->kind = PEER_PUBLICATION;
        return each_field(f->bytes, out, take_publication);
    case PUSH_JOIN:
        out->kind = PEER_JOIN;
        return true;
    case PUSH_LEAVE:
        out->kind = PEER_LEAVE;
        return true;
    case PUSH_UNSUBSCRIBE:
        out->kind = PEER_UNSUBSCRIBED;
        return each_field(f->bytes, out, take_unsubscribe);
    case PUSH_SUBSCRIBE:
        out->kind = PEER_SUBSCRIBED;
        return true;
    case PUSH_MESSAGE:
        out->kind = PEER_MESSAGE;
        return each_field(f->bytes, out, take_message_data);
    default:
        return true;
    }
}

static bool binary_push(struct pl_span bytes, struct peer_reply *out)
{
    out->kind = PEER_OTHER;
    return each_field(bytes, out, take_push);
}

static bool take_reply(struct peer_reply *out,
                       const struct pl_protobuf_field *f)
{
    if (f->number == REPLY_ID) {
        out->id = (uint32_t)f->value;
        return true;
    }
    out->body = f->bytes;
    out->kind = f->number == REPLY_ERROR ? PEER_ERROR : PEER_RESULT;
    switch (f->number) {
    case REPLY_PUSH:
        return binary_push(f->bytes, out);
    case REPLY_ERROR:
        return each_field(f->bytes, out, take_error);
    case RESULT_CONNECT:
        return each_field(f->bytes, out, take_connect);
    case RESULT_RPC:
        return each_field(f->bytes, out, take_message_data);
    default:
        return true;
    }
}

static bool decode_binary(struct pl_span *batch, struct peer_reply *out)
{
    struct pl_protobuf r = pl_protobuf_of(*batch);
    uint32_t len;

    if (!pl_protobuf_small(&r, &len) || len > (size_t)(r.end - r.at))
        return false;
    struct pl_span one = {r.at, len};
    *batch = (struct pl_span){r.at + len, (size_t)(r.end - r.at) - len};
    return each_field(one, out, take_reply);
}

bool peer_decode(enum peer_encoding encoding, struct pl_span *batch,
                 struct peer_reply *out)
{
    *out = (struct peer_reply){.kind = PEER_PING};
    return encoding == PEER_JSON ? decode_json(batch, out)
                                 : decode_binary(batch, out);
}
