/* SPDX-License-Identifier: Apache-2.0 */
/* conns.c - see conns.h.
 *
 * A listener on another loop sends sockets by mail; one on this loop calls
 * pl_conns_adopt().  Mail that is not handled returns to the listener, which
 * closes the socket. */
#include "conns.h"

#include <stdlib.h>
#include <unistd.h>

#include "budget.h"
#include "conn.h"
#include "conn_tls.h"
#include "conns_mail.h"
#include "session_manager.h"
#include "mail.h"
#include "monitor.h"
#include "poller.h"
#include "reactor.h"

static void fd_mail_destroy(struct pl_msg *msg)
{
    struct pl_fd_mail *m = (struct pl_fd_mail *)msg;

    if (m->fd >= 0)
        close(m->fd);
    if (m->record != NULL)
        m->record->msg.destroy(&m->record->msg);
    free(m);
}

struct pl_fd_mail *pl_fd_mail_create(int fd, bool is_tls,
                                     struct pl_admission_record *record)
{
    struct pl_fd_mail *m = calloc(1, sizeof *m);

    if (m == NULL)
        return NULL;
    m->msg.type = PL_MAIL_FD;
    m->msg.destroy = fd_mail_destroy;
    m->fd = fd;
    m->is_tls = is_tls;
    m->record = record;
    m->msg.flags = PL_MSG_RETURN;
    return m;
}

static void tls_mail_destroy(struct pl_msg *msg)
{
    struct pl_tls_mail *m = (struct pl_tls_mail *)msg;

    pl_tls_release(m->tls);
    free(m);
}

/* The mail is reserved: it is rare and must not be refused. */
enum pl_err pl_conns_retls(struct pl_msg **out, struct pl_tls *tls)
{
    struct pl_tls_mail *m = calloc(1, sizeof *m);

    if (m == NULL)
        return PL_ENOMEM;
    m->msg.type = PL_MAIL_TLS;
    m->msg.flags = PL_MSG_RESERVED;
    m->msg.destroy = tls_mail_destroy;
    m->tls = pl_tls_hold(tls);
    *out = &m->msg;
    return PL_OK;
}

void pl_conns_set_web(struct pl_conns *c, struct pl_address web)
{
    c->web_conns = web;
}

enum pl_err pl_conns_set_tls(struct pl_conns *c, struct pl_tls *tls,
                             const struct pl_tls_seed *seed)
{
    return pl_conns_tls_create(&c->tls, tls, seed);
}

void pl_conns_set_limiter(struct pl_conns *c,
                          const struct pl_net_settings *config)
{
    c->config = config;
}

enum pl_err pl_conns_adopt(struct pl_conns *c, int fd, bool is_tls,
                           struct pl_admission_record *record)
{
    bool speaks_first =
        record != NULL && record->is_trusted && c->config->proxy.protocol;
    const struct pl_conn_io *io = is_tls ? &pl_conn_io_tls : &pl_conn_io_plain;

    if (speaks_first)
        io = is_tls ? &pl_conn_io_proxy_tls : &pl_conn_io_proxy_plain;
    return pl_conn_open(c, fd, io, record);
}

static void take(struct pl_conns *c, struct pl_fd_mail *m)
{
    struct pl_admission_record *record = m->record;
    int fd = m->fd;

    m->fd = -1;
    m->record = NULL;
    pl_loop_add_work(c->actor.loop, PL_COST_OPEN);
    if (pl_conns_adopt(c, fd, m->is_tls, record) != PL_OK)
        pl_count(c->metrics, PL_METRIC_ACCEPT_FAILED, 1);
}

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct pl_conns *c = (struct pl_conns *)a;

    switch (msg->type) {
    case PL_ADMISSION_ACQUIRE:
        pl_conns_on_admission(c, (struct pl_admission_record *)msg);
        return;
    case PL_MAIL_FD:
        take(c, (struct pl_fd_mail *)msg);
        break;
    case PL_MAIL_MOVE:
        pl_conns_on_move(c, (struct pl_move_mail *)msg);
        break;
    case PL_MAIL_TLS:
        pl_conns_tls_replace(c->tls, ((struct pl_tls_mail *)msg)->tls);
        break;
    case PL_MSG_STOP:
        /* A connection that arrived late must not outlive the poller. */
        if (c->manager != NULL)
            pl_session_manager_abort_all(c->manager);
        pl_actor_exit(a, "stopped");
        break;
    default:
        pl_actor_refuse(a, msg);
        return;
    }
    msg->destroy(msg);
}

static void reap(struct pl_actor *a)
{
    struct pl_conns *c = (struct pl_conns *)a;

    pl_loop_cancel(a->loop, &c->read_ready);
    pl_poller_destroy(c->poller);
    pl_conns_tls_destroy(c->tls);
    free(c);
}

static const struct pl_actor_ops ops = {
    .name = "conns",
    .mailbox_limit = 16384,
    .receive = receive,
    .reap = reap,
};

static enum pl_err create(struct pl_conns **out, struct pl_loop *loop,
                          struct pl_reactor *reactor,
                          const struct pl_conn_above *above)
{
    struct pl_conns *c = malloc(sizeof *c);

    if (c == NULL)
        return PL_ENOMEM;
    memset(c, 0, offsetof(struct pl_conns, in));
    c->reactor = reactor;
    c->above = above;
    c->read_ready.run = pl_conn_read_ready;
    enum pl_err rc = pl_poller_create(&c->poller, reactor, pl_conn_on_event);
    if (rc == PL_OK)
        rc = pl_actor_init(&c->actor, loop, &ops);
    if (rc != PL_OK) {
        pl_poller_destroy(c->poller);
        free(c);
        return rc;
    }
    *out = c;
    return PL_OK;
}

enum pl_err pl_conns_create(struct pl_conns **out, struct pl_loop *loop,
                            struct pl_reactor *reactor,
                            struct pl_session_manager *manager,
                            struct pl_metrics *metrics)
{
    enum pl_err rc = create(out, loop, reactor, &pl_conn_above_session);

    if (rc == PL_OK) {
        (*out)->manager = manager;
        (*out)->metrics = metrics;
    }
    return rc;
}

enum pl_err pl_conns_create_web(struct pl_conns **out,
                                struct pl_reactor *reactor, struct pl_web *web,
                                bool is_trusted)
{
    enum pl_err rc =
        create(out, pl_reactor_loop(reactor), reactor, &pl_conn_above_web);

    if (rc == PL_OK) {
        (*out)->web = web;
        (*out)->is_trusted = is_trusted;
        (*out)->metrics = &(*out)->unlisted;
    }
    return rc;
}

struct pl_address pl_conns_address(const struct pl_conns *c)
{
    return pl_actor_address(&c->actor);
}
