/* SPDX-License-Identifier: Apache-2.0 */
/* denial_mail.c - see denial_mail.h. */
#include "denial_mail.h"

#include <stdlib.h>

#include "mail_private.h"

static void denial_destroy(struct pl_msg *msg)
{
    struct pl_denial_mail *m = (struct pl_denial_mail *)msg;

    pl_blob_release(m->name);
    pl_blob_release(m->channel);
    free(m);
}

struct pl_denial_mail *pl_denial_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_denial_mail), PL_MAIL_DENIAL,
                          PL_MSG_RETURN, denial_destroy);
}

static void denied_destroy(struct pl_msg *msg)
{
    struct pl_denied_mail *m = (struct pl_denied_mail *)msg;

    pl_denial_item_destroy(m->item);
    free(m);
}

struct pl_denied_mail *pl_denied_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_denied_mail), PL_MAIL_DENIED,
                          PL_MSG_RESERVED, denied_destroy);
}
