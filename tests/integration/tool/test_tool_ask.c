/* SPDX-License-Identifier: Apache-2.0 */
/* test_tool_ask.c - commands that make one call, as a client and through the
 * admin socket; and what a terminal gets of them. */
#include "stage.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DONE, FAILED, USAGE, NO_BROKER, TIMED_OUT, ENDED, INTERRUPTED = 130 };

static void assert_says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, text);
}

struct sub {
    pid_t pid;
    int out;
    char client[64];
};

static void expect(struct sub *sub, const char *part)
{
    char line[1024];

    assert_true(read_line(sub->out, line, sizeof line));
    assert_says(line, part);
}

/* What a message or a connect line says after `name`. */
static void read_member(const char *line, const char *name, char value[64])
{
    char key[32];

    snprintf(key, sizeof key, "\"%s\":\"", name);
    assert_says(line, key);
    snprintf(value, 64, "%.*s",
             (int)strcspn(strstr(line, key) + strlen(key), "\""),
             strstr(line, key) + strlen(key));
}

/* A connection with these options and channels, which is there. */
static struct sub connect_sub(struct stage *s, const char *words)
{
    struct sub sub;
    char line[512];

    snprintf(line, sizeof line, "W sub %s", words);
    sub.pid = tool_start(s, line, &sub.out);
    assert_true(read_line(sub.out, line, sizeof line));
    read_member(line, "client", sub.client);
    return sub;
}

static struct sub subscribe(struct stage *s, const char *channel)
{
    struct sub sub = connect_sub(s, channel);

    expect(&sub, "\"subscribe\":{\"recoverable\":true");
    return sub;
}

static void interrupt(struct stage *s, struct sub *sub)
{
    kill(sub->pid, SIGINT);
    assert_int_equal(tool_await(s, sub->pid), INTERRUPTED);
    close(sub->out);
}

/* Run it and expect success. */
static void do_it(struct stage *s, const char *line)
{
    if (tool_run(s, line) != DONE)
        fail_msg("%s: %s", line, s->err);
}

static const char *const places[] = {"W", "W --protobuf", "S"};

/* --- Calls --- */

static void rpc_prints_what_the_method_answers(void **state)
{
    struct stage *s = *state;

    stage_start_for_clients(s);
    do_it(s, "W rpc sys.whoami");
    assert_memory_equal(s->out, "{\"user\":\"\",\"client\":\"", 21);
    do_it(s, "W --protobuf --json rpc sys.whoami {}");
    assert_memory_equal(s->out, "{\"data\":{\"user\":\"\",", 19);
    assert_int_equal(tool_run(s, "W rpc nothing"), FAILED);
    assert_says(s->err, "nothing: the broker refused: ");
    assert_int_equal(tool_run(s, "W rpc sys.whoami {bad"), USAGE);
    assert_int_equal(tool_run(s, "rpc sys.whoami"), USAGE);
    assert_says(s->err, "give --url ws://HOST:PORT");
}

static void a_message_goes_to_its_address(void **state)
{
    struct stage *s = *state;
    char line[256];

    stage_start_for_clients(s);
    struct sub sub = subscribe(s, "news");
    do_it(s, "W send --to channel/news --type greeting {\"a\":1}");
    assert_memory_equal(s->out, "{\"accepted\":1,", 14);
    expect(&sub, "\"to\":\"channel/news\",\"type\":\"greeting\","
                 "\"body\":{\"a\":1}");
    snprintf(line, sizeof line, "W --protobuf send --to conn/%s --string hey",
             sub.client);
    do_it(s, line);
    expect(&sub, "{\"push\":{\"message\":{\"data\":{\"from\":");
    assert_int_equal(tool_run(s, "W send --to conn/AAAA 1"), FAILED);
    assert_says(s->err, "the broker refused: ");
    do_it(s, "W send {\"to\":\"channel/news\",\"type\":\"t\",\"body\":5}");
    assert_string_equal(s->out, "sent\n");
    expect(&sub, "\"body\":5");
    interrupt(s, &sub);
}

