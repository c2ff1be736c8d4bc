/* SPDX-License-Identifier: Apache-2.0 */
/* test_watch.c - a program that works on a question learns when nothing waits
 * for its answer any more, and gets its work back exactly once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <event2/event.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "box.h"
#include "peer.h"

enum { WORKS_MAX = 4096 };

/* The work on one question. */
struct work {
    struct pl_ask *ask;
    struct pl_call *call;
    atomic_uint cancelled, released;
};

static struct office {
    pthread_mutex_t lock;
    struct work works[WORKS_MAX];
    unsigned count;
    atomic_uint cancelled, released;
    const pthread_t *host; /* the thread where all happens; NULL: any */
} office = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void assert_here(void)
{
    if (office.host != NULL && !pthread_equal(*office.host, pthread_self())) {
        fputs("watch: called on another thread\n", stderr);
        abort();
    }
}

static void on_cancelled(void *arg)
{
    struct work *w = arg;

    assert_here();
    if (atomic_load(&w->released) != 0)
        abort();
    atomic_fetch_add(&w->cancelled, 1);
    atomic_fetch_add(&office.cancelled, 1);
}

static void on_released(void *arg)
{
    struct work *w = arg;

    assert_here();
    atomic_fetch_add(&w->released, 1);
    atomic_fetch_add(&office.released, 1);
}

static void keep(struct pl_ask *ask, struct pl_call *call)
{
    pthread_mutex_lock(&office.lock);
    struct work *w = &office.works[office.count];
    if (office.count == WORKS_MAX)
        abort();
    w->ask = ask;
    w->call = call;
    enum pl_err rc = ask != NULL
                         ? pl_ask_watch(ask, on_cancelled, on_released, w)
                         : pl_call_watch(call, on_cancelled, on_released, w);
    if (rc != PL_OK)
        abort();
    office.count++;
    pthread_mutex_unlock(&office.lock);
}

static void may(struct pl_ask *ask, void *arg)
{
    (void)arg;
    keep(ask, NULL);
}

static void work_on(struct pl_call *call, void *context)
{
    (void)context;
    keep(NULL, call);
}

static void answer(struct work *w)
{
    enum pl_err rc = w->ask != NULL ? pl_ask_allow(w->ask, NULL)
                                    : pl_call_reply(w->call, "1", 1);

    if (rc != PL_OK)
        abort();
    w->ask = NULL;
    w->call = NULL;
}

static const struct pl_events judges = {
    .size = sizeof judges, .may_subscribe = may, .may_publish = may};
static const struct pl_events gate = {.size = sizeof gate, .may_connect = may};

static void begin(struct box *b, const struct pl_events *events,
                  struct event_base *base)
{
    const char *sets[] = {"listen=[127.0.0.1:0]", "admin.listen=off",
                          "admin.socket=off",     "loops=2",
                          "ping.interval=1h",     "connect.timeout=1h",
                          "limits.loop_lag=0",    "handlers.timeout=1h"};
    struct pl_broker_setup s = {.size = sizeof s,
                                .sets = sets,
                                .set_count = 8,
                                .flags = PL_INSECURE,
                                .events = events,
                                .base = base};

    for (unsigned i = 0; i < office.count; i++)
        office.works[i] = (struct work){.ask = NULL};
    office.count = 0;
    office.host = NULL;
    atomic_store(&office.cancelled, 0);
    atomic_store(&office.released, 0);
    box_open(b, &s);
    assert_int_equal(pl_broker_method(b->broker, "work", work_on, NULL, NULL),
                     PL_OK);
    box_run(b);
}

static unsigned count(void)
{
    pthread_mutex_lock(&office.lock);
    unsigned n = office.count;
    pthread_mutex_unlock(&office.lock);
    return n;
}

static void await_count(unsigned n)
{
    while (count() < n)
        sched_yield();
}

static void await(atomic_uint *what, unsigned n)
{
    while (atomic_load(what) < n)
        sched_yield();
}

static void a_client_that_goes_cancels_what_was_asked_for_it(void **st)
{
    struct peer p;
    struct box b;

    (void)st;
    begin(&b, &judges, NULL);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    peer_subscribe(&p, "room");
    peer_publish(&p, "news", "1");
    peer_rpc(&p, "work", "{}");
    await_count(3);
    assert_int_equal(atomic_load(&office.released), 0);
    peer_fini(&p);
    await(&office.released, 3);
    assert_int_equal(atomic_load(&office.cancelled), 3);
    for (unsigned i = 0; i < 3; i++)
        answer(&office.works[i]); /* due all the same */
    box_await(&b, "connections.open", 0);
    box_destroy(&b);
    assert_int_equal(atomic_load(&office.released), 3);
}

