/* SPDX-License-Identifier: Apache-2.0 */
/* received.h - the replies and pushes that a client receives, after decoding.
 * reply.h has them as the broker builds them. */
#ifndef PL_RECEIVED_H
#define PL_RECEIVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"

/* A list or a map in a reply: checked, but not stored element by element, so
 * that its length, which the server chooses, costs no memory.  client_codec.h
 * has the calls that read the elements. */
struct pl_received_list {
    struct pl_span rest; /* the encoded elements that were not read yet */
    size_t count;        /* their number */
    uint8_t kind;        /* private: enum pl_field_kind, 0: no list came */
    uint8_t number;      /* private: of the field in protobuf; 0: JSON */
};

/* The ClientInfo of a publication, join, leave or presence entry. */
struct pl_received_info {
    struct pl_span user;
    struct pl_span client;
    struct pl_span conn_info;
    struct pl_span chan_info;
    bool is_set; /* false: the publication has none, no client published it */
};

struct pl_received_publication {
    struct pl_span data;
    struct pl_received_info info;
    struct pl_span channel; /* the real one, if the subscription is to many */
    struct pl_span epoch;
    struct pl_received_list tags; /* pl_received_tag_next() */
    uint64_t offset;              /* 0: none */
    int64_t time_ms;              /* 0: unknown */
    bool delta;                   /* `data` is a difference to the one before */
};

struct pl_received_subscribe {
    struct pl_span epoch;
    struct pl_span data;
    struct pl_received_list publications; /* pl_received_publication_next() */
    uint64_t offset;
    int64_t channel_id; /* pushes may have it instead of the name; 0: none */
    uint32_t ttl;       /* seconds, if `expires` */
    bool expires;
    bool recoverable;
    bool positioned;
    bool recovered;
    bool was_recovering;
    bool delta;
};

struct pl_received_connect {
    struct pl_span client;
    struct pl_span version;
    struct pl_span data;
    struct pl_received_list subs; /* pl_received_sub_next() */
    uint32_t ttl;                 /* seconds, if `expires` */
    uint32_t ping;                /* seconds; 0: no pings */
    bool expires;
    bool pong;
};

struct pl_received_error {
    uint32_t code;
    struct pl_span message;
    bool temporary;
};

struct pl_received_history {
    struct pl_received_list publications; /* pl_received_publication_next() */
    struct pl_span epoch;
    uint64_t offset;
};

struct pl_received_stats {
    uint32_t clients;
    uint32_t users;
};

struct pl_received_refresh {
    struct pl_span client; /* this and `version`: of a refresh reply only */
    struct pl_span version;
    uint32_t ttl; /* seconds, if `expires` */
    bool expires;
};

/* The end of a subscription or, with `reconnect`, of the connection. */
struct pl_received_end {
    uint32_t code;
    struct pl_span reason;
    bool reconnect;
};

enum pl_received_kind {
    PL_RECEIVED_PING,    /* the empty reply */
    PL_RECEIVED_UNKNOWN, /* a reply or push of a kind that is not listed here */
    /* Replies to commands. */
    PL_RECEIVED_ERROR,
    PL_RECEIVED_CONNECT,
    PL_RECEIVED_SUBSCRIBE,
    PL_RECEIVED_UNSUBSCRIBE,
    PL_RECEIVED_PUBLISH,
    PL_RECEIVED_PRESENCE,
    PL_RECEIVED_PRESENCE_STATS,
    PL_RECEIVED_HISTORY,
    PL_RECEIVED_RPC,
    PL_RECEIVED_REFRESH,
    PL_RECEIVED_SUB_REFRESH,
    /* Pushes. */
    PL_RECEIVED_PUBLICATION,
    PL_RECEIVED_JOIN,
    PL_RECEIVED_LEAVE,
    PL_RECEIVED_UNSUBSCRIBED,
    PL_RECEIVED_MESSAGE,
    PL_RECEIVED_SUBSCRIBED,
    PL_RECEIVED_CONNECTED,
    PL_RECEIVED_DISCONNECT,
    PL_RECEIVED_REFRESHED
};

/* One reply or push.  Spans point into the frame or the decoder's arena and are
 * valid UTF-8 without zero bytes, except payloads (`data`, `conn_info`,
 * `chan_info`): bytes, or from JSON one JSON value.  A missing field is zero, a
 * missing span absent (at NULL) or empty. */
struct pl_received {
    enum pl_received_kind kind;
    uint32_t id; /* of the command that this replies to; 0: none */
    bool is_push;
    struct pl_span channel; /* of a push; absent in a message */
    int64_t channel_id;     /* of a push without `channel`; 0: none */
    union {
        struct pl_received_error error;
        struct pl_received_connect connect;     /* and CONNECTED */
        struct pl_received_subscribe subscribe; /* and SUBSCRIBED */
        struct pl_received_list presence;       /* pl_received_info_next() */
        struct pl_received_stats stats;
        struct pl_received_history history;
        struct pl_span data;                /* RPC, MESSAGE */
        struct pl_received_refresh refresh; /* SUB_REFRESH, REFRESHED too */
        struct pl_received_publication publication;
        struct pl_received_info info; /* JOIN, LEAVE */
        struct pl_received_end end;   /* UNSUBSCRIBED, DISCONNECT */
    };
};

#endif
