/* SPDX-License-Identifier: Apache-2.0 */
/* access_mail.c - see access_mail.h. */
#include "access_mail.h"

#include <stdlib.h>

#include "mail_private.h"

static void access_destroy(struct pl_msg *msg)
{
    struct pl_access_mail *m = (struct pl_access_mail *)msg;

    if (m->access != NULL)
        m->release(m->access);
    free(m);
}

struct pl_access_mail *pl_access_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_access_mail), PL_MAIL_ACCESS,
                          PL_MSG_RESERVED, access_destroy);
}
