/* SPDX-License-Identifier: Apache-2.0 */
/* test_tool_look.c - parley conns, users, top and trace: what they print, and
 * what top does to a terminal. */
#include "stage.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DONE, FAILED, USAGE, WAIT_MS = 60000, SEEN_MAX = 1 << 18 };

#define RESTORED "\033[?1049l"

static void assert_says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, text);
}

/* A client of the broker: parley sub is one for the broker's lists of channels,
 * but not of its connections. */
static pid_t subscribe(struct stage *s, const char *channel, int *out)
{
    char line[128];

    snprintf(line, sizeof line, "S sub %s", channel);
    return tool_start(s, line, out);
}

static void await_channel(struct stage *s, const char *name)
{
    for (int i = 0; i < WAIT_MS / 50; i++) {
        assert_int_equal(tool_run(s, "S top channels --once --interval 100ms"),
                         DONE);
        if (strstr(s->out, name) != NULL)
            return;
    }
    fail_msg("%s is in no table: %s", name, s->out);
}

static void end(pid_t pid, int out)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(out);
}

/* --- Without a terminal --- */

static void lists_of_an_empty_broker_have_their_heads(void **state)
{
    struct stage *s = *state;

    stage_start_broker(s);
    assert_int_equal(tool_run(s, "S conns"), DONE);
    assert_says(s->out, "CLIENT");
    assert_int_equal(tool_run(s, "S users"), DONE);
    assert_says(s->out, "USER");
    assert_int_equal(tool_run(s, "S conns --json"), DONE);
    assert_string_equal(s->out, "");
    assert_int_equal(tool_run(s, "S conns --address ten"), FAILED);
    assert_says(s->err, "address");
}

static void top_once_prints_loops_reasons_and_one_table(void **state)
{
    struct stage *s = *state;
    int out;

    stage_start_broker(s);
    pid_t sub = subscribe(s, "news", &out);
    await_channel(s, "news");
    assert_says(s->out, "LOOP");
    assert_says(s->out, "LAG MAX");
    assert_says(s->out, "dropped");
    assert_says(s->out, "closed");
    assert_says(s->out, "ledgers");
    assert_says(s->out, "CHANNEL");
    assert_int_equal(tool_run(s, "S top actors --once --interval 100ms"), DONE);
    assert_says(s->out, "supervisor");
    assert_int_equal(tool_run(s, "S top loops --json --once --interval 100ms"),
                     DONE);
    assert_says(s->out, "\"cpu_ns\":");
    end(sub, out);
}

static void top_without_a_terminal_prints_again_and_again(void **state)
{
    struct stage *s = *state;

    stage_start_broker(s);
    assert_int_equal(tool_run(s, "S top channels --count 3 --interval 100ms"),
                     DONE);
    const char *second = strstr(s->out + 1, "parley top");
    assert_non_null(second);
    assert_non_null(strstr(second + 1, "parley top"));
    assert_null(strchr(s->out, '\033'));
}

static void top_refuses_what_it_does_not_have(void **state)
{
    struct stage *s = *state;

    assert_int_equal(tool_run(s, "S top what --once"), USAGE);
    assert_int_equal(tool_run(s, "S top users --by bytes --once"), USAGE);
    assert_int_equal(tool_run(s, "S top --limit 0 --once"), USAGE);
    assert_int_equal(tool_run(s, "S top --interval 1ms --once"), USAGE);
}

static void trace_prints_a_publication(void **state)
{
    struct stage *s = *state;
    char line[4096];
    int out;

    stage_start_broker(s);
    pid_t trace = tool_start(s, "S trace news --payload --json", &out);
    for (;;) { /* until it has begun to listen */
        struct pollfd p = {.fd = out, .events = POLLIN};

        assert_int_equal(tool_run(s, "S pub news {\"text\":1}"), DONE);
        if (poll(&p, 1, 100) == 1)
            break;
    }
    assert_true(read_line(out, line, sizeof line));
    assert_says(line, "\"event\":\"publish\"");
    assert_says(line, "\"data\":{\"text\":1}");
    end(trace, out);
    assert_int_equal(tool_run(s, "S trace channel:"), FAILED);
}

/* --- On a terminal --- */

struct terminal {
    int fd;
    pid_t pid;
    size_t len;
    char seen[SEEN_MAX]; /* all that came since the last forget() */
};

