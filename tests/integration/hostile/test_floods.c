/* SPDX-License-Identifier: Apache-2.0 */
/* test_floods.c - clients that send or are owed more than they read: what is
 * kept for them is bounded, they go by policy, and nobody else loses
 * anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "deflate.h"
#include "frame.h"
#include "mischief.h"
#include "stage.h"
#include "ws_feed.h"

enum { QUEUE = 256 * 1024, LITTLE = 32 * 1024, MUCH = 4 << 20 };
enum { FLOOD = (24 << 20) / PL_FEWER };

static uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void set_window(int fd, int bytes)
{
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

/* --- Slow subscribers --- */

enum { SLOW = 8, GOOD = 8, MESSAGE = 24000 };

struct room {
    struct stage stage;
    struct peer publisher, slow[SLOW], good[GOOD];
    unsigned heard[GOOD];
    unsigned said;
    uint64_t sent_us[100000];
    uint64_t worst_us;
    int64_t most_queued;
};

static void enter(struct room *r)
{
    uint16_t port = r->stage.broker.port;

    peer_enter(&r->publisher, port, PEER_PROTOBUF, NULL, NULL);
    for (unsigned i = 0; i < SLOW; i++) {
        peer_enter(&r->slow[i], port, i % 2, NULL, NULL);
        set_window(r->slow[i].fd, LITTLE);
        peer_join(&r->slow[i], "room");
    }
    for (unsigned i = 0; i < GOOD; i++) {
        peer_enter(&r->good[i], port, i % 2, NULL, NULL);
        peer_join(&r->good[i], "room");
    }
}

static void say(struct room *r)
{
    char text[MESSAGE + 1];

    memset(text, 'x', sizeof text);
    text[snprintf(text, sizeof text, "\"%08u", r->said)] = '.';
    text[MESSAGE - 1] = '"';
    text[MESSAGE] = '\0';
    assert_in_range(r->said, 0, sizeof r->sent_us / sizeof *r->sent_us - 1);
    r->sent_us[r->said++] = now_us();
    peer_publish(&r->publisher, "room", text);
}

/* What is here for one who reads: all of it, in order, nothing twice. */
static void hear(struct room *r, unsigned i)
{
    struct peer_reply p;
    enum peer_got got;

    peer_read(&r->good[i]);
    while ((got = peer_next(&r->good[i], &p)) == PEER_GOT) {
        if (p.kind != PEER_PUBLICATION)
            continue;
        assert_int_equal(atoi(p.data.at + 1), r->heard[i]);
        assert_int_equal(p.data.len, MESSAGE);
        uint64_t took = now_us() - r->sent_us[r->heard[i]++];
        r->worst_us = took > r->worst_us ? took : r->worst_us;
    }
    assert_int_equal(got, PEER_MORE);
}

static bool all_heard(const struct room *r)
{
    for (unsigned i = 0; i < GOOD; i++) {
        if (r->heard[i] < r->said)
            return false;
    }
    return true;
}

static void hear_all(struct room *r)
{
    uint64_t until = now_us() + PEER_DEADLINE_MS * 1000ull;
    struct pollfd f[GOOD + 1];
    struct peer_reply p;

    while (!all_heard(r)) {
        for (unsigned i = 0; i < GOOD; i++)
            f[i] = (struct pollfd){.fd = r->good[i].fd, .events = POLLIN};
        f[GOOD] = (struct pollfd){.fd = r->publisher.fd, .events = POLLIN};
        assert_true(now_us() < until);
        poll(f, GOOD + 1, 1000);
        for (unsigned i = 0; i < GOOD; i++) {
            if (f[i].revents != 0)
                hear(r, i);
        }
        peer_read(&r->publisher);
        while (peer_next(&r->publisher, &p) == PEER_GOT)
            assert_int_not_equal(p.kind, PEER_ERROR);
    }
}

/* All of them together, since the broker waits for each only 5 s. */
static void hear_closes(struct room *r)
{
    struct peer_reply p;
    unsigned over = 0;

    for (unsigned i = 0; i < SLOW; i++)
        set_window(r->slow[i].fd, MUCH);
    while (over < SLOW) {
        over = 0;
        for (unsigned i = 0; i < SLOW; i++) {
            struct peer *slow = &r->slow[i];

            if (slow->close_code == 0 && !slow->is_over)
                peer_read(slow);
            while (peer_next(slow, &p) == PEER_GOT)
                continue;
            over += slow->close_code != 0 || slow->is_over;
        }
    }
    for (unsigned i = 0; i < SLOW; i++)
        assert_int_equal(r->slow[i].close_code, 3008);
}

