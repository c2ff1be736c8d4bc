/* SPDX-License-Identifier: Apache-2.0 */
/* test_tool.c - parley's commands: what they say, and what they end with. */
#include "stage.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DONE, FAILED, USAGE, NO_BROKER, TIMED_OUT, ENDED };
enum { TERMINATED = 143, STRANGER = 65534 };

#define ALL_COMMANDS                                                           \
    {                                                                          \
        "S --timeout 200ms status", "S --timeout 200ms pub c 1",               \
            "S --timeout 200ms sub c", "S --timeout 200ms shutdown",           \
            "S --timeout 200ms shutdown --wait"                                \
    }

static void assert_says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, text);
}

/* --- A broker that does not answer --- */

static void a_broker_that_accepts_and_is_unresponsive_is_given_up(void **state)
{
    struct stage *s = *state;
    static const char *const commands[] = ALL_COMMANDS;
    int listener = stage_listen(s->socket);

    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        assert_int_equal(tool_run(s, commands[i]), TIMED_OUT);
        assert_says(s->err, "did not answer in time");
    }
    assert_int_equal(tool_run(s, "S --timeout 1500ms status"), TIMED_OUT);
    assert_says(s->err, "waiting for an answer from /");
    assert_int_equal(tool_run(s, "S -q --timeout 1500ms status"), TIMED_OUT);
    assert_null(strstr(s->err, "waiting for"));
    close(listener);
}

static void a_broker_that_is_stopped_is_given_up(void **state)
{
    struct stage *s = *state;
    static const char *const commands[] = ALL_COMMANDS;

    stage_start_broker(s);
    kill(s->broker, SIGSTOP);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        assert_int_equal(tool_run(s, commands[i]), TIMED_OUT);
    kill(s->broker, SIGCONT);
}

static void a_full_backlog_is_given_up(void **state)
{
    struct stage *s = *state;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int listener = stage_listen(s->socket), fd[128], n = 0;

    strncpy(a.sun_path, s->socket, sizeof a.sun_path - 1);
    do {
        fd[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    } while (connect(fd[n], (struct sockaddr *)&a, sizeof a) == 0 && ++n < 127);
    assert_int_equal(tool_run(s, "S --timeout 200ms status"), TIMED_OUT);
    assert_says(s->err, "does not accept");
    for (int i = 0; i <= n; i++)
        close(fd[i]);
    close(listener);
}

static void no_broker_is_told_with_the_remedy(void **state)
{
    struct stage *s = *state;

    assert_int_equal(tool_run(s, "S status"), NO_BROKER);
    assert_says(s->err, "there is no such socket: is parleyd running?");
    close(stage_listen(s->socket));
    assert_int_equal(tool_run(s, "S status"), NO_BROKER);
    assert_says(s->err, "nothing listens there");
}

/* --- Strangers --- */

static void need_root(void)
{
    if (geteuid() != 0)
        skip();
}

/* A process of another user that tells whether it got a byte. */
static int start_stranger(struct stage *s, const char *path)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    s->fake = fork();
    if (s->fake == 0) {
        char byte;

        if (setuid(STRANGER) != 0)
            _exit(1);
        int listener = stage_listen(path);
        if (write(ends[1], "r", 1) != 1)
            _exit(1);
        for (;;) { /* each connection, until there is a byte */
            int fd = accept(listener, NULL, NULL);
            if (read(fd, &byte, 1) == 1 && write(ends[1], "1", 1) != 1)
                _exit(1);
            close(fd);
        }
    }
    close(ends[1]);
    char ready;
    assert_int_equal(read(ends[0], &ready, 1), 1);
    return ends[0];
}

