/* SPDX-License-Identifier: Apache-2.0 */
/* test_strangers.c - crowds of connections that are not admitted: floods from
 * one address, wrong names and pages, heads without end, headers of proxies
 * that are none.  Each is refused by its rule and counted under it; others are
 * served all the while. */
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

#define FIELDS                                                                 \
    "Upgrade: websocket\r\nConnection: Upgrade\r\n"                            \
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"                          \
    "Sec-WebSocket-Version: 13\r\n\r\n"

/* From 127.0.0.<last>; -1: the broker let it wait too long, or refused. */
static int dial(const struct stage *s, unsigned last)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(s->broker.port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    from.sin_addr.s_addr = htonl(0x7f000000u | last);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* The status of the answer; 0: the connection ended without one. */
static int await_status(int fd)
{
    char in[1024];
    size_t len = 0;
    ssize_t n;

    while (len < sizeof in - 1 &&
           (n = recv(fd, in + len, sizeof in - 1 - len, 0)) > 0)
        len += (size_t)n;
    in[len] = '\0';
    return len < 12 ? 0 : atoi(in + 9);
}

/* Without the limit these connections would be all that the broker may have. */
static void a_flood_from_one_address_leaves_space_for_others(void **state)
{
    static const char *const sets[] = {"limits.connections=100", "loops=1",
                                       "limits.address_connections=20",
                                       "connect.timeout=60s", NULL};
    enum { MANY = 400 };
    int fds[MANY];
    struct stage s;

    (void)state;
    stage_begin(&s, sets);
    for (int i = 0; i < MANY; i++) {
        fds[i] = dial(&s, 2);
        if (i % 50 == 0)
            stage_serves(&s);
    }
    remote_await(&s.broker, "admission.closed_address", MANY - 40);
    assert_int_equal(remote_number(&s.broker, "admission.refused_address"), 20);
    stage_serves(&s);
    for (int i = 0; i < MANY; i++)
        stage_leave(fds[i], i % LEAVE_COUNT);
    remote_await(&s.broker, "admission.connections", 0);
    stage_end(&s);
}

static void wrong_names_and_pages_are_counted_each_under_its_rule(void **state)
{
    static const char *const sets[] = {"websocket.allowed_hosts=[127.0.0.1]",
                                       "websocket.allowed_origins=["
                                       "'https://*.good.example']",
                                       NULL};
    static const struct {
        const char *fields;
        int status;
    } rows[] = {
        {"Host: evil.example\r\n", 421},
        {"Host: 127.0.0.1.evil.example\r\n", 421},
        {"Host: 127.0.0.2\r\n", 421},
        {"Host: [::ffff:127.0.0.1]\r\n", 421},
        {"Host: localhost\r\nOrigin: https://a.good.example\r\n", 421},
        {"Host: 127.0.0.1\r\nOrigin: https://good.example\r\n", 403},
        {"Host: 127.0.0.1\r\nOrigin: http://a.good.example\r\n", 403},
        {"Host: 127.0.0.1\r\nOrigin: https://a.good.example.evil\r\n", 403},
        {"Host: 127.0.0.1\r\nOrigin: null\r\n", 403},
        {"Host: 127.0.0.1\r\nHost: 127.0.0.1\r\n", 400},
        {"Host: 127.0.0.1, 127.0.0.1\r\n", 400},
        {"Host:\r\n", 400},
        {"", 400},
    };
    enum { ROUNDS = 20, ROWS = sizeof rows / sizeof *rows };
    char request[512];
    struct stage s;

    (void)state;
    stage_begin(&s, sets);
    for (int i = 0; i < ROUNDS * ROWS; i++) {
        int fd = dial(&s, 3);
        int len = snprintf(request, sizeof request,
                           "GET /connection/websocket HTTP/1.1\r\n%s" FIELDS,
                           rows[i % ROWS].fields);

        stage_send(fd, request, (size_t)len);
        assert_int_equal(await_status(fd), rows[i % ROWS].status);
        stage_leave(fd, i % LEAVE_COUNT);
    }
    remote_await(&s.broker, "connections.handshakes_refused", ROUNDS * ROWS);
    assert_int_equal(remote_number(&s.broker, "admission.refused_host"),
                     ROUNDS * 5);
    assert_int_equal(remote_number(&s.broker, "admission.refused_origin"),
                     ROUNDS * 4);
    stage_end(&s);
}

/* Fields at full speed, one line at full speed, and both behind a header of a
 * proxy: each ends in 431, or 414, when 16 or 8 KiB are here. */
static void heads_without_end_are_refused_at_full_speed(void **state)
{
    static const char *const sets[] = {"proxy.trusted=[127.0.0.9]",
                                       "proxy.protocol=true", NULL};
    static const char *const begins[] = {
        "GET / HTTP/1.1\r\nHost: a\r\n", "GET /",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 1\r\nGET / HTTP/1.1\r\nX: "};
    enum { MANY = 60 };
    struct stage s;
    char flood[512];

    (void)state;
    stage_begin(&s, sets);
    for (int i = 0; i < MANY; i++) {
        const char *first = begins[i % 3];
        int fd = dial(&s, i % 3 == 2 ? 9 : 2);

        memset(flood, 'x', sizeof flood);
        if (i % 3 == 0)
            memcpy(flood + sizeof flood - 5, ": a\r\n", 5);
        stage_send(fd, first, strlen(first));
        for (int n = 0; n < 100; n++)
            stage_send(fd, flood, sizeof flood);
        assert_int_equal(await_status(fd), i % 3 == 1 ? 414 : 431);
        stage_leave(fd, i % LEAVE_COUNT);
        if (i % 20 == 0)
            stage_serves(&s);
    }
    remote_await(&s.broker, "connections.handshakes_refused", MANY);
    stage_end(&s);
}

static void headers_of_proxies_that_never_end_are_aborted(void **state)
{
    static const char *const sets[] = {
        "proxy.trusted=[127.0.0.9]", "proxy.protocol=true",
        "limits.address_connections=5", "connect.timeout=2s", NULL};
    static const char begun[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\x0F\xF0";
    enum { MANY = 60, GARBAGE = 30 };
    int fds[MANY];
    struct stage s;

    (void)state;
    if (getenv("PL_VALGRIND") != NULL)
        skip(); /* those who are served need more than two seconds, too */
    stage_begin(&s, sets);
    for (int i = 0; i < GARBAGE; i++) {
        int fd = dial(&s, 9);

        stage_send(fd, i % 2 ? "PROXY TCP4 x\r\n" : "\r\n\r\n\0\r\nQUIT\n\x31",
                   i % 2 ? 14 : 13);
        assert_int_equal(await_status(fd), 0);
        stage_leave(fd, i % LEAVE_COUNT);
    }
    remote_await(&s.broker, "admission.proxy_failed", GARBAGE);
    for (int i = 0; i < MANY; i++)
        fds[i] = dial(&s, 9);
    /* A third sends nothing. */
    for (size_t at = 0; remote_number(&s.broker, "closed.stale") < MANY; at++) {
        for (int i = 0; i < MANY; i++)
            if (i % 3 != 0)
                stage_send(fds[i], at < sizeof begun - 1 ? &begun[at] : "x", 1);
        stage_serves(&s);
    }
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
    assert_int_equal(remote_number(&s.broker, "admission.refused_address"), 0);
    stage_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_from_one_address_leaves_space_for_others),
        cmocka_unit_test(wrong_names_and_pages_are_counted_each_under_its_rule),
        cmocka_unit_test(heads_without_end_are_refused_at_full_speed),
        cmocka_unit_test(headers_of_proxies_that_never_end_are_aborted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
