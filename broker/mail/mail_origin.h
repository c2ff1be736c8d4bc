/* SPDX-License-Identifier: Apache-2.0 */
/* mail_origin.h - what the sender of a request finds again in the result. */
#ifndef PL_MAIL_ORIGIN_H
#define PL_MAIL_ORIGIN_H

#include <stdint.h>

#include "address.h"
#include "msg.h"

/* Used only by the sender, for example a hub.  The pointers are used
 * only on the sender's loop and only while `session` is not stale. */
struct pl_origin {
    struct pl_address session; /* no actor: not requested by a session */
    void *subscriber;
    void *sub;
    uint32_t command; /* the id to reply to; 0: none */
    uint32_t kind;    /* for the session's own use */
};

/* The origin in a request that a sender outside the hub makes: a publish,
 * query, user, list or direct mail.  NULL: any other mail. */
struct pl_origin *pl_mail_origin(struct pl_msg *request);

#endif
