/* SPDX-License-Identifier: Apache-2.0 */
/* hub_mail.c - see hub_mail.h. */
#include "hub_mail.h"

#include <stdlib.h>

#include "mail_private.h"

static void publication_destroy(struct pl_msg *msg)
{
    struct pl_publication_mail *m = (struct pl_publication_mail *)msg;

    pl_pub_release(m->pub);
    free(m);
}

struct pl_publication_mail *pl_publication_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_publication_mail),
                          PL_MAIL_PUBLICATION, PL_MSG_RESERVED,
                          publication_destroy);
}

static void presence_event_destroy(struct pl_msg *msg)
{
    struct pl_presence_event_mail *m = (struct pl_presence_event_mail *)msg;

    pl_blob_release(m->channel);
    pl_client_release(m->client);
    free(m);
}

struct pl_presence_event_mail *pl_presence_event_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_presence_event_mail),
                          PL_MAIL_PRESENCE_EVENT, PL_MSG_RESERVED,
                          presence_event_destroy);
}

static void gap_destroy(struct pl_msg *msg)
{
    struct pl_gap_mail *m = (struct pl_gap_mail *)msg;

    pl_blob_release(m->channel);
    free(m);
}

struct pl_gap_mail *pl_gap_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_gap_mail), PL_MAIL_GAP,
                          PL_MSG_RESERVED, gap_destroy);
}
