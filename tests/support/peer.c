/* SPDX-License-Identifier: Apache-2.0 */
/* peer.c - see peer.h: the socket, the handshake and the frames.
 *
 * The codecs of the client library read and write the frames; what they do with
 * them is tested elsewhere, against frames written by hand.  It is not that
 * library, because the tests of the broker misbehave with it: they send half
 * frames, stop reading, do not answer a Close, or reset.  Nothing that
 * came is copied: spans point into the input buffer, which moves only when
 * everything in it was taken. */
#include "peer.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "masked.h"
#include "moment.h"
#include "peer_decode.h"

enum { READ_BYTES = 4096 };

static const struct pl_ws_limits limits = {.max_message = 16u << 20,
                                           .masked = false};

/* A test that waits in vain is wrong or has found a bug: say where and end,
 * since a cmocka assertion may only fail on cmocka's own thread. */
static void give_up(const char *what)
{
    fprintf(stderr, "peer: %s\n", what);
    abort();
}

static void wait_for(struct peer *p, short events, uint64_t until)
{
    struct pollfd f = {.fd = p->fd, .events = events};
    uint64_t now = moment_ms();

    if (now >= until || poll(&f, 1, (int)(until - now)) == 0)
        give_up("nothing came before the deadline");
}

/* --- Sending --- */

void peer_put(struct peer *p, const void *bytes, size_t len)
{
    uint64_t until = moment_ms() + PEER_DEADLINE_MS;
    const char *at = bytes;

    while (len > 0 && !p->is_over) {
        ssize_t n = send(p->fd, at, len, MSG_NOSIGNAL);

        if (n > 0) {
            at += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN) {
            wait_for(p, POLLOUT, until);
        } else if (errno != EINTR) {
            return; /* the end is told by reading */
        }
    }
}

/* A key a frame, as RFC 6455 section 5.3 wants; who guesses it is ourselves. */
static uint32_t next_key(void)
{
    static _Thread_local uint32_t state = 2463534242u;

    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

void peer_frame(struct peer *p, enum pl_ws_opcode opcode, struct pl_span data)
{
    struct pl_buf b = {0};

    pl_ws_masked_put(&b, opcode, PL_WS_WHOLE, data, next_key());
    assert(!b.failed);
    peer_put(p, b.data, b.len);
    pl_buf_fini(&b);
}

/* --- Opening --- */

static int new_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        give_up("no socket");
    return fd;
}

static void connect_socket(struct peer *p, uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;

    setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(p->fd, (struct sockaddr *)&to, sizeof to) != 0) {
        if (errno == EINPROGRESS)
            wait_for(p, POLLOUT, moment_ms() + PEER_DEADLINE_MS);
        else if (errno != EISCONN)
            p->is_over = true;
    }
}

void peer_begin_on(struct peer *p, int fd, uint16_t port,
                   enum peer_encoding encoding, const char *target)
{
    char request[1024];

    memset(p, 0, sizeof *p);
    p->encoding = encoding;
    p->fd = fd;
    connect_socket(p, port);
    int len = snprintf(
        request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n%s\r\n",
        target == NULL ? "/connection/websocket" : target, port,
        encoding == PEER_PROTOBUF
            ? "Sec-WebSocket-Protocol: centrifuge-protobuf\r\n"
            : "");
    peer_put(p, request, (size_t)len);
}

void peer_begin(struct peer *p, uint16_t port, enum peer_encoding encoding,
                const char *target)
{
    peer_begin_on(p, new_socket(), port, encoding, target);
}

/* The head of the answer, once it is here; what follows it is frames. */
static bool take_head(struct peer *p)
{
    const char *end = memmem(p->unread.at, p->unread.len, "\r\n\r\n", 4);

    if (end == NULL)
        return false;
    /* No string ends here, so sscanf(), which looks for one's end, will not
     * do. */
    if (memcmp(p->unread.at, "HTTP/1.1 ", 9) != 0)
        give_up("the answer is not HTTP");
    p->http_status = (int)strtol(p->unread.at + 9, NULL, 10);
    p->unread.len -= (size_t)(end + 4 - p->unread.at);
    p->unread.at = end + 4;
    return true;
}

int peer_await_open(struct peer *p)
{
    uint64_t until = moment_ms() + PEER_DEADLINE_MS;

    while (p->http_status == 0 && !p->is_over) {
        wait_for(p, POLLIN, until);
        peer_read(p);
        take_head(p);
    }
    return p->http_status;
}

int peer_open_at(struct peer *p, uint16_t port, enum peer_encoding encoding,
                 const char *target)
{
    peer_begin(p, port, encoding, target);
    return peer_await_open(p);
}

