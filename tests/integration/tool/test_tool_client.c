/* SPDX-License-Identifier: Apache-2.0 */
/* test_tool_client.c - the tool with --url ws:// and wss://: it does what
 * clients do, and ends as it says. */
#include "stage.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "moment.h"

enum { DONE, FAILED, USAGE, NO_BROKER, TIMED_OUT, ENDED, INTERRUPTED = 130 };

static void assert_says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, text);
}

struct sub {
    pid_t pid;
    int out;
};

static void expect(struct sub *sub, const char *part)
{
    char line[1024];

    assert_true(read_line(sub->out, line, sizeof line));
    assert_says(line, part);
}

/* A subscription to "news" that has begun. */
static struct sub subscribe(struct stage *s, const char *options)
{
    struct sub sub;
    char line[512];

    snprintf(line, sizeof line, "%s sub news", options);
    sub.pid = tool_start(s, line, &sub.out);
    expect(&sub, "{\"connect\":{\"client\":\"");
    expect(&sub, "\"subscribe\":{\"recoverable\":true,\"epoch\":\"");
    return sub;
}

static void interrupt(struct stage *s, struct sub *sub)
{
    kill(sub->pid, SIGINT);
    assert_int_equal(tool_await(s, sub->pid), INTERRUPTED);
    close(sub->out);
}

/* The options of a transport; T needs the authority. */
static void transport(struct stage *s, int i, char options[160])
{
    snprintf(options, 160, "%s%s%s%s%s", i & 1 ? "T" : "W",
             i & 1 ? " --ca " : "", i & 1 ? s->folder : "",
             i & 1 ? "/ca.pem" : "", i & 2 ? " --protobuf" : "");
}

static void write_numbers(struct stage *s, char path[64], int from, int to)
{
    snprintf(path, 64, "%s/lines", s->folder);
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    for (int i = from; i <= to; i++)
        assert_true(fprintf(f, "%d\n", i) > 0);
    assert_int_equal(fclose(f), 0);
}

/* --- What arrives --- */

static void publications_arrive_over_each_transport(void **state)
{
    struct stage *s = *state;
    char options[160], line[256];

    stage_start_for_clients(s);
    for (int i = 0; i < 4; i++) {
        transport(s, i, options);
        struct sub sub = subscribe(s, options);

        snprintf(line, sizeof line, "%s pub news {\"n\":12345678901234567890}",
                 options);
        assert_int_equal(tool_run(s, line), DONE);
        assert_string_equal(s->out, "published\n");
        expect(&sub, "{\"push\":{\"channel\":\"news\",\"pub\":{\"data\":"
                     "{\"n\":12345678901234567890},\"info\":{\"user\":");
        snprintf(line, sizeof line, "%s --json pub --string news x", options);
        assert_int_equal(tool_run(s, line), DONE);
        assert_string_equal(s->out, "{\"published\":1}\n");
        expect(&sub, "\"data\":\"x\"");
        interrupt(s, &sub);
        assert_string_equal(s->err, "");
    }
}

static void bytes_that_are_no_json_are_shown_as_base64(void **state)
{
    struct stage *s = *state;

    s->setting = "channels.data=binary";
    stage_start_for_clients(s);
    struct sub sub = subscribe(s, "W --protobuf");
    assert_int_equal(tool_run(s, "W pub --binary news {no"), DONE);
    expect(&sub, "\"pub\":{\"b64data\":\"e25v\"");
    assert_int_equal(tool_run(s, "S pub --binary news {no"), DONE);
    expect(&sub, "\"pub\":{\"b64data\":\"e25v\"");
    interrupt(s, &sub);
}

/* Read numbers until `to`, one a line, without a gap. */
static void expect_numbers(struct sub *sub, int from, int to)
{
    char line[64], number[32];

    for (int i = from; i <= to; i++) {
        snprintf(number, sizeof number, "%d", i);
        assert_true(read_line(sub->out, line, sizeof line));
        assert_string_equal(line, number);
    }
}