/* The addressee answers the connection that has asked. */
static void call_prints_the_message_that_comes_in_return(void **state)
{
    struct stage *s = *state;
    char secret[64], line[512], asker[64], answer[1024];
    struct sub call;

    s->setting = "auth.hmac_secret=a-secret-of-32-bytes-or-more-0000";
    stage_start_for_clients(s);
    snprintf(secret, sizeof secret, "%s/secret", s->folder);
    FILE *f = fopen(secret, "we");
    assert_non_null(f);
    fputs("a-secret-of-32-bytes-or-more-0000\n", f);
    assert_int_equal(fclose(f), 0);
    snprintf(line, sizeof line, "token --secret-file %s --user ada", secret);
    do_it(s, line);
    s->out[strcspn(s->out, "\n")] = '\0';
    setenv("PARLEY_TOKEN", s->out, 1);
    struct sub ada = connect_sub(s, "");
    unsetenv("PARLEY_TOKEN");
    call.pid =
        tool_start(s, "W call --to user/ada --type ask \"time?\"", &call.out);
    assert_true(read_line(ada.out, line, sizeof line));
    assert_says(line, "\"type\":\"ask\",\"body\":\"time?\"");
    read_member(strstr(line, "\"from\""), "client", asker);
    /* A message of somebody else is not the answer. */
    snprintf(line, sizeof line, "W send --to conn/%s \"no\"", asker);
    do_it(s, line);
    snprintf(line, sizeof line, "token --secret-file %s --user ada", secret);
    do_it(s, line);
    s->out[strcspn(s->out, "\n")] = '\0';
    setenv("PARLEY_TOKEN", s->out, 1);
    snprintf(line, sizeof line, "W send --to conn/%s \"noon\"", asker);
    do_it(s, line);
    unsetenv("PARLEY_TOKEN");
    assert_true(read_line(call.out, answer, sizeof answer));
    assert_string_equal(answer, "\"noon\"");
    assert_int_equal(tool_await(s, call.pid), DONE);
    close(call.out);
    interrupt(s, &ada);
    assert_int_equal(tool_run(s, "W --timeout 300ms call --to user/bob 1"),
                     TIMED_OUT);
    assert_says(s->err, "a message from user/bob");
}

/* --- What there is --- */

static void presence_shows_who_is_there(void **state)
{
    struct stage *s = *state;
    char line[128], expected[128];

    s->setting = "channels.presence=true";
    stage_start_for_clients(s);
    struct sub sub = subscribe(s, "news");
    for (int i = 0; i < 3; i++) {
        snprintf(line, sizeof line, "%s presence news", places[i]);
        do_it(s, line);
        snprintf(expected, sizeof expected, "%s\t\n", sub.client);
        assert_string_equal(s->out, expected);
        snprintf(line, sizeof line, "%s --json presence news", places[i]);
        do_it(s, line);
        snprintf(expected, sizeof expected,
                 "{\"user\":\"\",\"client\":\"%s\"}\n", sub.client);
        assert_string_equal(s->out, expected);
        snprintf(line, sizeof line, "%s presence --stats news", places[i]);
        do_it(s, line);
        assert_string_equal(s->out, "1 clients, 1 users\n");
    }
    interrupt(s, &sub);
}

static void history_prints_what_was_published(void **state)
{
    struct stage *s = *state;
    char line[128], epoch[64];

    stage_start_for_clients(s);
    for (int i = 1; i <= 3; i++) {
        snprintf(line, sizeof line, "S pub news 1234567890123456789%d", i);
        do_it(s, line);
    }
    for (int i = 0; i < 3; i++) {
        snprintf(line, sizeof line, "%s history --limit 2 news", places[i]);
        do_it(s, line);
        assert_string_equal(s->out,
                            "{\"data\":12345678901234567891,\"offset\":1}\n"
                            "{\"data\":12345678901234567892,\"offset\":2}\n");
        snprintf(line, sizeof line, "%s history --reverse --limit 1 news",
                 places[i]);
        do_it(s, line);
        assert_string_equal(s->out,
                            "{\"data\":12345678901234567893,\"offset\":3}\n");
        snprintf(line, sizeof line, "%s history --limit 0 news", places[i]);
        do_it(s, line);
        assert_says(s->out, ",\"offset\":3}\n");
        read_member(s->out, "epoch", epoch);
        snprintf(line, sizeof line, "%s history --since %s:2 news", places[i],
                 epoch);
        do_it(s, line);
        assert_string_equal(s->out,
                            "{\"data\":12345678901234567893,\"offset\":3}\n");
        snprintf(line, sizeof line, "%s history --since 2 news", places[i]);
        assert_int_equal(tool_run(s, line), USAGE);
    }
}

