/* SPDX-License-Identifier: Apache-2.0 */
/* look_mail.c - see look_mail.h.
 *
 * Rows travel as text: the loop that has the items writes them, and the sender
 * only joins the parts.  Rejected: structs, because each kind of list would
 * need its own, with references to everything that a row shows. */
#include "look_mail.h"

#include <stdlib.h>

#include "mail_private.h"

static void destroy(struct pl_msg *msg)
{
    struct pl_look_mail *m = (struct pl_look_mail *)msg;

    pl_blob_release(m->user);
    pl_blob_release(m->client);
    pl_blob_release(m->channel);
    pl_blob_release(m->address);
    pl_buf_fini(&m->rows);
    pl_top_fini(&m->top);
    free(m);
}

struct pl_look_mail *pl_look_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_look_mail), PL_MAIL_LOOK,
                          PL_MSG_RETURN, destroy);
}

void pl_look_mail_renew(struct pl_look_mail *m)
{
    m->msg.flags = PL_MSG_RETURN;
    m->rows.len = 0;
    m->count = 0;
    m->has_more = false;
}

struct pl_buf *pl_look_mail_row(struct pl_look_mail *m)
{
    if (m->count++ > 0)
        pl_buf_put_byte(&m->rows, ',');
    return &m->rows;
}
