/* SPDX-License-Identifier: Apache-2.0 */
/* reloader.c - the actor that has the pool reload the configuration; see
 * broker_private.h.
 *
 * A reload is one message all the way: pl_broker_reload_soon() posts it to the
 * actor on the control loop, the actor submits it to the pool, and it returns
 * with what a thread of the pool has read.  The actor gives that to the loops.
 * A file that hangs so delays neither a loop nor a shutdown.
 *
 * Rejected: a thread for each reload in the daemon, because its end would need
 * a join of its own. */
#include <stdlib.h>

#include "broker_private.h"
#include "mail.h"
#include "monitor.h"
#include "pool.h"
#include "reload.h"

enum {
    MAIL_REQUEST = PL_MAIL_OWN,
    MAIL_READ,
    REQUESTS = 16 /* reloads that wait for the actor */
};

struct pl_reloader {
    struct pl_actor actor; /* first */
    struct pl_broker *broker;
};

struct request {
    struct pl_job job; /* first */
    struct pl_reload reload;
    void (*done)(void *arg);
    void *arg;
};

static void request_destroy(struct pl_msg *msg)
{
    struct request *q = (struct request *)msg;

    pl_reload_fini(&q->reload);
    q->done(q->arg);
    free(q);
}

static void request_run(struct pl_job *job)
{
    pl_reload_read(&((struct request *)job)->reload);
}

enum pl_err pl_broker_reload_soon(struct pl_broker *b, void (*done)(void *arg),
                                  void *arg)
{
    struct request *q = calloc(1, sizeof *q);

    if (q == NULL)
        return PL_ENOMEM;
    q->job.name = "reload";
    q->job.run = request_run;
    q->job.msg.type = MAIL_REQUEST;
    q->job.msg.destroy = request_destroy;
    q->done = done;
    q->arg = arg;
    enum pl_err rc = pl_reload_init(&q->reload, b);
    pl_guard_enter(b->guard);
    if (rc == PL_OK && !b->is_running)
        rc = PL_ESTOPPING;
    if (rc == PL_OK)
        pl_system_post(b->system, b->reloader, &q->job.msg);
    pl_guard_leave(b->guard);
    if (rc != PL_OK) {
        pl_reload_fini(&q->reload);
        free(q);
    }
    return rc;
}

/* --- The actor --- */

static void on_request(struct pl_reloader *r, struct request *q)
{
    q->job.msg.type = MAIL_READ;
    enum pl_err rc = pl_pool_submit(r->broker->pool, &r->actor, &q->job);
    if (rc == PL_OK)
        return;
    q->reload.result = rc;
    pl_reload_apply(r->broker, &q->reload);
    request_destroy(&q->job.msg);
}

static void on_read(struct pl_reloader *r, struct request *q)
{
    if (q->job.is_cancelled)
        q->reload.result = PL_ESTOPPING;
    pl_reload_apply(r->broker, &q->reload);
    request_destroy(&q->job.msg);
}

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct pl_reloader *r = (struct pl_reloader *)a;

    switch (msg->type) {
    case MAIL_REQUEST:
        on_request(r, (struct request *)msg);
        return;
    case MAIL_READ:
        on_read(r, (struct request *)msg);
        return;
    case PL_MSG_STOP:
        pl_actor_exit(a, "stopped");
        msg->destroy(msg);
        return;
    default:
        pl_actor_refuse(a, msg);
    }
}

static void reap(struct pl_actor *a)
{
    free(a);
}

static const struct pl_actor_ops ops = {
    .name = "reloader",
    .mailbox_limit = REQUESTS,
    .receive = receive,
    .reap = reap,
};

enum pl_err pl_broker_build_reloader(struct pl_broker *b)
{
    static const struct pl_pool_options options = {
        .name = "parley-pool",
        .threads = PL_BROKER_POOL_THREADS,
        .queue_limit = PL_BROKER_POOL_QUEUE,
    };
    struct pl_share *s = pl_broker_control(b);
    enum pl_err rc = pl_pool_create(&b->pool, &options);

    if (rc != PL_OK) {
        b->pool = NULL;
        return rc;
    }
    struct pl_reloader *r = calloc(1, sizeof *r);
    if (r == NULL || pl_actor_init(&r->actor, s->loop, &ops) != PL_OK) {
        free(r);
        return PL_ENOMEM;
    }
    r->broker = b;
    b->reloader = pl_actor_address(&r->actor);
    s->pool = b->pool;
    return PL_OK;
}
