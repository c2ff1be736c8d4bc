/* SPDX-License-Identifier: Apache-2.0 */
/* rules_mail.c - see rules_mail.h. */
#include "rules_mail.h"

#include <stdlib.h>

#include "mail_private.h"

static void rules_destroy(struct pl_msg *msg)
{
    struct pl_rules_mail *m = (struct pl_rules_mail *)msg;

    if (m->book != NULL)
        m->release(m->book);
    free(m);
}

struct pl_rules_mail *pl_rules_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_rules_mail), PL_MAIL_RULES,
                          PL_MSG_RESERVED, rules_destroy);
}
