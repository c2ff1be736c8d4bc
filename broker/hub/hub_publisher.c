/* SPDX-License-Identifier: Apache-2.0 */
/* hub_publisher.c - what subscribers publish, and the results for them.
 *
 * The hub sends publish replies at the end of the turn, after the publications
 * of that turn, and waiting publish replies before any other reply.  A result
 * that waits is the mail of its request, so waiting needs no memory.
 *
 * Rejected: an immediate reply, because it splits the delivery of a turn: if
 * everyone in a room publishes, into three pieces instead of two.
 *
 * Invariant: a publisher gets its own publication before the reply to it. */
#include "hub_private.h"

#include "channels_mail.h"
#include "mail.h"
#include "pub.h"

/* Most free mails of publications.  Each keeps the memory of a small
 * publication: at most 2 MiB together. */
enum { FREE_LIST_MAX = 4096 };

/* Reuse the mail of an earlier publication: malloc() and free() per publication
 * took 230 instructions (4%) more per round trip. */
static struct pl_publish_mail *take_mail(struct pl_hub *h)
{
    struct pl_msg *m = h->publishers.free_list;

    if (m == NULL)
        return pl_publish_mail_create();
    h->publishers.free_list = m->next;
    m->next = NULL;
    h->publishers.free_count--;
    /* The next one is not in the cache. */
    __builtin_prefetch(h->publishers.free_list, 1);
    return (struct pl_publish_mail *)m;
}

static void give_back_mail(struct pl_hub *h, struct pl_publish_mail *m)
{
    if (h->publishers.free_count >= FREE_LIST_MAX) {
        pl_mail_destroy(&m->msg);
        return;
    }
    pl_publish_mail_renew(m);
    m->msg.next = h->publishers.free_list;
    h->publishers.free_list = &m->msg;
    h->publishers.free_count++;
}

enum pl_err pl_hub_publish(struct pl_hub *h, struct pl_subscriber *u,
                           struct pl_client *client,
                           const struct pl_publish_ask *ask)
{
    struct pl_address owner = pl_hub_owner(h, ask->hash);

    if (pl_hub_is_backlogged(h, owner))
        return PL_EFULL;
    struct pl_publish_mail *m = take_mail(h);
    if (m == NULL)
        return PL_ENOMEM;
    m->pub = pl_pub_renew(m->pub, ask->channel, ask->hash, ask->data, client);
    if (m->pub == NULL) {
        give_back_mail(h, m);
        return PL_ENOMEM;
    }
    m->pub->is_json = ask->is_json;
    m->origin = pl_hub_origin(u, NULL, ask->command, ask->kind);
    pl_actor_send(&h->actor, owner, &m->msg);
    return PL_OK;
}

/* --- Results --- */

static struct pl_publish_mail *next_answer(struct pl_hub *h)
{
    struct pl_msg *m = h->publishers.answers;

    if (m == NULL)
        return NULL;
    h->publishers.answers = m->next;
    if (h->publishers.answers == NULL)
        h->publishers.answers_end = &h->publishers.answers;
    m->next = NULL;
    return (struct pl_publish_mail *)m;
}

/* Report all waiting results.  A publisher gets its own publication before the
 * reply: either its channel is sealed, or pending publications are delivered
 * now. */
static void tell_publishers(struct pl_hub *h, bool are_sealed)
{
    struct pl_publish_mail *m;

    while ((m = next_answer(h)) != NULL) {
        struct pl_subscriber *u = pl_hub_asker(h, &m->origin);

        if (u != NULL && !are_sealed)
            pl_hub_deliver_pending(h, u, m->pub->hash, pl_pub_channel(m->pub));
        if (u != NULL)
            u->ops->published(u, m);
        give_back_mail(h, m);
    }
}

/* The channels of all results are sealed, because pl_hub_on_published() queues
 * this task again after each publication. */
static void tell(struct pl_task *t)
{
    tell_publishers(PL_CONTAINER(t, struct pl_hub, publishers.tell), true);
}

void pl_hub_tell_publishers(struct pl_hub *h)
{
    tell_publishers(h, false);
}

void pl_hub_on_published(struct pl_hub *h, struct pl_publish_mail *m)
{
    if (m->msg.returned)
        m->error = pl_hub_undelivered(&m->msg);
    else if (m->fan_out)
        pl_hub_fan_out(h, m->pub);
    *h->publishers.answers_end = &m->msg;
    h->publishers.answers_end = &m->msg.next;
    pl_loop_cancel(h->actor.loop, &h->publishers.tell);
    pl_loop_defer(h->actor.loop, PL_STAGE_SEAL, &h->publishers.tell);
}

void pl_hub_init_publishers(struct pl_hub *h)
{
    h->publishers.tell.run = tell;
    h->publishers.answers_end = &h->publishers.answers;
}

void pl_hub_free_publishers(struct pl_hub *h)
{
    struct pl_publish_mail *m;

    pl_loop_cancel(h->actor.loop, &h->publishers.tell);
    while ((m = next_answer(h)) != NULL)
        pl_mail_destroy(&m->msg);
    while (h->publishers.free_list != NULL)
        pl_mail_destroy(&take_mail(h)->msg);
}
