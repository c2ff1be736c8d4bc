/* SPDX-License-Identifier: Apache-2.0 */
/* supervisor_mail.c - see supervisor_mail.h. */
#include "supervisor_mail.h"

#include <stdlib.h>

#include "mail_private.h"

static void register_destroy(struct pl_msg *msg)
{
    struct pl_register_mail *m = (struct pl_register_mail *)msg;

    pl_client_release(m->client);
    free(m);
}

struct pl_register_mail *pl_register_mail_create(bool is_leaving)
{
    return pl_mail_create(sizeof(struct pl_register_mail),
                          is_leaving ? PL_MAIL_UNREGISTER : PL_MAIL_REGISTER,
                          PL_MSG_RESERVED, register_destroy);
}

static void user_destroy(struct pl_msg *msg)
{
    struct pl_user_mail *m = (struct pl_user_mail *)msg;

    pl_blob_release(m->user);
    pl_blob_release(m->channel);
    pl_blob_release(m->client);
    pl_blob_release(m->except);
    pl_blob_release(m->reason);
    pl_sub_terms_release(&m->terms);
    free(m);
}

struct pl_user_mail *pl_user_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_user_mail), PL_MAIL_USER,
                          PL_MSG_RETURN, user_destroy);
}