int peer_open(struct peer *p, uint16_t port, enum peer_encoding encoding)
{
    return peer_open_at(p, port, encoding, NULL);
}

void peer_fini(struct peer *p)
{
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
    p->is_over = true;
    p->unread = p->batch = (struct pl_span){0};
    pl_ws_decoder_fini(&p->ws, &limits);
    pl_buf_fini(&p->in);
}

void peer_reset(struct peer *p)
{
    struct linger now = {.l_onoff = 1};

    setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    peer_fini(p);
}

/* --- Reading --- */

bool peer_read(struct peer *p)
{
    if (p->unread.len == 0)
        p->in.len = 0;
    size_t before = p->unread.len == 0
                        ? 0
                        : (size_t)(p->unread.at - (const char *)p->in.data);
    char *to = pl_buf_reserve(&p->in, READ_BYTES);
    assert(to != NULL);
    ssize_t n = recv(p->fd, to, READ_BYTES, 0);

    if (n > 0)
        p->in.len += (size_t)n;
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        p->is_over = true;
    p->unread = (struct pl_span){p->in.data + before, p->in.len - before};
    return n > 0;
}

static void take_close(struct peer *p, const struct pl_ws_event *e)
{
    unsigned char code[2] = {(unsigned char)(e->code >> 8),
                             (unsigned char)e->code};

    p->close_code = e->code == 0 ? 1005 : e->code;
    if (!p->is_unresponsive)
        peer_frame(p, PL_WS_CLOSE,
                   (struct pl_span){(char *)code, e->code == 0 ? 0 : 2});
}

/* The next message becomes the batch; false: no whole one is here. */
static bool take_message(struct peer *p)
{
    struct pl_ws_event e;

    while (p->close_code == 0) {
        pl_ws_decode(&p->ws, &limits, &p->unread, &e);
        switch (e.kind) {
        case PL_WS_EVENT_NONE:
            return false;
        case PL_WS_EVENT_MESSAGE:
            p->batch = e.payload;
            return true;
        case PL_WS_EVENT_CLOSE:
            take_close(p, &e);
            break;
        case PL_WS_EVENT_ERROR:
            give_up("the broker broke RFC 6455");
            break;
        default:
            break;
        }
    }
    return false;
}

static void answer_ping(struct peer *p)
{
    if (p->is_unresponsive)
        return;
    if (p->encoding == PEER_JSON)
        peer_frame(p, PL_WS_TEXT, PL_SPAN("{}"));
    else
        peer_frame(p, PL_WS_BINARY, (struct pl_span){"\0", 1});
}

enum peer_got peer_next(struct peer *p, struct peer_reply *out)
{
    if (p->http_status == 0 && !take_head(p))
        return p->is_over ? PEER_END : PEER_MORE;
    while (p->batch.len == 0 && p->close_code == 0) {
        if (!take_message(p) && p->close_code == 0)
            return p->is_over ? PEER_END : PEER_MORE;
    }
    if (p->batch.len == 0)
        return PEER_END;
    if (!peer_decode(p->encoding, &p->batch, out))
        give_up("the broker sent what is no reply");
    if (out->kind == PEER_PING)
        answer_ping(p);
    return PEER_GOT;
}

enum peer_got peer_wait(struct peer *p, struct peer_reply *out)
{
    uint64_t until = moment_ms() + PEER_DEADLINE_MS;
    enum peer_got got;

    while ((got = peer_next(p, out)) == PEER_MORE) {
        wait_for(p, POLLIN, until);
        peer_read(p);
    }
    return got;
}

void peer_await(struct peer *p, uint32_t id, struct peer_reply *out)
{
    do {
        if (peer_wait(p, out) == PEER_END)
            give_up("the connection ended before the answer");
    } while (out->id != id || out->kind == PEER_PING);
}

void peer_await_push(struct peer *p, enum peer_kind kind,
                     struct peer_reply *out)
{
    do {
        if (peer_wait(p, out) == PEER_END)
            give_up("the connection ended before the push");
    } while (out->kind != kind);
}

uint16_t peer_await_end(struct peer *p)
{
    uint64_t until = moment_ms() + PEER_DEADLINE_MS;
    struct peer_reply r;

    while (!p->is_over) {
        while (peer_next(p, &r) == PEER_GOT)
            continue;
        if (p->close_code != 0)
            p->unread.len = 0; /* nothing behind a Close counts */
        if (p->is_over)
            break;
        wait_for(p, POLLIN, until);
        peer_read(p);
    }
    while (peer_next(p, &r) == PEER_GOT) /* what came with the end */
        continue;
    return p->close_code;
}
