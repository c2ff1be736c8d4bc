/* SPDX-License-Identifier: Apache-2.0 */
/* test_log.c - strangers whose lines nobody reads: a stderr that blocks stops
 * neither service nor stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage.h"

enum { REQUESTS = 300 };

static int begin(struct stage *s, const char *const *sets)
{
    const char *program = getenv("PARLEYD");

    assert_non_null(program);
    return remote_start_unread(&s->broker, program, sets);
}

/* A plain request: no handshake, so it is refused, which is worth a line. */
static void ask_for_nothing(const struct stage *s)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    char answer[1024];
    int fd = stage_socket(s);

    stage_send(fd, request, sizeof request - 1);
    while (recv(fd, answer, sizeof answer, 0) > 0)
        ;
    close(fd);
}

static void assert_exit(const struct stage *s, int wanted)
{
    int status = remote_await_exit(&s->broker);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), wanted);
}

/* What it still had to say, now that somebody reads. */
static char *read_rest(int reading)
{
    static char text[1 << 20];
    size_t len = 0;
    ssize_t n;

    while ((n = read(reading, text + len, sizeof text - 1 - len)) > 0)
        len += (size_t)n;
    close(reading);
    /* what fills the pipe are zero bytes */
    for (size_t i = 0; i < len; i++)
        text[i] = text[i] == '\0' ? ' ' : text[i];
    text[len] = '\0';
    return text;
}

static void a_stderr_that_nobody_reads_stops_nothing(void **state)
{
    struct stage s;

    (void)state;
    int reading = begin(&s, NULL);
    for (int i = 0; i < REQUESTS; i++)
        ask_for_nothing(&s);
    assert_int_equal(remote_number(&s.broker, "connections.handshakes_refused"),
                     REQUESTS);
    assert_true(remote_number(&s.broker, "log.suppressed") > 0);
    stage_serves(&s);
    remote_rest(&s.broker);
    remote_signal(&s.broker, SIGTERM);
    assert_exit(&s, 0);
    close(reading);
    remote_fini(&s.broker);
}

static void what_strangers_fill_the_log_with_is_told_when_it_is_read(void **st)
{
    struct stage s;

    (void)st;
    int reading = begin(&s, NULL);
    for (int i = 0; i < REQUESTS; i++)
        ask_for_nothing(&s);
    int64_t suppressed = remote_number(&s.broker, "log.suppressed");
    remote_rest(&s.broker);
    remote_signal(&s.broker, SIGTERM);
    const char *text = read_rest(reading);
    assert_exit(&s, 0);
    char line[96];
    snprintf(line, sizeof line,
             "event=\"log lines suppressed\" kind=handshake count=%d",
             (int)suppressed);
    assert_non_null(strstr(text, line));
    assert_non_null(strstr(text, "event=stopped"));
    remote_fini(&s.broker);
}

/* A client that keeps the broker in its grace. */
static void three_signals_end_it_although_its_stderr_blocks(void **state)
{
    const char *sets[] = {"shutdown.grace=1h", "shutdown.disconnect=1h",
                          "limits.outgoing_queue=64MiB",
                          "channels.history_size=0", NULL};
    static char text[30002];
    struct peer_reply reply;
    struct peer p, q;
    struct stage s;

    (void)state;
    int reading = begin(&s, sets);
    memset(text, 'x', sizeof text - 1);
    text[0] = text[sizeof text - 2] = '"';
    peer_enter(&p, s.broker.port, PEER_JSON, NULL, NULL);
    peer_join(&p, "room");
    p.is_unresponsive = true;
    peer_enter(&q, s.broker.port, PEER_JSON, NULL, NULL);
    while (remote_number(&s.broker, "connections.out_queue_bytes") == 0)
        peer_await(&q, peer_publish(&q, "room", text), &reply);
    remote_signal(&s.broker, SIGTERM);
    remote_await(&s.broker, "server_running", 0);
    remote_signal(&s.broker, SIGINT);
    remote_signal(&s.broker, SIGTERM);
    assert_exit(&s, 1);
    peer_fini(&p);
    peer_fini(&q);
    close(reading);
    remote_fini(&s.broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stderr_that_nobody_reads_stops_nothing),
        cmocka_unit_test(
            what_strangers_fill_the_log_with_is_told_when_it_is_read),
        cmocka_unit_test(three_signals_end_it_although_its_stderr_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
