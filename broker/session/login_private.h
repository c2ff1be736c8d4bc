/* SPDX-License-Identifier: Apache-2.0 */
/* login_private.h - the state of a login, shared by the files of this module.
 *
 * Thread: the loop of the session. */
#ifndef PL_LOGIN_PRIVATE_H
#define PL_LOGIN_PRIVATE_H

#include "kept.h"
#include "arena.h"
#include "command.h"
#include "outq.h"
#include "reply.h"

struct pl_client_fields;
struct pl_connect_request;
struct pl_handlers;
struct pl_ip;
struct pl_loop;
struct pl_session;
struct pl_token_claims;
struct pl_token_sub;

/* A server-side subscription of the login, with its result. */
struct server_sub {
    struct pl_span channel;
    bool recover;
    uint64_t offset;
    struct pl_span epoch;
    struct pl_subscribe_result result;
    const struct pl_token_sub *granted; /* by the token; NULL: it is not of
                                           one */
    uint8_t flags;   /* enum pl_sub_flag: what the program asks for */
    uint32_t ends;   /* not 0: end it with this code after the reply */
    bool is_missing; /* rejected at limits.channels */
};

struct pl_login {
    struct pl_arena arena;
    struct pl_token_claims *claims; /* owned, verified; NULL: no token */
    struct pl_handlers *handlers;   /* reference; keeps the context of the
                                       connect handler; NULL: not asked */
    struct pl_outq deferred;        /* deliveries that wait for the reply */
    struct pl_kept kept;            /* messages after the connect */
    struct pl_watch_mail *watch;    /* owned, of the call; NULL: none */
    uint32_t command;               /* id of the connect */
    uint32_t number;      /* of the call of the connect handler; 0: none */
    uint32_t outstanding; /* attaches without a result */
    uint32_t error;       /* of an attach that failed; 0: none */
    struct server_sub *subs;
    size_t sub_count;
    const struct pl_subscribe_request *positions; /* sent by the client */
    size_t position_count;
    struct pl_connect_request request; /* copies, while `waits_for_key` */
    int64_t expires_at_s;              /* 0: never */
    struct pl_span data;               /* JSON for the reply; absent: none */
    bool is_judged; /* admitted; only attaches may be pending */
    bool wants_inbox;
    bool waits_for_key;
    bool has_unencodable; /* a recovered publication is not JSON */
};

/* End the watch of the connect's call, if there is one. */
void pl_login_end_watch(struct pl_login *l, struct pl_loop *loop,
                        bool is_cancelled);

/* Copy the positions that the client sent.  False: out of memory. */
bool pl_login_copy_positions(struct pl_login *l,
                             const struct pl_connect_request *r);

/* Return the name of a field in `subs` that parley does not support and must
 * not ignore; NULL: there is none. */
const char *pl_login_refused(const struct pl_connect_request *r);

/* Replace the span by a copy in the arena.  False: out of memory. */
bool pl_login_copy(struct pl_login *l, struct pl_span *span);

/* login_address.c. Set the address of the client, where its program wants to
 * know it, and for an anonymous client its network, where new channels are
 * limited. An unknown one stays absent. */
void pl_login_find_address(struct pl_session *s, struct pl_client_fields *f,
                           struct pl_ip *ip, struct pl_ip *place);

/* List the server-side subscriptions of an admitted client: `subs`, which last
 * as long as the login, and its inboxes.  False: out of memory. */
bool pl_login_list_channels(struct pl_session *s,
                            const struct pl_token_sub *subs, size_t count);

/* Let the subscription expire if its token says so, and report the time in its
 * result.  False: out of memory. */
bool pl_login_expire(struct pl_session *s, struct server_sub *sub);

/* Return true if the data of the connect contains {"inbox":true}. */
bool pl_login_wants_inbox(struct pl_session *s, struct pl_span data);

/* Attach the listed subscriptions.  pl_session_resolve_login() sends the
 * connect reply after the results. */
void pl_login_attach_all(struct pl_session *s);

#endif