static void send_byte(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strncpy(a.sun_path, path, sizeof a.sun_path - 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
}

static void the_socket_of_another_user_gets_no_byte(void **state)
{
    struct stage *s = *state;
    char got;

    need_root();
    assert_int_equal(chmod(s->folder, 01777), 0); /* as /tmp is */
    int told = start_stranger(s, s->socket);
    assert_int_equal(tool_run(s, "S pub secrets 1"), NO_BROKER);
    assert_says(s->err, "belongs to another user");
    send_byte(s->socket); /* connections are taken in their order */
    assert_int_equal(read(told, &got, 1), 1);
    kill(s->fake, SIGTERM);
    assert_int_equal(read(told, &got, 1), 0); /* ours was the only byte */
    close(told);
}

/* The socket at its end is ours, the way there is a stranger's. */
static void the_symlink_of_another_user_is_not_followed(void **state)
{
    struct stage *s = *state;
    char ours[80];

    need_root();
    snprintf(ours, sizeof ours, "%s/ours", s->folder);
    int listener = stage_listen(ours);
    assert_int_equal(symlink(ours, s->socket), 0);
    assert_int_equal(lchown(s->socket, STRANGER, STRANGER), 0);
    assert_int_equal(tool_run(s, "S pub secrets 1"), NO_BROKER);
    assert_says(s->err, "belongs to another user");
    close(listener);
}

/* It is named, and nobody but the service could have put it there. */
static void root_reaches_the_broker_of_a_service(void **state)
{
    struct stage *s = *state;

    need_root();
    assert_int_equal(chown(s->folder, STRANGER, STRANGER), 0);
    int told = start_stranger(s, s->socket);
    char got;
    assert_int_equal(tool_run(s, "S pub c 1"), FAILED); /* it hung up */
    assert_int_equal(read(told, &got, 1), 1);
    assert_int_equal(got, '1');
    close(told);
}

/* --- Output --- */

static void a_full_disk_ends_every_command(void **state)
{
    struct stage *s = *state;

    stage_start_broker(s);
    assert_int_equal(tool_run_onto(s, "S sub news", "/dev/full"), FAILED);
    assert_says(s->err, "cannot write to stdout: No space left");
    assert_int_equal(tool_run_onto(s, "S status", "/dev/full"), FAILED);
    assert_says(s->err, "cannot write to stdout");
    assert_int_equal(tool_run_onto(s, "S pub news 1", "/dev/full"), FAILED);
    assert_int_equal(tool_run_onto(s, "help", "/dev/full"), FAILED);
}

static void a_closed_stdout_is_not_the_broker(void **state)
{
    struct stage *s = *state;

    stage_start_broker(s);
    assert_int_equal(tool_run_onto(s, "S sub news", NULL), FAILED);
    assert_says(s->err, "cannot write to stdout");
}

/* --- Publishing --- */

static void data_that_is_not_json_is_refused(void **state)
{
    struct stage *s = *state;

    stage_start_broker(s);
    assert_int_equal(tool_run(s, "S pub news {bad"), USAGE);
    assert_says(s->err, "not JSON: a key is missing at byte 1; --string");
    assert_int_equal(tool_run(s, "S pub news hello"), USAGE);
    assert_int_equal(tool_run(s, "S pub news -"), USAGE); /* stdin is empty */
    assert_int_equal(tool_run(s, "S pub news {}x"), USAGE);
    assert_int_equal(tool_run(s, "S pub news 1e999"), DONE);
}

static void string_sends_any_text(void **state)
{
    struct stage *s = *state;
    char line[256];
    int out;

    stage_start_broker(s);
    pid_t sub = tool_start(s, "S sub news", &out);
    assert_true(read_line(out, line, sizeof line));
    assert_int_equal(tool_run(s, "S pub --string news {bad"), DONE);
    assert_true(read_line(out, line, sizeof line));
    assert_says(line, "\"data\":\"{bad\"");
    kill(sub, SIGTERM);
    assert_int_equal(tool_await(s, sub), TERMINATED);
    close(out);
}

static void a_refusal_says_what_the_broker_said(void **state)
{
    struct stage *s = *state;
    char line[400] = "S pub ";

    stage_start_broker(s);
    memset(line + strlen(line), 'c', 256);
    strcat(line, " 1");
    assert_int_equal(tool_run(s, line), FAILED);
    assert_says(s->err, "channel: it is longer than 255 bytes (107)");
    line[strlen(line) - 2] = '\0';
    memcpy(line + 2, "sub", 3);
    assert_int_equal(tool_run(s, line), FAILED);
    assert_says(s->err, "names of 1 to 255 bytes");
}

/* --- The end of a broker --- */

static void shutdown_waits_until_the_process_has_ended(void **state)
{
    struct stage *s = *state;
    int status;

    stage_start_broker(s);
    assert_int_equal(tool_run(s, "S shutdown --wait"), DONE);
    assert_int_equal(waitpid(s->broker, &status, WNOHANG), s->broker);
    s->broker = 0;
    assert_int_equal(status, 0);
    stage_start_broker(s); /* nothing is in its way */
}

static void shutdown_waits_no_longer_than_it_may(void **state)
{
    struct stage *s = *state;
    int listener = stage_listen(s->socket);

    /* It answers, and does not end. */
    stage_fake(s, listener, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    close(listener);
    assert_int_equal(tool_run(s, "S shutdown --wait --timeout 300ms"),
                     TIMED_OUT);
    assert_says(s->err, "has not ended yet");
}

/* --- Words --- */

static void each_command_has_its_own_help(void **state)
{
    struct stage *s = *state;
    static const char *const names[] = {
        "status",   "pub",        "sub",      "token", "check",
        "shutdown", "completion", "rpc",      "send",  "call",
        "presence", "history",    "channels", "kick"};
    char line[64], usage[64];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *const forms[] = {"%s --help", "--help %s", "help %s",
                                     "%s -h"};
        snprintf(usage, sizeof usage, "Usage: parley %s ", names[i]);
        for (int f = 0; f < 4; f++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            snprintf(line, sizeof line, forms[f], names[i]);
#pragma GCC diagnostic pop
            assert_int_equal(tool_run(s, line), DONE);
            assert_memory_equal(s->out, usage, strlen(usage));
            assert_says(s->out, "Exit status:");
        }
    }
    assert_int_equal(tool_run(s, "help nothing"), USAGE);
    assert_int_equal(tool_run(s, "--nothing status"), USAGE);
    assert_int_equal(tool_run(s, "status --nothing"), USAGE);
    assert_says(s->err, "Try `parley status --help`");
    assert_int_equal(tool_run(s, "status --timeout soon"), USAGE);
    assert_int_equal(tool_run(s, ""), USAGE);
}

static void options_may_stand_before_the_command(void **state)
{
    struct stage *s = *state;

    stage_start_broker(s);
    assert_int_equal(tool_run(s, "S --json status"), DONE);
    assert_memory_equal(s->out, "{", 1);
    assert_int_equal(tool_run(s, "--json status S"), DONE);
    assert_memory_equal(s->out, "{", 1);
    assert_int_equal(tool_run(s, "S --string pub news hello"), DONE);
    /* What no option has eaten is data, also with a minus. */
    assert_int_equal(tool_run(s, "S pub news -5"), DONE);
    assert_int_equal(tool_run(s, "S --json pub news 1"), DONE);
    assert_says(s->out, "{\"published\":1");
    assert_int_equal(tool_run(s, "--hurry pub news 1"), USAGE);
}

/* Whatever groups there are. */
static void the_page_has_each_group_of_the_status(void **state)
{
    static const char *const groups[] = {
        "connections", "admin",      "admission",     "closed",
        "memory",      "users",      "channels",      "history",
        "mailboxes",   "handlers",   "messages",      "commands",
        "errors",      "drops",      "dead letters",  "jobs",
        "log",         "deliveries", "authentication"};
    struct stage *s = *state;
    char line[32];

    stage_start_broker(s);
    assert_int_equal(tool_run(s, "S status"), DONE);
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        snprintf(line, sizeof line, "\n  %s ", groups[i]);
        assert_says(s->out, line);
    }
    assert_null(strstr(s->out, "dispatcher"));
}

