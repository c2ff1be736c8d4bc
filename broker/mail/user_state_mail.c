/* SPDX-License-Identifier: Apache-2.0 */
/* user_state_mail.c - see user_state_mail.h. */
#include "user_state_mail.h"

#include <stdlib.h>

#include "mail_private.h"

static void user_state_destroy(struct pl_msg *msg)
{
    struct pl_user_state_mail *m = (struct pl_user_state_mail *)msg;

    pl_blob_release(m->users);
    pl_blob_release(m->text);
    pl_buf_fini(&m->rows);
    free(m);
}

struct pl_user_state_mail *pl_user_state_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_user_state_mail), PL_MAIL_USER_STATE,
                          PL_MSG_RETURN, user_state_destroy);
}