static void a_hundred_thousand_lines_arrive_in_order(void **state)
{
    enum { COUNT = 100000 };
    struct stage *s = *state;
    char path[64], line[64];

    stage_start_for_clients(s);
    struct sub began = subscribe(s, "W"); /* the channel has its epoch */
    write_numbers(s, path, 1, COUNT);
    s->input = path;
    assert_int_equal(tool_run(s, "W pub --lines news"), DONE);
    assert_string_equal(s->out, "published 100000\n");
    s->input = NULL;
    assert_int_equal(tool_run(s, "S pub news 0"), DONE);
    assert_string_equal(s->out, "published, offset 100001\n");
    close(began.out);
    assert_int_equal(tool_await(s, began.pid), DONE);
    snprintf(line, sizeof line, "W sub --data --history %d news", COUNT + 1);
    struct sub all = {.pid = tool_start(s, line, &all.out)};
    expect_numbers(&all, 1, COUNT);
    interrupt(s, &all);
}

static void lines_through_the_socket_arrive_in_order(void **state)
{
    struct stage *s = *state;
    char path[64];

    stage_start_for_clients(s);
    struct sub sub = {.pid = tool_start(s, "W sub --data news", &sub.out)};
    struct sub began = subscribe(s, "W");
    write_numbers(s, path, 1, 5000);
    s->input = path;
    assert_int_equal(tool_run(s, "S pub --lines --rate 100000 news"), DONE);
    assert_string_equal(s->out, "published 5000\n");
    close(began.out);
    assert_int_equal(tool_await(s, began.pid), DONE);
    s->input = NULL;
    struct sub all = {
        .pid = tool_start(s, "W sub --data --history 5000 news", &all.out)};
    expect_numbers(&all, 1, 5000);
    interrupt(s, &all);
    interrupt(s, &sub);
}

static void the_first_line_that_is_no_json_ends_pub(void **state)
{
    static const char *const places[] = {"W", "S"};
    struct stage *s = *state;
    char path[64], line[64];

    stage_start_for_clients(s);
    write_numbers(s, path, 1, 2);
    FILE *f = fopen(path, "ae");
    assert_non_null(f);
    fputs("\n{bad\n3\n", f);
    assert_int_equal(fclose(f), 0);
    s->input = path;
    for (int i = 0; i < 2; i++) {
        snprintf(line, sizeof line, "%s --json pub --lines news", places[i]);
        assert_int_equal(tool_run(s, line), USAGE);
        assert_says(s->err, "line 4 is not JSON: a key is missing at byte 1");
        assert_string_equal(s->out, "{\"published\":2}\n");
    }
    s->input = NULL;
}

/* --- Connections that are lost --- */

static void sub_goes_on_after_a_restart_of_the_broker(void **state)
{
    struct stage *s = *state;
    char path[64];

    stage_start_for_clients(s);
    struct sub sub = {.pid = tool_start(s, "W sub --data news", &sub.out)};
    struct sub began = subscribe(s, "W");
    close(began.out);
    assert_int_equal(tool_await(s, began.pid), DONE);
    for (int round = 0; round < 3; round++) {
        int from = round * 100 + 1;

        /* After a restart, `sub` is mostly not back yet. */
        write_numbers(s, path, from, from + 99);
        s->input = path;
        assert_int_equal(tool_run(s, "S pub --lines news"), DONE);
        expect_numbers(&sub, from, from + 99);
        kill(s->broker, SIGTERM);
        assert_int_equal(stage_await_broker(s), 0);
        stage_start_for_clients(s);
    }
    interrupt(s, &sub);
    assert_says(s->err, "connecting again");
    assert_says(s->err, "the history has begun anew");
}

/* --- How it ends --- */

static void sub_ends_well_when_its_reader_has_gone(void **state)
{
    struct stage *s = *state;

    stage_start_for_clients(s);
    struct sub sub = subscribe(s, "W");
    close(sub.out);
    assert_int_equal(tool_await(s, sub.pid), DONE);
    assert_string_equal(s->err, "");
}

enum { DEADLINE_MS = 60000 };

/* Until its pipe takes nothing more.  The other end of it is opened to ask. */
static void await_full(const struct sub *sub)
{
    uint64_t began = moment_ms();
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/fd/1", (int)sub->pid);
    struct pollfd end = {.fd = open(path, O_WRONLY | O_CLOEXEC),
                         .events = POLLOUT};
    assert_true(end.fd >= 0);
    while (poll(&end, 1, 0) > 0) {
        assert_true(moment_ms() < began + DEADLINE_MS);
        moment_rest(began);
    }
    close(end.fd);
}

