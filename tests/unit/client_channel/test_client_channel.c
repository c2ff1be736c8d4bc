/* SPDX-License-Identifier: Apache-2.0 */
/* test_client_channel.c - plain WebSocket channels over a network that is the
 * test itself: sends, their completions, and the ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "failing_alloc.h"
#include "fake_stream.h"
#include "frame.h"
#include "group.h"
#include "link.h"
#include "loop.h"
#include "system.h"

static struct pl_clock_driven clock_;
static struct pl_system *sys;
static struct pl_loop *loop;
static struct plc_group *group;
static struct plc_ws *ws;
static char heard[4096]; /* what was called, in words */
static unsigned overlaps;
static bool is_calling;
static void (*in_callback)(void);

/* --- Callbacks --- */

static void hear(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void hear(const char *format, ...)
{
    size_t len = strlen(heard);
    void (*what)(void) = in_callback;
    va_list args;

    overlaps += is_calling;
    is_calling = true;
    va_start(args, format);
    vsnprintf(heard + len, sizeof heard - len, format, args);
    va_end(args);
    in_callback = NULL;
    if (what != NULL)
        what();
    is_calling = false;
}

static void on_open(struct plc_ws *w, const char *protocol, void *arg)
{
    (void)w, (void)arg, (void)protocol;
    hear("open ");
}

static void on_message(struct plc_ws *w, enum plc_kind kind,
                       const struct plc_bytes *data, void *arg)
{
    (void)w, (void)arg;
    hear("%d:%.*s ", kind, (int)data->len, (const char *)data->at);
}

static void on_closed(struct plc_ws *w, uint16_t code, const char *reason,
                      bool clean, void *arg)
{
    (void)w, (void)arg;
    hear("closed(%u%s%s) ", code, *reason == '\0' ? "" : " ", reason);
    assert_int_equal(clean, code != 1006);
}

static void on_failed(struct plc_ws *w, enum pl_err err, int http_status,
                      const char *why, void *arg)
{
    (void)w, (void)arg, (void)err;
    assert_true(*why != '\0');
    hear("failed(%d) ", http_status);
}

static void on_release(void *arg)
{
    (void)arg;
    hear("release ");
}

static void on_done(const struct plc_result *r, void *name)
{
    static const char *const outcomes[] = {"done", "refused", "not sent",
                                           "unknown"};

    hear("%s:%s ", (const char *)name, outcomes[r->outcome]);
}

static void on_stopped(struct plc_group *g, unsigned forced, void *arg)
{
    (void)g, (void)arg;
    hear("stopped(%u) ", forced);
}

/* --- Rig --- */

static void turn(void)
{
    for (int i = 0; i < 10000 && pl_loop_has_work(loop); i++)
        pl_loop_turn(loop);
}

static void pass(uint64_t ms)
{
    for (; ms > 0; ms--) {
        pl_clock_driven_advance(&clock_, 1000000);
        turn();
    }
}

static void called(const char *wanted)
{
    turn();
    assert_string_equal(heard, wanted);
    heard[0] = '\0';
}

static void create(const struct plc_link *link)
{
    struct plc_ws_options o = {
        .size = sizeof o,
        .url = "ws://127.0.0.1:1/",
        .link = link,
        .open = on_open,
        .message = on_message,
        .closed = on_closed,
        .failed = on_failed,
        .release = on_release,
    };

    assert_int_equal(plc_ws_create(&ws, group, &o), PL_OK);
}

static int set_up(void **state)
{
    struct pl_system_options o = {
        .loops = 1, .clock = &clock_.clock, .seed = 1};
    struct plc_group_options go = {
        .size = sizeof go, .event_queue = 4096, .stopped = on_stopped};

    (void)state;
    pl_clock_driven_init(&clock_);
    if (pl_system_create(&sys, &o) != PL_OK ||
        plc_group_init(&group, sys, &go) != PL_OK)
        return -1;
    plc_group_set_network(group, &fake_network);
    loop = pl_system_loop(sys, 0);
    heard[0] = '\0';
    fake_set_up();
    overlaps = 0;
    in_callback = NULL;
    create(NULL);
    return 0;
}

static int tear_down(void **state)
{
    struct plc_status s = {.size = sizeof s};

    (void)state;
    in_callback = NULL;
    plc_group_stop(group, 0);
    for (int i = 0; i < 100 && !plc_group_has_ended(group); i++)
        pl_loop_turn(loop);
    assert_true(plc_group_has_ended(group));
    plc_group_status(group, &s);
    assert_int_equal(s.pending, 0);
    assert_int_equal(s.open, 0);
    assert_int_equal(s.queue_bytes, 0);
    assert_int_equal(s.accepted, s.done + s.not_sent + s.unknown);
    assert_int_equal(overlaps, 0);
    assert_int_equal(pl_loop_stats(loop)->timers, 0);
    pl_system_close(sys);
    pl_system_reap(sys);
    plc_group_free(group);
    pl_system_destroy(sys);
    fake_tear_down();
    return 0;
}

static void came(const void *bytes, size_t len)
{
    pl_loop_awake(loop);
    fake_say(bytes, len);
    turn();
}

static void accept_it(void)
{
    struct pl_buf b = {0};

    pl_loop_awake(loop);
    fake_open();
    fake_respond(&b, "");
    came(b.data, b.len);
    pl_buf_fini(&b);
}

static void end_it(bool is_clean)
{
    pl_loop_awake(loop);
    fake_end(is_clean, "connection reset");
    turn();
}

static void become_open(void)
{
    assert_int_equal(plc_ws_open(ws), PL_OK);
    turn();
    accept_it();
    called("open ");
}

static enum pl_err send_kind(enum plc_kind kind, const char *text)
{
    struct plc_bytes part = {text, strlen(text)};

    return plc_ws_send(ws, kind, &part, 1, on_done, (void *)text);
}

static void send_text(const char *text)
{
    assert_int_equal(send_kind(PLC_TEXT, text), PL_OK);
}

/* What the server has got, in words. */
static void expect(const char *wanted)
{
    struct pl_ws_limits limits = {.max_message = 100000, .masked = true};
    struct pl_ws_decoder d = {0};
    struct pl_span in = pl_buf_span(&fake_got);
    struct pl_ws_event e;
    char words[1000] = "";

    turn();
    in = pl_buf_span(&fake_got);
    do {
        size_t len = strlen(words);

        pl_ws_decode(&d, &limits, &in, &e);
        if (e.kind != PL_WS_EVENT_NONE)
            snprintf(words + len, sizeof words - len, "%d:%u:%.*s ", e.kind,
                     e.code, (int)e.payload.len,
                     e.payload.len == 0 ? "" : e.payload.at);
    } while (e.kind != PL_WS_EVENT_NONE && e.kind != PL_WS_EVENT_CLOSE);
    pl_ws_decoder_fini(&d, &limits);
    fake_got.len = 0;
    assert_string_equal(words, wanted);
}

/* --- Sending --- */

static void the_first_send_connects_and_waits(void **state)
{
    (void)state;
    send_text("one");
    send_text("two");
    called("");
    assert_int_equal(plc_ws_state(ws), PLC_WS_CONNECTING);
    pass(200); /* the server is slow */
    accept_it();
    expect("1:0:one 1:0:two ");
    called("open one:done two:done ");
    assert_int_equal(plc_ws_state(ws), PLC_WS_OPEN);
    assert_int_equal(fake_dials, 1);
}

static void a_send_is_done_when_the_kernel_has_it(void **state)
{
    (void)state;
    become_open();
    fake_takes = 11; /* one frame, and 2 bytes of the next */
    send_text("one");
    send_text("two");
    send_text("six");
    called("one:done ");
    fake_takes = SIZE_MAX;
    fakes->calls->writable(fakes->user);
    called("two:done six:done ");
    expect("1:0:one 1:0:two 1:0:six ");
}

static void a_reset_tells_what_may_have_left(void **state)
{
    (void)state;
    become_open();
    fake_takes = 11;
    send_text("one");
    send_text("two");
    send_text("six");
    turn();
    end_it(false);
    called("one:done two:unknown six:not sent closed(1006 connection reset) ");
    assert_int_equal(plc_ws_state(ws), PLC_WS_CLOSED);
}

static void parts_are_fragments_of_one_message(void **state)
{
    struct plc_bytes parts[] = {{"a", 1}, {"", 0}, {"bc", 2}};

    (void)state;
    become_open();
    assert_int_equal(plc_ws_send(ws, PLC_BINARY, parts, 3, NULL, NULL), PL_OK);
    expect("1:0:abc ");
}

static void what_is_wrong_is_refused_at_once(void **state)
{
    static char big[200];
    struct plc_bytes half[] = {{"\xc3", 1}, {"\xa4", 1}};
    struct plc_link link = {.size = sizeof link, .message_out = 100};

    (void)state;
    memset(big, 'x', sizeof big - 1);
    plc_ws_destroy(ws);
    create(&link);
    assert_int_equal(send_kind(PLC_TEXT, "\xff"), PL_EINVAL);
    assert_int_equal(plc_ws_send(ws, PLC_TEXT, half, 1, NULL, NULL), PL_EINVAL);
    assert_int_equal(plc_ws_send(ws, PLC_TEXT, half, 2, NULL, NULL), PL_OK);
    assert_int_equal(send_kind(PLC_BINARY, big), PL_ETOOBIG);
    assert_int_equal(send_kind(PLC_PING, big), PL_ETOOBIG);
    assert_int_equal(send_kind((enum plc_kind)3, "x"), PL_EINVAL);
    assert_int_equal(plc_ws_close(ws, 1005, NULL), PL_EINVAL);
    assert_int_equal(plc_ws_close(ws, 1000, "\xff"), PL_EINVAL);
    assert_int_equal(plc_ws_close(ws, 1000, big), PL_EINVAL);
    assert_int_equal(plc_ws_close(ws, 4999, "ok"), PL_OK);
    turn();
}

static void a_full_queue_refuses(void **state)
{
    struct plc_link link = {.size = sizeof link, .queue_messages = 2};

    (void)state;
    plc_ws_destroy(ws);
    create(&link);
    send_text("one");
    send_text("two");
    assert_int_equal(send_kind(PLC_TEXT, "x"), PL_EFULL);
    turn();
    accept_it();
    called("release open one:done two:done ");
    send_text("six");
    called("six:done ");
}

/* --- Receiving --- */

static void messages_and_pongs_come_pings_are_answered(void **state)
{
    (void)state;
    become_open();
    came("\x81\x01"
         "a\x82\x01"
         "b\x89\x01"
         "p\x8a\x01q",
         12);
    called("1:a 2:b 10:q ");
    expect("3:0:p ");
    assert_int_equal(send_kind(PLC_PING, "hi"), PL_OK);
    called("hi:done ");
    expect("2:0:hi ");
}

/* --- Closing --- */

static void a_close_goes_after_all_that_was_sent(void **state)
{
    (void)state;
    become_open();
    send_text("last");
    assert_int_equal(plc_ws_close(ws, 4001, "bye"), PL_OK);
    send_text("late");
    expect("1:0:last 4:4001:bye ");
    called("late:not sent last:done ");
    assert_int_equal(plc_ws_state(ws), PLC_WS_CLOSING);
    came("\x88\x02\x0f\xa1", 4);
    end_it(true);
    called("closed(4001) ");
}

/* The server would ignore what comes behind the reply to its Close. */
static void nothing_goes_after_a_close_of_the_server(void **state)
{
    (void)state;
    become_open();
    came("\x88\x02\x03\xe9", 4);
    send_text("late");
    expect("4:1001: ");
    called("late:not sent ");
    end_it(true);
    called("closed(1001) ");
}

static void each_open_has_one_closed(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        become_open();
        if (i % 2 == 0)
            came("\x88\x05\x03\xe9why", 7);
        end_it(i % 2 == 0);
        called(i % 2 == 0 ? "closed(1001 why) "
                          : "closed(1006 connection reset) ");
    }
    assert_int_equal(fake_dials, 4);
}

