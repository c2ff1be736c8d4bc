/* SPDX-License-Identifier: Apache-2.0 */
/* handlers_mail.c - see handlers_mail.h. */
#include "handlers_mail.h"

#include <stdlib.h>

#include "mail_private.h"

static void handlers_destroy(struct pl_msg *msg)
{
    struct pl_handlers_mail *m = (struct pl_handlers_mail *)msg;

    if (m->handlers != NULL)
        m->release(m->handlers);
    free(m);
}

struct pl_handlers_mail *pl_handlers_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_handlers_mail), PL_MAIL_HANDLERS,
                          PL_MSG_RESERVED, handlers_destroy);
}