static int listen_on_tcp(char *url, size_t size)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    snprintf(url, size, "--url http://127.0.0.1:%u", ntohs(a.sin_port));
    return fd;
}

static void http_errors_are_told_in_words(void **state)
{
    struct stage *s = *state;
    static const struct {
        int status;
        const char *arguments, *words;
    } cases[] = {
        {401, "status",
         "the API key is missing: give the broker's api.key in "
         "$PARLEY_API_KEY or with --key"},
        {401, "--key wrong status", "the API key is wrong"},
        {403, "shutdown", "use the admin socket"},
        {404, "status", "--url is its admin.listen"},
        {503, "pub c 1", "stopping or has too much to do"},
        {413, "pub c 1", "websocket.max_message"},
    };
    char url[64], line[128], answer[96];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int listener = listen_on_tcp(url, sizeof url);
        snprintf(answer, sizeof answer,
                 "HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n",
                 cases[i].status);
        stage_fake(s, listener, answer);
        close(listener);
        snprintf(line, sizeof line, "%s %s", url, cases[i].arguments);
        assert_int_equal(tool_run(s, line), FAILED);
        assert_says(s->err, cases[i].words);
        kill(s->fake, SIGKILL);
        waitpid(s->fake, NULL, 0);
        s->fake = 0;
    }
    snprintf(line, sizeof line, "%s status", url);
    assert_int_equal(tool_run(s, line), NO_BROKER);
    assert_says(s->err, "nothing listens there");
}

