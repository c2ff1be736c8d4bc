/* SPDX-License-Identifier: Apache-2.0 */
/* conn_proxy.c - a connection that waits for the header of the PROXY protocol.
 *
 * It is one more kind of bytes: its read() looks at what the kernel has without
 * taking it, until the header is whole; then it takes just that, and the
 * connection becomes the plain or TLS one that it will be.  So nothing of a
 * header is ever kept here, no connection without one pays anything, and TLS
 * finds the socket as if the client had come by himself.  The price is that a
 * header in pieces is read again with each of them; it has 4 KiB at most.
 *
 * Nothing is said before the header is here: write() is never reached with
 * anything, since a session speaks only after it has heard something. */
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

/* Take the header off the socket, and be what follows it. */
static ssize_t go_on(struct pl_conn *c, const struct pl_proxy *said, void *to,
                     size_t len)
{
    if (recv(c->fd, to, said->len, 0) != (ssize_t)said->len)
        return fail(EPROTO); /* it was there a moment ago */
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
    case PL_EAGAIN: /* with a FIN behind it, no more comes */
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

/* The greeting is behind the header. */
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
