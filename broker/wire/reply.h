/* SPDX-License-Identifier: Apache-2.0 */
/* reply.h - the replies and pushes to clients, before encoding. */
#ifndef PL_REPLY_H
#define PL_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"

/* The ClientInfo of a publication, join, leave or presence entry. */
struct pl_client_info {
    struct pl_span user;
    struct pl_span client;    /* the client id */
    struct pl_span conn_info; /* JSON from the token; or absent */
    struct pl_span chan_info; /* JSON of the subscription; or absent */
};

struct pl_publication {
    struct pl_span data;
    const struct pl_client_info *info; /* NULL: a backend published it */
    uint64_t offset;                   /* 0: the channel has no history */
    struct pl_span tags; /* tags.h; only of a backend's; absent: none */
};

struct pl_subscribe_result {
    struct pl_span epoch; /* absent: not positioned */
    uint64_t offset;
    const struct pl_publication *publications;
    size_t publication_count;
    struct pl_span data;
    uint32_t ttl; /* seconds, if `expires` */
    bool expires;
    bool recoverable;
    bool positioned;
    bool recovered;
    bool was_recovering;
};

struct pl_connect_sub {
    struct pl_span channel;
    struct pl_subscribe_result result;
};

struct pl_connect_result {
    struct pl_span client;
    struct pl_span version;
    struct pl_span data;
    const struct pl_connect_sub *subs;
    size_t sub_count;
    uint32_t ttl;  /* seconds, if `expires` */
    uint32_t ping; /* seconds; 0: no pings */
    bool expires;
    bool pong;
};

struct pl_presence_result {
    const struct pl_client_info *clients;
    size_t count;
};

struct pl_history_result {
    const struct pl_publication *publications;
    size_t count;
    struct pl_span epoch;
    uint64_t offset;
};

struct pl_refresh_result {
    struct pl_span client;
    struct pl_span version;
    uint32_t ttl; /* seconds, if `expires` */
    bool expires;
};

enum pl_reply_kind {
    PL_REPLY_ERROR,
    PL_REPLY_CONNECT,
    PL_REPLY_SUBSCRIBE,
    PL_REPLY_UNSUBSCRIBE,
    PL_REPLY_PUBLISH,
    PL_REPLY_PRESENCE,
    PL_REPLY_PRESENCE_STATS,
    PL_REPLY_HISTORY,
    PL_REPLY_RPC,
    PL_REPLY_REFRESH,
    PL_REPLY_SUB_REFRESH
};

/* The reply to the command `id`. */
struct pl_reply {
    uint32_t id;
    enum pl_reply_kind kind;
    union {
        struct {
            uint32_t code; /* code.h */
            struct pl_span message;
            bool temporary;
        } error;
        struct pl_connect_result connect;
        struct pl_subscribe_result subscribe;
        struct pl_presence_result presence;
        struct {
            uint32_t clients;
            uint32_t users;
        } presence_stats;
        struct pl_history_result history;
        struct pl_span rpc; /* data */
        struct pl_refresh_result refresh;
        struct {
            uint32_t ttl;
            bool expires;
        } sub_refresh;
    };
};

enum pl_push_kind {
    PL_PUSH_PUBLICATION,
    PL_PUSH_JOIN,
    PL_PUSH_LEAVE,
    PL_PUSH_UNSUBSCRIBE,
    PL_PUSH_MESSAGE,
    PL_PUSH_SUBSCRIBE
};

/* A message to a client that is no reply. */
struct pl_push {
    enum pl_push_kind kind;
    struct pl_span channel; /* absent for a message */
    union {
        struct pl_publication publication;
        struct pl_client_info client; /* join, leave */
        struct {
            uint32_t code;
            struct pl_span reason;
        } unsubscribe;
        struct pl_span data; /* message */
        struct pl_subscribe_result subscribe;
    };
};

#endif
