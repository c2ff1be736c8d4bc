/* SPDX-License-Identifier: Apache-2.0 */
/* host.c - see host.h.
 *
 * The program's loop is a system of its own, with one loop and one actor.
 * Rejected: one more loop of the broker's system.  The broker would have to
 * wait for it in a shutdown, and to count it in the status, while it is the
 * program that decides when it runs.
 *
 * So the broker depends on it nowhere: a program that blocks its loop delays
 * what runs there, and no traffic. */
#include "host.h"

#include <stdlib.h>

#include "actor.h"
#include "handlers.h"
#include "loop_handle.h"
#include "log.h"
#include "loop.h"
#include "monitor.h"
#include "reactor.h"
#include "system.h"

enum {
    MAIL_RUN = 1,
    LAST_TURNS = 1000000 /* if what runs never stops to post more */
};

struct pl_host {
    struct pl_actor actor; /* first; of the loop */
    struct pl_system *system;
    struct pl_reactor *reactor;
    const struct pl_log *log;
    bool is_busy;
};

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct pl_host *h = (struct pl_host *)a;
    const struct pl_log *before = pl_log_use(h->log);

    h->is_busy = true;
    ((struct pl_host_mail *)msg)->run((struct pl_host_mail *)msg);
    h->is_busy = false;
    pl_log_use(before);
}

/* pl_host_destroy() frees it. */
static void reap(struct pl_actor *a)
{
    (void)a;
}

static const struct pl_actor_ops ops = {
    .name = "host",
    .mailbox_limit = 65536,
    .receive = receive,
    .reap = reap,
};

enum pl_err pl_host_create(struct pl_host **out, struct event_base *base,
                           const struct pl_log *log)
{
    struct pl_system_options o = {.loops = 1};
    struct pl_host *h = calloc(1, sizeof *h);

    if (h == NULL)
        return PL_ENOMEM;
    h->log = log;
    enum pl_err rc = pl_system_create(&h->system, &o);
    if (rc == PL_OK)
        rc = pl_actor_init(&h->actor, pl_system_loop(h->system, 0), &ops);
    if (rc == PL_OK)
        rc = pl_reactor_create(&h->reactor, pl_system_loop(h->system, 0), base);
    if (rc != PL_OK) {
        pl_system_destroy(h->system);
        free(h);
        return rc;
    }
    *out = h;
    return PL_OK;
}

static void prepare(struct pl_host_mail *m)
{
    m->msg.type = MAIL_RUN;
    m->msg.flags = PL_MSG_RESERVED;
}

void pl_host_mark(const struct pl_host *h, struct pl_call *call)
{
    call->host =
        pl_loop_handle_hold(pl_loop_handle_of(pl_system_loop(h->system, 0)));
    call->host_at = pl_actor_address(&h->actor);
}

void pl_host_post_late(struct pl_loop_handle *line, struct pl_address to,
                       struct pl_host_mail *m)
{
    prepare(m);
    pl_loop_handle_post(line, to, &m->msg);
}

void pl_host_post(struct pl_host *h, struct pl_host_mail *m)
{
    prepare(m);
    pl_system_post(h->system, pl_actor_address(&h->actor), &m->msg);
}

bool pl_host_is_busy(const struct pl_host *h)
{
    return h->is_busy;
}

void pl_host_destroy(struct pl_host *h)
{
    if (h == NULL)
        return;
    struct pl_loop *loop = pl_system_loop(h->system, 0);

    for (int i = 0; i < LAST_TURNS; i++) {
        pl_loop_turn(loop);
        if (!pl_loop_has_work(loop))
            break;
    }
    pl_system_close(h->system);
    pl_reactor_destroy(h->reactor);
    pl_system_destroy(h->system);
    free(h);
}
