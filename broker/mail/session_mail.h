/* SPDX-License-Identifier: Apache-2.0 */
/* session_mail.h - messages to a session. */
#ifndef PL_SESSION_MAIL_H
#define PL_SESSION_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "actor.h"
#include "blob.h"
#include "msg.h"
#include "mail_origin.h"
#include "sub_terms.h"

/* Close the connection with a code of code.h if its id is `client`; with
 * `channel`, only unsubscribe it, or with `subscribes` subscribe it; with
 * `refreshes`, only let it expire at terms.expires_at_s. */
struct pl_kick_mail {
    struct pl_msg msg;
    uint32_t code;
    bool subscribes, refreshes;
    uint8_t sub_flags;       /* with `subscribes`: enum pl_sub_flag */
    struct pl_blob *reason;  /* reference; NULL: the text of the code */
    struct pl_blob *channel; /* reference; not NULL: only unsubscribe from it,
                                or subscribe to it */
    struct pl_blob *client;  /* reference; NULL: any client at this address */
    int64_t issued_before_s; /* not 0: only if its connection token is issued
                                before this Unix time, or does not say when */
    struct pl_sub_terms terms;
};

/* A message for one connection: the data of a `message` push.  The result is
 * error 404 if no connection has the id.  Send it with pl_actor_send_kind(), so
 * that only sessions receive it: an untrusted peer wrote the address. */
struct pl_direct_mail {
    union {
        struct pl_msg msg;
        struct pl_kind_msg for_kind;
    };
    struct pl_origin origin;
    struct pl_blob *client; /* reference: the id of the receiver */
    struct pl_blob *data;   /* reference: JSON */
    bool is_answer;         /* the message returns as a reply */
    uint32_t error;         /* result */
};

enum pl_input_status {
    PL_INPUT_TAKEN,
    PL_INPUT_GONE, /* no such client, or it is another one's secret */
    PL_INPUT_FULL  /* too much input waits already: send it again later */
};

/* A message of a client that its link does not bring itself, as when the client
 * posts it on another connection.  Send it with pl_actor_send_kind(): an
 * untrusted peer wrote the address.  It comes back with `status`; if it is
 * `returned` with PL_EFULL it is as PL_INPUT_FULL, else the client is gone. */
struct pl_input_mail {
    union {
        struct pl_msg msg;
        struct pl_kind_msg for_kind;
    };
    struct pl_origin origin;     /* for the sender's own use */
    uint64_t secret[2];          /* that the client got from its link */
    struct pl_blob *data;        /* reference: as on the link */
    enum pl_input_status status; /* result */
};

/* The result of a handler call that a session made. */
struct pl_answer_mail {
    struct pl_msg msg;
    uint32_t call;     /* the session's number of the call */
    bool is_connect;   /* the result of the call for a login */
    bool is_allowed;   /* the verdict on a command is yes */
    uint32_t error;    /* a number of code.h, 400 to 1999; of a verdict also a
                          close code from 3000 on */
    bool is_temporary; /* of the error: SDKs try again */
    int64_t expires_at_s; /* of a verdict that is yes; 0: never */
    bool is_anonymous;    /* of a login: with the rights of anonymous clients */
    /* References, or NULL. */
    struct pl_blob *data;     /* the result, or the text of the error */
    struct pl_blob *user;     /* of a login: the user id */
    struct pl_blob *info;     /* of a login: JSON */
    struct pl_blob *channels; /* of a login: names, a zero byte after each */
};

/* Notifies a handler or a judge of what becomes of its call.  Whoever has the
 * mail last calls end(), once: the call has its answer, or with `is_cancelled`
 * nothing waits for the answer any more. */
struct pl_watch_mail {
    struct pl_msg msg; /* destroy() is the same as end() with `is_cancelled` */
    uint32_t call;     /* as in pl_answer_mail */
    bool is_connect;
    void (*end)(struct pl_watch_mail *m, bool is_cancelled); /* frees it */
};

/* Create a message, all zero except type, destroy and flags.  NULL: out of
 * memory.
 * Owner:  the caller; msg.destroy() releases everything in it. */
struct pl_kick_mail *pl_kick_mail_create(void);
struct pl_direct_mail *pl_direct_mail_create(void);
struct pl_input_mail *pl_input_mail_create(void);
struct pl_answer_mail *pl_answer_mail_create(void);

/* Prepare the members `msg` and `end` of a mail whose memory is the sender's.
 */
void pl_watch_mail_init(struct pl_watch_mail *m,
                        void (*end)(struct pl_watch_mail *m,
                                    bool is_cancelled));

#endif
