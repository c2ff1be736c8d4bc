/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_command_protobuf.c - any bytes as a protobuf message of a client.
 *
 * Each command is also scanned to the bottom and unpacked by protobuf-c, and
 * the two readings must be the same; and what is published from it must come
 * out of protobuf-c as it went in.  A command with two requests, or with two
 * subscriptions to one channel, is malformed to the one and not to the other.
 */
#include <stdint.h>
#include <stdlib.h>

#include "client.pb-c.h"
#include "codec.h"
#include "protobuf_codec.h"
#include "protobuf_read.h"
#include "request_fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void same_bytes(ProtobufCBinaryData a, struct pl_span b)
{
    must(a.len == b.len && (a.len == 0 || memcmp(a.data, b.at, a.len) == 0));
}

static void same_text(const char *a, struct pl_span b)
{
    same_bytes((ProtobufCBinaryData){strlen(a), (uint8_t *)a}, b);
}

static void same_subscribe(const Parley__SubscribeRequest *a,
                           const struct pl_subscribe_request *b)
{
    same_text(a->token, b->token);
    same_text(a->epoch, b->epoch);
    same_bytes(a->data, b->data);
    must(a->offset == b->offset && a->flag == b->flag);
    must(!a->recover == !b->recover && !a->positioned == !b->positioned);
    must(!a->recoverable == !b->recoverable);
    must(!a->join_leave == !b->join_leave);
    bool is_refused = a->tf.len > 0 || a->type != 0 || a->phase != 0 ||
                      a->cursor.len > 0 || a->limit != 0 || a->asc;
    must(!is_refused || b->unsupported != NULL);
}

static void same_entry(const Parley__ConnectRequest__SubsEntry *a,
                       const struct pl_subscribe_request *b)
{
    static const Parley__SubscribeRequest none =
        PARLEY__SUBSCRIBE_REQUEST__INIT;

    same_text(a->key, b->channel);
    same_subscribe(a->value == NULL ? &none : a->value, b);
}

static bool has_twins(const Parley__ConnectRequest *c)
{
    for (size_t i = 0; i < c->n_subs; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(c->subs[i]->key, c->subs[k]->key) == 0)
                return true;
    return false;
}

static void same_connect(const Parley__ConnectRequest *a,
                         const struct pl_connect_request *b)
{
    same_text(a->token, b->token);
    same_text(a->name, b->name);
    same_text(a->version, b->version);
    same_bytes(a->data, b->data);
    must(b->sub_count == a->n_subs);
    for (size_t i = 0; i < b->sub_count; i++)
        same_entry(a->subs[i], &b->subs[i]);
}

static void same_history(const Parley__HistoryRequest *a,
                         const struct pl_history_request *b)
{
    same_text(a->channel, b->channel);
    must(a->limit == b->limit && !a->reverse == !b->reverse);
    must((a->since != NULL) == b->has_since);
    if (a->since == NULL)
        return;
    must(a->since->offset == b->since_offset);
    same_text(a->since->epoch, b->since_epoch);
}

/* Encode a publication and unpack it. */
static void publish(struct pl_span name, struct pl_span payload)
{
    struct pl_client_info info = {.user = name, .conn_info = payload};
    struct pl_push push = {
        .kind = PL_PUSH_PUBLICATION,
        .channel = name,
        .publication = {.data = payload, .info = &info, .offset = name.len}};
    struct pl_buf b = {0};
    struct pl_protobuf r;
    uint32_t len;

    pl_push_encode(PL_ENCODING_PROTOBUF, &b, &push);
    must(!b.failed);
    r = pl_protobuf_of(pl_buf_span(&b));
    must(pl_protobuf_small(&r, &len) && len == (size_t)(r.end - r.at));
    Parley__Reply *out =
        parley__reply__unpack(NULL, len, (const uint8_t *)r.at);
    must(out != NULL && out->push != NULL && out->push->pub != NULL);
    same_text(out->push->channel, name);
    same_bytes(out->push->pub->data, payload);
    same_text(out->push->pub->info->user, name);
    same_bytes(out->push->pub->info->conn_info, payload);
    must(out->push->pub->offset == name.len);
    parley__reply__free_unpacked(out, NULL);
    pl_buf_fini(&b);
}

