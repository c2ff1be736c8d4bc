/* SPDX-License-Identifier: Apache-2.0 */
/* test_system_calls.c - how many system calls a delivery takes.
 *
 * Nearly all of the time of a delivery is its send, so what decides is how many
 * deliveries share one.  The broker runs in this process; the calls that its
 * threads make of libc are counted on their way through the functions below,
 * which take the place of libc's for libevent too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "box.h"
#include "peer.h"

static atomic_ulong calls; /* of threads that are not the test's */
static pthread_t tester;

static void count(void)
{
    if (!pthread_equal(pthread_self(), tester))
        atomic_fetch_add(&calls, 1);
}

/* Seen by libevent, which has its own way to libc. */
#pragma GCC visibility push(default)

ssize_t recv(int fd, void *to, size_t len, int flags)
{
    count();
    return syscall(SYS_recvfrom, fd, to, len, flags, NULL, NULL);
}

ssize_t send(int fd, const void *from, size_t len, int flags)
{
    count();
    return syscall(SYS_sendto, fd, from, len, flags, NULL, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
    count();
    return syscall(SYS_sendmsg, fd, m, flags);
}

ssize_t read(int fd, void *to, size_t len)
{
    count();
    return syscall(SYS_read, fd, to, len);
}

ssize_t write(int fd, const void *from, size_t len)
{
    count();
    return syscall(SYS_write, fd, from, len);
}

int epoll_ctl(int set, int what, int fd, struct epoll_event *event)
{
    count();
    return (int)syscall(SYS_epoll_ctl, set, what, fd, event);
}

/* A wait that is still going on was counted when it began. */
int epoll_wait(int set, struct epoll_event *events, int most, int ms)
{
    count();
    return (int)syscall(SYS_epoll_pwait, set, events, most, ms, NULL, 8);
}

#pragma GCC visibility pop

/* --- The loads --- */

enum { BURSTS = 50, QUIET_MS = 200, IDLE_MS = 2000 };

static const char *const settings[] = {"loops=1", "channels.history_size=0",
                                       NULL};

/* Until the broker's threads have slept for `ms`, whatever the test made them
 * do; on a busy machine they may come to that late. */
static void await_quiet(int ms)
{
    unsigned long before;

    for (int tries = 0; tries < 20; tries++) {
        before = atomic_load(&calls);
        poll(NULL, 0, ms);
        if (atomic_load(&calls) == before)
            return;
    }
    fail_msg("the broker is never quiet for %d ms", ms);
}

static void join_all(struct peer *peers, int count_of, uint16_t port,
                     int channels)
{
    char name[32];

    for (int i = 0; i < count_of; i++) {
        snprintf(name, sizeof name, "c%d", i % channels);
        peer_enter(&peers[i], port, PEER_PROTOBUF, NULL, NULL);
        peer_join(&peers[i], name);
    }
}

static void leave_all(struct peer *peers, int count_of)
{
    for (int i = 0; i < count_of; i++)
        peer_fini(&peers[i]);
}

static void take(struct peer *peers, int count_of, int publications)
{
    struct peer_reply r;

    for (int i = 0; i < count_of; i++) {
        for (int n = 0; n < publications; n++)
            peer_await_push(&peers[i], PEER_PUBLICATION, &r);
    }
}

/* In one message, to so many channels in turn from `first` on. */
static void publish(struct peer *p, int publications, int first, int channels)
{
    char name[32];

    peer_cork(p);
    for (int i = 0; i < publications; i++) {
        snprintf(name, sizeof name, "c%d", first + i % channels);
        peer_publish(p, name, "\"0123456789012345678901234567890123456789\"");
    }
    peer_uncork(p);
}

static void tell(const char *what, unsigned long made, unsigned long deliveries)
{
    print_message("%s: %lu system calls for %lu deliveries\n", what, made,
                  deliveries);
}

/* --- The tests --- */

static void a_burst_goes_to_a_subscriber_with_one_write(void **state)
{
    enum { SUBSCRIBERS = 100, BURST = 16 };
    static struct peer peers[SUBSCRIBERS];
    struct peer publisher;
    struct box b;

    (void)state;
    box_start(&b, settings);
    join_all(peers, SUBSCRIBERS, b.port, 1);
    peer_enter(&publisher, b.port, PEER_PROTOBUF, NULL, NULL);
    await_quiet(QUIET_MS);
    unsigned long before = atomic_load(&calls);
    for (int i = 0; i < BURSTS; i++) {
        publish(&publisher, BURST, 0, 1);
        take(peers, SUBSCRIBERS, BURST);
    }
    unsigned long made = atomic_load(&calls) - before;
    unsigned long deliveries = (unsigned long)SUBSCRIBERS * BURST * BURSTS;
    tell("fan-out", made, deliveries);
    assert_true(made * 100 <= deliveries * 9); /* 1/16 and a little */
    leave_all(peers, SUBSCRIBERS);
    peer_fini(&publisher);
    box_destroy(&b);
}

static void many_rooms_take_little_more_than_a_write_a_delivery(void **state)
{
    enum { ROOMS = 50, SUBSCRIBERS = 10 * ROOMS, PUBLISHERS = 10 };
    static struct peer peers[SUBSCRIBERS];
    struct peer publishers[PUBLISHERS];
    struct box b;

    (void)state;
    box_start(&b, settings);
    join_all(peers, SUBSCRIBERS, b.port, ROOMS);
    for (int i = 0; i < PUBLISHERS; i++)
        peer_enter(&publishers[i], b.port, PEER_PROTOBUF, NULL, NULL);
    await_quiet(QUIET_MS);
    unsigned long before = atomic_load(&calls);
    for (int i = 0; i < BURSTS; i++) {
        for (int p = 0; p < PUBLISHERS; p++)
            publish(&publishers[p], ROOMS / PUBLISHERS,
                    p * (ROOMS / PUBLISHERS), ROOMS / PUBLISHERS);
        take(peers, SUBSCRIBERS, 1);
    }
    unsigned long made = atomic_load(&calls) - before;
    unsigned long deliveries = (unsigned long)SUBSCRIBERS * BURSTS;
    tell("rooms", made, deliveries);
    assert_true(made * 100 <= deliveries * 120);
    leave_all(peers, SUBSCRIBERS);
    leave_all(publishers, PUBLISHERS);
    box_destroy(&b);
}

static void a_round_trip_takes_a_read_a_write_and_two_waits(void **state)
{
    enum { TIMES = 200 };
    struct peer p;
    struct peer_reply r;
    struct box b;

    (void)state;
    box_start(&b, settings);
    join_all(&p, 1, b.port, 1);
    await_quiet(QUIET_MS);
    unsigned long before = atomic_load(&calls);
    for (int i = 0; i < TIMES; i++) {
        uint32_t id = peer_publish(&p, "c0", "\"there and back\"");

        peer_await_push(&p, PEER_PUBLICATION, &r);
        peer_await(&p, id, &r);
    }
    unsigned long made = atomic_load(&calls) - before;
    tell("round trip", made, TIMES);
    assert_true(made <= 5 * TIMES);
    peer_fini(&p);
    box_destroy(&b);
}

/* No timer of its own, no polling, no wake without a cause. */
static void an_idle_broker_does_nothing(void **state)
{
    enum { IDLE = 50 };
    static struct peer peers[IDLE];
    struct box b;

    (void)state;
    box_start(&b, settings);
    join_all(peers, IDLE, b.port, IDLE);
    await_quiet(IDLE_MS);
    leave_all(peers, IDLE);
    box_destroy(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_goes_to_a_subscriber_with_one_write),
        cmocka_unit_test(many_rooms_take_little_more_than_a_write_a_delivery),
        cmocka_unit_test(a_round_trip_takes_a_read_a_write_and_two_waits),
        cmocka_unit_test(an_idle_broker_does_nothing),
    };

    tester = pthread_self();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