static void run_top(struct stage *s, const char *no_color)
{
    setenv("TERM", "xterm-256color", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    if (no_color != NULL)
        setenv("NO_COLOR", no_color, 1);
    else
        unsetenv("NO_COLOR");
    execl(getenv("PARLEY"), "parley", "top", "--socket", s->socket,
          "--interval", "250ms", (char *)NULL);
    _exit(127);
}

static void start_top(struct terminal *t, struct stage *s, const char *no_color)
{
    struct winsize size = {.ws_row = 30, .ws_col = 100};

    t->len = 0;
    t->pid = forkpty(&t->fd, NULL, NULL, &size);
    assert_true(t->pid >= 0);
    if (t->pid == 0)
        run_top(s, no_color);
}

/* The same as the job of a shell, without which the kernel stops no process:
 * the shell writes a byte to *stops when the job stops, lets it go on at once,
 * and exits as the job does. */
static void start_job(struct terminal *t, struct stage *s, int *stops)
{
    struct winsize size = {.ws_row = 30, .ws_col = 100};
    int ends[2], status = 0;

    t->len = 0;
    assert_int_equal(pipe(ends), 0);
    t->pid = forkpty(&t->fd, NULL, NULL, &size);
    assert_true(t->pid >= 0);
    *stops = ends[0];
    if (t->pid > 0) {
        close(ends[1]);
        return;
    }
    signal(SIGTTOU, SIG_IGN);
    pid_t job = fork();
    if (job == 0) {
        setpgid(0, 0);
        tcsetpgrp(STDIN_FILENO, getpid());
        signal(SIGTTOU, SIG_DFL);
        run_top(s, NULL);
    }
    setpgid(job, job);
    while (waitpid(job, &status, WUNTRACED) == job && WIFSTOPPED(status)) {
        if (write(ends[1], "s", 1) != 1)
            _exit(126);
        kill(-job, SIGCONT);
    }
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 125);
}

/* Read on until `text` has come. */
static void await(struct terminal *t, const char *text)
{
    while (memmem(t->seen, t->len, text, strlen(text)) == NULL) {
        struct pollfd p = {.fd = t->fd, .events = POLLIN};

        if (poll(&p, 1, WAIT_MS) != 1)
            fail_msg("no \"%s\" in: %.*s", text, (int)t->len, t->seen);
        assert_true(t->len < sizeof t->seen);
        ssize_t got = read(t->fd, t->seen + t->len, sizeof t->seen - t->len);
        if (got <= 0)
            fail_msg("it ended without \"%s\": %.*s", text, (int)t->len,
                     t->seen);
        t->len += (size_t)got;
    }
}

static void forget(struct terminal *t)
{
    t->len = 0;
}

static void press(struct terminal *t, const char *keys)
{
    assert_int_equal(write(t->fd, keys, strlen(keys)), strlen(keys));
}