static void the_next_send_connects_again(void **state)
{
    static const char *const ends[] = {"fin", "rst", "refused", "late"};

    (void)state;
    for (int i = 0; i < 4; i++) {
        send_text("one");
        turn();
        if (i < 2) {
            accept_it();
            called("open one:done ");
            end_it(i == 0);
        } else if (i == 2) {
            end_it(false);
        } else {
            pass(5100);
        }
        if (strcmp(ends[i], "fin") == 0)
            called("closed(1006 connection reset) ");
        else
            called(i < 2 ? "closed(1006 connection reset) "
                         : "one:not sent failed(0) ");
    }
    send_text("two");
    turn();
    accept_it();
    called("open two:done ");
    assert_int_equal(fake_dials, 5);
}

static void a_refused_handshake_sends_nothing(void **state)
{
    (void)state;
    send_text("secret");
    turn();
    fake_open();
    fake_got.len = 0;
    came("HTTP/1.1 403 No\r\n\r\n", 19);
    called("secret:not sent failed(403) ");
    assert_int_equal(fake_got.len, 0);
}

/* --- Callbacks that act --- */

static void close_it(void)
{
    plc_ws_close(ws, 0, NULL);
}

static void send_more(void)
{
    send_text("more");
}

static void destroy_it(void)
{
    plc_ws_destroy(ws);
}

