/* SPDX-License-Identifier: Apache-2.0 */
/* link.c - see link.h.
 *
 * Edge-triggered, registered once, so that the client's share of a shared
 * machine stays small.  Reading goes through one buffer of the process; what a
 * decoder needs to remember it keeps itself.  Certificates are not verified:
 * this measures the broker, and the client would become the limit earlier.
 *
 * Source addresses are spread, since one has 28,000 ports and those of
 * connections that the broker ended first wait for a minute. */
#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "talk.h"

enum { READ_SIZE = 1 << 18, SOURCES = 8, HEAD_MAX = 4096 };

static char scratch[READ_SIZE];

static struct link_net *net_of_session(SSL *ssl, struct link **l)
{
    *l = SSL_get_app_data(ssl);
    return (*l)->net;
}

static int on_ticket(SSL *ssl, SSL_SESSION *ticket)
{
    struct link *l;

    if (!net_of_session(ssl, &l)->resumes)
        return 0;
    SSL_SESSION_free(l->ticket);
    l->ticket = ticket;
    return 1; /* ours now */
}

void link_net_init(struct link_net *n, bool tls, bool resumes, bool deflate)
{
    n->resumes = resumes;
    n->offers_deflate = deflate;
    n->limits = (struct pl_ws_limits){
        .max_message = 64u << 20, .inflater = deflate ? &n->inflater : NULL};
    if (!tls)
        return;
    n->tls = SSL_CTX_new(TLS_client_method());
    if (n->tls == NULL) {
        fprintf(stderr, "parley-load: OpenSSL gives no context\n");
        exit(1);
    }
    SSL_CTX_set_mode(n->tls, SSL_MODE_RELEASE_BUFFERS |
                                 SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(n->tls, SSL_SESS_CACHE_CLIENT |
                                               SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(n->tls, on_ticket);
}

void link_net_fini(struct link_net *n)
{
    SSL_CTX_free(n->tls);
    n->tls = NULL;
    pl_inflater_fini(&n->inflater);
}

/* --- The end --- */

static void drop(struct link *l)
{
    if (l->state == LINK_CLOSED)
        return;
    if (l->ssl != NULL) /* otherwise OpenSSL takes the ticket for spoilt */
        SSL_set_shutdown(l->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(l->ssl);
    l->ssl = NULL;
    close(l->fd);
    l->state = LINK_CLOSED;
    pl_ws_decoder_fini(&l->ws, &l->net->limits);
    pl_buf_fini(&l->out);
    pl_buf_fini(&l->head);
}

void link_abort(struct link *l)
{
    struct linger at_once = {.l_onoff = 1};

    if (l->state == LINK_CLOSED)
        return;
    setsockopt(l->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    drop(l);
}

void link_fini(struct link *l)
{
    link_abort(l);
    SSL_SESSION_free(l->ticket);
    l->ticket = NULL;
}

static void end(struct link *l, uint16_t code)
{
    if (l->state == LINK_CLOSED)
        return;
    drop(l);
    l->net->closed(l, code);
}

/* --- Bytes --- */

/* What a TLS call that gave `n` means: bytes, 0 "not now", -1 "over". */
static ssize_t tls_result(struct link *l, int n)
{
    int error = SSL_get_error(l->ssl, n);

    ERR_clear_error();
    if (n > 0)
        return n;
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0
                                                                         : -1;
}

static ssize_t socket_result(ssize_t n)
{
    if (n > 0)
        return n;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static ssize_t get(struct link *l)
{
    ERR_clear_error();
    return l->ssl == NULL
               ? socket_result(recv(l->fd, scratch, sizeof scratch, 0))
               : tls_result(l, SSL_read(l->ssl, scratch, sizeof scratch));
}

static ssize_t put(struct link *l, struct pl_span s)
{
    ERR_clear_error();
    return l->ssl == NULL
               ? socket_result(send(l->fd, s.at, s.len, MSG_NOSIGNAL))
               : tls_result(l, SSL_write(l->ssl, s.at, (int)s.len));
}

/* Reading shows the end of a connection, so errors are not looked at. */
static void flush(struct link *l)
{
    size_t done = 0;

    while (done < l->out.len) {
        ssize_t n =
            put(l, (struct pl_span){l->out.data + done, l->out.len - done});

        if (n <= 0)
            break;
        done += (size_t)n;
    }
    if (done == l->out.len) {
        pl_buf_fini(&l->out);
    } else if (done > 0) {
        memmove(l->out.data, l->out.data + done, l->out.len - done);
        l->out.len -= done;
    }
}

static void say_frame(struct link *l, enum pl_ws_opcode opcode,
                      struct pl_span payload)
{
    bool was_empty = l->out.len == 0;

    talk_frame(&l->out, opcode, payload);
    if (was_empty)
        flush(l);
}

void link_say(struct link *l, struct pl_span message)
{
    say_frame(l, PL_WS_BINARY, message);
}

/* --- Opening --- */

static int open_socket(struct link_net *n)
{
    struct sockaddr_in from = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK + n->source++ % SOURCES)};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(n->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;

    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) == 0 &&
        (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 ||
         errno == EINPROGRESS))
        return fd;
    close(fd);
    return -1;
}

static bool begin_tls(struct link *l)
{
    if (l->net->tls == NULL)
        return true;
    l->ssl = SSL_new(l->net->tls);
    if (l->ssl == NULL || SSL_set_fd(l->ssl, l->fd) != 1)
        return false;
    SSL_set_app_data(l->ssl, l);
    SSL_set_connect_state(l->ssl);
    if (l->net->resumes && l->ticket != NULL)
        SSL_set_session(l->ssl, l->ticket);
    return true;
}

void link_begin(struct link *l)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET,
                            .data.ptr = l};

    l->fd = open_socket(l->net);
    if (l->fd < 0) {
        l->net->closed(l, 0);
        return;
    }
    l->state = LINK_TCP;
    if (!begin_tls(l) ||
        epoll_ctl(l->net->epoll, EPOLL_CTL_ADD, l->fd, &e) != 0)
        end(l, 0);
}