static void sub_ends_when_it_is_interrupted_while_nothing_reads(void **state)
{
    struct stage *s = *state;
    char path[64];

    stage_start_for_clients(s);
    struct sub sub = subscribe(s, "W");
    write_numbers(s, path, 1, 5000);
    s->input = path;
    assert_int_equal(tool_run(s, "W pub --lines news"), DONE);
    await_full(&sub);
    interrupt(s, &sub);
}

static const char *const all_commands[] = {
    "W --timeout 300ms sub news",
    "W --timeout 300ms pub news 1",
    "W --timeout 300ms pub --lines news",
    "W --timeout 300ms rpc sys.whoami",
    "W --timeout 300ms send 1",
    "W --timeout 300ms call --to user/a 1",
    "W --timeout 300ms presence news",
    "W --timeout 300ms history news",
};

static void run_all(struct stage *s, int status, const char *says)
{
    for (size_t i = 0; i < sizeof all_commands / sizeof *all_commands; i++) {
        int got = tool_run(s, all_commands[i]);

        if (got != status)
            fail_msg("%s: %d: %s", all_commands[i], got, s->err);
        assert_says(s->err, says);
    }
}

static void a_full_disk_ends_sub(void **state)
{
    struct stage *s = *state;

    stage_start_for_clients(s);
    assert_int_equal(tool_run_onto(s, "W sub news", "/dev/full"), FAILED);
    assert_says(s->err, "cannot write to stdout: No space left");
    assert_int_equal(tool_run_onto(s, "W sub news", NULL), FAILED);
    assert_says(s->err, "cannot write to stdout");
}

static void nothing_there_is_told_at_once(void **state)
{
    struct stage *s = *state;

    s->port = stage_free_port();
    run_all(s, NO_BROKER, "cannot connect to ws://127.0.0.1:");
}

/* A port that accepts and never answers. */
static int listen_silently(struct stage *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    s->port = stage_free_port();
    a.sin_port = htons((uint16_t)s->port);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 64), 0);
    return fd;
}

static void a_server_that_never_answers_is_given_up(void **state)
{
    struct stage *s = *state;
    int fd = listen_silently(s);

    run_all(s, TIMED_OUT, "ws://127.0.0.1:");
    assert_int_equal(tool_run(s, "W --timeout 1500ms pub news 1"), TIMED_OUT);
    assert_says(s->err, "waiting for ws://127.0.0.1:");
    assert_says(s->err, "1.5 s at most");
    assert_int_equal(tool_run(s, "W -q --timeout 1500ms pub news 1"),
                     TIMED_OUT);
    assert_null(strstr(s->err, "at most"));
    close(fd);
}

static void a_wait_without_end_names_what_it_waits_for(void **state)
{
    struct stage *s = *state;
    int fd = listen_silently(s), out;
    char line[256];

    /* Its remarks come on the same pipe. */
    pid_t pid = tool_start_with_remarks(s, "W --timeout 0 sub news", &out);
    assert_true(read_line(out, line, sizeof line));
    assert_says(line, "parley: waiting for ws://127.0.0.1:");
    assert_says(line, "to take the connection, without end (see --timeout)");
    kill(pid, SIGINT);
    assert_int_equal(tool_await(s, pid), INTERRUPTED);
    close(out);
    close(fd);
}

static void sub_tries_no_longer_than_it_may(void **state)
{
    struct stage *s = *state;

    stage_start_for_clients(s);
    struct sub sub = subscribe(s, "W --timeout 1200ms");
    kill(s->broker, SIGKILL);
    stage_await_broker(s);
    assert_int_equal(tool_await(s, sub.pid), TIMED_OUT);
    assert_says(s->err, "connecting again");
    assert_says(s->err, "to take the connection again (--timeout)");
    close(sub.out);
}

static void pub_that_is_interrupted_says_how_many_it_published(void **state)
{
    struct stage *s = *state;
    char path[64], line[64];
    int out;

    stage_start_for_clients(s);
    struct sub sub = subscribe(s, "W");
    write_numbers(s, path, 1, 100);
    s->input = path;
    pid_t pid = tool_start(s, "W pub --lines --rate 1 news", &out);
    expect(&sub, "\"data\":1,");
    expect(&sub, "\"data\":2,");
    kill(pid, SIGINT);
    assert_true(read_line(out, line, sizeof line));
    assert_memory_equal(line, "published ", 10);
    assert_in_range(strtol(line + 10, NULL, 10), 1, 99);
    assert_int_equal(tool_await(s, pid), INTERRUPTED);
    close(out);
    s->input = NULL;
    interrupt(s, &sub);
}

