/* SPDX-License-Identifier: Apache-2.0 */
/* stage.c - see stage.h.  The broker has its own process, so that both ends of
 * many connections fit under the limit of descriptors and its exit is seen. */
#include "stage.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SPARE = 200 /* descriptors beside the connections */ };

static void give_up(const char *what)
{
    perror(what);
    abort();
}

void stage_begin(struct stage *s, const char *const *sets)
{
    const char *program = getenv("PARLEYD");

    if (program == NULL)
        give_up("PARLEYD names the broker to test");
    remote_start(&s->broker, program, sets);
    remote_number(&s->broker, "uptime_ms"); /* the admin server has begun */
    remote_census(&s->broker, &s->before);
}

void stage_begin_exact(struct stage *s, const char *const *sets)
{
    const char *usual = getenv("ASAN_OPTIONS");
    char *was = usual == NULL ? NULL : strdup(usual);
    char options[512];

    snprintf(options, sizeof options,
             "%s:quarantine_size_mb=1:thread_local_quarantine_size_kb=16",
             was == NULL ? "" : was);
    setenv("ASAN_OPTIONS", options, 1);
    stage_begin(s, sets);
    if (was == NULL)
        unsetenv("ASAN_OPTIONS");
    else
        setenv("ASAN_OPTIONS", was, 1);
    free(was);
}

const char *const *stage_tls(const struct tls_folder *f,
                             const char *const *more)
{
    static const char *sets[16];
    static char certificate[512], key[512];
    size_t count = 0;

    tls_make(f, "server", "localhost", NULL);
    snprintf(certificate, sizeof certificate, "tls.certificate=[%s]",
             tls_file(f, "server.pem"));
    snprintf(key, sizeof key, "tls.key=[%s]", tls_file(f, "server.key"));
    sets[count++] = "listen_tls=[127.0.0.1:0]";
    sets[count++] = certificate;
    sets[count++] = key;
    while (more != NULL && *more != NULL && count < 15)
        sets[count++] = *more++;
    sets[count] = NULL;
    return sets;
}

void stage_serves(const struct stage *s)
{
    struct peer_reply r;
    struct peer p;

    peer_enter(&p, s->broker.port, PEER_JSON, NULL, NULL);
    peer_join(&p, "witness");
    peer_publish(&p, "witness", "\"still here\"");
    peer_await_push(&p, PEER_PUBLICATION, &r);
    if (!pl_span_equal(r.data, PL_SPAN("\"still here\"")))
        give_up("the witness heard something else");
    peer_fini(&p);
}

void stage_end(struct stage *s)
{
    stage_serves(s);
    remote_await(&s->broker, "connections.open", 0);
    remote_await(&s->broker, "channels.subscriptions", 0);
    remote_await(&s->broker, "users.all", 0);
    remote_await_census(&s->broker, &s->before);
    remote_stop(&s->broker);
}

unsigned stage_connections(unsigned usual)
{
    const char *text = getenv("PL_HOSTILE_CONNECTIONS");
    unsigned wanted = text == NULL ? usual : (unsigned)strtoul(text, NULL, 10);
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        give_up("getrlimit");
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (wanted + SPARE <= files.rlim_cur)
        return wanted;
    fprintf(stderr, "%llu descriptors are too few for %u connections\n",
            (unsigned long long)files.rlim_cur, wanted);
    return (unsigned)files.rlim_cur - SPARE;
}

int stage_socket_at(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        give_up("connect");
    return fd;
}

int stage_socket(const struct stage *s)
{
    return stage_socket_at(s->broker.port);
}

void stage_send(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

        if (n <= 0)
            return;
        at += n;
        len -= (size_t)n;
    }
}

void stage_leave(int fd, enum stage_leave how)
{
    struct linger now = {.l_onoff = 1};

    if (how == LEAVE_RESET)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

unsigned stage_random(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}
