/* SPDX-License-Identifier: Apache-2.0 */
/* sockets.c - see sockets.h.
 *
 * A stream resolves the name, dials, shakes hands, and then moves bytes.  Each
 * step may fail, and whatever is still under way is undone by close().  The
 * socket is watched for input until the end, and for output only while the
 * kernel takes nothing, so that a message costs no change to the epoll set.
 *
 * The user may close the stream in any of its callbacks.  The struct is then
 * freed when the outermost of them has returned.
 *
 * Invariant: after ended() or close() nothing is called; a stream owns at most
 * one of a lookup, a dial and a socket. */
#include "sockets.h"

#include <errno.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dial.h"
#include "reactor.h"
#include "resolver.h"
#include "tls.h"
#include "tunnel.h"

enum {
    READ_SIZE = 65536,
    READS_MAX = 4, /* of READ_SIZE, for one callback of the base */
    WHY_SIZE = 400
};

struct sockets {
    struct plc_network network; /* first */
    struct pl_reactor *reactor;
    struct plc_resolver *resolver;
    char read[READ_SIZE];
};

enum state { RESOLVING, DIALLING, TUNNEL, HANDSHAKE, OPEN, ENDED };

struct stream {
    struct plc_stream stream; /* first */
    struct sockets *sockets;
    const struct plc_stream_user *calls;
    void *user;
    struct plc_target target;
    enum state state;
    struct plc_lookup *lookup; /* in RESOLVING */
    struct plc_dial *dial;     /* in DIALLING */
    struct pl_buf request;     /* in TUNNEL, to the proxy; may be secret */
    size_t request_sent;       /* bytes */
    struct pl_buf response;    /* in TUNNEL, of the proxy */
    int fd;                    /* -1: none */
    struct event *input, *output;
    struct ssl_st *ssl;      /* NULL: no TLS */
    unsigned depth;          /* callbacks of the user that run */
    bool is_closed;          /* freed when they have returned */
    bool is_paused;          /* the user reads nothing */
    bool is_blocked;         /* the user wrote more than was taken */
    bool reads_for_writing;  /* TLS writes on when input comes */
    bool writes_for_reading; /* TLS reads on when output leaves */
    int write_error;         /* errno of a write; on_output() reports it */
};

static struct stream *stream_of(struct plc_stream *s)
{
    return (struct stream *)s;
}

/* --- The end --- */

static void release(struct stream *s)
{
    if (s->lookup != NULL)
        plc_lookup_cancel(s->lookup);
    if (s->dial != NULL)
        plc_dial_cancel(s->dial);
    if (s->input != NULL)
        event_free(s->input);
    if (s->output != NULL)
        event_free(s->output);
    plc_tls_free(s->ssl);
    if (s->fd >= 0)
        close(s->fd);
    pl_tunnel_wipe(&s->request);
    pl_buf_fini(&s->response);
    s->lookup = NULL;
    s->dial = NULL;
    s->input = s->output = NULL;
    s->ssl = NULL;
    s->fd = -1;
}

static void enter(struct stream *s)
{
    s->depth++;
}

/* Return false if the stream is gone, or over. */
static bool leave(struct stream *s)
{
    if (--s->depth == 0 && s->is_closed) {
        free(s);
        return false;
    }
    return !s->is_closed && s->state != ENDED;
}

static void end(struct stream *s, enum pl_err err, bool is_clean,
                const char *why)
{
    if (s->state == ENDED || s->is_closed)
        return;
    s->state = ENDED;
    release(s);
    enter(s);
    s->calls->ended(s->user, err, is_clean, why);
    leave(s);
}

static void end_by_errno(struct stream *s, const char *what)
{
    char why[WHY_SIZE], buffer[80];

    snprintf(why, sizeof why, "%s: %s", what,
             strerror_r(errno, buffer, sizeof buffer));
    end(s, PL_EIO, false, why);
}

static void close_stream(struct plc_stream *stream)
{
    struct stream *s = stream_of(stream);

    s->is_closed = true;
    release(s);
    if (s->depth == 0)
        free(s);
}

/* --- Bytes --- */

static void watch_output(struct stream *s)
{
    if (!event_pending(s->output, EV_WRITE, NULL))
        event_add(s->output, NULL);
}

