/* SPDX-License-Identifier: Apache-2.0 */
/* access_mail.h - gives session managers and the admin server the settings that
 * admit requests. */
#ifndef PL_ACCESS_MAIL_H
#define PL_ACCESS_MAIL_H

#include "msg.h"

struct pl_access; /* an immutable, reference-counted table (base/access.h) */

struct pl_access_mail {
    struct pl_msg msg;
    struct pl_access *access;                  /* reference */
    void (*release)(struct pl_access *access); /* drops it */
};

/* Create a message, all zero except type, destroy and flags.  NULL: out of
 * memory.
 * Owner:  the caller; msg.destroy() releases everything in it. */
struct pl_access_mail *pl_access_mail_create(void);

#endif
