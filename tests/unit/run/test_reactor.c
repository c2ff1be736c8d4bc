/* SPDX-License-Identifier: Apache-2.0 */
/* test_reactor.c - loops driven by libevent, on a lent base and on their own.
 */
#include "recorder.h"

#include <dirent.h>
#include <event2/event.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

#include "reactor.h"

static struct pl_system *sys;
static struct pl_loop *loop;
static struct event_base *base;
static struct pl_reactor *reactor;

static int set_up(void **state)
{
    *state = sys = system_of(1, NULL);
    loop = pl_system_loop(sys, 0);
    base = event_base_new();
    assert_non_null(base);
    assert_int_equal(pl_reactor_create(&reactor, loop, base), PL_OK);
    return 0;
}

static int tear_down_reactor(void **state)
{
    pl_reactor_destroy(reactor);
    event_base_free(base);
    return tear_down(state);
}

/* Callbacks until none is ready; the loop then sleeps. */
static void run_ready(void)
{
    event_base_loop(base, EVLOOP_NONBLOCK);
}

static void what_was_sent_before_is_handled_in_the_first_pass(void **state)
{
    struct recorder *r = recorder_new(loop, &recorder_ops);

    (void)state;
    mail_to(r, pl_actor_address(&r->actor), 1);
    run_ready();
    GOT(r, 1);
    assert_ptr_equal(pl_reactor_base(reactor), base);
    assert_ptr_equal(pl_reactor_loop(reactor), loop);
}

static void an_idle_loop_takes_no_turn(void **state)
{
    struct timeval while_ = {0, 30000};

    (void)state;
    run_ready();
    uint64_t before = pl_loop_stats(loop)->turns;
    event_base_loopexit(base, &while_);
    event_base_dispatch(base);
    assert_int_equal(pl_loop_stats(loop)->turns, before);
}

static void *post_one(void *address)
{
    pl_system_post(sys, *(struct pl_address *)address, note(5, 1, 0));
    return NULL;
}

static void break_base(struct pl_actor *a, struct pl_msg *msg)
{
    recorder_receive(a, msg);
    event_base_loopbreak(base);
}

static const struct pl_actor_ops breaker_ops = {"breaker", 100, break_base,
                                                recorder_reap};

static void a_post_wakes_a_lent_base(void **state)
{
    struct recorder *r = recorder_new(loop, &breaker_ops);
    struct pl_address to = pl_actor_address(&r->actor);
    pthread_t thread;

    (void)state;
    run_ready();
    assert_int_equal(pthread_create(&thread, NULL, post_one, &to), 0);
    event_base_dispatch(base);
    pthread_join(thread, NULL);
    GOT(r, 5);
    assert_int_equal(pl_loop_stats(loop)->posts_foreign, 1);
}

static struct recorder *reader;

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    char c;

    (void)what, (void)arg;
    pl_reactor_schedule_turn(reactor);
    assert_int_equal(read(fd, &c, 1), 1);
    mail_to(reader, pl_actor_address(&reader->actor), 1);
}

static void one_turn_follows_after_all_ready_io(void **state)
{
    enum { PIPES = 10 };
    int fds[PIPES][2];
    struct event *events[PIPES];

    (void)state;
    reader = recorder_new(loop, &recorder_ops);
    run_ready();
    for (unsigned i = 0; i < PIPES; i++) {
        assert_int_equal(pipe(fds[i]), 0);
        events[i] = event_new(base, fds[i][0], EV_READ, on_readable, NULL);
        event_add(events[i], NULL);
        assert_int_equal(write(fds[i][1], "x", 1), 1);
    }
    uint64_t before = pl_loop_stats(loop)->turns;
    event_base_loop(base, EVLOOP_ONCE);
    assert_int_equal(reader->count, PIPES);
    assert_int_equal(pl_loop_stats(loop)->turns, before + 1);
    for (unsigned i = 0; i < PIPES; i++) {
        event_free(events[i]);
        close(fds[i][0]);
        close(fds[i][1]);
    }
}

static void echo_forever(struct pl_actor *a, struct pl_msg *msg)
{
    pl_actor_send(a, pl_actor_address(a), msg);
}

static const struct pl_actor_ops echo_ops = {"echo", 100, echo_forever,
                                             recorder_reap};