static void a_callback_may_do_anything(void **state)
{
    (void)state;
    in_callback = send_more;
    assert_int_equal(plc_ws_open(ws), PL_OK);
    turn();
    accept_it();
    called("open more:done ");
    in_callback = close_it;
    came("\x81\x01"
         "a\x81\x01"
         "b",
         6);
    called("1:a 1:b ");
    expect("1:0:more 4:1000: ");
    came("\x88\x02\x03\xe8", 4);
    end_it(true);
    called("closed(1000) ");
    become_open();
    in_callback = destroy_it;
    came("\x81\x01"
         "a",
         3);
    came("\x88\x02\x03\xe8", 4);
    end_it(true);
    called("1:a closed(1000) release ");
}

/* --- Stops --- */

static void a_stop_ends_in_every_state(void **state)
{
    static const char *const calls[] = {
        "stopped(0) ",
        "one:not sent failed(0) stopped(0) ",
        "one:not sent failed(0) stopped(0) ",
        "closed(1000) stopped(0) ",
    };

    (void)state;
    for (int i = 0; i < 4; i++) {
        if (i == 1 || i == 2)
            send_text("one");
        turn();
        if (i == 2)
            fake_open();
        if (i == 3)
            become_open();
        plc_group_stop(group, 60000);
        turn();
        if (i == 3) {
            expect("4:1000: ");
            came("\x88\x02\x03\xe8", 4);
            end_it(true);
        }
        called(calls[i]);
        assert_int_equal(send_kind(PLC_TEXT, "x"), PL_ESTOPPING);
        tear_down(NULL);
        set_up(NULL);
    }
}

