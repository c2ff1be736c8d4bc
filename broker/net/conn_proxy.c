/* SPDX-License-Identifier: Apache-2.0 */
/* conn_proxy.c - reads the PROXY header of a connection.
 *
 * This is a table of its own: read() peeks at the socket until the header is
 * complete, then takes exactly the header and switches the connection to the
 * plain or TLS table.  So no part of a header is stored, other connections pay
 * nothing, and TLS starts on the socket as if the client had connected
 * directly.  In return, a header that arrives in pieces is parsed again for
 * each piece; it has at most 4 KiB.
 *
 * write() is never called with output, because a session sends nothing before
 * its first input. */
#include "conn.h"

#include <errno.h>
#include <sys/socket.h>

#include "conn_tls.h"
#include "log.h"
#include "metrics.h"
#include "proxy.h"

static ssize_t fail(int error)
{
    errno = error;
    return -1;
}

static ssize_t refuse(struct pl_conn *c, const char *why)
{
    char peer[PL_IP_TEXT_MAX];

    pl_count(c->conns->metrics, PL_METRIC_PROXY_FAILED, 1);
    pl_conn_peer(c, peer);
    PL_LOG_LIMITED(PL_LOG_KIND_PROXY, PL_LOG_INFO, "PROXY header refused",
                   pl_log_string("address", peer),
                   pl_log_string("reason", why));
    return fail(EPROTO);
}

/* Take the header off the socket and switch to the table that follows it. */
static ssize_t go_on(struct pl_conn *c, const struct pl_proxy *said, void *to,
                     size_t len)
{
    if (recv(c->fd, to, said->len, 0) != (ssize_t)said->len)
        return fail(EPROTO); /* the peek found these bytes */
    pl_conn_believe(c, said);
    c->io =
        c->io == &pl_conn_io_proxy_tls ? &pl_conn_io_tls : &pl_conn_io_plain;
    if (c->io->init != NULL && c->io->init(c) != PL_OK)
        return fail(ENOMEM);
    return c->io->read(c, to, len);
}

static ssize_t proxy_read(struct pl_conn *c, void *to, size_t len)
{
    ssize_t n = recv(c->fd, to, PL_PROXY_MAX, MSG_PEEK);
    struct pl_proxy said;
    const char *why;

    if (n <= 0)
        return n;
    switch (pl_proxy_read((struct pl_span){to, (size_t)n}, &said, &why)) {
    case PL_OK:
        return go_on(c, &said, to, len);
    case PL_EAGAIN: /* after a FIN the header stays incomplete */
        return c->is_hung_up ? 0 : fail(EAGAIN);
    default:
        return refuse(c, why);
    }
}

static ssize_t proxy_write(struct pl_conn *c, const struct iovec *iov,
                           int count)
{
    (void)c;
    (void)iov;
    (void)count;
    return fail(EPIPE);
}

const struct pl_conn_io pl_conn_io_proxy_plain = {
    .size = sizeof(struct pl_conn),
    .read = proxy_read,
    .write = proxy_write,
};

/* The TLS handshake follows the header. */
static bool proxy_is_greeting(const struct pl_conn *c)
{
    (void)c;
    return true;
}

const struct pl_conn_io pl_conn_io_proxy_tls = {
    .size = sizeof(struct pl_conn_tls),
    .read = proxy_read,
    .write = proxy_write,
    .is_greeting = proxy_is_greeting,
};