static void leave(struct room *r)
{
    peer_fini(&r->publisher);
    for (unsigned i = 0; i < SLOW; i++)
        peer_fini(&r->slow[i]);
    for (unsigned i = 0; i < GOOD; i++)
        peer_fini(&r->good[i]);
}

static void who_never_reads_goes_with_3008_and_others_lose_nothing(void **state)
{
    static const char *const sets[] = {"limits.outgoing_queue=256KiB",
                                       "channels.history_size=0", "loops=2",
                                       NULL};
    struct room *r = calloc(1, sizeof *r);
    unsigned more = 200;

    (void)state;
    assert_non_null(r);
    stage_begin(&r->stage, sets);
    enter(r);
    while (remote_number(&r->stage.broker, "closed.slow") < SLOW) {
        for (unsigned i = 0; i < 5; i++)
            say(r);
        hear_all(r); /* before all else, so that only deliveries are timed */
        int64_t queued =
            remote_number(&r->stage.broker, "connections.out_queue_bytes");
        r->most_queued = queued > r->most_queued ? queued : r->most_queued;
    }
    hear_closes(r);
    while (more-- > 0) {
        say(r);
        hear_all(r);
    }
    assert_in_range(r->most_queued, 0, (SLOW + GOOD) * QUEUE);
    assert_int_equal(remote_number(&r->stage.broker, "closed.slow"), SLOW);
    print_message("%u publications to %d readers beside %d that never read: "
                  "worst delivery %.1f ms, most queued %lld KiB\n",
                  r->said, GOOD, SLOW, (double)r->worst_us / 1000.0,
                  (long long)r->most_queued / 1024);
    leave(r);
    stage_end(&r->stage);
    free(r);
}

/* --- Floods --- */

/* Send `unit` again and again, without reading, until the broker has taken
 * `total` bytes, or takes nothing for a while since it waits for us to read, or
 * has ended the connection. */
static size_t flood(int fd, const struct pl_buf *unit, size_t total)
{
    struct pollfd f = {.fd = fd, .events = POLLOUT};
    size_t sent = 0, at = 0;

    while (sent < total) {
        ssize_t n = send(fd, unit->data + at, unit->len - at,
                         MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n > 0) {
            sent += (size_t)n;
            at = (at + (size_t)n) % unit->len;
        } else if (n == 0 || poll(&f, 1, 1000) == 0 || f.revents & POLLERR) {
            break;
        }
    }
    return sent;
}

/* 64 KiB of this frame; its key is zero. */
static void make_unit(struct pl_buf *unit, unsigned first, const char *text)
{
    while (unit->len < 65536) {
        pl_buf_put_byte(unit, (char)first);
        pl_buf_put_byte(unit, (char)(0x80 | strlen(text)));
        pl_buf_put(unit, "\0\0\0\0", 4);
        pl_buf_put_span(unit, pl_span_of(text));
    }
}

static void flood_with(const char *target, bool logs_in, unsigned first,
                       const char *text)
{
    static const char *const sets[] = {"websocket.echo=true",
                                       "limits.outgoing_queue=256KiB", NULL};
    struct pl_buf unit = {0};
    struct stage s;
    struct peer p;

    stage_begin(&s, sets);
    if (logs_in)
        peer_enter(&p, s.broker.port, PEER_JSON, NULL, NULL);
    else
        peer_open_at(&p, s.broker.port, PEER_JSON, target);
    set_window(p.fd, LITTLE);
    make_unit(&unit, first, text);
    size_t sent = flood(p.fd, &unit, FLOOD);
    int64_t queued = remote_number(&s.broker, "connections.out_queue_bytes");
    print_message("flood of %02X %s: %zu KiB taken, %lld KiB queued\n", first,
                  text, sent / 1024, (long long)queued / 1024);
    /* one read's worth of answers may come on top */
    assert_in_range(queued, 0, 4 * QUEUE);
    stage_serves(&s);
    pl_buf_fini(&unit);
    peer_reset(&p);
    stage_end(&s);
}

static void floods_of_commands_are_bounded(void **state)
{
    (void)state;
    flood_with(NULL, true, 0x81,
               "{\"id\":7,\"rpc\":{\"method\":\"nobody\",\"data\":1}}");
    flood_with(NULL, true, 0x81, "{\"id\":7,\"presence\":{\"channel\":\"a\"}}");
    flood_with(NULL, true, 0x81,
               "{\"id\":7,\"publish\":{\"channel\":\"a\",\"data\":1}}");
    flood_with(NULL, true, 0x81,
               "{\"id\":7,\"subscribe\":{\"channel\":\"a\"}}");
}