static void ask(struct link *l)
{
    pl_buf_printf(&l->out,
                  "GET /connection/websocket HTTP/1.1\r\n"
                  "Host: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                  "Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n"
                  "Sec-WebSocket-Protocol: centrifuge-protobuf\r\n%s\r\n",
                  l->net->port,
                  l->net->offers_deflate
                      ? "Sec-WebSocket-Extensions: permessage-deflate; "
                        "client_max_window_bits\r\n"
                      : "");
    l->state = LINK_HTTP;
    flush(l);
}

/* Take one step of what comes before the request.  Return false until the
 * socket has more. */
static bool advance(struct link *l)
{
    if (l->state == LINK_TCP) {
        struct sockaddr_in peer;
        socklen_t len = sizeof peer;

        if (getpeername(l->fd, (struct sockaddr *)&peer, &len) != 0) {
            int error = 0;
            socklen_t size = sizeof error;

            getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &size);
            if (error != 0)
                end(l, 0);
            return false;
        }
        l->state = l->ssl == NULL ? LINK_HTTP : LINK_TLS;
    } else if (l->state == LINK_TLS) {
        ERR_clear_error();
        ssize_t n = tls_result(l, SSL_do_handshake(l->ssl));

        if (n < 0)
            end(l, 0);
        if (n <= 0)
            return false;
        l->net->resumed += SSL_session_reused(l->ssl) != 0;
        l->state = LINK_HTTP;
    }
    if (l->state == LINK_HTTP)
        ask(l);
    return l->state == LINK_TLS;
}

/* The answer, and what follows it.  Gives what is WebSocket already. */
static struct pl_span take_head(struct link *l, struct pl_span in)
{
    struct pl_buf *h = &l->head;

    pl_buf_put_span(h, in);
    char *end_of = memmem(h->data, h->len, "\r\n\r\n", 4);
    if (end_of == NULL) {
        if (h->len > HEAD_MAX)
            end(l, 0);
        return (struct pl_span){NULL, 0};
    }
    size_t rest = h->len - (size_t)(end_of + 4 - h->data);
    bool deflated = memmem(h->data, h->len, "permessage-deflate", 18) != NULL;
    bool good = strncmp(h->data, "HTTP/1.1 101 ", 13) == 0;

    pl_buf_fini(h);
    if (!good) {
        end(l, 0);
        return (struct pl_span){NULL, 0};
    }
    l->net->handshakes++;
    l->net->deflated += deflated;
    l->state = LINK_OPEN;
    l->net->opened(l);
    return (struct pl_span){in.at + in.len - rest, rest};
}

/* --- Messages --- */

static void take_close(struct link *l, const struct pl_ws_event *e)
{
    char code[2] = {(char)(e->code >> 8), (char)e->code};

    say_frame(l, PL_WS_CLOSE, (struct pl_span){code, e->code == 0 ? 0 : 2});
    end(l, e->code == 0 ? 1005 : e->code);
}

static void take_input(struct link *l, struct pl_span in)
{
    struct pl_ws_event e;

    if (l->state == LINK_HTTP)
        in = take_head(l, in);
    while (l->state == LINK_OPEN && in.len > 0) {
        pl_ws_decode(&l->ws, &l->net->limits, &in, &e);
        if (e.kind == PL_WS_EVENT_MESSAGE)
            l->net->message(l, e.payload);
        else if (e.kind == PL_WS_EVENT_PING)
            say_frame(l, PL_WS_PONG, e.payload);
        else if (e.kind == PL_WS_EVENT_CLOSE)
            take_close(l, &e);
        else if (e.kind == PL_WS_EVENT_ERROR)
            end(l, e.code);
    }
}

static void read_all(struct link *l)
{
    ssize_t n;

    while (l->state >= LINK_HTTP && (n = get(l)) != 0) {
        if (n < 0) {
            end(l, 0);
            return;
        }
        l->net->bytes_in += (uint64_t)n;
        take_input(l, (struct pl_span){scratch, (size_t)n});
    }
}

void link_run(struct link *l)
{
    if (l->state == LINK_CLOSED)
        return;
    while ((l->state == LINK_TCP || l->state == LINK_TLS) && advance(l))
        continue;
    if (l->state >= LINK_HTTP) {
        flush(l);
        read_all(l);
    }
}
