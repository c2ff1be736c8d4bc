/* SPDX-License-Identifier: Apache-2.0 */
/* denial_mail.h - orders to the supervisor to revoke tokens and to block users,
 * and the changes that it sends to the session managers. */
#ifndef PL_DENIAL_MAIL_H
#define PL_DENIAL_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "blob.h"
#include "denials.h"
#include "mail_origin.h"
#include "msg.h"

enum pl_denial_ask {
    PL_DENIAL_ADD,
    PL_DENIAL_REMOVE,
    PL_DENIAL_READ /* whether it is in force, and until when */
};

/* An order.  Once it has returned, no connect and no refresh gets by it, and
 * the connections that it concerns are being closed. */
struct pl_denial_mail {
    struct pl_msg msg;
    struct pl_origin origin;
    enum pl_denial_ask ask;
    struct pl_denial denial; /* its spans are not read, but `name` and
                                `channel` below.  READ: result, too */
    struct pl_blob *name;    /* reference: the jti or the user; not empty */
    struct pl_blob *channel; /* reference or NULL */
    enum pl_err err;         /* result: PL_OK, PL_ELIMIT (too many are kept),
                                PL_ENOMEM, PL_ENOENT (REMOVE, READ: there is
                                none), PL_EINVAL */
    uint32_t connections;    /* result of ADD: those of the user that are being
                                closed; not counted for PL_DENIAL_TOKEN */
};

/* A change, for the copy of a session manager. */
struct pl_denied_mail {
    struct pl_msg msg;
    bool is_removed;             /* else it was added */
    struct pl_denial_item *item; /* owned */
    int64_t now_s;               /* when the supervisor made the change */
};

/* Create a message, all zero except type, destroy and flags.  NULL: out of
 * memory.
 * Owner:  the caller; msg.destroy() releases everything in it. */
struct pl_denial_mail *pl_denial_mail_create(void);
struct pl_denied_mail *pl_denied_mail_create(void);

#endif
