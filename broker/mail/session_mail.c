/* SPDX-License-Identifier: Apache-2.0 */
/* session_mail.c - see session_mail.h. */
#include "session_mail.h"

#include <stdlib.h>

#include "mail_private.h"

static void kick_destroy(struct pl_msg *msg)
{
    struct pl_kick_mail *m = (struct pl_kick_mail *)msg;

    pl_blob_release(m->reason);
    pl_blob_release(m->channel);
    pl_blob_release(m->client);
    pl_sub_terms_release(&m->terms);
    free(m);
}

struct pl_kick_mail *pl_kick_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_kick_mail), PL_MAIL_KICK,
                          PL_MSG_RESERVED, kick_destroy);
}

static void direct_destroy(struct pl_msg *msg)
{
    struct pl_direct_mail *m = (struct pl_direct_mail *)msg;

    pl_blob_release(m->client);
    pl_blob_release(m->data);
    free(m);
}

struct pl_direct_mail *pl_direct_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_direct_mail), PL_MAIL_DIRECT,
                          PL_MSG_RETURN, direct_destroy);
}

static void input_destroy(struct pl_msg *msg)
{
    struct pl_input_mail *m = (struct pl_input_mail *)msg;

    pl_blob_release(m->data);
    free(m);
}

struct pl_input_mail *pl_input_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_input_mail), PL_MAIL_INPUT,
                          PL_MSG_RETURN, input_destroy);
}

static void answer_destroy(struct pl_msg *msg)
{
    struct pl_answer_mail *m = (struct pl_answer_mail *)msg;

    pl_blob_release(m->data);
    pl_blob_release(m->user);
    pl_blob_release(m->info);
    pl_blob_release(m->channels);
    free(m);
}

struct pl_answer_mail *pl_answer_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_answer_mail), PL_MAIL_ANSWER,
                          PL_MSG_RESERVED, answer_destroy);
}

static void watch_destroy(struct pl_msg *msg)
{
    struct pl_watch_mail *m = (struct pl_watch_mail *)msg;

    m->end(m, true);
}

void pl_watch_mail_init(struct pl_watch_mail *m,
                        void (*end)(struct pl_watch_mail *m, bool is_cancelled))
{
    m->msg.type = PL_MAIL_WATCH;
    m->msg.flags = PL_MSG_RESERVED;
    m->msg.destroy = watch_destroy;
    m->end = end;
}
