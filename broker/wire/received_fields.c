/* SPDX-License-Identifier: Apache-2.0 */
/* received_fields.c - see received_fields.h.
 *
 * The numbers are those of proto/client.proto and, of fields that the broker
 * never sends, those of the protocol.  The push and its publication come first,
 * because a client receives little else.
 *
 * Left out: fields of map subscriptions and of dictionaries, which a client
 * gets only if it asks for them. */
#include "received_fields.h"

#include <assert.h>

/* Fields of type T, which is set before each table. */
#define TEXT(name, number, member)                                             \
    PL_FIELD(name, number, PL_FIELD_TEXT, T, member)
#define DATA(name, number, member)                                             \
    PL_FIELD(name, number, PL_FIELD_DATA, T, member)
#define BOOL(name, number, member)                                             \
    PL_FIELD(name, number, PL_FIELD_BOOL, T, member)
#define U32(name, number, member)                                              \
    PL_FIELD(name, number, PL_FIELD_U32, T, member)
#define U64(name, number, member)                                              \
    PL_FIELD(name, number, PL_FIELD_U64, T, member)
#define I64(name, number, member)                                              \
    PL_FIELD(name, number, PL_FIELD_I64, T, member)
#define OTHER(name, number, kind, member)                                      \
    PL_FIELD(name, number, PL_FIELD_##kind, T, member)

#define T pl_received_publication
static const struct pl_field publication_fields[] = {
    DATA("data", 4, data),        OTHER("info", 5, INFO, info),
    U64("offset", 6, offset),     OTHER("tags", 7, TAGS, tags),
    BOOL("delta", 8, delta),      I64("time", 9, time_ms),
    TEXT("channel", 10, channel), TEXT("epoch", 14, epoch),
};
#undef T

#define T pl_received_info
static const struct pl_field info_fields[] = {
    TEXT("user", 1, user),
    TEXT("client", 2, client),
    DATA("conn_info", 3, conn_info),
    DATA("chan_info", 4, chan_info),
};
#undef T

/* A join or a leave. */
static const struct pl_field presence_push_fields[] = {
    {"info", 4, 1, PL_FIELD_INFO, 0},
};

#define T pl_received_subscribe
static const struct pl_field subscribe_fields[] = {
    BOOL("expires", 1, expires),
    U32("ttl", 2, ttl),
    BOOL("recoverable", 3, recoverable),
    TEXT("epoch", 6, epoch),
    OTHER("publications", 7, PUBLICATIONS, publications),
    BOOL("recovered", 8, recovered),
    U64("offset", 9, offset),
    BOOL("positioned", 10, positioned),
    DATA("data", 11, data),
    BOOL("was_recovering", 12, was_recovering),
    BOOL("delta", 13, delta),
    I64("id", 14, channel_id),
};

static const struct pl_field subscribe_push_fields[] = {
    BOOL("recoverable", 1, recoverable),
    TEXT("epoch", 4, epoch),
    U64("offset", 5, offset),
    BOOL("positioned", 6, positioned),
    DATA("data", 7, data),
};
#undef T

#define T pl_received_connect
static const struct pl_field connect_fields[] = {
    TEXT("client", 1, client),   TEXT("version", 2, version),
    BOOL("expires", 3, expires), U32("ttl", 4, ttl),
    DATA("data", 5, data),       OTHER("subs", 6, RESULTS, subs),
    U32("ping", 7, ping),        BOOL("pong", 8, pong),
};

static const struct pl_field connect_push_fields[] = {
    TEXT("client", 1, client),   TEXT("version", 2, version),
    DATA("data", 3, data),       OTHER("subs", 4, RESULTS, subs),
    BOOL("expires", 5, expires), U32("ttl", 6, ttl),
    U32("ping", 7, ping),        BOOL("pong", 8, pong),
};
#undef T

#define T pl_received_error
static const struct pl_field error_fields[] = {
    U32("code", 1, code),
    TEXT("message", 2, message),
    BOOL("temporary", 3, temporary),
};
#undef T

static const struct pl_field presence_fields[] = {
    {"presence", 8, 1, PL_FIELD_INFOS, 0},
};

#define T pl_received_stats
static const struct pl_field stats_fields[] = {
    U32("num_clients", 1, clients),
    U32("num_users", 2, users),
};
#undef T

#define T pl_received_history
static const struct pl_field history_fields[] = {
    OTHER("publications", 1, PUBLICATIONS, publications),
    TEXT("epoch", 2, epoch),
    U64("offset", 3, offset),
};
#undef T

/* An RPC result or a message. */
static const struct pl_field data_fields[] = {
    {"data", 4, 1, PL_FIELD_DATA, 0},
};

#define T pl_received_refresh
static const struct pl_field refresh_fields[] = {
    TEXT("client", 1, client),
    TEXT("version", 2, version),
    BOOL("expires", 3, expires),
    U32("ttl", 4, ttl),
};

/* The result of sub_refresh, and the refresh push. */
static const struct pl_field expiry_fields[] = {
    BOOL("expires", 1, expires),
    U32("ttl", 2, ttl),
};
#undef T

#define T pl_received_end
static const struct pl_field unsubscribe_push_fields[] = {
    U32("code", 2, code),
    TEXT("reason", 3, reason),
};

static const struct pl_field disconnect_push_fields[] = {
    U32("code", 1, code),
    TEXT("reason", 2, reason),
    BOOL("reconnect", 3, reconnect),
};
#undef T

#define CONTENT(name, number, kind)                                            \
    {                                                                          \
        name, sizeof(name) - 1, number, PL_FIELD_CONTENT, PL_RECEIVED_##kind   \
    }

#define T pl_received
static const struct pl_field reply_fields[] = {
    {"push", 4, 4, PL_FIELD_PUSH, 0},
    U32("id", 1, id),
    CONTENT("error", 2, ERROR),
    CONTENT("connect", 5, CONNECT),
    CONTENT("subscribe", 6, SUBSCRIBE),
    CONTENT("unsubscribe", 7, UNSUBSCRIBE),
    CONTENT("publish", 8, PUBLISH),
    CONTENT("presence", 9, PRESENCE),
    CONTENT("presence_stats", 10, PRESENCE_STATS),
    CONTENT("history", 11, HISTORY),
    CONTENT("rpc", 13, RPC),
    CONTENT("refresh", 14, REFRESH),
    CONTENT("sub_refresh", 15, SUB_REFRESH),
};

static const struct pl_field push_fields[] = {
    TEXT("channel", 2, channel),       CONTENT("pub", 4, PUBLICATION),
    I64("id", 1, channel_id),          CONTENT("join", 5, JOIN),
    CONTENT("leave", 6, LEAVE),        CONTENT("unsubscribe", 7, UNSUBSCRIBED),
    CONTENT("message", 8, MESSAGE),    CONTENT("subscribe", 9, SUBSCRIBED),
    CONTENT("connect", 10, CONNECTED), CONTENT("disconnect", 11, DISCONNECT),
    CONTENT("refresh", 12, REFRESHED),
};
#undef T

const struct pl_request pl_received_reply = PL_REQUEST("reply", reply_fields);
const struct pl_request pl_received_push = PL_REQUEST("push", push_fields);

#define OF(kind, fields) [PL_RECEIVED_##kind] = PL_REQUEST(#kind, fields)

/* Those that are not listed are empty messages. */
const struct pl_request pl_received_contents[PL_RECEIVED_REFRESHED + 1] = {
    OF(ERROR, error_fields),
    OF(CONNECT, connect_fields),
    OF(SUBSCRIBE, subscribe_fields),
    OF(PRESENCE, presence_fields),
    OF(PRESENCE_STATS, stats_fields),
    OF(HISTORY, history_fields),
    OF(RPC, data_fields),
    OF(REFRESH, refresh_fields),
    OF(SUB_REFRESH, expiry_fields),
    OF(PUBLICATION, publication_fields),
    OF(JOIN, presence_push_fields),
    OF(LEAVE, presence_push_fields),
    OF(UNSUBSCRIBED, unsubscribe_push_fields),
    OF(MESSAGE, data_fields),
    OF(SUBSCRIBED, subscribe_push_fields),
    OF(CONNECTED, connect_push_fields),
    OF(DISCONNECT, disconnect_push_fields),
    OF(REFRESHED, expiry_fields),
};

const struct pl_request pl_received_client_info =
    PL_REQUEST("info", info_fields);

static_assert(sizeof(struct pl_received_publication) < 256, "places are bytes");

const struct pl_request *pl_received_element_fields(enum pl_field_kind list)
{
    return list == PL_FIELD_PUBLICATIONS
               ? &pl_received_contents[PL_RECEIVED_PUBLICATION]
           : list == PL_FIELD_INFOS
               ? &pl_received_client_info
               : &pl_received_contents[PL_RECEIVED_SUBSCRIBE];
}