static void a_connect_that_goes_is_cancelled(void **st)
{
    struct peer p;
    struct box b;

    (void)st;
    begin(&b, &gate, NULL);
    assert_int_equal(peer_open(&p, b.port, PEER_JSON), 101);
    peer_frame(&p, PL_WS_TEXT, PL_SPAN("{\"id\":1,\"connect\":{}}"));
    await_count(1);
    assert_int_equal(pl_ask_watch(office.works[0].ask, NULL, NULL, NULL),
                     PL_EEXIST);
    peer_fini(&p);
    await(&office.released, 1);
    assert_int_equal(atomic_load(&office.cancelled), 1);
    answer(&office.works[0]);
    box_await(&b, "connections.open", 0);
    box_destroy(&b);
}

static void an_answer_gives_the_work_back_without_a_cancel(void **st)
{
    struct peer_reply r;
    struct peer p;
    struct box b;

    (void)st;
    begin(&b, &judges, NULL);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    uint32_t id = peer_rpc(&p, "work", "{}");
    await_count(1);
    answer(&office.works[0]);
    peer_await(&p, id, &r);
    await(&office.released, 1);
    assert_int_equal(atomic_load(&office.cancelled), 0);
    peer_fini(&p);
    box_await(&b, "connections.open", 0);
    box_destroy(&b);
}

static void a_stop_cancels_what_is_open(void **st)
{
    struct peer p;
    struct box b;

    (void)st;
    begin(&b, &judges, NULL);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    peer_rpc(&p, "work", "{}");
    peer_rpc(&p, "work", "{}");
    await_count(2);
    pl_broker_stop(b.broker);
    pl_broker_hurry(b.broker);
    assert_int_equal(pl_broker_wait(b.broker), PL_OK);
    assert_int_equal(atomic_load(&office.cancelled), 2);
    assert_int_equal(atomic_load(&office.released), 2);
    answer(&office.works[0]);
    pl_broker_destroy(b.broker);
    answer(&office.works[1]);
    peer_fini(&p);
}

/* --- Answers that race with the end of their client --- */

enum { PEERS = 4, ROUNDS = 100, CALLS = 8 };

static atomic_bool is_over;

static void *answer_all(void *arg)
{
    unsigned next = 0;

    (void)arg;
    for (;;) {
        bool was_over = atomic_load(&is_over);

        while (next < count())
            answer(&office.works[next++]);
        if (was_over)
            return NULL;
        sched_yield();
    }
}

static void *come_and_go(void *port)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct peer p;

        peer_enter(&p, *(uint16_t *)port, PEER_JSON, NULL, NULL);
        for (int c = 0; c < CALLS; c++)
            peer_rpc(&p, "work", "{}");
        peer_fini(&p);
    }
    return NULL;
}

static void each_work_comes_back_once_whoever_is_first(void **st)
{
    pthread_t threads[PEERS], program;
    struct box b;

    (void)st;
    begin(&b, &judges, NULL);
    atomic_store(&is_over, false);
    assert_int_equal(pthread_create(&program, NULL, answer_all, NULL), 0);
    for (int i = 0; i < PEERS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, come_and_go, &b.port), 0);
    for (int i = 0; i < PEERS; i++)
        pthread_join(threads[i], NULL);
    box_await(&b, "connections.open", 0);
    atomic_store(&is_over, true);
    pthread_join(program, NULL);
    await(&office.released, count());
    box_destroy(&b);
    for (unsigned i = 0; i < office.count; i++) {
        assert_int_equal(atomic_load(&office.works[i].released), 1);
        assert_true(atomic_load(&office.works[i].cancelled) <= 1);
    }
    assert_true(office.count > 0);
}

/* --- On a lent base --- */

static void *leave_early(void *port)
{
    struct peer p;

    peer_enter(&p, *(uint16_t *)port, PEER_JSON, NULL, NULL);
    peer_subscribe(&p, "room");
    peer_rpc(&p, "work", "{}");
    await_count(2);
    peer_fini(&p);
    return NULL;
}

static void on_a_lent_base_all_comes_there(void **st)
{
    struct event_base *base = event_base_new();
    pthread_t self = pthread_self(), thread;
    struct box b;

    (void)st;
    begin(&b, &judges, base);
    office.host = &self;
    assert_int_equal(pthread_create(&thread, NULL, leave_early, &b.port), 0);
    while (atomic_load(&office.released) < 2)
        event_base_loop(base, EVLOOP_ONCE);
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&office.cancelled), 2);
    answer(&office.works[0]);
    pl_broker_stop(b.broker);
    assert_int_equal(pl_broker_wait(b.broker), PL_OK);
    answer(&office.works[1]);
    pl_broker_destroy(b.broker);
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_goes_cancels_what_was_asked_for_it),
        cmocka_unit_test(a_connect_that_goes_is_cancelled),
        cmocka_unit_test(an_answer_gives_the_work_back_without_a_cancel),
        cmocka_unit_test(a_stop_cancels_what_is_open),
        cmocka_unit_test(each_work_comes_back_once_whoever_is_first),
        cmocka_unit_test(on_a_lent_base_all_comes_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