static void on_readable_break(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    pl_reactor_schedule_turn(reactor);
    *(bool *)arg = true;
    event_base_loopbreak(base);
}

/* The actor never runs out of mail, and the pipe is read nevertheless. */
static void a_busy_loop_still_asks_the_kernel_between_turns(void **state)
{
    struct recorder *r = recorder_new(loop, &echo_ops);
    bool was_read = false;
    int fds[2];

    (void)state;
    pl_loop_set_budget(loop, 10, 10);
    mail_to(r, pl_actor_address(&r->actor), 1);
    event_base_loop(base, EVLOOP_ONCE); /* busy from here on */
    assert_int_equal(pipe(fds), 0);
    struct event *e =
        event_new(base, fds[0], EV_READ, on_readable_break, &was_read);
    event_add(e, NULL);
    assert_int_equal(write(fds[1], "x", 1), 1);
    uint64_t before = pl_loop_stats(loop)->turns;
    event_base_dispatch(base);
    assert_true(was_read);
    assert_true(pl_loop_stats(loop)->turns <= before + 2);
    event_free(e);
    close(fds[0]);
    close(fds[1]);
}

static unsigned fired;

static void fire(struct pl_timer *t)
{
    (void)t;
    fired++;
    event_base_loopbreak(base);
}

static void timers_fire_on_the_real_clock_and_never_early(void **state)
{
    struct pl_timer late = {.fire = fire}, early = {.fire = fire};
    const struct pl_clock *c = &pl_clock_system;

    (void)state;
    fired = 0;
    run_ready();
    pl_reactor_schedule_turn(reactor);
    uint64_t before_ms = pl_loop_now_ms(loop);
    pl_timer_start(loop, &late, 100000);
    run_ready();
    pl_reactor_schedule_turn(reactor);
    pl_timer_start(loop, &early, 20); /* sooner: the event is set anew */
    event_base_dispatch(base);
    assert_int_equal(fired, 1);
    assert_true(c->monotonic(c) / 1000000 >= before_ms + 20);
    assert_true(pl_timer_is_running(&late));
    pl_timer_stop(loop, &late);
}

static void a_stopped_reactor_lets_a_lent_base_end(void **state)
{
    (void)state;
    run_ready();
    pl_reactor_stop(reactor);
    assert_int_equal(event_base_dispatch(base), 1); /* 1: no events left */
    assert_int_equal(pl_reactor_start(reactor, "lent"), PL_EIO);
    assert_int_equal(pl_reactor_join(reactor, 0), PL_OK); /* never started */
}

static void destroy_it(void *arg)
{
    (void)arg;
    pl_reactor_destroy(reactor);
    reactor = NULL;
}

static void a_reactor_may_be_destroyed_after_its_turn(void **state)
{
    struct recorder *r = recorder_new(loop, &recorder_ops);

    (void)state;
    pl_reactor_on_turn(reactor, destroy_it, NULL);
    mail_to(r, pl_actor_address(&r->actor), 1);
    assert_int_equal(event_base_dispatch(base), 1); /* 1: no events left */
    GOT(r, 1);
    assert_null(reactor);
}

/* --- On their own --- */

static sem_t in_handler, go_on;

static void block(struct pl_actor *a, struct pl_msg *msg)
{
    sigset_t mask;

    (void)a;
    msg->destroy(msg);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    assert_int_equal(sigismember(&mask, SIGTERM), 1);
    pl_loop_enter(a->loop, "block");
    sem_post(&in_handler);
    while (sem_wait(&go_on) != 0)
        continue;
    pl_loop_leave(a->loop);
}

static const struct pl_actor_ops block_ops = {"blocker", 100, block,
                                              recorder_reap};

