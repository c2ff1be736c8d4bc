/* SPDX-License-Identifier: Apache-2.0 */
/* request_fields.c - see request_fields.h.
 *
 * Searching so few entries costs about as much as a switch.  The numbers are
 * those of proto/client.proto; a test packs each request with the generated
 * code and reads it with these tables.
 *
 * Rejected: a function per request and encoding, because each field would be
 * written four times. */
#include "request_fields.h"

#include <assert.h>
#include <stdlib.h>

#define REFUSED(name, number, kind, type)                                      \
    PL_FIELD(name, number, PL_FIELD_REFUSED_##kind, type, unsupported)
#define SUB_REFRESH(member)                                                    \
    (offsetof(struct pl_command, sub_refresh.member) -                         \
     offsetof(struct pl_command, sub_refresh))

static_assert(PL_VERB_SUB_REFRESH - PL_VERB_CONNECT == 15 - 4,
              "verbs are in the order of their numbers, without a gap");

static const struct pl_field connect_fields[] = {
    PL_FIELD("token", 1, PL_FIELD_TEXT, pl_connect_request, token),
    PL_FIELD("data", 2, PL_FIELD_DATA, pl_connect_request, data),
    {"subs", 4, 3, PL_FIELD_SUBS, 0},
    PL_FIELD("name", 4, PL_FIELD_TEXT, pl_connect_request, name),
    PL_FIELD("version", 5, PL_FIELD_TEXT, pl_connect_request, version),
};

static const struct pl_field subscribe_fields[] = {
    PL_FIELD("channel", 1, PL_FIELD_TEXT, pl_subscribe_request, channel),
    PL_FIELD("token", 2, PL_FIELD_TEXT, pl_subscribe_request, token),
    PL_FIELD("recover", 3, PL_FIELD_BOOL, pl_subscribe_request, recover),
    PL_FIELD("epoch", 6, PL_FIELD_TEXT, pl_subscribe_request, epoch),
    PL_FIELD("offset", 7, PL_FIELD_U64, pl_subscribe_request, offset),
    PL_FIELD("data", 8, PL_FIELD_DATA, pl_subscribe_request, data),
    PL_FIELD("positioned", 9, PL_FIELD_BOOL, pl_subscribe_request, positioned),
    PL_FIELD("recoverable", 10, PL_FIELD_BOOL, pl_subscribe_request,
             recoverable),
    PL_FIELD("join_leave", 11, PL_FIELD_BOOL, pl_subscribe_request, join_leave),
    PL_FIELD("flag", 14, PL_FIELD_I64, pl_subscribe_request, flag),
    REFUSED("tf", 13, BYTES, pl_subscribe_request),
    REFUSED("type", 15, NUMBER, pl_subscribe_request),
    REFUSED("phase", 16, NUMBER, pl_subscribe_request),
    REFUSED("cursor", 17, BYTES, pl_subscribe_request),
    REFUSED("limit", 18, NUMBER, pl_subscribe_request),
    REFUSED("asc", 19, NUMBER, pl_subscribe_request),
};

static const struct pl_field channel_fields[] = {
    {"channel", 7, 1, PL_FIELD_TEXT, 0},
};

static const struct pl_field publish_fields[] = {
    PL_FIELD("channel", 1, PL_FIELD_TEXT, pl_publish_request, channel),
    PL_FIELD("data", 2, PL_FIELD_DATA, pl_publish_request, data),
    REFUSED("type", 3, NUMBER, pl_publish_request),
    REFUSED("key", 4, BYTES, pl_publish_request),
    REFUSED("removed", 5, NUMBER, pl_publish_request),
};

static const struct pl_field history_fields[] = {
    PL_FIELD("channel", 1, PL_FIELD_TEXT, pl_history_request, channel),
    PL_FIELD("limit", 7, PL_FIELD_I32, pl_history_request, limit),
    PL_FIELD("since", 8, PL_FIELD_SINCE, pl_history_request, has_since),
    PL_FIELD("reverse", 9, PL_FIELD_BOOL, pl_history_request, reverse),
};

static const struct pl_field since_fields[] = {
    PL_FIELD("offset", 1, PL_FIELD_U64, pl_history_request, since_offset),
    PL_FIELD("epoch", 2, PL_FIELD_TEXT, pl_history_request, since_epoch),
};

static const struct pl_field send_fields[] = {
    {"data", 4, 1, PL_FIELD_DATA, 0},
};

static const struct pl_field rpc_fields[] = {
    PL_FIELD("data", 1, PL_FIELD_DATA, pl_rpc_request, data),
    PL_FIELD("method", 2, PL_FIELD_TEXT, pl_rpc_request, method),
};

static const struct pl_field refresh_fields[] = {
    {"token", 5, 1, PL_FIELD_TEXT, 0},
};

static const struct pl_field sub_refresh_fields[] = {
    {"channel", 7, 1, PL_FIELD_TEXT, SUB_REFRESH(channel)},
    {"token", 5, 2, PL_FIELD_TEXT, SUB_REFRESH(token)},
};

const struct pl_request pl_requests[PL_VERB_SUB_REFRESH + 1] = {
    [PL_VERB_CONNECT] = PL_REQUEST("connect", connect_fields),
    [PL_VERB_SUBSCRIBE] = PL_REQUEST("subscribe", subscribe_fields),
    [PL_VERB_UNSUBSCRIBE] = PL_REQUEST("unsubscribe", channel_fields),
    [PL_VERB_PUBLISH] = PL_REQUEST("publish", publish_fields),
    [PL_VERB_PRESENCE] = PL_REQUEST("presence", channel_fields),
    [PL_VERB_PRESENCE_STATS] = PL_REQUEST("presence_stats", channel_fields),
    [PL_VERB_HISTORY] = PL_REQUEST("history", history_fields),
    [PL_VERB_PING] = {"ping", 4, 0, NULL},
    [PL_VERB_SEND] = PL_REQUEST("send", send_fields),
    [PL_VERB_RPC] = PL_REQUEST("rpc", rpc_fields),
    [PL_VERB_REFRESH] = PL_REQUEST("refresh", refresh_fields),
    [PL_VERB_SUB_REFRESH] = PL_REQUEST("sub_refresh", sub_refresh_fields),
};

const struct pl_request pl_request_since = PL_REQUEST("since", since_fields);

static bool is_name(struct pl_span name, const char *text, size_t len)
{
    return name.len == len && memcmp(name.at, text, len) == 0;
}

enum pl_verb pl_request_verb(struct pl_span name)
{
    for (int v = PL_VERB_CONNECT; v <= PL_VERB_SUB_REFRESH; v++)
        if (is_name(name, pl_requests[v].name, pl_requests[v].name_len))
            return (enum pl_verb)v;
    return PL_VERB_NONE;
}

const struct pl_field *pl_request_field(const struct pl_request *r,
                                        struct pl_span name)
{
    for (size_t i = 0; i < r->count; i++)
        if (is_name(name, r->fields[i].name, r->fields[i].name_len))
            return &r->fields[i];
    return NULL;
}

static int order(const void *a, const void *b)
{
    const struct pl_span *x = a, *y = b;
    int d = x->len == 0 || y->len == 0
                ? 0
                : memcmp(x->at, y->at, x->len < y->len ? x->len : y->len);

    return d != 0 ? d : (x->len > y->len) - (x->len < y->len);
}

enum pl_err pl_subs_unique(const struct pl_subscribe_request *subs,
                           size_t count, struct pl_arena *arena)
{
    struct pl_span *name;

    if (count < 2)
        return PL_OK;
    if ((name = pl_arena_alloc(arena, count * sizeof(*name))) == NULL)
        return PL_ENOMEM;
    for (size_t i = 0; i < count; i++)
        name[i] = subs[i].channel;
    qsort(name, count, sizeof(*name), order);
    for (size_t i = 1; i < count; i++)
        if (pl_span_equal(name[i - 1], name[i]))
            return PL_EEXIST;
    return PL_OK;
}

enum pl_err pl_command_resolve(struct pl_command *c)
{
    if (c->id != 0 || c->verb == PL_VERB_SEND)
        return PL_OK;
    if (c->verb != PL_VERB_NONE)
        return PL_EBADMSG;
    c->verb = PL_VERB_PONG;
    return PL_OK;
}