/* What SSL_get_error() says of a call that did nothing: true if it waits. */
static bool is_waiting(struct stream *s, int error)
{
    if (error == SSL_ERROR_WANT_WRITE)
        watch_output(s);
    return error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ;
}

static void fail_tls(struct stream *s, int error)
{
    char why[WHY_SIZE];

    plc_tls_explain(s->ssl, error, why, sizeof why);
    end(s, s->state == OPEN ? PL_EIO : PL_EDENIED, false, why);
}

/* Return the bytes read, 0: wait, -1: over. */
static ssize_t read_tls(struct stream *s)
{
    errno = 0;
    int n = SSL_read(s->ssl, s->sockets->read, READ_SIZE);

    if (n > 0)
        return n;
    int error = SSL_get_error(s->ssl, n);
    s->writes_for_reading = error == SSL_ERROR_WANT_WRITE;
    if (is_waiting(s, error)) {
        ERR_clear_error();
        return 0;
    }
    if (error == SSL_ERROR_ZERO_RETURN)
        end(s, PL_ECLOSED, true, "the server closed the connection");
    else
        fail_tls(s, error);
    return -1;
}

static ssize_t read_plain(struct stream *s)
{
    ssize_t n = recv(s->fd, s->sockets->read, READ_SIZE, 0);

    if (n > 0)
        return n;
    if (n == 0)
        end(s, PL_ECLOSED, true, "the server closed the connection");
    else if (errno == EAGAIN || errno == EINTR)
        return 0;
    else
        end_by_errno(s, "cannot read");
    return -1;
}

static void read_on(struct stream *s)
{
    for (int i = 0; i < READS_MAX && !s->is_paused; i++) {
        ssize_t n = s->ssl != NULL ? read_tls(s) : read_plain(s);

        if (n <= 0)
            return;
        enter(s);
        s->calls->came(s->user, (struct pl_span){s->sockets->read, (size_t)n});
        if (!leave(s))
            return;
    }
    /* The kernel reports again what it has, but not what OpenSSL has. */
    if (s->ssl != NULL && !s->is_paused && SSL_pending(s->ssl) > 0)
        event_active(s->input, EV_READ, 0);
}

static size_t write_tls(struct stream *s, struct pl_span bytes)
{
    size_t taken = 0;

    while (taken < bytes.len) {
        size_t n = 0;

        errno = 0;
        int rc = SSL_write_ex(s->ssl, bytes.at + taken, bytes.len - taken, &n);
        if (rc == 1) {
            taken += n;
            continue;
        }
        int error = SSL_get_error(s->ssl, rc);
        s->reads_for_writing = error == SSL_ERROR_WANT_READ;
        if (!is_waiting(s, error))
            s->write_error = errno == 0 ? EPIPE : errno;
        ERR_clear_error();
        break;
    }
    if (s->write_error != 0)
        watch_output(s);
    return taken;
}

static size_t write_plain(struct stream *s, struct pl_span bytes)
{
    size_t taken = 0;

    while (taken < bytes.len) {
        ssize_t n =
            send(s->fd, bytes.at + taken, bytes.len - taken, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            s->write_error = errno == EAGAIN || errno == ENOBUFS ? 0 : errno;
            break;
        }
        taken += (size_t)n;
    }
    if (taken < bytes.len)
        watch_output(s);
    return taken;
}

static size_t write_stream(struct plc_stream *stream, struct pl_span bytes)
{
    struct stream *s = stream_of(stream);

    if (s->state != OPEN || s->write_error != 0)
        return 0;
    size_t taken = s->ssl != NULL ? write_tls(s, bytes) : write_plain(s, bytes);
    s->is_blocked = taken < bytes.len;
    return taken;
}

static void pause_stream(struct plc_stream *stream, bool is_paused)
{
    struct stream *s = stream_of(stream);

    if (s->is_paused == is_paused)
        return;
    s->is_paused = is_paused;
    if (s->state != OPEN)
        return;
    if (is_paused)
        event_del(s->input);
    else if (event_add(s->input, NULL) == 0 && s->ssl != NULL)
        event_active(s->input, EV_READ, 0);
}

