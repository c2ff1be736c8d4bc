/* SPDX-License-Identifier: Apache-2.0 */
/* command.h - the commands of clients, independent of the encoding.  The broker
 * decodes them, a client encodes them. */
#ifndef PL_COMMAND_H
#define PL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"

enum pl_verb {
    PL_VERB_NONE, /* an id without a known request: bad request */
    PL_VERB_PONG, /* no id and no send */
    PL_VERB_CONNECT,
    PL_VERB_SUBSCRIBE,
    PL_VERB_UNSUBSCRIBE,
    PL_VERB_PUBLISH,
    PL_VERB_PRESENCE,
    PL_VERB_PRESENCE_STATS,
    PL_VERB_HISTORY,
    PL_VERB_PING,
    PL_VERB_SEND,
    PL_VERB_RPC,
    PL_VERB_REFRESH,
    PL_VERB_SUB_REFRESH
};

enum pl_subscribe_flag {
    PL_SUBSCRIBE_COMPACT = 1,           /* understands numeric channel ids */
    PL_SUBSCRIBE_REJECT_UNRECOVERED = 2 /* error 112, not recovered:false */
};

struct pl_subscribe_request {
    struct pl_span channel;
    struct pl_span token;
    struct pl_span data;
    struct pl_span epoch;
    uint64_t offset;
    int64_t flag;            /* enum pl_subscribe_flag */
    const char *unsupported; /* the name of a field that parley refuses */
    bool recover;
    bool positioned;
    bool recoverable;
    bool join_leave;
};

/* A header of the handshake that a browser cannot send. */
struct pl_connect_header {
    struct pl_span name;
    struct pl_span value;
};

struct pl_connect_request {
    struct pl_span token;
    struct pl_span data;
    struct pl_span name;
    struct pl_span version;
    const struct pl_subscribe_request *subs; /* the map, with the channels
                                                filled in */
    size_t sub_count;
    const struct pl_connect_header *headers; /* sent; skipped when decoded */
    size_t header_count;
};

struct pl_publish_request {
    struct pl_span channel;
    struct pl_span data;
    const char *unsupported; /* as in a subscribe request */
};

struct pl_history_request {
    struct pl_span channel;
    int32_t limit; /* 0: only the position; -1: all; else the maximum */
    bool has_since;
    uint64_t since_offset;
    struct pl_span since_epoch;
    bool reverse;
};

struct pl_rpc_request {
    struct pl_span method;
    struct pl_span data;
};

/* One command.  Spans point into the input or the decoder's arena and are valid
 * UTF-8 without zero bytes, except `data`: bytes, or from JSON one unchanged
 * JSON value.  A missing field is an absent span (at NULL) or an empty one.  Do
 * not distinguish these, except for `data`, where absent means not sent. */
struct pl_command {
    uint32_t id;
    enum pl_verb verb;
    union {
        struct pl_connect_request connect;
        struct pl_subscribe_request subscribe;
        struct pl_span channel; /* unsubscribe, presence, presence_stats */
        struct pl_publish_request publish;
        struct pl_history_request history;
        struct pl_span data; /* send */
        struct pl_rpc_request rpc;
        struct pl_span token; /* refresh */
        struct {
            struct pl_span channel;
            struct pl_span token;
        } sub_refresh;
    };
};

#endif