static void joining_gives_up_on_a_blocked_handler_and_names_it(void **state)
{
    struct pl_system *s = system_of(1, NULL);
    struct pl_loop *own = pl_system_loop(s, 0);
    struct recorder *r = recorder_new(own, &block_ops);
    struct pl_reactor *re;
    char name[PL_LOOP_NAME_SIZE];
    uint64_t since;

    (void)state;
    sem_init(&in_handler, 0, 0);
    sem_init(&go_on, 0, 0);
    assert_int_equal(pl_reactor_create(&re, own, NULL), PL_OK);
    assert_int_equal(pl_reactor_start(re, "a name that is too long"), PL_OK);
    assert_int_equal(pl_reactor_start(re, "twice"), PL_EIO);
    pl_system_post(s, pl_actor_address(&r->actor), note(1, 1, 0));
    while (sem_wait(&in_handler) != 0)
        continue;
    pl_reactor_stop(re);
    assert_int_equal(pl_reactor_join(re, 10), PL_ETIMEDOUT);
    assert_true(pl_loop_busy(own, name, &since));
    assert_string_equal(name, "block");
    sem_post(&go_on);
    assert_int_equal(pl_reactor_join(re, 60000), PL_OK);
    assert_int_equal(pl_reactor_join(re, 0), PL_OK);
    pl_reactor_destroy(re);
    pl_system_destroy(s);
    sem_destroy(&in_handler);
    sem_destroy(&go_on);
}

static unsigned entries(const char *path)
{
    DIR *d = opendir(path);
    unsigned count = 0;

    assert_non_null(d);
    while (readdir(d) != NULL)
        count++;
    closedir(d);
    return count;
}

static void start_and_stop_two_loops(void)
{
    struct pl_system *s = system_of(2, NULL);
    struct pl_reactor *re[2];
    struct pl_address to[2];

    for (unsigned i = 0; i < 2; i++) {
        struct pl_loop *l = pl_system_loop(s, i);
        to[i] = pl_actor_address(&recorder_new(l, &recorder_ops)->actor);
        assert_int_equal(pl_reactor_create(&re[i], l, NULL), PL_OK);
        assert_int_equal(pl_reactor_start(re[i], "loop"), PL_OK);
    }
    for (unsigned i = 0; i < 2; i++) {
        pl_system_post(s, to[i], note(i, 1, 0));
        pl_reactor_stop(re[i]);
    }
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pl_reactor_join(re[i], 60000), PL_OK);
    for (unsigned i = 0; i < 2; i++)
        pl_reactor_destroy(re[i]);
    pl_system_destroy(s);
}

static void
starting_and_stopping_leaves_no_thread_and_no_descriptor(void **state)
{
    (void)state;
    start_and_stop_two_loops();
    unsigned fds = entries("/proc/self/fd");
    unsigned tasks = entries("/proc/self/task");
    for (unsigned i = 0; i < 100; i++)
        start_and_stop_two_loops();
    assert_int_equal(entries("/proc/self/fd"), fds);
    /* The kernel lists a joined thread for a moment longer. */
    while (entries("/proc/self/task") > tasks)
        sched_yield();
    assert_int_equal(atomic_load(&notes_alive), 0);
}

static void a_reactor_stopped_before_its_start_ends_at_once(void **state)
{
    struct pl_system *s = system_of(1, NULL);
    struct pl_reactor *re;

    (void)state;
    assert_int_equal(pl_reactor_create(&re, pl_system_loop(s, 0), NULL), PL_OK);
    pl_reactor_stop(re);
    assert_int_equal(pl_reactor_start(re, "short"), PL_OK);
    assert_int_equal(pl_reactor_join(re, 60000), PL_OK);
    assert_int_equal(pl_reactor_start(re, "again"), PL_EIO); /* only once */
    pl_reactor_destroy(re);
    pl_reactor_destroy(NULL);
    pl_system_destroy(s);
}

/* Each test with a system of its own. */
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, set_up, tear_down_reactor)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_sent_before_is_handled_in_the_first_pass),
        TEST(an_idle_loop_takes_no_turn),
        TEST(a_post_wakes_a_lent_base),
        TEST(one_turn_follows_after_all_ready_io),
        TEST(a_busy_loop_still_asks_the_kernel_between_turns),
        TEST(timers_fire_on_the_real_clock_and_never_early),
        TEST(a_stopped_reactor_lets_a_lent_base_end),
        TEST(a_reactor_may_be_destroyed_after_its_turn),
        TEST(joining_gives_up_on_a_blocked_handler_and_names_it),
        TEST(starting_and_stopping_leaves_no_thread_and_no_descriptor),
        TEST(a_reactor_stopped_before_its_start_ends_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