static void finish_stream(struct plc_stream *stream)
{
    struct stream *s = stream_of(stream);

    if (s->state != OPEN)
        return;
    if (s->ssl != NULL) {
        SSL_shutdown(s->ssl);
        ERR_clear_error();
    }
    shutdown(s->fd, SHUT_WR);
}

static const struct plc_stream_ops stream_ops = {
    .write = write_stream,
    .pause = pause_stream,
    .finish = finish_stream,
    .close = close_stream,
};

/* --- The way to the server --- */

static void open_stream(struct stream *s)
{
    s->state = OPEN;
    s->stream.is_resumed = s->ssl != NULL && plc_tls_is_resumed(s->ssl);
    if (s->is_paused)
        event_del(s->input);
    enter(s);
    s->calls->opened(s->user);
    if (leave(s) && s->ssl != NULL && !s->is_paused)
        event_active(s->input, EV_READ, 0); /* what came with the handshake */
}

static void shake_hands(struct stream *s)
{
    errno = 0;
    int rc = SSL_connect(s->ssl);

    if (rc == 1) {
        open_stream(s);
        return;
    }
    int error = SSL_get_error(s->ssl, rc);
    if (is_waiting(s, error))
        ERR_clear_error();
    else
        fail_tls(s, error);
}

static void tell_writable(struct stream *s)
{
    s->is_blocked = false;
    s->reads_for_writing = false;
    enter(s);
    s->calls->writable(s->user);
    leave(s);
}

static void read_tunnel(struct stream *s);
static void send_request(struct stream *s);

static void on_input(evutil_socket_t fd, short what, void *arg)
{
    struct stream *s = arg;

    (void)fd, (void)what;
    pl_reactor_schedule_turn(s->sockets->reactor);
    if (s->state == TUNNEL)
        read_tunnel(s);
    else if (s->state == HANDSHAKE)
        shake_hands(s);
    else if (s->reads_for_writing)
        tell_writable(s);
    else
        read_on(s);
}

/* A failed write is reported here, because the user may be in the
 * middle of anything when it writes. */
static void on_output(evutil_socket_t fd, short what, void *arg)
{
    struct stream *s = arg;

    (void)fd, (void)what;
    pl_reactor_schedule_turn(s->sockets->reactor);
    if (s->write_error != 0) {
        errno = s->write_error;
        end_by_errno(s, "cannot write");
    } else if (s->state == TUNNEL) {
        send_request(s);
    } else if (s->state == HANDSHAKE) {
        shake_hands(s);
    } else if (s->writes_for_reading) {
        s->writes_for_reading = false;
        event_active(s->input, EV_READ, 0);
        if (s->is_blocked)
            watch_output(s);
    } else if (s->is_blocked) {
        tell_writable(s);
    }
}

static void end_for_memory(struct stream *s)
{
    end(s, PL_ENOMEM, false, "out of memory");
}

static bool watch(struct stream *s)
{
    struct event_base *base = pl_reactor_base(s->sockets->reactor);

    s->input = event_new(base, s->fd, EV_READ | EV_PERSIST, on_input, s);
    s->output = event_new(base, s->fd, EV_WRITE, on_output, s);
    return s->input != NULL && s->output != NULL &&
           event_add(s->input, NULL) == 0;
}

static void begin_handshake(struct stream *s)
{
    const char *name =
        s->target.tls_name != NULL ? s->target.tls_name : s->target.host;

    s->state = HANDSHAKE;
    if (!s->target.is_tls) {
        open_stream(s);
        return;
    }
    s->ssl = plc_tls_connect(s->target.tls, s->fd, name, s->target.ticket);
    if (s->ssl == NULL)
        end_for_memory(s);
    else
        shake_hands(s);
}

/* --- The tunnel through a proxy --- */

static void send_request(struct stream *s)
{
    struct pl_span rest = {s->request.data + s->request_sent,
                           s->request.len - s->request_sent};

    s->request_sent += write_plain(s, rest);
    if (s->request_sent == s->request.len)
        pl_tunnel_wipe(&s->request);
}

