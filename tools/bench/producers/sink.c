/* SPDX-License-Identifier: Apache-2.0 */
/* sink.c - see sink.h.
 *
 * Blocking reads on a thread of its own: the client is what is measured. */
#include "sink.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "decoder.h"
#include "frame.h"
#include "handshake.h"
#include "thread.h"

enum { READ_SIZE = 1 << 18, HEAD_MAX = 8192 };

struct sink {
    int listener, fd;
    uint16_t port;
    SSL_CTX *context; /* NULL: no TLS */
    SSL *ssl;
    void (*message)(void *arg, struct pl_span text);
    void *arg;
    struct pl_thread *thread;
    bool is_connected;
    char bytes[READ_SIZE];
};

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static size_t take(struct sink *s, char *to, size_t size)
{
    ssize_t n = s->ssl != NULL ? SSL_read(s->ssl, to, (int)size)
                               : recv(s->fd, to, size, 0);

    return n < 0 ? 0 : (size_t)n;
}

static void give(struct sink *s, struct pl_span bytes)
{
    ssize_t n = s->ssl != NULL ? SSL_write(s->ssl, bytes.at, (int)bytes.len)
                               : send(s->fd, bytes.at, bytes.len, MSG_NOSIGNAL);

    if (n != (ssize_t)bytes.len)
        fail("sink: write");
}

static void shake_hands(struct sink *s)
{
    char head[HEAD_MAX + 1], accept[PL_HANDSHAKE_ACCEPT_LEN + 1];
    struct pl_buf b = {0};
    size_t len = 0;

    do {
        size_t n = take(s, head + len, HEAD_MAX - len);

        if (n == 0)
            fail("sink: no request");
        len += n;
        head[len] = '\0';
    } while (strstr(head, "\r\n\r\n") == NULL);
    char *key = strstr(head, "Sec-WebSocket-Key: ");
    if (key == NULL)
        fail("sink: no key");
    pl_handshake_accept_key((struct pl_span){key + 19, 24}, accept);
    pl_buf_printf(&b,
                  "HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: "
                  "Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                  accept);
    give(s, pl_buf_span(&b));
    pl_buf_fini(&b);
}

static void answer_connect(struct sink *s, struct pl_span text)
{
    struct pl_buf reply = {0}, frame = {0};
    const char *id = memmem(text.at, text.len, "\"id\":", 5);

    if (id == NULL)
        fail("sink: no connect command");
    pl_buf_printf(&reply, "{\"id\":%lu,\"connect\":{\"client\":\"sink\"}}",
                  strtoul(id + 5, NULL, 10));
    pl_ws_frame_put(&frame, PL_WS_TEXT, pl_buf_span(&reply));
    give(s, pl_buf_span(&frame));
    pl_buf_fini(&reply);
    pl_buf_fini(&frame);
    s->is_connected = true;
}

static void answer_close(struct sink *s)
{
    struct pl_buf frame = {0};

    pl_ws_frame_close(&frame, 1000, (struct pl_span){NULL, 0});
    give(s, pl_buf_span(&frame));
    pl_buf_fini(&frame);
}

/* Return false after a Close. */
static bool handle(struct sink *s, const struct pl_ws_event *e)
{
    switch (e->kind) {
    case PL_WS_EVENT_MESSAGE:
        if (!s->is_connected)
            answer_connect(s, e->payload);
        else if (s->message != NULL)
            s->message(s->arg, e->payload);
        return true;
    case PL_WS_EVENT_CLOSE:
        answer_close(s);
        return false;
    default:
        fail("sink: not a message");
    }
}

static void serve(struct sink *s)
{
    struct pl_ws_limits limits = {.max_message = 1 << 20, .masked = true};
    struct pl_ws_decoder d = {0};
    struct pl_ws_event e;
    bool goes_on = true;
    size_t n;

    while (goes_on && (n = take(s, s->bytes, sizeof s->bytes)) > 0) {
        struct pl_span in = {s->bytes, n};

        for (;;) {
            pl_ws_decode(&d, &limits, &in, &e);
            if (e.kind == PL_WS_EVENT_NONE)
                break;
            goes_on = handle(s, &e);
            if (!goes_on)
                break;
        }
    }
    pl_ws_decoder_fini(&d, &limits);
}

static void run(void *arg)
{
    struct sink *s = arg;

    s->fd = accept(s->listener, NULL, NULL);
    if (s->fd < 0)
        fail("sink: accept");
    if (s->context != NULL) {
        s->ssl = SSL_new(s->context);
        SSL_set_fd(s->ssl, s->fd);
        if (SSL_accept(s->ssl) != 1)
            fail("sink: TLS");
    }
    shake_hands(s);
    serve(s);
    SSL_free(s->ssl);
    close(s->fd);
}

static void listen_somewhere(struct sink *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;

    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0 ||
        bind(s->listener, (struct sockaddr *)&a, sizeof a) != 0 ||
        listen(s->listener, 1) != 0 ||
        getsockname(s->listener, (struct sockaddr *)&a, &len) != 0)
        fail("sink: listen");
    s->port = ntohs(a.sin_port);
}

static void load_certificate(struct sink *s, const char *folder)
{
    char file[300], key[300];

    snprintf(file, sizeof file, "%s/a.pem", folder);
    snprintf(key, sizeof key, "%s/a.key", folder);
    s->context = SSL_CTX_new(TLS_server_method());
    if (s->context == NULL ||
        SSL_CTX_use_certificate_chain_file(s->context, file) != 1 ||
        SSL_CTX_use_PrivateKey_file(s->context, key, SSL_FILETYPE_PEM) != 1)
        fail("sink: certificate");
}

struct sink *sink_start(const char *folder,
                        void (*message)(void *arg, struct pl_span text),
                        void *arg)
{
    struct sink *s = calloc(1, sizeof *s);

    if (s == NULL)
        fail("sink");
    s->message = message;
    s->arg = arg;
    if (folder != NULL)
        load_certificate(s, folder);
    listen_somewhere(s);
    if (pl_thread_start(&s->thread, "sink", run, s) != PL_OK)
        fail("sink: thread");
    return s;
}

uint16_t sink_port(const struct sink *s)
{
    return s->port;
}

void sink_stop(struct sink *s)
{
    pl_thread_join(s->thread, PL_JOIN_FOREVER);
    close(s->listener);
    SSL_CTX_free(s->context);
    free(s);
}
