/* SPDX-License-Identifier: Apache-2.0 */
/* test_crowds.c - many connections that mean harm: garbage, resets in every
 * state, storms, requests that never end.  Whatever they do, others are served
 * and nothing of them is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "stage.h"

#define HEAD                                                                   \
    "GET /connection/websocket HTTP/1.1\r\nHost: 127.0.0.1\r\n"                \
    "Upgrade: websocket\r\nConnection: Upgrade\r\n"                            \
    "Sec-WebSocket-Version: 13\r\n"                                            \
    "Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n"

/* A text frame under a key of zeros, below 126 bytes. */
static void put_text(struct pl_buf *b, const char *text)
{
    pl_buf_put_byte(b, (char)0x81);
    pl_buf_put_byte(b, (char)(0x80 | strlen(text)));
    pl_buf_put(b, "\0\0\0\0", 4);
    pl_buf_put_span(b, pl_span_of(text));
}

/* The bytes of a whole visit, and where its parts begin. */
enum { VISIT_PARTS = 8 };
struct visit {
    struct pl_buf bytes;
    size_t part[VISIT_PARTS];
};

static void make_visit(struct visit *v)
{
    static const char *const says[] = {
        "{\"id\":1,\"connect\":{}}",
        "{\"id\":2,\"subscribe\":{\"channel\":\"room\"}}",
        "{\"id\":3,\"publish\":{\"channel\":\"room\",\"data\":{\"a\":1}}}",
        "{\"id\":4,\"history\":{\"channel\":\"room\",\"limit\":10}}",
        "{\"id\":5,\"rpc\":{\"method\":\"nobody\",\"data\":1}}",
        "{\"id\":6,\"unsubscribe\":{\"channel\":\"room\"}}"};

    memset(v, 0, sizeof *v);
    pl_buf_put_span(&v->bytes, pl_span_of(HEAD "\r\n"));
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        v->part[i + 1] = v->bytes.len;
        put_text(&v->bytes, says[i]);
    }
    v->part[VISIT_PARTS - 1] = v->bytes.len;
    pl_buf_put(&v->bytes, "\x88\x82\0\0\0\0\x03\xe8", 8);
}

/* --- Garbage --- */

static void put_noise(struct pl_buf *b, size_t len, unsigned *seed)
{
    while (len-- > 0)
        pl_buf_put_byte(b, (char)stage_random(seed));
}

/* One of several kinds of garbage, from far outside to deep inside. */
static void put_garbage(struct pl_buf *b, unsigned kind, unsigned *seed)
{
    static const char *const texts[] = {"{\"id\":1,\"connect\":",
                                        "[[[[[[[[",
                                        "{\"id\":-1}",
                                        "\\u0000",
                                        "{}{}",
                                        "{\"id\":1,\"subscribe\":{}}"};
    char noise[64];

    switch (kind % 6) {
    case 0:
        put_noise(b, 1 + stage_random(seed) % 2000, seed);
        return;
    case 1: /* a greeting of TLS */
        pl_buf_put(b, "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", 11);
        put_noise(b, 200, seed);
        return;
    case 2: /* noise behind a good head */
        pl_buf_put_span(b, pl_span_of(HEAD "\r\n"));
        put_noise(b, 1 + stage_random(seed) % 500, seed);
        return;
    case 3: /* good frames of noise */
        pl_buf_put_span(b, pl_span_of(HEAD "\r\n"));
        for (size_t i = 0; i < sizeof noise - 1; i++)
            noise[i] = (char)(' ' + stage_random(seed) % 90);
        noise[sizeof noise - 1] = '\0';
        put_text(b, noise);
        return;
    case 4: /* good frames of wrong commands */
        pl_buf_put_span(b, pl_span_of(HEAD "\r\n"));
        put_text(b, texts[stage_random(seed) % 6]);
        return;
    default: /* wrong commands behind a login */
        pl_buf_put_span(b, pl_span_of(HEAD "\r\n"));
        put_text(b, "{\"id\":1,\"connect\":{}}");
        put_text(b, texts[stage_random(seed) % 6]);
    }
}

static void garbage_in_many_connections_harms_nobody(void **state)
{
    unsigned count = stage_connections(1000), seed = 1;
    int *fds = calloc(count, sizeof *fds);
    struct stage s;

    (void)state;
    assert_non_null(fds);
    stage_begin(&s, NULL);
    for (unsigned i = 0; i < count; i++) {
        struct pl_buf b = {0};

        put_garbage(&b, i, &seed);
        fds[i] = stage_socket(&s);
        stage_send(fds[i], b.data, b.len);
        pl_buf_fini(&b);
    }
    remote_await(&s.broker, "connections.accepted", count);
    stage_serves(&s); /* while all of them are there */
    for (unsigned i = 0; i < count; i++)
        stage_leave(fds[i], i % LEAVE_COUNT);
    free(fds);
    stage_end(&s);
}

