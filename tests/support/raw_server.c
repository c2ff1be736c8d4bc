/* SPDX-License-Identifier: Apache-2.0 */
/* raw_server.c - see raw_server.h.
 *
 * It is no thread: the client under test has one, and the test says what
 * happens next.  So nothing is timed, and a test reads from top to bottom.
 *
 * Invariant: bytes that came are in `in` until they are decoded. */
#include "raw_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

#include "frame.h"
#include "handshake.h"

enum { MESSAGE_MAX = 1 << 20, CHUNK = 1 << 16 };

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    perror(what);
    abort();
}

/* --- Connections --- */

void raw_listen(struct raw_server *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval deadline = {.tv_sec = RAW_DEADLINE_S};
    socklen_t len = sizeof at;

    *s = (struct raw_server){.fd = -1};
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(bind(s->listener, (struct sockaddr *)&at, sizeof at) == 0 &&
             listen(s->listener, 128) == 0 &&
             getsockname(s->listener, (struct sockaddr *)&at, &len) == 0,
         "raw_server: listen");
    setsockopt(s->listener, SOL_SOCKET, SO_RCVTIMEO, &deadline,
               sizeof deadline);
    s->port = ntohs(at.sin_port);
}

void raw_end(struct raw_server *s)
{
    struct pl_ws_limits limits = {0};

    SSL_free(s->ssl);
    if (s->fd >= 0)
        close(s->fd);
    s->ssl = NULL;
    s->fd = -1;
    s->in.len = 0;
    pl_ws_decoder_fini(&s->decoder, &limits);
    s->decoder = (struct pl_ws_decoder){0};
}

void raw_reset(struct raw_server *s)
{
    struct linger now = {.l_onoff = 1};

    setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    raw_end(s);
}

void raw_fini(struct raw_server *s)
{
    raw_end(s);
    close(s->listener);
    pl_buf_fini(&s->in);
    pl_buf_fini(&s->text);
}