/* One answer to a client would not hold it. */
static void a_long_history_comes_whole(void **state)
{
    enum { COUNT = 30000 };
    struct stage *s = *state;
    char path[64], line[128];
    struct sub all;

    stage_start_for_clients(s);
    snprintf(path, sizeof path, "%s/lines", s->folder);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    for (int i = 1; i <= COUNT; i++)
        assert_true(fprintf(f, "%d\n", i) > 0);
    assert_int_equal(fclose(f), 0);
    s->input = path;
    do_it(s, "W pub --lines news");
    s->input = NULL;
    all.pid = tool_start(s, "W history news", &all.out);
    for (int i = 1; i <= COUNT; i++) {
        char number[32];

        assert_true(read_line(all.out, line, sizeof line));
        snprintf(number, sizeof number, "{\"data\":%d,", i);
        assert_memory_equal(line, number, strlen(number));
    }
    assert_false(read_line(all.out, line, sizeof line));
    assert_int_equal(tool_await(s, all.pid), DONE);
    close(all.out);
}

static void channels_lists_those_that_match(void **state)
{
    struct stage *s = *state;

    stage_start_for_clients(s);
    struct sub news = subscribe(s, "news"), sport = subscribe(s, "sport");
    do_it(s, "S channels n*");
    assert_string_equal(s->out, "news\t1\n");
    do_it(s, "S --json channels s?ort");
    assert_string_equal(s->out, "{\"channel\":\"sport\",\"num_clients\":1}\n");
    do_it(s, "S channels");
    assert_says(s->out, "news\t1\n");
    assert_says(s->out, "sport\t1\n");
    interrupt(s, &news);
    interrupt(s, &sport);
}

/* --- Kicked --- */

static void kick_ends_a_connection(void **state)
{
    struct stage *s = *state;
    char line[128];

    stage_start_for_clients(s);
    struct sub sub = subscribe(s, "news");
    snprintf(line, sizeof line, "S kick conn/%s", sub.client);
    do_it(s, line);
    assert_says(s->out, "disconnected conn/");
    assert_int_equal(tool_await(s, sub.pid), ENDED);
    assert_says(s->err, "the broker ended the connection: force disconnect "
                        "(3503)");
    close(sub.out);
    assert_int_equal(tool_run(s, "S kick --code 12 bob"), FAILED);
    assert_says(s->err, "the broker refused: ");
    do_it(s, "S --json kick bob");
    assert_string_equal(s->out, "{\"disconnected\":\"bob\"}\n");
}

static void sub_recovers_what_came_while_it_was_away(void **state)
{
    struct stage *s = *state;
    char line[128];

    stage_start_for_clients(s);
    struct sub sub = subscribe(s, "news");
    do_it(s, "S pub news 1");
    expect(&sub, "\"data\":1,");
    snprintf(line, sizeof line, "S kick --code 3100 --reason away conn/%s",
             sub.client);
    do_it(s, line);
    do_it(s, "S pub news 2");
    expect(&sub, "{\"connect\":");
    expect(&sub, "\"was_recovering\":true,\"recovered\":true");
    expect(&sub, "\"data\":2,");
    do_it(s, "S pub news 3");
    expect(&sub, "\"data\":3,");
    interrupt(s, &sub);
    assert_says(s->err, "the connection was lost: away (3100)");
}

/* --- Terminals --- */

/* A right-to-left override, a C1 control and DEL. */
static void what_others_wrote_cannot_steer_a_terminal(void **state)
{
    static const char evil[] = "\"a\xe2\x80\xae"
                               "b\xc2\x9b"
                               "31mc\x7f\"";
    struct stage *s = *state;
    char line[128];

    stage_start_for_clients(s);
    snprintf(line, sizeof line, "S pub news %s", evil);
    do_it(s, line);
    do_it(s, "W history news");
    assert_says(s->out, evil); /* a pipe gets the bytes */
    assert_int_equal(tool_run_on_terminal(s, "W history news"), DONE);
    assert_says(s->out, "{\"data\":\"a\\u202eb\\u009b31mc\\u007f\"");
    assert_int_equal(tool_run(s, "W rpc x\x1b[31m\xc2\x9b"), FAILED);
    assert_says(s->err, "x<U+001B>[31m<U+009B>: the broker refused");
}

#define ON_STAGE(test)                                                         \
    cmocka_unit_test_setup_teardown(test, stage_up, stage_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STAGE(rpc_prints_what_the_method_answers),
        ON_STAGE(a_message_goes_to_its_address),
        ON_STAGE(call_prints_the_message_that_comes_in_return),
        ON_STAGE(presence_shows_who_is_there),
        ON_STAGE(history_prints_what_was_published),
        ON_STAGE(a_long_history_comes_whole),
        ON_STAGE(channels_lists_those_that_match),
        ON_STAGE(kick_ends_a_connection),
        ON_STAGE(sub_recovers_what_came_while_it_was_away),
        ON_STAGE(what_others_wrote_cannot_steer_a_terminal),
    };

    return cmocka_run_group_tests_name("tool_ask", tests, NULL, NULL);
}