/* --- Cuts and resets --- */

static void a_visit_may_be_cut_at_each_byte(void **state)
{
    struct stage s;
    struct visit v;

    (void)state;
    make_visit(&v);
    stage_begin(&s, NULL);
    for (size_t cut = 0; cut < v.bytes.len; cut++) {
        int fd = stage_socket(&s);

        stage_send(fd, v.bytes.data, cut);
        stage_leave(fd, cut % LEAVE_COUNT);
    }
    pl_buf_fini(&v.bytes);
    stage_end(&s);
}

/* Wait for anything, so that the broker is in the state that the test wants. */
static void await_answer(int fd)
{
    struct pollfd f = {.fd = fd, .events = POLLIN};
    char in[4096];

    if (poll(&f, 1, PEER_DEADLINE_MS) == 1)
        recv(fd, in, sizeof in, 0);
}

static void a_reset_in_every_state_leaves_nothing(void **state)
{
    enum { ROUNDS = 10 };
    struct stage s;
    struct visit v;

    (void)state;
    make_visit(&v);
    stage_begin(&s, NULL);
    for (unsigned i = 0; i < VISIT_PARTS * ROUNDS * 2; i++) {
        unsigned parts = i % VISIT_PARTS;
        int fd = stage_socket(&s);

        for (unsigned p = 0; p < parts; p++) {
            stage_send(fd, v.bytes.data + v.part[p], v.part[p + 1] - v.part[p]);
            if (i % 2 == 0) /* else the answers are still on their way */
                await_answer(fd);
        }
        stage_leave(fd, LEAVE_RESET);
    }
    pl_buf_fini(&v.bytes);
    stage_end(&s);
}

static void a_half_closed_connection_is_ended(void **state)
{
    enum { ROUNDS = 20 };
    int fds[VISIT_PARTS * ROUNDS];
    struct stage s;
    struct visit v;

    (void)state;
    make_visit(&v);
    stage_begin(&s, NULL);
    for (unsigned i = 0; i < VISIT_PARTS * ROUNDS; i++) {
        fds[i] = stage_socket(&s);
        stage_send(fds[i], v.bytes.data, v.part[i % VISIT_PARTS]);
        shutdown(fds[i], SHUT_WR);
    }
    remote_await(&s.broker, "connections.accepted", VISIT_PARTS * ROUNDS);
    remote_await(&s.broker, "connections.open", 0); /* ours are still open */
    for (unsigned i = 0; i < VISIT_PARTS * ROUNDS; i++)
        close(fds[i]);
    pl_buf_fini(&v.bytes);
    stage_end(&s);
}

/* Wait until the kernel of the other side has all that was sent. */
static void await_taken(int fd)
{
    static const struct timespec some = {0, 1000000};
    int left = 1;

    for (int i = 0; i < PEER_DEADLINE_MS && left > 0; i++) {
        assert_int_equal(ioctl(fd, SIOCOUTQ, &left), 0);
        nanosleep(&some, NULL);
    }
    assert_int_equal(left, 0);
}

/* What the kernel of the other side takes while nobody reads there. */
static uint32_t window_of(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof info;

    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
    return info.tcpi_snd_wnd;
}

/* Read to the end, which must not be a reset; gives the bytes that are here. */
static size_t read_to_end(int fd, char *to, size_t len)
{
    size_t got = 0;
    ssize_t n;

    while (got < len && (n = recv(fd, to + got, len - got, 0)) != 0) {
        assert_true(n > 0);
        got += (size_t)n;
    }
    return got;
}

/* More than one read takes, and the end, are here before the broker sees the
 * violation: closing would be a reset. */