static void a_broker_that_is_stopped_is_given_up(void **state)
{
    struct stage *s = *state;

    stage_start_for_clients(s);
    kill(s->broker, SIGSTOP);
    run_all(s, TIMED_OUT, "ws://127.0.0.1:");
    kill(s->broker, SIGCONT);
}

static void a_token_that_is_refused_is_told(void **state)
{
    struct stage *s = *state;
    char path[64], line[128];

    stage_start_for_clients(s);
    assert_int_equal(tool_run(s, "W --token x sub news"), FAILED);
    assert_says(s->err, "the broker refused: invalid token (3500)");
    snprintf(path, sizeof path, "%s/token", s->folder);
    snprintf(line, sizeof line, "W --token-file %s pub news 1", path);
    assert_int_equal(tool_run(s, line), FAILED);
    assert_says(s->err, "/token: no token can be read from it");
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs("x\n", f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(tool_run(s, line), FAILED);
    assert_says(s->err, "invalid token");
    s->input = path;
    assert_int_equal(tool_run(s, "W --token-file - pub news 1"), FAILED);
    assert_says(s->err, "invalid token");
}

static void a_certificate_of_nobody_is_refused(void **state)
{
    struct stage *s = *state;

    stage_start_for_clients(s);
    assert_int_equal(tool_run(s, "T pub news 1"), NO_BROKER);
    assert_says(s->err, "TLS: ");
    assert_int_equal(tool_run(s, "T --no-verify pub news 1"), DONE);
}

static void options_without_effect_are_refused(void **state)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"W -s x pub news 1", "are not for --url ws://"},
        {"W --key x pub news 1", "are not for --url ws://"},
        {"S --token x pub news 1", "need --url ws://"},
        {"S sub --history 1 news", "need --url ws://"},
        {"W status", "it needs the admin socket"},
        {"W pub --rate 1 news 1", "--rate needs --lines"},
        {"W pub news", "--lines"},
        {"W --token x --token-file y pub news 1", "--token or --token-file"},
        {"W sub --since 7 news", "--since takes EPOCH:OFFSET"},
        {"W sub --since a:7 news sport", "--since needs one channel"},
        {"W --header nothing pub news 1", "headers: "},
        {"--url ws:// pub news 1", "url: "},
    };
    struct stage *s = *state;

    s->port = 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(tool_run(s, cases[i].line), USAGE);
        assert_says(s->err, cases[i].says);
    }
}

#define ON_STAGE(test)                                                         \
    cmocka_unit_test_setup_teardown(test, stage_up, stage_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STAGE(publications_arrive_over_each_transport),
        ON_STAGE(bytes_that_are_no_json_are_shown_as_base64),
        ON_STAGE(a_hundred_thousand_lines_arrive_in_order),
        ON_STAGE(lines_through_the_socket_arrive_in_order),
        ON_STAGE(the_first_line_that_is_no_json_ends_pub),
        ON_STAGE(sub_goes_on_after_a_restart_of_the_broker),
        ON_STAGE(sub_ends_well_when_its_reader_has_gone),
        ON_STAGE(sub_ends_when_it_is_interrupted_while_nothing_reads),
        ON_STAGE(a_full_disk_ends_sub),
        ON_STAGE(nothing_there_is_told_at_once),
        ON_STAGE(a_server_that_never_answers_is_given_up),
        ON_STAGE(a_wait_without_end_names_what_it_waits_for),
        ON_STAGE(sub_tries_no_longer_than_it_may),
        ON_STAGE(pub_that_is_interrupted_says_how_many_it_published),
        ON_STAGE(a_broker_that_is_stopped_is_given_up),
        ON_STAGE(a_token_that_is_refused_is_told),
        ON_STAGE(a_certificate_of_nobody_is_refused),
        ON_STAGE(options_without_effect_are_refused),
    };

    return cmocka_run_group_tests_name("tool_client", tests, NULL, NULL);
}
