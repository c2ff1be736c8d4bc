/* SPDX-License-Identifier: Apache-2.0 */
/* rig.c - see rig.h. */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "reactor.h"
#include "sockets.h"
#include "system.h"

/* --- Names --- */

int __real_getaddrinfo(const char *host, const char *service,
                       const struct addrinfo *hints, struct addrinfo **out);
int __wrap_getaddrinfo(const char *host, const char *service,
                       const struct addrinfo *hints, struct addrinfo **out);

sem_t name_may_end; /* of "slow.test" */

int __wrap_getaddrinfo(const char *host, const char *service,
                       const struct addrinfo *hints, struct addrinfo **out)
{
    if ((hints->ai_flags & AI_NUMERICHOST) != 0)
        return __real_getaddrinfo(host, service, hints, out);
    if (strcmp(host, "slow.test") == 0)
        while (sem_wait(&name_may_end) != 0)
            ;
    if (strcmp(host, "good.test") == 0 || strcmp(host, "slow.test") == 0)
        return __real_getaddrinfo("127.0.0.1", service, hints, out);
    return EAI_NONAME;
}

/* --- A server: it echoes all it gets --- */

int listen_on(const char *address, uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    inet_pton(AF_INET, address, &at.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        assert_true(errno == EADDRINUSE && *port != 0);
        close(fd);
        return -1;
    }
    assert_int_equal(listen(fd, 16), 0);
    getsockname(fd, (struct sockaddr *)&at, &len);
    *port = ntohs(at.sin_port);
    return fd;
}

static void echo_plain(int fd)
{
    char bytes[65536];
    ssize_t n;

    while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
        for (ssize_t sent = 0; sent < n;) {
            ssize_t m =
                send(fd, bytes + sent, (size_t)(n - sent), MSG_NOSIGNAL);

            if (m <= 0)
                return;
            sent += m;
        }
}

static void echo_tls(SSL_CTX *ctx, int fd)
{
    SSL *ssl = SSL_new(ctx);
    char bytes[65536];
    int n;

    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        while ((n = SSL_read(ssl, bytes, sizeof bytes)) > 0)
            if (SSL_write(ssl, bytes, n) <= 0)
                break;
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
}

/* A proxy whose tunnel leads to the echo behind it. */
static void answer_request(struct server *s, int fd)
{
    size_t n = 0;

    while (n + 1 < sizeof s->request && recv(fd, s->request + n, 1, 0) == 1) {
        s->request[++n] = '\0';
        if (strstr(s->request, "\r\n\r\n") != NULL)
            break;
    }
    send(fd, s->proxy, strlen(s->proxy), MSG_NOSIGNAL);
}

static void *serve(void *arg)
{
    struct server *s = arg;
    int fd;

    while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
        struct linger now = {.l_onoff = 1};

        if (s->proxy != NULL)
            answer_request(s, fd);
        if (s->resets)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        else if (s->tls != NULL)
            echo_tls(s->tls, fd);
        else
            echo_plain(fd);
        close(fd);
    }
    return NULL;
}

void start_server(struct server *s)
{
    s->fd = listen_on("127.0.0.1", &s->port);
    assert_true(s->fd >= 0);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

void stop_server(struct server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    SSL_CTX_free(s->tls);
}

/* --- The loop --- */

struct event_base *base;
static struct pl_system *sys;
static struct pl_reactor *reactor;
static struct plc_network *network;

int rig_set_up(void **state)
{
    struct pl_system_options o = {.loops = 1};

    (void)state;
    base = event_base_new();
    assert_int_equal(pl_system_create(&sys, &o), PL_OK);
    assert_int_equal(pl_reactor_create(&reactor, pl_system_loop(sys, 0), base),
                     PL_OK);
    assert_int_equal(plc_sockets_create(&network, reactor), PL_OK);
    return 0;
}

int rig_tear_down(void **state)
{
    (void)state;
    pl_system_close(sys);
    pl_system_reap(sys);
    plc_sockets_destroy(network);
    pl_reactor_destroy(reactor);
    pl_system_destroy(sys);
    event_base_free(base);
    return 0;
}

/* --- A user of a stream --- */

static void close_user(struct user *u)
{
    plc_stream_close(u->stream);
    u->stream = NULL;
    event_base_loopbreak(base);
}

static void write_on(struct user *u)
{
    static const char zeros[100000];

    while (u->left > 0) {
        size_t n = u->left < sizeof zeros ? u->left : sizeof zeros;
        size_t taken = plc_stream_write(u->stream, (struct pl_span){zeros, n});

        u->left -= taken;
        if (taken < n)
            return;
    }
    if (u->finishes)
        plc_stream_finish(u->stream);
}

static void on_opened(void *arg)
{
    struct user *u = arg;

    assert_false(u->is_open);
    u->is_open = true;
    u->was_resumed = u->stream->is_resumed;
    if (u->closes_when_open) {
        close_user(u);
        return;
    }
    if (u->say != NULL)
        assert_int_equal(plc_stream_write(u->stream, pl_span_of(u->say)),
                         strlen(u->say));
    write_on(u);
}

static void on_came(void *arg, struct pl_span bytes)
{
    struct user *u = arg;
    size_t n = bytes.len;

    assert_false(u->has_ended);
    if (u->heard + n < sizeof u->text)
        memcpy(u->text + u->heard, bytes.at, n);
    u->heard += n;
    if (u->close_at > 0 && u->heard >= u->close_at)
        close_user(u);
}

static void on_writable(void *arg)
{
    write_on(arg);
}

static void on_ended(void *arg, enum pl_err err, bool is_clean, const char *why)
{
    struct user *u = arg;

    assert_false(u->has_ended);
    u->has_ended = true;
    u->err = err;
    u->is_clean = is_clean;
    snprintf(u->why, sizeof u->why, "%s", why);
    close_user(u);
}

static const struct plc_stream_user calls = {
    .opened = on_opened,
    .came = on_came,
    .writable = on_writable,
    .ended = on_ended,
};

void open_user(struct user *u, const struct plc_target *target)
{
    assert_int_equal(plc_stream_open(network, &u->stream, target, &calls, u),
                     PL_OK);
}

void run_user(struct user *u, const struct plc_target *target)
{
    open_user(u, target);
    event_base_dispatch(base);
    assert_null(u->stream);
}

struct plc_target target_of(const struct server *s, const char *host)
{
    return (struct plc_target){.host = host, .port = s->port};
}

struct plc_target behind_proxy(const struct server *s)
{
    return (struct plc_target){.host = "far.test",
                               .port = 443,
                               .proxy_host = "127.0.0.1",
                               .proxy_port = s->port,
                               .proxy_user = "ada",
                               .proxy_word = "secret"};
}
