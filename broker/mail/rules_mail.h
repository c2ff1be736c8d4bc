/* SPDX-License-Identifier: Apache-2.0 */
/* rules_mail.h - gives the rules of channels to session managers, owners of
 * channels and the admin server. */
#ifndef PL_RULES_MAIL_H
#define PL_RULES_MAIL_H

#include "msg.h"

struct pl_rulebook; /* immutable, reference-counted (users/rules.h) */

struct pl_rules_mail {
    struct pl_msg msg;
    struct pl_rulebook *book;                  /* reference */
    void (*release)(struct pl_rulebook *book); /* drops it */
};

/* Create a message, all zero except type, destroy and flags.  NULL: out of
 * memory.
 * Owner:  the caller; msg.destroy() releases everything in it. */
struct pl_rules_mail *pl_rules_mail_create(void);

#endif