/* Its exit status, or 128 and the signal; what it said goes to t->seen. */
static int await_exit(struct terminal *t)
{
    ssize_t got;
    int status;

    while (t->len < sizeof t->seen &&
           (got = read(t->fd, t->seen + t->len, sizeof t->seen - t->len)) > 0)
        t->len += (size_t)got;
    assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
    close(t->fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void assert_restored(const struct terminal *t)
{
    assert_non_null(memmem(t->seen, t->len, RESTORED, strlen(RESTORED)));
}

static struct terminal terminal;

static void keys_choose_tables_columns_and_help(void **state)
{
    struct terminal *t = &terminal;

    stage_start_broker(*state);
    start_top(t, *state, NULL);
    await(t, "channels by deliveries");
    press(t, "s");
    await(t, "publications");
    press(t, "2");
    await(t, "actors by mail");
    await(t, "supervisor");
    press(t, " ");
    await(t, "HELD");
    press(t, "r");
    await(t, "reversed");
    press(t, "?");
    await(t, "hold the order of the rows");
    press(t, "x");
    press(t, "/superv\r");
    await(t, "/superv");
    press(t, "\r");
    await(t, "mail_limit");
    press(t, "x");
    press(t, "q");
    assert_int_equal(await_exit(t), DONE);
    assert_restored(t);
}

static void colors_are_off_with_no_color(void **state)
{
    struct terminal *t = &terminal;
    static const char cyan[] = "\033[36m", bold_cyan[] = "\033[1m\033[36m";

    stage_start_broker(*state);
    start_top(t, *state, "");
    await(t, "channels by deliveries");
    press(t, "q");
    await_exit(t);
    assert_true(memmem(t->seen, t->len, cyan, strlen(cyan)) != NULL ||
                memmem(t->seen, t->len, bold_cyan, strlen(bold_cyan)) != NULL);
    start_top(t, *state, "1");
    await(t, "channels by deliveries");
    press(t, "q");
    await_exit(t);
    assert_null(memmem(t->seen, t->len, "[36m", 4));
    assert_null(memmem(t->seen, t->len, "[31m", 4));
}

static void a_small_terminal_is_told_so_and_may_grow(void **state)
{
    struct terminal *t = &terminal;
    struct winsize small = {.ws_row = 5, .ws_col = 30},
                   large = {.ws_row = 40, .ws_col = 120};

    stage_start_broker(*state);
    start_top(t, *state, NULL);
    await(t, "channels by deliveries");
    assert_int_equal(ioctl(t->fd, TIOCSWINSZ, &small), 0);
    await(t, "parley top needs 40 x 8");
    forget(t);
    assert_int_equal(ioctl(t->fd, TIOCSWINSZ, &large), 0);
    await(t, "channels by deliveries");
    press(t, "q");
    assert_int_equal(await_exit(t), DONE);
}

static void the_terminal_is_restored_after_a_signal(void **state)
{
    static const int signals[] = {SIGTERM, SIGHUP, SIGABRT, SIGSEGV};
    struct terminal *t = &terminal;

    stage_start_broker(*state);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        start_top(t, *state, NULL);
        await(t, "channels by deliveries");
        forget(t);
        kill(t->pid, signals[i]);
        assert_int_not_equal(await_exit(t), DONE);
        assert_restored(t);
    }
    start_top(t, *state, NULL);
    await(t, "channels by deliveries");
    forget(t);
    press(t, "\003");
    assert_int_equal(await_exit(t), 128 + SIGINT);
    assert_restored(t);
}

static void it_can_be_suspended_and_goes_on(void **state)
{
    struct terminal *t = &terminal;
    int stops;
    char byte;

    stage_start_broker(*state);
    start_job(t, *state, &stops);
    await(t, "channels by deliveries");
    forget(t);
    press(t, "\032");
    assert_int_equal(read(stops, &byte, 1), 1);
    await(t, RESTORED);
    await(t, "channels by deliveries"); /* it is drawn anew */
    press(t, "q");
    assert_int_equal(await_exit(t), DONE);
    close(stops);
}

static void a_name_of_a_channel_cannot_steer_the_terminal(void **state)
{
    static const char evil[] = "a\033]0;evil\007b";
    struct terminal *t = &terminal;
    int out;

    stage_start_broker(*state);
    pid_t sub = subscribe(*state, evil, &out);
    start_top(t, *state, NULL);
    await(t, "<U+001B>]0;evil<U+0007>b");
    press(t, "q");
    assert_int_equal(await_exit(t), DONE);
    assert_null(memmem(t->seen, t->len, "\033]0;evil", 8));
    end(sub, out);
}

static void the_end_of_the_broker_is_told_on_the_restored_terminal(void **state)
{
    struct terminal *t = &terminal;
    struct stage *s = *state;

    stage_start_broker(s);
    start_top(t, s, NULL);
    await(t, "channels by deliveries");
    forget(t);
    kill(s->broker, SIGKILL);
    assert_int_not_equal(await_exit(t), DONE);
    assert_restored(t);
    const char *restored = memmem(t->seen, t->len, RESTORED, strlen(RESTORED));
    assert_non_null(
        memmem(restored, t->len - (size_t)(restored - t->seen), "parley: ", 8));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_up, stage_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lists_of_an_empty_broker_have_their_heads),
        TEST(top_once_prints_loops_reasons_and_one_table),
        TEST(top_without_a_terminal_prints_again_and_again),
        TEST(top_refuses_what_it_does_not_have),
        TEST(trace_prints_a_publication),
        TEST(keys_choose_tables_columns_and_help),
        TEST(colors_are_off_with_no_color),
        TEST(a_small_terminal_is_told_so_and_may_grow),
        TEST(the_terminal_is_restored_after_a_signal),
        TEST(it_can_be_suspended_and_goes_on),
        TEST(a_name_of_a_channel_cannot_steer_the_terminal),
        TEST(the_end_of_the_broker_is_told_on_the_restored_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
