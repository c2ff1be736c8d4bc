/* SPDX-License-Identifier: Apache-2.0 */
/* user_state_mail.h - asks the supervisor about the status of users. */
#ifndef PL_USER_STATE_MAIL_H
#define PL_USER_STATE_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "blob.h"
#include "buf.h"
#include "mail_origin.h"
#include "msg.h"

enum pl_user_state_ask {
    PL_USER_STATE_UPDATE, /* they are active now, with `text` */
    PL_USER_STATE_GET,
    PL_USER_STATE_DELETE
};

struct pl_user_state_mail {
    struct pl_msg msg;
    struct pl_origin origin;
    enum pl_user_state_ask ask;
    struct pl_blob *users; /* reference: names, a zero byte after each */
    struct pl_blob *text;  /* reference or NULL: "" */
    /* Result. */
    struct pl_buf rows; /* GET: JSON objects with commas between them */
    bool lacks_memory;  /* UPDATE: some were not updated for lack of it */
};

/* Create a message, all zero except type, destroy and flags.  NULL: out of
 * memory.
 * Owner:  the caller; msg.destroy() releases everything in it. */
struct pl_user_state_mail *pl_user_state_mail_create(void);

#endif