static void a_unresponsive_server_is_cut_at_the_deadline(void **state)
{
    (void)state;
    become_open();
    fake_takes = 0;
    send_text("one");
    plc_group_stop(group, 100);
    pass(150);
    called("one:not sent closed(1006 cut by a stop) stopped(1) ");
}

/* --- Without memory --- */

static unsigned fails_at; /* the nth allocation of the channel; 0: none */
static unsigned accepted, answered_opens, said, lives;

#define IN_CHANNEL(what)                                                       \
    do {                                                                       \
        alloc_fails_at = fails_at;                                             \
        what;                                                                  \
        fails_at = alloc_fails_at;                                             \
        alloc_fails_at = 0;                                                    \
    } while (0)

static unsigned count(const char *word)
{
    unsigned n = 0;

    for (const char *at = heard; (at = strstr(at, word)) != NULL; at++)
        n++;
    return n;
}

static void try_open(void)
{
    enum pl_err rc;

    IN_CHANNEL(rc = plc_ws_open(ws); turn());
    answered_opens += rc == PL_OK;
}

static void try_send(const char *text)
{
    enum pl_err rc;

    IN_CHANNEL(rc = send_kind(PLC_TEXT, text); turn());
    accepted += rc == PL_OK;
}

static void try_accept(void)
{
    struct pl_buf b = {0};

    if (fakes == NULL)
        return;
    IN_CHANNEL(pl_loop_awake(loop); fake_open(); turn());
    if (fakes == NULL || fake_got.len == 0)
        return;
    fake_respond(&b, "");
    IN_CHANNEL(came(b.data, b.len));
    pl_buf_fini(&b);
}

