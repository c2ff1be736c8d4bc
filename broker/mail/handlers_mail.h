/* SPDX-License-Identifier: Apache-2.0 */
/* handlers_mail.h - gives a session manager the table of handlers. */
#ifndef PL_HANDLERS_MAIL_H
#define PL_HANDLERS_MAIL_H

#include "msg.h"

struct pl_handlers; /* immutable, reference-counted; of the session module */

struct pl_handlers_mail {
    struct pl_msg msg;
    struct pl_handlers *handlers;               /* reference */
    void (*release)(struct pl_handlers *table); /* drops it */
};

/* Create a message, all zero except type, destroy and flags.  NULL: out of
 * memory.
 * Owner:  the caller; msg.destroy() releases everything in it. */
struct pl_handlers_mail *pl_handlers_mail_create(void);

#endif
