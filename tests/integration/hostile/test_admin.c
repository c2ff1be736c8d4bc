/* SPDX-License-Identifier: Apache-2.0 */
/* test_admin.c - hostile clients of the admin address, with the API key and
 * without it: bodies that never end, connections that only wait, a reader of
 * /sub that does not read.  Clients and operators are served all the while, and
 * descriptors and memory are bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stage.h"

#define KEY "0123456789abcdef"
#define KEYED "X-API-Key: " KEY "\r\n"

static uint16_t admin_port;

/* A port that nobody has; the broker takes it a moment later. */
static uint16_t find_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    close(fd);
    return ntohs(at.sin_port);
}

static void begin(struct stage *s, const char *more)
{
    static char where[64];
    const char *sets[] = {where, "api.key=" KEY, more, NULL};

    admin_port = find_port();
    snprintf(where, sizeof where, "admin.listen=127.0.0.1:%u", admin_port);
    stage_begin_exact(s, sets);
}

static int say(const char *request)
{
    int fd = stage_socket_at(admin_port);

    stage_send(fd, request, strlen(request));
    return fd;
}

/* The status of the first answer; 0: the connection ended without one. */
static int hear_status(int fd)
{
    char in[64];
    ssize_t n = recv(fd, in, sizeof in - 1, 0);

    in[n < 0 ? 0 : n] = '\0';
    return n < 12 ? 0 : atoi(in + 9);
}

static void bodies_without_end_are_bounded(void **state)
{
    enum { MANY = 500, ROUNDS = 20, PIECE = 50000 };
    static char piece[PIECE];
    struct remote_census now;
    int fds[MANY];
    struct stage s;

    (void)state;
    begin(&s, "limits.admin_connections=256");
    for (int i = 0; i < MANY; i++)
        fds[i] = say(i % 2 == 0 ? "POST /api/publish HTTP/1.1\r\nHost: x\r\n"
                                  "Content-Length: 1048576\r\n" KEYED "\r\n"
                                : "POST /api/publish HTTP/1.1\r\nHost: x\r\n"
                                  "Content-Length: 1048576\r\n\r\n");
    for (int n = 0; n < ROUNDS; n++)
        for (int i = 0; i < MANY; i++)
            send(fds[i], piece, PIECE, MSG_NOSIGNAL | MSG_DONTWAIT);
    stage_serves(&s);
    assert_in_range(remote_number(&s.broker, "admin.connections"), 1, 256);
    assert_in_range(remote_number(&s.broker, "admin.refused"), 1, MANY);
    remote_census(&s.broker, &now);
    assert_in_range(now.descriptors, 0, s.before.descriptors + 256);
#ifndef __SANITIZE_THREAD__ /* it adds several times as much as there is */
    /* 64 MiB of bodies; what the allocator and the other sanitizers add */
    assert_in_range(now.resident, 0, s.before.resident + (160u << 20));
#endif
    for (int i = 0; i < MANY; i++)
        stage_leave(fds[i], i % LEAVE_COUNT);
    remote_await(&s.broker, "admin.connections", 1);
    stage_end(&s);
}

/* Half of the limit may have shown the key. */
static void those_who_keep_connections_open_keep_nobody_out(void **state)
{
    static const char request[] =
        "GET /status HTTP/1.1\r\nHost: x\r\n" KEYED "\r\n";
    enum { MANY = 40 };
    int fds[MANY];
    struct stage s;

    (void)state;
    begin(&s, "limits.admin_connections=32");
    for (int i = 0; i < MANY; i++) {
        fds[i] = say(request);
        assert_int_equal(hear_status(fds[i]), 200);
    }
    stage_serves(&s);
    assert_in_range(remote_number(&s.broker, "admin.connections"), 1, 32);
    assert_int_equal(remote_number(&s.broker, "admin.refused"), 0);
    for (int i = 0; i < MANY; i++)
        stage_leave(fds[i], LEAVE_FIN);
    stage_end(&s);
}

static void a_stream_that_nobody_reads_costs_nobody_else(void **state)
{
    enum { PUBLICATIONS = 400, LEN = 24000 };
    static char data[LEN + 1];
    struct peer_reply r;
    struct peer p;
    struct stage s;

    (void)state;
    begin(&s, "limits.outgoing_queue=256KiB");
    int fd = say("GET /sub?channel=room HTTP/1.1\r\nHost: x\r\n" KEYED "\r\n");
    assert_int_equal(hear_status(fd), 200);
    remote_await(&s.broker, "channels.subscriptions", 1);
    memset(data, '1', LEN);
    peer_enter(&p, s.broker.port, PEER_JSON, NULL, NULL);
    for (int i = 0; i < PUBLICATIONS; i++) {
        uint32_t id = peer_publish(&p, "room", data);

        peer_await(&p, id, &r);
        assert_int_equal(r.kind, PEER_RESULT);
        if (i % 100 == 0)
            stage_serves(&s);
    }
    remote_await(&s.broker, "channels.subscriptions", 0); /* it was cut */
    peer_fini(&p);
    stage_leave(fd, LEAVE_FIN);
    stage_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_without_end_are_bounded),
        cmocka_unit_test(those_who_keep_connections_open_keep_nobody_out),
        cmocka_unit_test(a_stream_that_nobody_reads_costs_nobody_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
