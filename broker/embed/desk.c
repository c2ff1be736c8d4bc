/* SPDX-License-Identifier: Apache-2.0 */
/* desk.c - see desk.h.
 *
 * A thread of the program is no actor, so nothing can be sent back to it.  It
 * posts its order to a desk; the desk sends the request that the order brings,
 * gets it back with the result, and calls the program.  The orders about one
 * channel or one receiver go through one desk, so they keep their order.
 *
 * The request names its order by a pointer.  That is safe: a request returns
 * once, to the desk that sent it, and a desk that has ended gets no mail.
 *
 * Rejected: asking the owner of a channel without a desk, and calling report()
 * in the destroy function of the request.  The request would not say whether it
 * was answered.
 *
 * Invariant: each posted order is reported exactly once: when its request
 * returns, when the desk ends, or when its mail is destroyed before it reached
 * a desk. */
#include "desk.h"

#include <stdlib.h>

#include "loop.h"
#include "mail.h"
#include "mail_origin.h"
#include "monitor.h"
#include "outcome.h"
#include "session.h"
#include "session_mail.h"

enum { MAIL_ORDER = PL_MAIL_OWN };

struct pl_desk {
    struct pl_actor actor;  /* first */
    struct pl_list pending; /* of struct pl_order */
};

/* --- Orders --- */

static void give_count(struct pl_order_count *c, size_t bytes)
{
    pl_cell_add(&c->orders, (uint64_t)-1);
    pl_cell_add(&c->bytes, -(uint64_t)bytes);
}

static bool take_count(struct pl_order_count *c, size_t bytes)
{
    uint64_t others = pl_cell_add(&c->bytes, bytes);

    if (pl_cell_add(&c->orders, 1) < PL_ORDERS_MAX &&
        (others == 0 || others + bytes <= PL_ORDERS_BYTES_MAX))
        return true;
    give_count(c, bytes);
    return false;
}

static void free_order(struct pl_order *o)
{
    if (o->request != NULL)
        pl_mail_destroy(o->request);
    if (o->result != NULL)
        pl_mail_destroy(o->result);
    give_count(o->count, o->bytes);
    free(o);
}

/* Report the outcome and free the order. */
static void say(struct pl_order *o)
{
    struct pl_outcome outcome = {.err = o->err, .epoch = ""};
    struct pl_item *items = NULL;

    if (o->report != NULL) {
        if (o->result != NULL)
            items = pl_outcome_read(&outcome, o->result);
        o->report(&outcome, o->arg);
        free(items);
    }
    free_order(o);
}

static void run_order(struct pl_host_mail *m)
{
    say((struct pl_order *)m);
}

/* Neither the desk nor the program's loop takes it any more: this thread is
 * that of the program. */
static void destroy_posted(struct pl_msg *msg)
{
    say((struct pl_order *)msg);
}

/* Report the outcome on the program's loop, if it has lent one.  Return false
 * if the outcome is to be reported here. */
static bool post_home(struct pl_order *o)
{
    if (o->host == NULL || o->report == NULL)
        return false;
    o->mail.msg.destroy = destroy_posted;
    pl_host_post(o->host, &o->mail);
    return true;
}

/* The mail was destroyed in transit: the desk has ended.  This may be the
 * thread of its loop. */
static void destroy_order(struct pl_msg *msg)
{
    struct pl_order *o = (struct pl_order *)msg;

    if (!post_home(o))
        say(o);
}

enum pl_err pl_order_create(struct pl_order **out, struct pl_msg *request,
                            size_t bytes, struct pl_order_count *count)
{
    if (!take_count(count, bytes)) {
        pl_mail_destroy(request);
        return PL_EFULL;
    }
    struct pl_order *o = calloc(1, sizeof *o);
    if (o == NULL) {
        give_count(count, bytes);
        pl_mail_destroy(request);
        return PL_ENOMEM;
    }
    o->mail.msg.type = MAIL_ORDER;
    o->mail.msg.flags = PL_MSG_RESERVED;
    o->mail.msg.destroy = destroy_order;
    o->mail.run = run_order;
    o->err = PL_ESTOPPING;
    o->request = request;
    o->bytes = bytes;
    o->count = count;
    *out = o;
    return PL_OK;
}

void pl_order_forget(struct pl_order *o)
{
    free_order(o);
}

/* --- The desk --- */

/* The order has its outcome: the result, which it takes, or its `err`. */
static void tell(struct pl_desk *d, struct pl_order *o, struct pl_msg *result)
{
    pl_list_remove(&o->link);
    o->result = result;
    if (post_home(o))
        return;
    pl_loop_enter(d->actor.loop, o->name);
    say(o);
    pl_loop_leave(d->actor.loop);
}

static void on_order(struct pl_desk *d, struct pl_order *o)
{
    struct pl_msg *request = o->request;

    o->request = NULL;
    pl_list_append(&d->pending, &o->link);
    pl_mail_origin(request)->subscriber = o;
    if (request->type == PL_MAIL_DIRECT)
        pl_actor_send_kind(&d->actor, o->to,
                           &((struct pl_direct_mail *)request)->for_kind);
    else
        pl_actor_send(&d->actor, o->to, request);
}

static void on_result(struct pl_desk *d, struct pl_msg *msg)
{
    tell(d, pl_mail_origin(msg)->subscriber, msg);
}

static void tell_all(struct pl_desk *d)
{
    while (!pl_list_is_empty(&d->pending))
        tell(d, PL_CONTAINER(d->pending.next, struct pl_order, link), NULL);
}

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct pl_desk *d = (struct pl_desk *)a;

    switch (msg->type) {
    case MAIL_ORDER:
        on_order(d, (struct pl_order *)msg);
        return;
    case PL_MAIL_PUBLISH:
    case PL_MAIL_QUERY:
    case PL_MAIL_USER:
    case PL_MAIL_DIRECT:
    case PL_MAIL_DENIAL:
        on_result(d, msg);
        return;
    case PL_MSG_STOP:
        pl_mail_destroy(msg);
        tell_all(d);
        pl_actor_exit(a, "stopped");
        return;
    default:
        pl_actor_refuse(a, msg);
    }
}

static void reap(struct pl_actor *a)
{
    struct pl_desk *d = (struct pl_desk *)a;

    tell_all(d); /* a start that failed stops no actor */
    free(d);
}

static const struct pl_actor_ops ops = {
    .name = "desk",
    .mailbox_limit = PL_ORDERS_MAX,
    .receive = receive,
    .reap = reap,
};

enum pl_err pl_desk_create(struct pl_desk **out, struct pl_loop *loop)
{
    struct pl_desk *d = calloc(1, sizeof *d);

    if (d == NULL)
        return PL_ENOMEM;
    pl_list_init(&d->pending);
    enum pl_err rc = pl_actor_init(&d->actor, loop, &ops);
    if (rc != PL_OK) {
        free(d);
        return rc;
    }
    *out = d;
    return PL_OK;
}

struct pl_address pl_desk_address(const struct pl_desk *d)
{
    return pl_actor_address(&d->actor);
}
