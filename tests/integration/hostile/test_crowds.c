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
#include <unistd.h>

#include "mischief.h"
#include "moment.h"
#include "stage.h"

/* --- Garbage --- */

/* All of them are there at the same time, and others are served. */
static void crowd_with_garbage(const struct stage *s, unsigned count,
                               unsigned *seed)
{
    int64_t before = remote_number(&s->broker, "connections.accepted");
    int *fds = calloc(count, sizeof *fds);

    assert_non_null(fds);
    for (unsigned i = 0; i < count; i++) {
        struct pl_buf b = {0};

        mischief_put_garbage(&b, i, seed);
        fds[i] = stage_socket(s);
        stage_send(fds[i], b.data, b.len);
        pl_buf_fini(&b);
    }
    remote_await(&s->broker, "connections.accepted", before + count);
    stage_serves(s);
    for (unsigned i = 0; i < count; i++)
        stage_leave(fds[i], i % LEAVE_COUNT);
    free(fds);
}

static void garbage_in_many_connections_harms_nobody(void **state)
{
    unsigned count = stage_connections(10000), seed = 1;
    struct stage s;

    (void)state;
    stage_begin(&s, NULL);
    crowd_with_garbage(&s, count, &seed);
    print_message("garbage in %u connections\n", count);
    stage_end(&s);
}

/* The first crowd makes the broker's tables and pools as large as they get. */
static void crowds_leave_no_memory_behind(void **state)
{
    enum { CROWDS = 5, SLACK = 8 << 20 };
    unsigned count = stage_connections(1000), seed = 1;
    struct remote_census first, last;
    struct stage s;

    (void)state;
    if (getenv("PL_VALGRIND") != NULL)
        skip(); /* it keeps what is freed, to see who still uses it */
    stage_begin_exact(&s, NULL);
    for (int i = 0; i < CROWDS; i++) {
        crowd_with_garbage(&s, count, &seed);
        remote_await(&s.broker, "connections.open", 0);
        remote_rest(&s.broker);
        remote_census(&s.broker, i == 0 ? &first : &last);
    }
    print_message("resident behind crowd 1: %llu KiB, behind crowd %d: %llu "
                  "KiB\n",
                  (unsigned long long)first.resident / 1024, CROWDS,
                  (unsigned long long)last.resident / 1024);
#ifndef __SANITIZE_THREAD__ /* whose shadow stays resident */
    assert_in_range(last.resident, 0, first.resident + SLACK);
#endif
    stage_end(&s);
}

/* --- Cuts and resets --- */

