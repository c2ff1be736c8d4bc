/* SPDX-License-Identifier: Apache-2.0 */
/* test_client_link.c - a link over a network that is the test itself: the
 * opening, messages, the closing, and every wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "fake_stream.h"
#include "frame.h"
#include "link.h"
#include "loop.h"
#include "system.h"

static struct pl_clock_driven clock_;
static struct pl_system *sys;
static struct pl_loop *loop;
static struct plc_links shared;
static uint64_t bytes_in, bytes_out, handshakes, resumed;

/* --- The user --- */

static struct plc_link_conn *link_;
static char heard[4096]; /* what was called, in words */
static uint64_t sent_to;
static bool destroys_in_message, destroys_when_open, pauses_in_message;

static void hear(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void hear(const char *format, ...)
{
    size_t len = strlen(heard);
    va_list args;

    va_start(args, format);
    vsnprintf(heard + len, sizeof heard - len, format, args);
    va_end(args);
}

static void destroy(void)
{
    plc_link_destroy(link_);
    link_ = NULL;
}

static void on_opened(void *user, struct pl_span protocol)
{
    (void)user;
    hear("open(%.*s) ", (int)protocol.len,
         protocol.at == NULL ? "" : protocol.at);
    if (destroys_when_open)
        destroy();
}

static void on_message(void *user, enum pl_ws_opcode opcode,
                       struct pl_span payload)
{
    (void)user;
    hear("%d:%.*s ", opcode, (int)(payload.len > 40 ? 40 : payload.len),
         payload.len == 0 ? "" : payload.at);
    if (pauses_in_message)
        plc_link_pause(link_, true);
    if (destroys_in_message)
        destroy();
}

static void on_sent(void *user, uint64_t position)
{
    (void)user;
    sent_to = position;
}

static void on_closed(void *user, const struct plc_link_end *end)
{
    (void)user;
    hear("closed(%s%s code=%u http=%d retry=%u err=%d %s) ",
         end->was_open ? "open" : "not open", end->is_clean ? " clean" : "",
         end->code, end->http_status, end->retry_ms, end->err, end->why);
    destroy();
}

static const struct plc_link_user calls = {
    .opened = on_opened,
    .message = on_message,
    .sent = on_sent,
    .closed = on_closed,
};

/* --- Rig --- */

static struct plc_link_terms terms;

static void turn(void)
{
    while (pl_loop_turn(loop))
        ;
}

static void pass(uint64_t ms)
{
    for (; ms > 0; ms--) {
        pl_clock_driven_advance(&clock_, 1000000);
        turn();
    }
}

static int set_up(void **state)
{
    struct pl_system_options o = {
        .loops = 1, .clock = &clock_.clock, .seed = 1};

    (void)state;
    pl_clock_driven_init(&clock_);
    assert_int_equal(pl_system_create(&sys, &o), PL_OK);
    loop = pl_system_loop(sys, 0);
    shared = (struct plc_links){.loop = loop,
                                .network = &fake_network,
                                .bytes_in = &bytes_in,
                                .bytes_out = &bytes_out,
                                .handshakes = &handshakes,
                                .resumed = &resumed};
    terms = (struct plc_link_terms){
        .target = {.host = "h", .port = 1},
        .opening = {.host = pl_span_of("h:1"),
                    .path = pl_span_of("/p"),
                    .protocols = pl_span_of("chat"),
                    .offers_deflate = true},
        .connect_ms = 500,
        .send_ms = 300,
        .close_ms = 200,
        .message_in = 1000,
    };
    heard[0] = '\0';
    fake_set_up();
    sent_to = 0;
    destroys_in_message = destroys_when_open = pauses_in_message = false;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (link_ != NULL)
        destroy();
    turn();
    assert_int_equal(pl_loop_stats(loop)->timers, 0);
    plc_links_fini(&shared);
    fake_tear_down();
    pl_system_destroy(sys);
    return 0;
}

static void open_link(void)
{
    assert_int_equal(plc_link_open(&link_, &shared, &terms, &calls, NULL),
                     PL_OK);
}

static void become_open(const char *more)
{
    struct pl_buf b = {0};

    open_link();
    fake_open();
    fake_respond(&b, more);
    fake_say(b.data, b.len);
    pl_buf_fini(&b);
    if (strcmp(more, "") == 0)
        assert_string_equal(heard, "open() ");
    heard[0] = '\0';
}

/* Decode what the link has written, as a server does, in words. */
static void expect_at_server(const char *wanted)
{
    struct pl_inflater inflater = {0};
    struct pl_ws_limits limits = {
        .max_message = 100000, .masked = true, .inflater = &inflater};
    struct pl_ws_decoder d = {0};
    struct pl_ws_event e;
    struct pl_span in = pl_buf_span(&fake_got);
    char words[1000] = "";

    for (;;) {
        size_t len = strlen(words);

        pl_ws_decode(&d, &limits, &in, &e);
        if (e.kind == PL_WS_EVENT_NONE)
            break;
        snprintf(words + len, sizeof words - len, "%d:%u:%.*s ", e.kind, e.code,
                 (int)(e.payload.len > 30 ? 30 : e.payload.len),
                 e.payload.len == 0 ? "" : e.payload.at);
        if (e.kind == PL_WS_EVENT_CLOSE || e.kind == PL_WS_EVENT_ERROR)
            break;
    }
    pl_ws_decoder_fini(&d, &limits);
    pl_inflater_fini(&inflater);
    assert_string_equal(words, wanted);
    fake_got.len = 0;
}

static void send_text(const char *text)
{
    struct pl_span part = pl_span_of(text);

    assert_true(plc_link_send(link_, PL_WS_TEXT, &part, 1));
}

/* --- Opening --- */

static void a_link_opens_and_carries_messages(void **state)
{
    (void)state;
    become_open("");
    send_text("one");
    send_text("two");
    assert_int_equal(fake_got.len, 0); /* not before the end of the turn */
    uint64_t end = plc_link_written(link_);
    turn();
    assert_int_equal(sent_to, end);
    expect_at_server("1:0:one 1:0:two ");
    fake_say("\x81\x03"
             "abc\x82\x01"
             "d",
             8);
    assert_string_equal(heard, "1:abc 2:d ");
}

static void frames_may_come_with_the_response(void **state)
{
    struct pl_buf b = {0};

    (void)state;
    open_link();
    fake_open();
    fake_respond(&b, "Sec-WebSocket-Protocol: chat\r\n");
    pl_buf_put(&b,
               "\x81\x01"
               "a\x81\x01"
               "b",
               6);
    for (size_t i = 0; i < b.len; i++)
        fake_say(b.data + i, 1);
    pl_buf_fini(&b);
    assert_string_equal(heard, "open(chat) 1:a 1:b ");
}

static void a_response_that_refuses_is_told(void **state)
{
    static const char *const answers[][2] = {
        {"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n\r\n",
         "http=503 retry=7000 err=-12"},
        {"HTTP/1.1 403 No\r\n\r\n", "http=403 retry=0 err=-12"},
        {"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: "
         "Upgrade\r\n\r\n",
         "err=-6"},
        {"SSH-2.0-x\r\n\r\n", "http=0 retry=0 err=-6"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        heard[0] = '\0';
        open_link();
        fake_open();
        fake_say(answers[i][0], strlen(answers[i][0]));
        assert_null(link_);
        if (strncmp(heard, "closed(not open code=1006 ", 26) != 0 ||
            strstr(heard, answers[i][1]) == NULL)
            fail_msg("%zu: %s", i, heard);
    }
}

static void an_attempt_ends_after_connect_ms(void **state)
{
    (void)state;
    open_link();
    pass(600);
    assert_null(link_);
    assert_non_null(strstr(heard, "not reached in time"));
    heard[0] = '\0';
    open_link();
    pass(400);
    fake_open();
    fake_say("HTTP/1.1 101", 12);
    pass(200);
    assert_null(link_);
    assert_non_null(strstr(heard, "no response to the handshake in time"));
}

static void an_attempt_may_be_closed_or_destroyed(void **state)
{
    (void)state;
    open_link();
    plc_link_close(link_, 1000, (struct pl_span){NULL, 0});
    assert_null(link_);
    assert_non_null(strstr(heard, "closed(not open "));
    heard[0] = '\0';
    destroys_when_open = true;
    struct pl_buf b = {0};
    open_link();
    fake_open();
    fake_respond(&b, "");
    pl_buf_put(&b,
               "\x81\x01"
               "a",
               3);
    fake_say(b.data, b.len);
    pl_buf_fini(&b);
    assert_string_equal(heard, "open() ");
}

/* --- Sending --- */

static void what_the_kernel_does_not_take_waits(void **state)
{
    (void)state;
    become_open("");
    send_text("one");
    send_text("two");
    fake_takes = 4;
    turn();
    assert_int_equal(plc_link_waiting(link_), 18 - 4);
    send_text("three");
    turn(); /* it does not ask again before it is told */
    assert_int_equal(fake_got.len, 4);
    fake_takes = SIZE_MAX;
    fakes->calls->writable(fakes->user);
    expect_at_server("1:0:one 1:0:two 1:0:three ");
    assert_int_equal(plc_link_waiting(link_), 0);
}

static void a_server_that_reads_nothing_is_given_up(void **state)
{
    (void)state;
    become_open("");
    send_text("one");
    fake_takes = 2;
    turn();
    pass(200);
    fake_takes = 1;
    fakes->calls->writable(fakes->user);
    pass(200); /* progress has started the time again */
    assert_non_null(link_);
    pass(200);
    assert_null(link_);
    assert_non_null(strstr(heard, "the server reads nothing"));
}

static void fragments_are_one_message(void **state)
{
    struct pl_span parts[] = {pl_span_of("ab"), pl_span_of(""),
                              pl_span_of("cd")};

    (void)state;
    become_open("");
    assert_true(plc_link_send(link_, PL_WS_BINARY, parts, 3));
    turn();
    expect_at_server("1:0:abcd ");
    assert_true(plc_link_send(link_, PL_WS_BINARY, NULL, 0));
    turn();
    expect_at_server("1:0: ");
}

static void a_long_message_is_compressed_if_it_was_agreed(void **state)
{
    char text[501];

    (void)state;
    become_open("Sec-WebSocket-Extensions: permessage-deflate; "
                "client_no_context_takeover; server_no_context_takeover\r\n");
    memset(text, 'x', 500);
    text[500] = '\0';
    send_text(text);
    turn();
    assert_true(fake_got.len < 100);
    expect_at_server("1:0:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx ");
}

/* --- Closing --- */

static void both_sides_close_in_order(void **state)
{
    (void)state;
    become_open("");
    send_text("last");
    plc_link_close(link_, 4001, pl_span_of("bye"));
    turn();
    expect_at_server("1:0:last 4:4001:bye ");
    fake_say("\x81\x01"
             "a\x88\x02\x0f\xa1",
             7); /* a is ignored */
    assert_string_equal(heard, "");
    fake_end(true, "it ended");
    assert_string_equal(heard, "closed(open clean code=4001 http=0 retry=0 "
                               "err=-16 ) ");
}

static void a_close_of_the_server_is_echoed(void **state)
{
    (void)state;
    become_open("");
    fake_say("\x88\x05\x03\xe9why\x81\x01"
             "a",
             10);
    turn();
    expect_at_server("4:1001: ");
    fake_end(true, "it ended");
    assert_string_equal(heard, "closed(open clean code=1001 http=0 retry=0 "
                               "err=-16 why) ");
}

static void an_empty_close_is_echoed_empty(void **state)
{
    (void)state;
    become_open("");
    fake_say("\x88\x00", 2);
    turn();
    expect_at_server("4:0: ");
    fake_end(true, "it ended");
    assert_non_null(strstr(heard, "code=1005"));
}

static void a_close_without_an_echo_ends_after_close_ms(void **state)
{
    (void)state;
    become_open("");
    plc_link_close(link_, 0, (struct pl_span){NULL, 0});
    pass(150);
    assert_non_null(link_);
    pass(100);
    assert_null(link_);
    assert_non_null(strstr(heard, "closed(open code=1006"));
    assert_non_null(strstr(heard, "no Close of the server"));
}

/* Decoding a message that is much too big held the loop for a second, for
 * example. */
static void the_time_for_a_close_begins_when_it_is_written(void **state)
{
    (void)state;
    become_open("");
    plc_link_close(link_, 1009, (struct pl_span){NULL, 0});
    pl_clock_driven_advance(&clock_, 1000 * 1000000);
    turn();
    assert_non_null(link_);
    expect_at_server("4:1009: ");
    pass(150);
    assert_non_null(link_);
    pass(100);
    assert_null(link_);
}

static void an_end_without_a_close_is_1006(void **state)
{
    (void)state;
    become_open("");
    fake_end(false, "it ended");
    assert_string_equal(heard, "closed(open code=1006 http=0 retry=0 err=-14 "
                               "it ended) ");
}

static void a_violation_is_answered_with_its_code(void **state)
{
    (void)state;
    become_open("");
    fake_say("\x81\x81"
             "aaaaa\x81\x01"
             "b",
             10); /* masked */
    turn();
    assert_true(fake_got.len > 4);
    fake_end(true, "it ended");
    assert_non_null(strstr(heard, "closed(open code=1002"));
    assert_non_null(strstr(heard, "err=-6"));
}

static void nothing_is_sent_after_a_close(void **state)
{
    (void)state;
    become_open("");
    plc_link_close(link_, 1000, (struct pl_span){NULL, 0});
    assert_false(plc_link_is_open(link_));
    fake_say("\x89\x01p", 3); /* a ping */
    plc_link_close(link_, 4000, (struct pl_span){NULL, 0});
    turn();
    expect_at_server("4:1000: ");
}

/* --- Pings, pauses, destruction --- */

static void pings_are_answered_and_sent(void **state)
{
    (void)state;
    terms.ping_ms = 100;
    terms.pong_ms = 150;
    become_open("");
    fake_say("\x89\x02hi", 4);
    turn();
    expect_at_server("3:0:hi ");
    assert_string_equal(heard, "9:hi ");
    pass(110);
    expect_at_server("2:0: ");
    fake_say("\x8a\x00", 2);
    pass(400); /* no pong of the next */
    assert_null(link_);
    assert_non_null(strstr(heard, "no pong of the server in time"));
}

static void an_idle_server_is_closed(void **state)
{
    (void)state;
    terms.idle_ms = 100;
    become_open("");
    pass(60);
    fake_say("\x81\x01"
             "a",
             3);
    pass(60);
    assert_non_null(link_);
    pass(60);
    expect_at_server("4:1000:idle ");
    fake_end(true, "it ended");
    assert_non_null(strstr(heard, "no message of the server in time"));
}

static void a_paused_link_keeps_what_came(void **state)
{
    (void)state;
    become_open("");
    pauses_in_message = true;
    fake_say("\x81\x01"
             "a\x81\x01"
             "b\x81\x01"
             "c",
             9);
    assert_string_equal(heard, "1:a ");
    assert_true(fakes->is_paused);
    plc_link_pause(link_, false);
    assert_string_equal(heard, "1:a 1:b ");
    pauses_in_message = false;
    plc_link_pause(link_, false);
    assert_string_equal(heard, "1:a 1:b 1:c ");
    assert_false(fakes->is_paused);
}

static void a_link_may_be_destroyed_in_a_message(void **state)
{
    (void)state;
    become_open("");
    destroys_in_message = true;
    fake_say("\x81\x01"
             "a\x81\x01"
             "b",
             6);
    assert_null(link_);
    assert_string_equal(heard, "1:a ");
}

static void a_link_may_be_destroyed_while_it_resumes(void **state)
{
    (void)state;
    become_open("");
    pauses_in_message = true;
    fake_say("\x81\x01"
             "a\x81\x01"
             "b",
             6);
    pauses_in_message = false;
    destroys_in_message = true;
    plc_link_pause(link_, false);
    assert_null(link_);
    assert_string_equal(heard, "1:a 1:b ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_link_opens_and_carries_messages),
        TEST(frames_may_come_with_the_response),
        TEST(a_response_that_refuses_is_told),
        TEST(an_attempt_ends_after_connect_ms),
        TEST(an_attempt_may_be_closed_or_destroyed),
        TEST(what_the_kernel_does_not_take_waits),
        TEST(a_server_that_reads_nothing_is_given_up),
        TEST(fragments_are_one_message),
        TEST(a_long_message_is_compressed_if_it_was_agreed),
        TEST(both_sides_close_in_order),
        TEST(a_close_of_the_server_is_echoed),
        TEST(an_empty_close_is_echoed_empty),
        TEST(a_close_without_an_echo_ends_after_close_ms),
        TEST(the_time_for_a_close_begins_when_it_is_written),
        TEST(an_end_without_a_close_is_1006),
        TEST(a_violation_is_answered_with_its_code),
        TEST(nothing_is_sent_after_a_close),
        TEST(pings_are_answered_and_sent),
        TEST(an_idle_server_is_closed),
        TEST(a_paused_link_keeps_what_came),
        TEST(a_link_may_be_destroyed_in_a_message),
        TEST(a_link_may_be_destroyed_while_it_resumes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