void raw_accept(struct raw_server *s)
{
    struct timeval deadline = {.tv_sec = RAW_DEADLINE_S};
    int on = 1;

    raw_end(s);
    s->fd = accept(s->listener, NULL, NULL);
    must(s->fd >= 0, "raw_server: nobody connects");
    setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* OpenSSL writes to a socket whose client has gone, which raises SIGPIPE.  Only
 * this thread does not get it: one that the library raises ends the test. */
static sigset_t block_pipe(void)
{
    sigset_t pipe, before;

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    return before;
}

static void unblock_pipe(const sigset_t *before)
{
    const struct timespec at_once = {0};
    sigset_t pipe;

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    while (sigtimedwait(&pipe, NULL, &at_once) == SIGPIPE)
        ;
    pthread_sigmask(SIG_SETMASK, before, NULL);
    ERR_clear_error();
}

bool raw_secure(struct raw_server *s, SSL_CTX *context)
{
    sigset_t before = block_pipe();

    s->ssl = SSL_new(context);
    SSL_set_fd(s->ssl, s->fd);
    bool is_done = SSL_accept(s->ssl) == 1;
    unblock_pipe(&before);
    return is_done;
}

size_t raw_take(struct raw_server *s, void *to, size_t size)
{
    sigset_t before = block_pipe();
    ssize_t n = s->ssl != NULL ? SSL_read(s->ssl, to, (int)size)
                               : recv(s->fd, to, size, 0);

    unblock_pipe(&before);
    return n < 0 ? 0 : (size_t)n;
}

/* A client that has gone is no fault of the test. */
void raw_put(struct raw_server *s, const void *bytes, size_t len)
{
    sigset_t before = block_pipe();
    size_t sent = 0;
    ssize_t n = 1;

    while (sent < len && n > 0) {
        n = s->ssl != NULL ? SSL_write(s->ssl, (const char *)bytes + sent,
                                       (int)(len - sent))
                           : send(s->fd, (const char *)bytes + sent, len - sent,
                                  MSG_NOSIGNAL);

        sent += n > 0 ? (size_t)n : 0;
    }
    unblock_pipe(&before);
}

/* --- WebSocket --- */

static bool read_more(struct raw_server *s)
{
    pl_buf_reserve(&s->in, CHUNK);
    size_t n = raw_take(s, s->in.data + s->in.len, CHUNK);

    s->in.len += n;
    return n > 0;
}

void raw_upgrade(struct raw_server *s)
{
    char accept[PL_HANDSHAKE_ACCEPT_LEN + 1], *end, *key;
    struct pl_buf b = {0};

    do {
        must(read_more(s), "raw_server: no request");
        end = memmem(s->in.data, s->in.len, "\r\n\r\n", 4);
    } while (end == NULL);
    key = memmem(s->in.data, s->in.len, "Sec-WebSocket-Key: ", 19);
    must(key != NULL, "raw_server: no key");
    pl_handshake_accept_key((struct pl_span){key + 19, 24}, accept);
    pl_buf_printf(&b,
                  "HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: "
                  "Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                  accept);
    raw_put(s, b.data, b.len);
    pl_buf_fini(&b);
    s->in.len = 0; /* nothing precedes the 101 */
}

/* The next event of the bytes that there are. */
static enum pl_ws_event_kind decode(struct raw_server *s, struct pl_ws_event *e)
{
    struct pl_ws_limits limits = {.max_message = MESSAGE_MAX, .masked = true};
    struct pl_span rest = pl_buf_span(&s->in);

    pl_ws_decode(&s->decoder, &limits, &rest, e);
    s->text.len = 0;
    if (e->kind == PL_WS_EVENT_MESSAGE)
        pl_buf_put_span(&s->text, e->payload);
    else if (e->kind == PL_WS_EVENT_CLOSE)
        pl_buf_printf(&s->text, "<close %u>", e->code);
    else if (e->kind == PL_WS_EVENT_ERROR)
        pl_buf_printf(&s->text, "<error %u>", e->code);
    pl_buf_put(&s->text, "", 1);
    if (rest.len > 0)
        memmove(s->in.data, rest.at, rest.len);
    s->in.len = rest.len;
    return e->kind;
}

const char *raw_hear(struct raw_server *s)
{
    struct pl_ws_event e;

    for (;;) {
        enum pl_ws_event_kind kind = decode(s, &e);

        if (kind == PL_WS_EVENT_NONE && !read_more(s))
            return "<end>";
        if (kind != PL_WS_EVENT_NONE && kind != PL_WS_EVENT_PING &&
            kind != PL_WS_EVENT_PONG)
            return s->text.data;
    }
}

void raw_say(struct raw_server *s, const char *text)
{
    struct pl_buf b = {0};

    pl_ws_frame_put(&b, PL_WS_TEXT, pl_span_of(text));
    raw_put(s, b.data, b.len);
    pl_buf_fini(&b);
}

void raw_say_close(struct raw_server *s, uint16_t code, const char *reason)
{
    struct pl_buf b = {0};

    pl_ws_frame_close(&b, code, pl_span_of(reason));
    raw_put(s, b.data, b.len);
    pl_buf_fini(&b);
}

/* --- The protocol --- */

unsigned raw_id(const char *text)
{
    const char *at = strstr(text, "\"id\":");

    must(at != NULL, "raw_server: no command");
    return (unsigned)strtoul(at + 5, NULL, 10);
}

void raw_login(struct raw_server *s, const char *result)
{
    struct pl_buf b = {0};
    const char *command;

    do { /* the client may have given up one that waited */
        raw_accept(s);
        raw_upgrade(s);
        command = raw_hear(s);
    } while (strcmp(command, "<end>") == 0);
    pl_buf_printf(&b, "{\"id\":%u,\"connect\":%s}", raw_id(command), result);
    pl_buf_put(&b, "", 1);
    raw_say(s, b.data);
    pl_buf_fini(&b);
}
