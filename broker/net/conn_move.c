/* SPDX-License-Identifier: Apache-2.0 */
/* conn_move.c - hands an open connection from one pl_conns to another, on
 * another loop.
 *
 * A client of a public address may turn out to be a backend that asks for the
 * server API.  Its session ends, and its socket goes to the pl_conns of an HTTP
 * server by mail, with the bytes that were read and the state of TLS.  OpenSSL
 * allows an SSL to be used by one thread after the other.
 *
 * The new owner reads at once, because OpenSSL may hold input that no edge
 * will report.
 *
 * Rejected: reading the requests on the loop of the client and sending each
 * call by mail.  Its bodies and answers then need bounds of their own on each
 * loop.
 *
 * Invariant: at any time one thread owns the socket and its SSL; nothing of the
 * first loop is left in either. */
#include <stdlib.h>
#include <unistd.h>

#include "conn.h"
#include "conns.h"
#include "conns_mail.h"
#include "poller.h"
#include "session.h"
#include "session_link.h"

static void destroy(struct pl_msg *msg)
{
    struct pl_move_mail *m = (struct pl_move_mail *)msg;

    pl_tls_kept_fini(&m->tls);
    if (m->fd >= 0)
        close(m->fd);
    pl_buf_fini(&m->in);
    free(m);
}

static struct pl_move_mail *create(struct pl_span in)
{
    struct pl_move_mail *m = calloc(1, sizeof *m);

    if (m == NULL)
        return NULL;
    m->msg.type = PL_MAIL_MOVE;
    m->msg.destroy = destroy;
    m->fd = -1;
    pl_buf_put_span(&m->in, in);
    if (m->in.failed) {
        destroy(&m->msg);
        return NULL;
    }
    return m;
}

bool pl_conn_divert(struct pl_session *s, struct pl_span in)
{
    struct pl_conn *c = pl_session_transport(s);
    struct pl_conns *k = c->conns;

    if (pl_address_is_none(k->web_conns))
        return false;
    struct pl_move_mail *m = create(in);
    if (m == NULL)
        return false;
    m->from = pl_conn_ip(c);
    m->is_hung_up = c->is_hung_up;
    m->fd = pl_conn_take_out(c);
    pl_conn_tls_take_out(c, &m->tls);
    pl_actor_send(&k->actor, k->web_conns, &m->msg);
    pl_session_give_up(s);
    pl_session_gone(s, "handed over");
    return true;
}

/* Create the connection of the HTTP server.  Return NULL if the server is full
 * or out of memory. */
static struct pl_conn *adopt(struct pl_conns *k, struct pl_move_mail *m)
{
    bool is_tls = m->tls.ssl != NULL;
    const struct pl_conn_io *io = is_tls ? &pl_conn_io_tls : &pl_conn_io_plain;
    struct pl_conn *c;

    if ((is_tls && k->tls == NULL) ||
        k->above->create(&c, k, m->fd, io->size) != PL_OK)
        return NULL;
    c->conns = k;
    c->io = io;
    c->fd = m->fd;
    c->is_hung_up = m->is_hung_up;
    m->fd = -1;
    pl_conn_web_name(c, &m->from);
    if ((is_tls && pl_conn_tls_put_in(c, &m->tls) != PL_OK) ||
        pl_poller_add(k->poller, c->fd, c) != PL_OK) {
        pl_conn_end(c, PL_END_AT_ONCE);
        return NULL;
    }
    return c;
}

void pl_conns_on_move(struct pl_conns *k, struct pl_move_mail *m)
{
    struct pl_conn *c = adopt(k, m);

    if (c == NULL) {
        pl_count(k->metrics, PL_METRIC_ACCEPT_FAILED, 1);
        return;
    }
    k->above->input(c, m->in.data, m->in.len);
    if (c->fd >= 0)
        pl_conn_read_soon(c);
}