static void floods_of_empty_commands_are_bounded(void **state)
{
    (void)state;
    flood_with(NULL, true, 0x81, "{}");
    flood_with(NULL, false, 0x81, "{}"); /* before a login */
}

static void floods_of_pings_are_bounded(void **state)
{
    (void)state;
    flood_with(NULL, true, 0x89, "ping");
    flood_with("/echo", false, 0x89, "ping");
    flood_with("/echo", false, 0x8A, "pong");
}

static void floods_of_echoes_are_bounded(void **state)
{
    (void)state;
    flood_with("/echo", false, 0x81, "echo");
    flood_with("/echo", false, 0x81, "");
}

/* Messages of 89 bytes that become 64 KiB.  They are all here when the broker
 * looks, and still others get their turns between them. */
static void floods_of_bombs_share_the_loop(void **state)
{
    static const char *const sets[] = {"websocket.deflate=true", "loops=1",
                                       NULL};
    static const char head[] =
        MISCHIEF_HEAD "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    enum { BOMB = 65536, COUNT = 600 };
    struct pl_buf plain = {0}, frame = {0}, unit = {0};
    struct pl_deflater deflater = {0};
    struct stage s;
    char answer[1024];

    (void)state;
    for (int i = 0; i < BOMB; i++)
        pl_buf_put_byte(&plain, ' ');
    pl_ws_frame_put(&frame, PL_WS_TEXT, pl_buf_span(&plain));
    pl_deflate_last(&deflater, PL_DEFLATE_WIDE, &frame, 0);
    for (int i = 0; i < COUNT && unit.len + frame.len < 60000; i++)
        ws_mask(&unit, pl_buf_span(&frame));
    stage_begin(&s, sets);
    int fd = stage_socket(&s);
    stage_send(fd, head, sizeof head - 1);
    assert_true(recv(fd, answer, sizeof answer, 0) > 0);
    int64_t before = remote_number(&s.broker, "loops.0.turns");
    kill(s.broker.pid, SIGSTOP);
    stage_send(fd, unit.data, unit.len);
    kill(s.broker.pid, SIGCONT);
    remote_await_least(&s.broker, "messages.bytes_in",
                       (int64_t)(sizeof head - 1 + unit.len));
    int64_t turns = remote_number(&s.broker, "loops.0.turns") - before;
    print_message("%zu KiB of bombs in %lld turns\n", unit.len / 1024,
                  (long long)turns);
    assert_true(turns >= 10);
    stage_leave(fd, LEAVE_RESET);
    pl_buf_fini(&plain);
    pl_buf_fini(&frame);
    pl_buf_fini(&unit);
    pl_deflater_fini(&deflater);
    stage_end(&s);
}

/* --- Oversized --- */

static void whatever_is_too_large_is_refused_with_its_code(void **state)
{
    static const char *const sets[] = {
        "auth.hmac_secret=a secret of the tests, at least 32 bytes",
        "limits.connection_channels=2", NULL};
    static char name[257], digits[3901], token[20001];
    struct peer_reply r;
    struct peer p, q;
    struct stage s;

    (void)state;
    memset(name, 'n', sizeof name - 1);
    memset(digits, '1', sizeof digits - 1);
    memset(token, 't', sizeof token - 1);
    stage_begin(&s, sets);
    peer_enter(&p, s.broker.port, PEER_JSON, NULL, NULL);
    peer_await(&p, peer_subscribe(&p, name), &r);
    assert_int_equal(r.code, 107);
    peer_await(&p, peer_publish(&p, name, "1"), &r);
    assert_int_equal(r.code, 107);
    peer_join(&p, "a");
    peer_join(&p, "b");
    peer_await(&p, peer_subscribe(&p, "c"), &r);
    assert_int_equal(r.code, 106);
    peer_await(&p, peer_publish(&p, "a", digits), &r); /* which is JSON */
    assert_int_equal(r.kind, PEER_RESULT);
    peer_fini(&p);
    assert_int_equal(peer_open(&q, s.broker.port, PEER_JSON), 101);
    peer_connect(&q, token);
    assert_int_equal(peer_await_end(&q), 3500);
    peer_fini(&q);
    stage_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            who_never_reads_goes_with_3008_and_others_lose_nothing),
        cmocka_unit_test(floods_of_commands_are_bounded),
        cmocka_unit_test(floods_of_empty_commands_are_bounded),
        cmocka_unit_test(floods_of_pings_are_bounded),
        cmocka_unit_test(floods_of_echoes_are_bounded),
        cmocka_unit_test(floods_of_bombs_share_the_loop),
        cmocka_unit_test(whatever_is_too_large_is_refused_with_its_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