static void a_loop_that_does_not_turn_stands_out(void **state)
{
    static const char body[] = "{\"loops\":[{\"loop\":0,\"stuck_ms\":0},"
                               "{\"loop\":1,\"stuck_ms\":2500}]}";
    struct stage *s = *state;
    char url[64], line[128], answer[256];

    int listener = listen_on_tcp(url, sizeof url);
    snprintf(answer, sizeof answer,
             "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
             sizeof body - 1, body);
    stage_fake(s, listener, answer);
    close(listener);
    snprintf(line, sizeof line, "%s status", url);
    assert_int_equal(tool_run(s, line), DONE);
    const char *found = strstr(s->out, "NOT TURNING");
    assert_non_null(found);
    assert_true(found > strstr(s->out, "loop 1 "));
    assert_says(found, "NOT TURNING for 2500 ms");
    assert_null(strstr(found + 1, "NOT TURNING"));
}

#define ON_STAGE(test)                                                         \
    cmocka_unit_test_setup_teardown(test, stage_up, stage_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STAGE(a_broker_that_accepts_and_is_unresponsive_is_given_up),
        ON_STAGE(a_broker_that_is_stopped_is_given_up),
        ON_STAGE(a_full_backlog_is_given_up),
        ON_STAGE(no_broker_is_told_with_the_remedy),
        ON_STAGE(the_socket_of_another_user_gets_no_byte),
        ON_STAGE(the_symlink_of_another_user_is_not_followed),
        ON_STAGE(root_reaches_the_broker_of_a_service),
        ON_STAGE(a_full_disk_ends_every_command),
        ON_STAGE(a_closed_stdout_is_not_the_broker),
        ON_STAGE(data_that_is_not_json_is_refused),
        ON_STAGE(string_sends_any_text),
        ON_STAGE(a_refusal_says_what_the_broker_said),
        ON_STAGE(a_loop_that_does_not_turn_stands_out),
        ON_STAGE(shutdown_waits_until_the_process_has_ended),
        ON_STAGE(shutdown_waits_no_longer_than_it_may),
        ON_STAGE(each_command_has_its_own_help),
        ON_STAGE(options_may_stand_before_the_command),
        ON_STAGE(the_page_has_each_group_of_the_status),
        ON_STAGE(http_errors_are_told_in_words),
    };

    return cmocka_run_group_tests_name("tool", tests, NULL, NULL);
}