static void a_visit_may_be_split_at_each_byte(void **state)
{
    struct stage s;
    struct mischief_visit v;

    (void)state;
    mischief_visit_make(&v);
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
    struct mischief_visit v;

    (void)state;
    mischief_visit_make(&v);
    stage_begin(&s, NULL);
    for (unsigned i = 0; i < MISCHIEF_PARTS * ROUNDS * 2; i++) {
        unsigned parts = i % MISCHIEF_PARTS;
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
    int fds[MISCHIEF_PARTS * ROUNDS];
    struct stage s;
    struct mischief_visit v;

    (void)state;
    mischief_visit_make(&v);
    stage_begin(&s, NULL);
    for (unsigned i = 0; i < MISCHIEF_PARTS * ROUNDS; i++) {
        fds[i] = stage_socket(&s);
        stage_send(fds[i], v.bytes.data, v.part[i % MISCHIEF_PARTS]);
        shutdown(fds[i], SHUT_WR);
    }
    remote_await(&s.broker, "connections.accepted", MISCHIEF_PARTS * ROUNDS);
    remote_await(&s.broker, "connections.open", 0); /* ours are still open */
    for (unsigned i = 0; i < MISCHIEF_PARTS * ROUNDS; i++)
        close(fds[i]);
    pl_buf_fini(&v.bytes);
    stage_end(&s);
}

/* Wait until the kernel of the other side has all that was sent. */
static void await_taken(int fd)
{
    int left = 1;

    for (int i = 0; i < PEER_DEADLINE_MS && left > 0; i++) {
        assert_int_equal(ioctl(fd, SIOCOUTQ, &left), 0);
        moment_nap(1000);
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
static void
a_close_reaches_a_client_that_sent_much_after_a_violation(void **state)
{
    static const char *const sets[] = {"connect.timeout=5m", NULL};
    enum { PONGS = 4 << 20, BEHIND = 300 << 10, ROUNDS_MAX = 32 };
    char *bytes = calloc(1, PONGS), in[4096];
    struct stage s;

    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < PONGS; i += 128)
        memcpy(bytes + i, "\x8A\xFA", 2); /* with 122 bytes, and a key */
    stage_begin(&s, sets);
    int fd = stage_socket(&s);
    stage_send(fd, MISCHIEF_HEAD "\r\n", sizeof MISCHIEF_HEAD + 1);
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
            stage_send(fd, MISCHIEF_HEAD "\r\n", sizeof MISCHIEF_HEAD + 1);
        stage_leave(fd, stage_random(&seed) % LEAVE_COUNT);
    }
    stage_serves(&s);
    stage_end(&s);
}

static void requests_that_never_end_are_aborted_at_their_deadline(void **state)
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
            stage_send(fds[i],
                       at < sizeof MISCHIEF_HEAD - 1 ? &MISCHIEF_HEAD[at] : "x",
                       1);
        stage_serves(&s);
    }
    for (unsigned i = 0; i < SLOW; i++)
        close(fds[i]);
    stage_end(&s);
}

static void who_opens_and_says_nothing_is_closed(void **state)
{
    static const char *const sets[] = {"connect.timeout=500ms", NULL};
    enum { UNRESPONSIVE = 50 };
    struct peer p[UNRESPONSIVE];
    struct stage s;

    (void)state;
    stage_begin(&s, sets);
    for (unsigned i = 0; i < UNRESPONSIVE; i++)
        peer_open(&p[i], s.broker.port, PEER_JSON);
    for (unsigned i = 0; i < UNRESPONSIVE; i++) {
        assert_int_not_equal(peer_await_end(&p[i]), 0);
        peer_fini(&p[i]);
    }
    assert_int_equal(remote_number(&s.broker, "closed.stale"), UNRESPONSIVE);
    stage_end(&s);
}

static void who_answers_no_ping_is_closed_3012(void **state)
{
    static const char *const sets[] = {"ping.interval=500ms",
                                       "ping.timeout=200ms", NULL};
    enum { UNRESPONSIVE = 50 };
    struct peer p[UNRESPONSIVE];
    struct stage s;

    (void)state;
    stage_begin(&s, sets);
    for (unsigned i = 0; i < UNRESPONSIVE; i++) {
        peer_enter(&p[i], s.broker.port, i % 2, NULL, NULL);
        p[i].is_unresponsive = true;
    }
    for (unsigned i = 0; i < UNRESPONSIVE; i++) {
        assert_int_equal(peer_await_end(&p[i]), 3012);
        peer_fini(&p[i]);
    }
    stage_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(garbage_in_many_connections_harms_nobody),
        cmocka_unit_test(crowds_leave_no_memory_behind),
        cmocka_unit_test(a_visit_may_be_split_at_each_byte),
        cmocka_unit_test(a_reset_in_every_state_leaves_nothing),
        cmocka_unit_test(a_half_closed_connection_is_ended),
        cmocka_unit_test(
            a_close_reaches_a_client_that_sent_much_after_a_violation),
        cmocka_unit_test(a_storm_of_connections_passes),
        cmocka_unit_test(requests_that_never_end_are_aborted_at_their_deadline),
        cmocka_unit_test(who_opens_and_says_nothing_is_closed),
        cmocka_unit_test(who_answers_no_ping_is_closed_3012),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
