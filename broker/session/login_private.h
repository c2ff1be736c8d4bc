/* SPDX-License-Identifier: Apache-2.0 */
/* login_private.h - a login under way, shared by login.c and login_subs.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_LOGIN_PRIVATE_H
#define PL_LOGIN_PRIVATE_H

#include "kept.h"
#include "verdict_private.h"

struct pl_token_claims;

/* A server-side subscription and what came of it. */
struct server_sub {
    struct pl_span channel;
    bool recover;
    uint64_t offset;
    struct pl_span epoch;
    struct pl_subscribe_result result;
    uint32_t ends;   /* unsubscribed already, with this code */
    bool is_missing; /* the broker has no place for its channel */
};

struct pl_login {
    struct pl_arena arena;
    struct pl_token_claims *claims; /* owned: verified, and the program judges
                                       it; NULL: none */
    struct pl_outq deferred;
    struct pl_kept kept; /* what follows the connect */
    uint32_t command;
    uint32_t number;      /* of the call of the connect handler; 0: none */
    uint32_t outstanding; /* attaches on their way */
    uint32_t error;       /* the first that failed */
    struct server_sub *subs;
    size_t sub_count;
    const struct pl_subscribe_request *positions; /* of the client */
    size_t position_count;
    int64_t expires_at_s; /* 0: never */
    bool is_judged;       /* let in; only attaches are missing */
    bool wants_inbox;
    bool has_unsuitable; /* a recovered publication is not JSON */
};

/* Keep what the client said of its positions.  False: out of memory. */
bool pl_login_copy_positions(struct pl_login *l,
                             const struct pl_connect_request *r);

/* The name of a field in `subs` that parley does not do and must not ignore;
 * NULL: there is none. */
const char *pl_login_refused(const struct pl_connect_request *r);

/* List the server-side subscriptions of the client that was let in.  `claims`
 * NULL: no token named channels.  False: out of memory. */
bool pl_login_list_channels(struct pl_session *s,
                            const struct pl_token_claims *claims);

/* Attach all that was listed.  The connect is answered behind the last one. */
void pl_login_attach_all(struct pl_session *s);

#endif
