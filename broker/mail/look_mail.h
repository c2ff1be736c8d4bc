/* SPDX-License-Identifier: Apache-2.0 */
/* look_mail.h - asks an actor for a part of a long list.
 *
 * A list may have a million items, so its owner looks at a bounded number of
 * them for each mail and says where to go on.  The sender sends the same mail
 * again until it has what it wants; between two mails the loop does its other
 * work. */
#ifndef PL_LOOK_MAIL_H
#define PL_LOOK_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "blob.h"
#include "buf.h"
#include "mail_origin.h"
#include "msg.h"
#include "top.h"

struct pl_actor;

enum pl_look_kind {
    PL_LOOK_CONNECTIONS, /* to session managers: the clients of their loop */
    PL_LOOK_USERS,       /* to the supervisor */
    PL_LOOK_DENIALS,     /* to the supervisor: revoked tokens, blocked users */
    /* Those with the highest scores; the result stays in the mail. */
    PL_LOOK_TOP_ACTORS,      /* to session managers and the supervisor */
    PL_LOOK_TOP_CHANNELS,    /* to owners of channels */
    PL_LOOK_TOP_CONNECTIONS, /* to session managers */
    PL_LOOK_TOP_USERS        /* to the supervisor */
};

/* What counts as the score. */
enum pl_look_by {
    PL_BY_MAIL,         /* actors: messages in the mailbox */
    PL_BY_PUBLICATIONS, /* channels: per second */
    PL_BY_DELIVERIES,   /* channels, connections: per second */
    PL_BY_BYTES,        /* channels: of publications, per second */
    PL_BY_SUBSCRIBERS,  /* channels */
    PL_BY_PENDING,      /* channels: requests that wait for stores */
    PL_BY_MESSAGES,     /* connections: from the client, per second */
    PL_BY_QUEUE,        /* connections: bytes of output that wait */
    PL_BY_CHANNELS,     /* connections: subscriptions */
    PL_BY_CONNECTIONS   /* users */
};

struct pl_look_mail {
    struct pl_msg msg;
    struct pl_origin origin;
    uint8_t kind; /* enum pl_look_kind */
    uint8_t by;   /* enum pl_look_by; of a top */
    /* Which connections; references, NULL: any. */
    struct pl_blob *user, *client, *channel;
    struct pl_blob *address; /* an IP address or network */
    uint64_t hash;           /* of `channel` */
    uint32_t most;           /* rows; a few more are possible */
    uint64_t at; /* where to begin, 0: at the first; result: where to go on */
    /* Result. */
    bool has_more;
    uint32_t count;     /* of rows */
    struct pl_buf rows; /* JSON objects with commas between them; connections:
                           members, by client id */
    struct pl_top top;  /* of a top, instead of `rows`: the best so far, over
                           all parts that were looked at */
};

/* Create a message, all zero except type, destroy and flags.  NULL: out of
 * memory.
 * Owner:  the caller; msg.destroy() releases everything in it. */
struct pl_look_mail *pl_look_mail_create(void);

/* Make a result a request again, for the next part. */
void pl_look_mail_renew(struct pl_look_mail *m);

/* Look at a part of the actors of the loop of `self`, and answer: a
 * PL_LOOK_TOP_ACTORS.
 * Owner: the callee takes `m`. */
void pl_look_at_actors(struct pl_actor *self, struct pl_look_mail *m);

/* Begin the next row; the caller appends it to the result. */
struct pl_buf *pl_look_mail_row(struct pl_look_mail *m);

#endif
