/* SPDX-License-Identifier: Apache-2.0 */
/* conn_session.c - a connection with a session as its upper layer, through a
 * WebSocket link. */
#include "conn.h"
#include "conn_tls.h"
#include "metrics.h"
#include "session.h"
#include "ws_link.h"

static struct pl_session *session_of(const struct pl_conn *c)
{
    return pl_session_of_transport((struct pl_conn *)c);
}

/* --- Requests of the link --- */

static void flush(struct pl_session *s)
{
    struct pl_conn *c = pl_session_transport(s);

    if (pl_session_is_closing(s))
        pl_conn_write_last(c);
    else
        pl_conn_write(c);
}

static void pause_reading(struct pl_session *s)
{
    pl_conn_pause(pl_session_transport(s));
}

static void resume_reading(struct pl_session *s)
{
    pl_conn_resume(pl_session_transport(s));
}

static void end(struct pl_session *s, enum pl_end how)
{
    pl_conn_end(pl_session_transport(s), how);
}

static void let_go(struct pl_session *s)
{
    pl_conn_let_go(pl_session_transport(s));
}

static void peer(struct pl_session *s, char text[PL_IP_TEXT_MAX])
{
    pl_conn_peer(pl_session_transport(s), text);
}

static bool is_tls(struct pl_session *s)
{
    const struct pl_conn *c = pl_session_transport(s);

    return c->io == &pl_conn_io_tls;
}

static const struct pl_ws_link_ops ops = {
    .link = PL_WS_LINK_OPS(flush, pause_reading, resume_reading, peer),
    .end = end,
    .free = let_go,
    .admit = pl_conn_admit,
    .divert = pl_conn_divert,
    .is_tls = is_tls,
};

/* --- Calls to the session --- */

static enum pl_err create(struct pl_conn **out, struct pl_conns *k, int fd,
                          size_t size)
{
    struct pl_session *s;

    (void)fd;
    pl_count(k->metrics, PL_METRIC_ACCEPTED, 1);
    enum pl_err rc = pl_ws_link_create(&s, k->manager, &ops, size);
    if (rc == PL_OK)
        *out = pl_session_transport(s);
    return rc;
}

static void visit(struct pl_conn *c)
{
    pl_session_visit(session_of(c));
}

static void input(struct pl_conn *c, char *bytes, size_t len)
{
    pl_ws_link_input(session_of(c), bytes, len);
}

static bool may_go_on(const struct pl_conn *c)
{
    return pl_session_may_go_on(session_of(c));
}

static bool inflates(const struct pl_conn *c)
{
    return pl_ws_link_inflates(session_of(c));
}

/* A WebSocket ends with a Close frame.  After a FIN alone the client
 * has disconnected. */
static bool ended(struct pl_conn *c)
{
    (void)c;
    return false;
}

static int output(struct pl_conn *c, struct iovec *iov, int max)
{
    return pl_session_output(session_of(c), iov, max);
}

static void sent(struct pl_conn *c, uint64_t bytes)
{
    pl_session_sent(session_of(c), bytes);
}

static void stalled(struct pl_conn *c)
{
    pl_session_stalled(session_of(c));
}

static void waits(struct pl_conn *c)
{
    pl_session_waits(session_of(c));
}

static void gone(struct pl_conn *c, const char *why)
{
    pl_session_gone(session_of(c), why);
}

const struct pl_conn_above pl_conn_above_session = {
    .create = create,
    .visit = visit,
    .input = input,
    .may_go_on = may_go_on,
    .inflates = inflates,
    .ended = ended,
    .output = output,
    .sent = sent,
    .stalled = stalled,
    .waits = waits,
    .gone = gone,
};
