/* SPDX-License-Identifier: Apache-2.0 */
/* key_mail.c - see key_mail.h. */
#include "key_mail.h"

#include <stdlib.h>

#include "jws_key.h"
#include "mail_private.h"

static void key_destroy(struct pl_msg *msg)
{
    struct pl_key_mail *m = (struct pl_key_mail *)msg;

    if (m->url != NULL)
        pl_blob_release(m->url);
    if (m->kid != NULL)
        pl_blob_release(m->kid);
    pl_jws_key_release(m->key);
    free(m);
}

struct pl_key_mail *pl_key_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_key_mail), PL_MAIL_KEY,
                          PL_MSG_RETURN, key_destroy);
}
