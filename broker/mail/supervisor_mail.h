/* SPDX-License-Identifier: Apache-2.0 */
/* supervisor_mail.h - messages to the supervisor, which has the table of users.
 */
#ifndef PL_SUPERVISOR_MAIL_H
#define PL_SUPERVISOR_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "blob.h"
#include "client.h"
#include "msg.h"
#include "mail_origin.h"
#include "sub_terms.h"

/* Why the supervisor rejects a connection. */
enum pl_register_refusal {
    PL_REGISTER_TAKEN, /* it does not */
    PL_REGISTER_STOPPING,
    PL_REGISTER_USER_LIMIT, /* limits.user_connections */
    PL_REGISTER_BLOCKED,    /* its user is blocked */
    PL_REGISTER_REVOKED,    /* its token is */
    PL_REGISTER_NO_MEMORY
};

/* A connection of a user has connected or closed.  On success there is no
 * reply.  On failure the supervisor returns this mail with `refusal` set, and
 * the session closes.  It reuses the mail because an allocation may fail. */
struct pl_register_mail {
    struct pl_msg msg;
    struct pl_client *client; /* reference */
    bool is_single;           /* the user's other connections close: 3504 */
    bool has_token;           /* a token admits it, issued at ... */
    int64_t issued_at_s;      /* 0: it does not say */
    enum pl_register_refusal refusal; /* result */
};

enum pl_user_ask {
    PL_USER_COUNT,       /* count the connections of the user */
    PL_USER_DISCONNECT,  /* close them with `code` and `reason`, except
                            `except` */
    PL_USER_UNSUBSCRIBE, /* unsubscribe them from `channel` with `code` */
    PL_USER_SUBSCRIBE,   /* subscribe them to `channel` */
    PL_USER_REFRESH      /* they expire at terms.expires_at_s */
};

/* A request about all connections of a user. */
struct pl_user_mail {
    struct pl_msg msg;
    struct pl_origin origin;
    enum pl_user_ask ask;
    struct pl_blob *user;    /* reference; NULL: of any user, with `client` */
    struct pl_blob *channel; /* reference or NULL */
    struct pl_blob *client;  /* reference or NULL: only the connection with this
                                id */
    struct pl_blob *except;  /* reference or NULL: skip the connections with
                                these ids, a zero byte after each */
    struct pl_blob *reason;  /* reference or NULL */
    uint32_t code;
    uint8_t sub_flags;         /* SUBSCRIBE: enum pl_sub_flag */
    struct pl_sub_terms terms; /* SUBSCRIBE, REFRESH */
    uint32_t connections;      /* result: their number */
    bool lacks_memory; /* result: others were not reached for lack of it */
};

/* Create a message, all zero except type, destroy and flags.  NULL: out of
 * memory.
 * Owner:  the caller; msg.destroy() releases everything in it. */
struct pl_register_mail *pl_register_mail_create(bool is_leaving);
struct pl_user_mail *pl_user_mail_create(void);

#endif
