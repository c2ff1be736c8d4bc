/* SPDX-License-Identifier: Apache-2.0 */
/* api_request.h - reads the JSON of server API requests in place. */
#ifndef PL_API_REQUEST_H
#define PL_API_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api_fault.h"
#include "arena.h"
#include "pub_terms.h"
#include "span.h"

#define PL_API_METHOD_MAP(X)                                                   \
    X(PL_API_PUBLISH, "publish")                                               \
    X(PL_API_BROADCAST, "broadcast")                                           \
    X(PL_API_PRESENCE, "presence")                                             \
    X(PL_API_PRESENCE_STATS, "presence_stats")                                 \
    X(PL_API_HISTORY, "history")                                               \
    X(PL_API_HISTORY_REMOVE, "history_remove")                                 \
    X(PL_API_DISCONNECT, "disconnect")                                         \
    X(PL_API_UNSUBSCRIBE, "unsubscribe")                                       \
    X(PL_API_SUBSCRIBE, "subscribe")                                           \
    X(PL_API_REFRESH, "refresh")                                               \
    X(PL_API_RPC, "rpc")                                                       \
    X(PL_API_CHANNELS, "channels")                                             \
    X(PL_API_CONNECTIONS, "connections")                                       \
    X(PL_API_USERS, "users")                                                   \
    X(PL_API_TOP, "top")                                                       \
    X(PL_API_INFO, "info")                                                     \
    X(PL_API_UPDATE_USER_STATUS, "update_user_status")                         \
    X(PL_API_GET_USER_STATUS, "get_user_status")                               \
    X(PL_API_DELETE_USER_STATUS, "delete_user_status")                         \
    X(PL_API_REVOKE_TOKEN, "revoke_token")                                     \
    X(PL_API_INVALIDATE_USER_TOKENS, "invalidate_user_tokens")                 \
    X(PL_API_BLOCK_USER, "block_user")                                         \
    X(PL_API_UNBLOCK_USER, "unblock_user")

enum pl_api_method {
#define X(name, text) name,
    PL_API_METHOD_MAP(X)
#undef X
        PL_API_METHOD_COUNT /* also: unknown method */
};

const char *pl_api_method_text(enum pl_api_method method);
enum pl_api_method pl_api_method_find(struct pl_span name);

enum {
    PL_API_CHANNELS_MAX = 16384,
    PL_API_EXCEPT_MAX = 1000, /* clients of a whitelist */
    PL_API_USERS_MAX = 1000,  /* of one call */
    PL_API_PAGE_MAX = 1000,   /* rows of a page */
    PL_API_PAGE_USUAL = 100,
    PL_API_TOP_USUAL = 50
};

/* A decoded request.  Spans point into the body or the arena; members that are
 * missing or null are absent. */
struct pl_api_request {
    enum pl_api_method method;
    struct pl_span channel;
    struct pl_span *channels; /* broadcast */
    size_t channel_count;
    struct pl_span data;       /* the bytes to publish; b64data decoded */
    struct pl_pub_terms terms; /* of a publication */
    struct pl_span tags;       /* tags.h */
    bool is_json, is_base64;
    struct pl_span user, client, session, reason, pattern;
    struct pl_span except;          /* client ids, a zero byte after each */
    struct pl_span address, cursor; /* of a list */
    struct pl_span table, by;       /* top */
    uint32_t except_count;          /* clients in `except` */
    struct pl_span users;           /* names, a zero byte after each */
    uint32_t user_count;            /* names in `users` */
    struct pl_span state;           /* update_user_status */
    struct pl_span uid;             /* revoke_token: the id of a token */
    int64_t issued_before_s;        /* invalidate_user_tokens; 0: now */
    uint32_t code;                  /* disconnect; 0: the default */
    struct pl_span info;            /* subscribe: JSON that others see */
    int64_t expires_at_s;           /* 0: never */
    bool expired;                   /* refresh: at once */
    uint8_t sub_flags;              /* subscribe: enum pl_sub_flag */
    int32_t limit;
    bool has_since, reverse;
    uint64_t offset;
    struct pl_span epoch;
};

/* Read `params`, the parameters of `method`: a JSON object, which may be
 * changed in place.  With `binary`, b64data may hold any bytes; otherwise they
 * must be JSON.  The channels of a broadcast are not checked, because each gets
 * its own response.  Return 0, or 107, 108, 104 or 100 with details in
 * *fault. */
uint32_t pl_api_request_read(struct pl_api_request *out,
                             enum pl_api_method method, struct pl_span params,
                             bool binary, struct pl_arena *arena,
                             struct pl_api_fault *fault);

/* Return true if a backend may use the channel; otherwise set *fault. */
bool pl_api_channel_check(struct pl_span name, struct pl_api_fault *fault);

#endif
