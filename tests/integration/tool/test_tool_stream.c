/* SPDX-License-Identifier: Apache-2.0 */
/* test_tool_stream.c - how `parley sub` ends. */
#include "stage.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { DONE, FAILED, USAGE, NO_BROKER, TIMED_OUT, ENDED, BY_SIGNAL = 128 };

struct sub {
    pid_t pid;
    int out;
};

/* A subscription that has begun. */
static struct sub start(struct stage *s)
{
    struct sub sub;
    char line[256];

    stage_start_broker(s);
    sub.pid = tool_start(s, "S sub news", &sub.out);
    assert_true(read_line(sub.out, line, sizeof line));
    assert_non_null(strstr(line, "\"subscribe\""));
    return sub;
}

static void sub_tells_that_the_broker_has_stopped(void **state)
{
    struct stage *s = *state;
    struct sub sub = start(s);

    kill(s->broker, SIGTERM);
    assert_int_equal(stage_await_broker(s), 0);
    assert_int_equal(tool_await(s, sub.pid), ENDED);
    assert_non_null(strstr(s->err, "the broker has stopped"));
    close(sub.out);
}

static void sub_tells_that_the_broker_was_killed(void **state)
{
    struct stage *s = *state;
    struct sub sub = start(s);

    kill(s->broker, SIGKILL);
    stage_await_broker(s);
    assert_int_equal(tool_await(s, sub.pid), ENDED);
    assert_non_null(strstr(s->err, "the broker has stopped"));
    close(sub.out);
}

#define HEAD                                                                   \
    "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"                \
    "Transfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n"

static void sub_reports_that_the_broker_ended_it(void **state)
{
    struct stage *s = *state;
    int listener = stage_listen(s->socket);

    stage_fake(s, listener, HEAD);
    assert_int_equal(tool_run(s, "S sub news"), ENDED);
    assert_string_equal(s->out, "{}\n");
    assert_non_null(strstr(s->err, "ended the subscription"));
    close(listener);
}

static void sub_tells_that_no_channel_is_left(void **state)
{
    struct stage *s = *state;
    int listener = stage_listen(s->socket);

    stage_fake(s, listener, HEAD "0\r\n\r\n");
    assert_int_equal(tool_run(s, "S sub news"), ENDED);
    assert_non_null(strstr(s->err, "no channel is left"));
    close(listener);
}

static void sub_ends_well_when_it_is_interrupted(void **state)
{
    static const int signals[] = {SIGINT, SIGTERM};

    for (int i = 0; i < 2; i++) {
        struct stage *s = *state;
        struct sub sub = start(s);

        kill(sub.pid, signals[i]);
        assert_int_equal(tool_await(s, sub.pid), BY_SIGNAL + signals[i]);
        assert_string_equal(s->err, "");
        close(sub.out);
        kill(s->broker, SIGTERM);
        assert_int_equal(stage_await_broker(s), 0);
    }
}

static void sub_ends_when_it_is_interrupted_while_nothing_reads(void **state)
{
    enum { FULL = 60000, LINES = 2 * 65536 };
    static char text[LINES + 64] = "HTTP/1.1 200 OK\r\n\r\n";
    struct stage *s = *state;
    int listener = stage_listen(s->socket), out, waiting = 0;
    size_t len = strlen(text);

    memset(text + len, 'x', LINES);
    for (size_t i = 0; i < LINES; i += 1024)
        text[len + i] = '\n';
    stage_fake(s, listener, text);
    close(listener);
    pid_t sub = tool_start(s, "S sub news", &out);
    while (waiting < FULL)
        assert_int_equal(ioctl(out, FIONREAD, &waiting), 0);
    kill(sub, SIGINT);
    assert_int_equal(tool_await(s, sub), BY_SIGNAL + SIGINT);
    close(out);
}

/* Nothing is published: the end of the reader is noticed by itself. */
static void sub_ends_well_when_its_reader_has_gone(void **state)
{
    struct stage *s = *state;
    struct sub sub = start(s);

    close(sub.out);
    assert_int_equal(tool_await(s, sub.pid), DONE);
    assert_string_equal(s->err, "");
}

#define ON_STAGE(test)                                                         \
    cmocka_unit_test_setup_teardown(test, stage_up, stage_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STAGE(sub_tells_that_the_broker_has_stopped),
        ON_STAGE(sub_tells_that_the_broker_was_killed),
        ON_STAGE(sub_reports_that_the_broker_ended_it),
        ON_STAGE(sub_tells_that_no_channel_is_left),
        ON_STAGE(sub_ends_well_when_it_is_interrupted),
        ON_STAGE(sub_ends_when_it_is_interrupted_while_nothing_reads),
        ON_STAGE(sub_ends_well_when_its_reader_has_gone),
    };

    return cmocka_run_group_tests_name("tool_stream", tests, NULL, NULL);
}