static void a_close_reaches_who_sent_much_behind_a_violation(void **state)
{
    static const char *const sets[] = {"connect.timeout=5m", NULL};
    enum { PONGS = 4 << 20, BEHIND = 300 << 10, ROUNDS_MAX = 32 };
    char *bytes = calloc(1, PONGS), in[4096];
    struct stage s;

    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < PONGS; i += 16)
        memcpy(bytes + i, "\x8A\x8A", 2);
    stage_begin(&s, sets);
    int fd = stage_socket(&s);
    stage_send(fd, HEAD "\r\n", sizeof HEAD + 1);
    await_answer(fd);
    /* What is read fast makes the kernel's window large. */
    for (int64_t n = 1; window_of(fd) < 2 * BEHIND && n <= ROUNDS_MAX; n++) {
        stage_send(fd, bytes, PONGS);
        await_taken(fd);
        remote_await_least(&s.broker, "messages.bytes_in", n * PONGS);
    }
    kill(s.broker.pid, SIGSTOP);
    stage_send(fd, "\x83\x80\0\0\0\0", 6);
    stage_send(fd, bytes, BEHIND);
    shutdown(fd, SHUT_WR);
    await_taken(fd);
    kill(s.broker.pid, SIGCONT);
    size_t len = read_to_end(fd, in, sizeof in);
    assert_true(len > 4);
    assert_non_null(memmem(in, len, "\x03\xEA", 2));
    close(fd);
    free(bytes);
    stage_end(&s);
}

/* --- Storms and slow requests --- */

static void a_storm_of_connections_passes(void **state)
{
    unsigned count = stage_connections(1000), seed = 7;
    struct stage s;

    (void)state;
    stage_begin(&s, NULL);
    for (unsigned i = 0; i < count; i++) {
        int fd = stage_socket(&s);

        if (stage_random(&seed) % 2 == 0)
            stage_send(fd, HEAD "\r\n", sizeof HEAD + 1);
        stage_leave(fd, stage_random(&seed) % LEAVE_COUNT);
    }
    stage_serves(&s);
    stage_end(&s);
}

static void requests_that_never_end_are_cut_at_their_deadline(void **state)
{
    static const char *const sets[] = {"connect.timeout=1s", NULL};
    enum { SLOW = 100 };
    int fds[SLOW];
    struct stage s;

    (void)state;
    if (getenv("PL_VALGRIND") != NULL)
        skip(); /* those who are served need more than a second, too */
    stage_begin(&s, sets);
    for (unsigned i = 0; i < SLOW; i++)
        fds[i] = stage_socket(&s);
    /* A byte now and then does not put the deadline off; half of them send
     * nothing at all. */
    for (size_t at = 0; remote_number(&s.broker, "closed.stale") < SLOW; at++) {
        for (unsigned i = 0; i < SLOW; i += 2)
            stage_send(fds[i], at < sizeof HEAD - 1 ? &HEAD[at] : "x", 1);
        stage_serves(&s);
    }
    for (unsigned i = 0; i < SLOW; i++)
        close(fds[i]);
    stage_end(&s);
}

static void who_opens_and_says_nothing_is_closed(void **state)
{
    static const char *const sets[] = {"connect.timeout=500ms", NULL};
    enum { MUTE = 50 };
    struct peer p[MUTE];
    struct stage s;

    (void)state;
    stage_begin(&s, sets);
    for (unsigned i = 0; i < MUTE; i++)
        peer_open(&p[i], s.broker.port, PEER_JSON);
    for (unsigned i = 0; i < MUTE; i++) {
        assert_int_not_equal(peer_await_end(&p[i]), 0);
        peer_fini(&p[i]);
    }
    assert_int_equal(remote_number(&s.broker, "closed.stale"), MUTE);
    stage_end(&s);
}

static void who_answers_no_ping_is_closed_3012(void **state)
{
    static const char *const sets[] = {"ping.interval=500ms",
                                       "ping.timeout=200ms", NULL};
    enum { MUTE = 50 };
    struct peer p[MUTE];
    struct stage s;

    (void)state;
    stage_begin(&s, sets);
    for (unsigned i = 0; i < MUTE; i++) {
        peer_enter(&p[i], s.broker.port, i % 2, NULL, NULL);
        p[i].is_mute = true;
    }
    for (unsigned i = 0; i < MUTE; i++) {
        assert_int_equal(peer_await_end(&p[i]), 3012);
        peer_fini(&p[i]);
    }
    stage_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(garbage_in_many_connections_harms_nobody),
        cmocka_unit_test(a_visit_may_be_cut_at_each_byte),
        cmocka_unit_test(a_reset_in_every_state_leaves_nothing),
        cmocka_unit_test(a_half_closed_connection_is_ended),
        cmocka_unit_test(a_close_reaches_who_sent_much_behind_a_violation),
        cmocka_unit_test(a_storm_of_connections_passes),
        cmocka_unit_test(requests_that_never_end_are_cut_at_their_deadline),
        cmocka_unit_test(who_opens_and_says_nothing_is_closed),
        cmocka_unit_test(who_answers_no_ping_is_closed_3012),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