static void same_request(const Parley__Command *a, const struct pl_command *b)
{
    switch (b->verb) {
    case PL_VERB_CONNECT:
        return same_connect(a->connect, &b->connect);
    case PL_VERB_SUBSCRIBE:
        same_text(a->subscribe->channel, b->subscribe.channel);
        return same_subscribe(a->subscribe, &b->subscribe);
    case PL_VERB_UNSUBSCRIBE:
        return same_text(a->unsubscribe->channel, b->channel);
    case PL_VERB_PUBLISH:
        same_bytes(a->publish->data, b->publish.data);
        same_text(a->publish->channel, b->publish.channel);
        return publish(b->publish.channel, b->publish.data);
    case PL_VERB_PRESENCE:
        return same_text(a->presence->channel, b->channel);
    case PL_VERB_PRESENCE_STATS:
        return same_text(a->presence_stats->channel, b->channel);
    case PL_VERB_HISTORY:
        return same_history(a->history, &b->history);
    case PL_VERB_SEND:
        return same_bytes(a->send->data, b->data);
    case PL_VERB_RPC:
        same_bytes(a->rpc->data, b->rpc.data);
        return same_text(a->rpc->method, b->rpc.method);
    case PL_VERB_REFRESH:
        return same_text(a->refresh->token, b->token);
    case PL_VERB_SUB_REFRESH:
        same_text(a->sub_refresh->channel, b->sub_refresh.channel);
        return same_text(a->sub_refresh->token, b->sub_refresh.token);
    case PL_VERB_NONE:
    case PL_VERB_PONG:
    case PL_VERB_PING:
        return;
    }
}

static enum pl_verb first_verb(const Parley__Command *c)
{
    const void *const requests[] = {c->connect, c->subscribe, c->unsubscribe,
                                    c->publish, c->presence,  c->presence_stats,
                                    c->history, c->ping,      c->send,
                                    c->rpc,     c->refresh,   c->sub_refresh};

    for (int i = 0; i < 12; i++)
        if (requests[i] != NULL)
            return (enum pl_verb)(PL_VERB_CONNECT + i);
    return PL_VERB_NONE;
}

static size_t count_requests(struct pl_span whole)
{
    struct pl_protobuf r = pl_protobuf_of(whole);
    struct pl_protobuf_field f;
    size_t count = 0;

    while (r.at < r.end && pl_protobuf_next(&r, &f))
        count += pl_verb_of_number(f.number) != PL_VERB_NONE;
    return count;
}

/* `rc` and `c` are what was read of this command. */
static void compare(struct pl_span whole, enum pl_err rc,
                    const struct pl_command *c)
{
    const char *why, *where;

    if (pl_protobuf_cold_check(whole, &why, &where) != PL_OK) {
        must(rc != PL_OK || c->verb == PL_VERB_PONG);
        return;
    }
    Parley__Command *a =
        parley__command__unpack(NULL, whole.len, (const uint8_t *)whole.at);
    must(a != NULL);
    enum pl_verb verb = first_verb(a);
    bool bad =
        (a->id == 0 && verb != PL_VERB_NONE && verb != PL_VERB_SEND) ||
        count_requests(whole) > 1 ||
        (verb == PL_VERB_CONNECT &&
         (a->connect->n_subs > PL_COMMAND_SUBS_MAX || has_twins(a->connect)));

    must(rc == (bad ? PL_EBADMSG : PL_OK));
    if (rc == PL_OK && a->id == 0 && a->send == NULL) {
        must(c->verb == PL_VERB_PONG);
    } else if (rc == PL_OK) {
        must(c->id == a->id && c->verb == verb);
        same_request(a, c);
    }
    parley__command__free_unpacked(a, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct pl_arena arena = {0};
    struct pl_span in = {(const char *)bytes, size};
    enum pl_err rc;

    do {
        struct pl_span before = in;
        struct pl_command c;
        const char *why = NULL;
        size_t at = 0;

        rc =
            pl_command_decode(PL_ENCODING_PROTOBUF, &in, &arena, &c, &why, &at);
        must(rc == PL_OK || (why != NULL && at <= before.len));
        must(rc == PL_OK ? in.len < before.len : in.at == before.at);
        struct pl_protobuf r = pl_protobuf_of(before);
        uint32_t len;
        if (before.len > 0 && pl_protobuf_small(&r, &len) &&
            len <= (size_t)(r.end - r.at))
            compare((struct pl_span){r.at, len}, rc, &c);
        else
            must(rc == PL_EBADMSG);
    } while (rc == PL_OK && in.len > 0);
    pl_arena_fini(&arena);
    return 0;
}
