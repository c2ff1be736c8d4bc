/* SPDX-License-Identifier: Apache-2.0 */
/* mail.c - see mail.h.
 *
 * Each kind of mail has one create and one destroy function.  The destroy
 * function releases whatever the message still owns, so a message can be
 * dropped anywhere on its path.  A result is reserved mail: its place was
 * reserved when the request was made. */
#include "mail_private.h"

#include <stdlib.h>

void *pl_mail_create(size_t size, enum pl_mail_type type, uint8_t flags,
                     void (*destroy)(struct pl_msg *))
{
    struct pl_msg *m = calloc(1, size);

    if (m == NULL)
        return NULL;
    m->type = (uint16_t)type;
    m->flags = flags;
    m->destroy = destroy;
    return m;
}

void pl_mail_free(struct pl_msg *msg)
{
    free(msg);
}

void pl_mail_answer(struct pl_actor *self, struct pl_msg *request)
{
    struct pl_address to = request->from;

    request->flags = PL_MSG_RESERVED;
    pl_actor_send(self, to, request);
}