static void try_say(void)
{
    if (fakes == NULL || plc_ws_state(ws) != PLC_WS_OPEN)
        return;
    said++;
    IN_CHANNEL(came("\x82\x01!", 3));
}

static void try_end(void)
{
    if (fakes != NULL)
        IN_CHANNEL(end_it(false));
}

/* One connection that the program opens, one that a send opens, and a Close. */
static void live(void)
{
    try_open();
    try_send("one");
    try_accept();
    try_send("two");
    try_say();
    try_end();
    try_send("six");
    try_accept();
    try_say();
    IN_CHANNEL(plc_ws_close(ws, 0, NULL); turn());
    try_end();
}

static void check_life(void)
{
    unsigned opens = count("open "), lost = count("a message is lost");
    struct plc_status s = {.size = sizeof s};

    assert_int_equal(opens, count("closed("));
    assert_int_equal(accepted,
                     count(":done") + count(":not sent") + count(":unknown"));
    assert_int_equal(said, count("2:! ") + lost);
    assert_true(opens + count("failed(") >= fake_dials);
    assert_true(opens + count("failed(") >= answered_opens);
    plc_group_status(group, &s);
    assert_int_equal(s.events_lost, lost);
}

static void whatever_allocation_fails_each_call_is_told_of_once(void **state)
{
    bool has_failed;

    (void)state;
    do {
        tear_down(NULL);
        set_up(NULL);
        accepted = answered_opens = said = 0;
        fails_at = ++lives;
        live();
        has_failed = fails_at == 0;
        fails_at = 0;
        check_life();
        heard[0] = '\0';
    } while (has_failed);
    assert_in_range(lives, 20, 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_send_connects_and_waits),
        TEST(a_send_is_done_when_the_kernel_has_it),
        TEST(a_reset_tells_what_may_have_left),
        TEST(parts_are_fragments_of_one_message),
        TEST(what_is_wrong_is_refused_at_once),
        TEST(a_full_queue_refuses),
        TEST(messages_and_pongs_come_pings_are_answered),
        TEST(a_close_goes_after_all_that_was_sent),
        TEST(nothing_goes_after_a_close_of_the_server),
        TEST(each_open_has_one_closed),
        TEST(the_next_send_connects_again),
        TEST(a_refused_handshake_sends_nothing),
        TEST(a_callback_may_do_anything),
        TEST(a_stop_ends_in_every_state),
        TEST(a_unresponsive_server_is_cut_at_the_deadline),
        TEST(whatever_allocation_fails_each_call_is_told_of_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
