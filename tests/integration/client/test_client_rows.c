/* SPDX-License-Identifier: Apache-2.0 */
/* test_client_rows.c - what a channel and a stop guarantee: rows A6, A21 and
 * B10 of docs/testing.md, over real sockets. */
#include "client_stage.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TIMES = 100, NOT_WAITING = -2 };

/* Instead of the one of the C library: for how long a loop sleeps. */
static atomic_int sleeps_ms = NOT_WAITING;
static atomic_uint wakes;

__attribute__((visibility("default"))) int
epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms)
{
    atomic_store(&sleeps_ms, timeout_ms);
    int n =
        (int)syscall(SYS_epoll_pwait, epfd, events, max, timeout_ms, NULL, 0);
    atomic_store(&sleeps_ms, NOT_WAITING);
    atomic_fetch_add(&wakes, 1);
    return n;
}

static void open_channel(void)
{
    create_channel();
    raw_accept(&server);
    raw_upgrade(&server);
    called("open ");
}

/* A loop that sleeps without a timeout wakes up for an event only. */
static void a6_an_idle_connection_polls_nothing_and_sees_the_stop(void **state)
{
    (void)state;
    open_channel();
    while (atomic_load(&sleeps_ms) != -1)
        sched_yield();
    unsigned before = atomic_load(&wakes);
    plc_group_stop(group, LONG_MS);
    assert_string_equal(raw_hear(&server), "<close 1000>");
    assert_true(atomic_load(&wakes) > before);
    raw_say_close(&server, 1000, "");
    raw_end(&server);
    called("closed(1000 clean ) stopped(0) ");
}

static pthread_barrier_t all_are_here;

static void *stop_it(void *deadline_ms)
{
    pthread_barrier_wait(&all_are_here);
    plc_group_stop(group, *(uint32_t *)deadline_ms);
    return NULL;
}

static void stop_again(void)
{
    plc_group_stop(group, LONG_MS);
}

static void a21_a_hundred_stops_at_once_are_one(void **state)
{
    pthread_t threads[TIMES];
    uint32_t deadlines[TIMES];

    (void)state;
    open_channel();
    pthread_barrier_init(&all_are_here, NULL, TIMES);
    in_callback = stop_again; /* of the first that is called */
    for (uint32_t i = 0; i < TIMES; i++) {
        deadlines[i] = 100 + i;
        assert_int_equal(
            pthread_create(&threads[i], NULL, stop_it, &deadlines[i]), 0);
    }
    for (int i = 0; i < TIMES; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(send_text("late"), PL_ESTOPPING);
    called("closed(1006 cut cut by a stop) stopped(1) ");
    stop_again();
    pthread_barrier_destroy(&all_are_here);
}

static void b10_a_channel_after_a_channel_a_hundred_times(void **state)
{
    (void)state;
    for (int i = 0; i < TIMES; i++) {
        open_channel();
        send_text("one");
        assert_string_equal(raw_hear(&server), "one");
        raw_say(&server, "two");
        called("one:done \"two\" ");
        plc_ws_destroy(channel);
        assert_string_equal(raw_hear(&server), "<close 1000>");
        raw_say_close(&server, 1000, "");
        raw_end(&server);
        called("closed(1000 clean ) ");
    }
    plc_group_stop(group, 0);
    assert_int_equal(plc_group_wait(group, LONG_MS), PL_OK);
    struct plc_status s = status_now();
    assert_int_equal(s.connections, 0);
    assert_int_equal(s.done, TIMES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a6_an_idle_connection_polls_nothing_and_sees_the_stop),
        TEST(a21_a_hundred_stops_at_once_are_one),
        TEST(b10_a_channel_after_a_channel_a_hundred_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
