/* SPDX-License-Identifier: Apache-2.0 */
/* link.c - see link.h.  A socket with Nagle's delay off, so that each write is
 * a segment, and with TLS a record, and the server reads what the suite has
 * cut.  Sockets do not block, since TLS may have to write before it reads.
 *
 * It is not the client library, which sends no frame that is wrong and cuts
 * none where a case wants it. */
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

enum { READ_BYTES = 65536 };

static void give_up(const char *what)
{
    perror(what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static bool wait_for(const struct link *l, short events)
{
    struct pollfd f = {.fd = l->fd, .events = events};

    return poll(&f, 1, LINK_DEADLINE_MS) != 0;
}

/* What SSL_get_error() said asks for a wait; false: it failed, or too late. */
static bool wait_as_told(const struct link *l, int error)
{
    if (error == SSL_ERROR_WANT_READ)
        return wait_for(l, POLLIN);
    return error == SSL_ERROR_WANT_WRITE && wait_for(l, POLLOUT);
}

static void begin_tls(struct link *l)
{
    static SSL_CTX *ctx;
    int rc;

    if (ctx == NULL && (ctx = SSL_CTX_new(TLS_client_method())) == NULL)
        give_up("link: no memory");
    l->ssl = SSL_new(ctx);
    if (l->ssl == NULL || SSL_set_fd(l->ssl, l->fd) != 1)
        give_up("link: no memory");
    while ((rc = SSL_connect(l->ssl)) != 1) {
        if (!wait_as_told(l, SSL_get_error(l->ssl, rc)))
            give_up("link: handshake of TLS");
    }
}

void link_open(struct link *l, uint16_t port, bool is_tls)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;

    *l = (struct link){0};
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (l->fd < 0 || connect(l->fd, (struct sockaddr *)&to, sizeof to) != 0)
        give_up("link: connect");
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(l->fd, F_SETFL, O_NONBLOCK);
    if (is_tls)
        begin_tls(l);
}

void link_close(struct link *l)
{
    SSL_free(l->ssl);
    ERR_clear_error();
    close(l->fd);
    l->ssl = NULL;
    l->fd = -1;
}

static bool write_tls(struct link *l, const char *at, size_t len)
{
    size_t n;

    while (len > 0) {
        int rc = SSL_write_ex(l->ssl, at, len, &n);

        if (rc == 1) {
            at += n;
            len -= n;
        } else if (!wait_as_told(l, SSL_get_error(l->ssl, rc))) {
            return false;
        }
    }
    return true;
}

/* Without a wait: where the server neither reads nor ends, it is late. */
bool link_write(struct link *l, const void *bytes, size_t len)
{
    const char *at = bytes;

    if (l->has_ended)
        return false; /* OpenSSL would take that for a broken connection */
    if (l->ssl != NULL)
        return write_tls(l, at, len);
    while (len > 0) {
        ssize_t n = send(l->fd, at, len, MSG_NOSIGNAL);

        if (n > 0) {
            at += n;
            len -= (size_t)n;
        } else if (errno != EAGAIN || !wait_for(l, POLLOUT)) {
            return false;
        }
    }
    return true;
}

void link_end(struct link *l)
{
    if (l->ssl != NULL)
        SSL_shutdown(l->ssl);
    shutdown(l->fd, SHUT_WR);
    l->has_ended = true;
}

static char *room_in(struct pl_buf *in)
{
    char *to = pl_buf_reserve(in, READ_BYTES);

    if (to == NULL)
        abort();
    return to;
}

/* One read; LINK_LATE: nothing is there. */
static enum link_got read_plain(struct link *l, struct pl_buf *in)
{
    ssize_t n = recv(l->fd, room_in(in), READ_BYTES, 0);

    if (n > 0)
        in->len += (size_t)n;
    if (n < 0)
        return errno == EAGAIN ? LINK_LATE : LINK_RESET;
    return n == 0 ? LINK_END : LINK_GOT;
}

/* Behind a close_notify comes the FIN, and nothing between. */
static enum link_got read_fin(const struct link *l)
{
    char byte;

    if (!wait_for(l, POLLIN))
        return LINK_LATE;
    return recv(l->fd, &byte, 1, 0) == 0 ? LINK_END : LINK_RESET;
}

static enum link_got read_tls(struct link *l, struct pl_buf *in, int *error)
{
    size_t n;
    int rc = SSL_read_ex(l->ssl, room_in(in), READ_BYTES, &n);

    *error = SSL_get_error(l->ssl, rc);
    ERR_clear_error();
    if (rc == 1) {
        in->len += n;
        return LINK_GOT;
    }
    if (*error == SSL_ERROR_ZERO_RETURN)
        return read_fin(l);
    return *error == SSL_ERROR_WANT_READ || *error == SSL_ERROR_WANT_WRITE
               ? LINK_LATE
               : LINK_RESET;
}

enum link_got link_read(struct link *l, struct pl_buf *in)
{
    enum link_got got;
    int error = SSL_ERROR_WANT_READ;

    do {
        got = l->ssl != NULL ? read_tls(l, in, &error) : read_plain(l, in);
    } while (got == LINK_LATE && wait_as_told(l, error));
    return got;
}