static void begin_tunnel(struct stream *s)
{
    char host[300];
    bool is_v6 = strchr(s->target.host, ':') != NULL;
    struct pl_tunnel t = {.user = pl_span_of(s->target.proxy_user),
                          .password = pl_span_of(s->target.proxy_word)};
    const char *why;

    snprintf(host, sizeof host, is_v6 ? "[%s]:%u" : "%s:%u", s->target.host,
             s->target.port);
    t.host = pl_span_of(host);
    s->state = TUNNEL;
    enum pl_err rc = pl_tunnel_write(&t, &s->request, &why);
    if (rc == PL_ENOMEM)
        end_for_memory(s);
    else if (rc != PL_OK)
        end(s, rc, false, why);
    else
        send_request(s);
}

static void refuse_tunnel(struct stream *s, enum pl_err err,
                          const struct pl_http_failure *f)
{
    char why[WHY_SIZE];

    snprintf(why, sizeof why, "proxy: %s%s%.*s", f->text,
             f->what.at == NULL ? "" : ": ", (int)f->what.len,
             f->what.at == NULL ? "" : f->what.at);
    if (f->status != 0)
        snprintf(why, sizeof why, "proxy: %s: %d %.*s", f->text, f->status,
                 (int)f->what.len, f->what.at == NULL ? "" : f->what.at);
    end(s, err, false, why);
}

static void read_tunnel(struct stream *s)
{
    struct pl_http_failure why = {0};
    ssize_t n = read_plain(s);

    if (n <= 0)
        return;
    pl_buf_put(&s->response, s->sockets->read, (size_t)n);
    if (s->response.failed) {
        end_for_memory(s);
        return;
    }
    enum pl_err rc = pl_tunnel_read(pl_buf_span(&s->response), &why);
    if (rc == PL_OK) {
        pl_buf_fini(&s->response);
        begin_handshake(s);
    } else if (rc != PL_EAGAIN) {
        refuse_tunnel(s, rc, &why);
    }
}

static void on_dialled(void *user, int fd, const char *why)
{
    struct stream *s = user;

    s->dial = NULL;
    s->fd = fd;
    if (fd < 0)
        end(s, PL_EIO, false, why);
    else if (!watch(s))
        end_for_memory(s);
    else if (s->target.proxy_host != NULL)
        begin_tunnel(s);
    else
        begin_handshake(s);
}

static void on_found(void *user, const struct plc_addresses *a, const char *why)
{
    struct stream *s = user;

    s->lookup = NULL;
    if (a == NULL) {
        char text[WHY_SIZE];

        snprintf(text, sizeof text, "%s%s",
                 s->target.proxy_host == NULL ? "" : "proxy: ", why);
        end(s, PL_ENOENT, false, text);
        return;
    }
    s->state = DIALLING;
    if (plc_dial_start(&s->dial, s->sockets->reactor, a, on_dialled, s) !=
        PL_OK)
        end_for_memory(s);
}

static enum pl_err open_network(struct plc_network *n, struct plc_stream **out,
                                const struct plc_target *target,
                                const struct plc_stream_user *calls, void *user)
{
    struct stream *s = calloc(1, sizeof *s);

    if (s == NULL)
        return PL_ENOMEM;
    s->stream.ops = &stream_ops;
    s->sockets = (struct sockets *)n;
    s->calls = calls;
    s->user = user;
    s->target = *target;
    s->fd = -1;
    bool is_direct = target->proxy_host == NULL;
    enum pl_err rc = plc_lookup_start(
        s->sockets->resolver, &s->lookup, &s->target,
        is_direct ? target->host : target->proxy_host,
        is_direct ? target->port : target->proxy_port, on_found, s);
    if (rc != PL_OK) {
        free(s);
        return rc;
    }
    *out = &s->stream;
    return PL_OK;
}

static const struct plc_network_ops network_ops = {.open = open_network};

enum pl_err plc_sockets_create(struct plc_network **out,
                               struct pl_reactor *reactor)
{
    struct sockets *n = calloc(1, sizeof *n);

    if (n == NULL)
        return PL_ENOMEM;
    n->network.ops = &network_ops;
    n->reactor = reactor;
    enum pl_err rc =
        plc_resolver_create(&n->resolver, pl_reactor_loop(reactor));
    if (rc != PL_OK) {
        free(n);
        return rc;
    }
    *out = &n->network;
    return PL_OK;
}

void plc_sockets_destroy(struct plc_network *network)
{
    struct sockets *n = (struct sockets *)network;

    if (n == NULL)
        return;
    plc_resolver_destroy(n->resolver);
    free(n);
}
