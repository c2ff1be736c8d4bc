/* SPDX-License-Identifier: Apache-2.0 */
/* test_host.c - a program that has lent its event_base: what the broker calls
 * of it runs there, one after the other, and needs no locks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "box.h"
#include "peer.h"
#include "status.h"

/* Nothing in it is atomic or locked: TSan sees whether one thread has it. */
struct host {
    struct event_base *base;
    struct event *look; /* now and then: whether there is enough */
    pthread_t thread;
    struct pl_broker *broker;
    unsigned calls, here, come, begun, ended, used, reported, accepted, stopped;
    unsigned released, wait_refused;
    bool any_channel; /* not just "room" is used */
    unsigned until;   /* clients have come and gone: end the loop */
};

static void assert_here(const struct host *h)
{
    if (!pthread_equal(h->thread, pthread_self())) {
        fputs("host: called on another thread\n", stderr);
        abort();
    }
}

static void report(const struct pl_outcome *o, void *arg)
{
    struct host *h = arg;

    assert_here(h);
    if (o->err != PL_OK && o->err != PL_ESTOPPING)
        abort();
    h->reported++;
}

/* Answers with what it got, and publishes it. */
static void act(struct pl_call *call, void *context)
{
    struct host *h = context;
    size_t len;
    const char *data = pl_call_data(call, &len);

    assert_here(h);
    h->calls++;
    h->accepted +=
        pl_broker_post(h->broker, "room", data, len, NULL, report, h) == PL_OK;
    pl_call_reply(call, data, len);
}

static void connected(const struct pl_peer *peer, void *arg)
{
    struct host *h = arg;

    (void)peer;
    assert_here(h);
    h->come++;
    h->here++;
}

static void disconnected(const struct pl_peer *peer, uint32_t code,
                         const char *reason, void *arg)
{
    struct host *h = arg;

    (void)code;
    (void)reason;
    assert_here(h);
    if (strcmp(peer->address, "127.0.0.1") != 0)
        abort();
    h->here--;
    h->wait_refused += pl_broker_wait(h->broker) == PL_EINVAL;
}

static void subscription(const struct pl_peer *peer, const char *channel,
                         bool begins, uint32_t code, void *arg)
{
    struct host *h = arg;

    (void)peer;
    (void)code;
    assert_here(h);
    if (strcmp(channel, "room") != 0 && !h->any_channel)
        abort();
    if (begins)
        h->begun++;
    else
        h->ended++;
}

static void channel(const char *name, bool first, void *arg)
{
    struct host *h = arg;

    (void)name;
    assert_here(h);
    h->used += first ? 1 : (unsigned)-1;
}

static void stopped(void *arg)
{
    struct host *h = arg;

    assert_here(h);
    h->stopped++;
    event_base_loopbreak(h->base);
}

static void release(void *arg)
{
    struct host *h = arg;

    h->released++;
}

static void look(evutil_socket_t fd, short what, void *arg)
{
    struct host *h = arg;

    (void)fd;
    (void)what;
    if (h->until > 0 && h->come == h->until && h->here == 0 && h->used == 0 &&
        h->reported == h->accepted)
        event_base_loopbreak(h->base);
}

static void begin(struct host *h, struct box *b)
{
    static const struct timeval often = {.tv_usec = 1000};
    const char *sets[] = {"listen=[127.0.0.1:0]",
                          "admin.listen=off",
                          "admin.socket=off",
                          "loops=2",
                          "ping.interval=1h",
                          "connect.timeout=1h",
                          "limits.loop_lag=0",
                          "channels.history_size=10",
                          "limits.connection_channels=4000",
                          "limits.new_channels_per_minute=0"};
    struct pl_events events = {
        .size = sizeof events,
        .connected = connected,
        .disconnected = disconnected,
        .subscription = subscription,
        .channel = channel,
        .arg = h,
    };
    *h = (struct host){.base = event_base_new(), .thread = pthread_self()};
    struct pl_broker_setup s = {.size = sizeof s,
                                .sets = sets,
                                .set_count = sizeof sets / sizeof *sets,
                                .flags = PL_INSECURE,
                                .base = h->base,
                                .events = &events,
                                .stopped = stopped,
                                .arg = h};

    h->look = event_new(h->base, -1, EV_PERSIST, look, h);
    event_add(h->look, &often);
    box_open(b, &s);
    h->broker = b->broker;
    assert_int_equal(pl_broker_method(h->broker, "act", act, h, release),
                     PL_OK);
}

static void end(struct host *h, struct box *b)
{
    h->until = 0;
    pl_broker_stop(h->broker);
    event_base_dispatch(h->base); /* until stopped() */
    assert_int_equal(h->stopped, 1);
    assert_int_equal(pl_broker_wait(h->broker), PL_OK);
    box_assert_zero(b);
    pl_broker_destroy(h->broker);
    assert_int_equal(h->released, 1);
    assert_int_equal(h->here, 0);
    assert_int_equal(h->used, 0);
    assert_int_equal(h->begun, h->ended);
    assert_int_equal(h->reported, h->accepted);
    /* the base has nothing of the broker any more */
    event_free(h->look);
    assert_int_equal(event_base_loop(h->base, EVLOOP_NONBLOCK), 1);
    event_base_free(h->base);
}

enum { THREADS = 3, LIVES = 100, CALLS = 10 };

static void *live(void *port)
{
    struct peer_reply r;
    struct peer p;

    for (unsigned i = 0; i < LIVES; i++) {
        peer_enter(&p, *(uint16_t *)port, PEER_JSON, NULL, NULL);
        peer_join(&p, "room");
        for (unsigned c = 0; c < CALLS; c++)
            peer_await(&p, peer_rpc(&p, "act", "7"), &r);
        if (i % 2 == 0)
            peer_await(&p, peer_unsubscribe(&p, "room"), &r);
        peer_fini(&p);
    }
    return NULL;
}

static void all_calls_of_the_program_run_on_its_base(void **st)
{
    pthread_t threads[THREADS];
    struct host h;
    struct box b;

    (void)st;
    begin(&h, &b);
    box_run(&b);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, live, &b.port), 0);
    h.until = THREADS * LIVES;
    event_base_dispatch(h.base);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(h.calls, THREADS * LIVES * CALLS);
    assert_int_equal(h.begun, THREADS * LIVES);
    assert_int_equal(h.wait_refused, THREADS * LIVES);
    end(&h, &b);
}

static void *leave(void *peer)
{
    peer_fini(peer);
    return NULL;
}

static void a_base_that_nobody_runs_delays_answers_and_nothing_else(void **st)
{
    struct peer_reply r;
    struct peer p, q;
    struct host h;
    struct box b;

    (void)st;
    begin(&h, &b);
    box_run(&b);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    peer_enter(&q, b.port, PEER_JSON, NULL, NULL);
    uint32_t call = peer_rpc(&p, "act", "7");
    peer_join(&p, "room");
    peer_join(&q, "room");
    peer_await(&p, peer_publish(&p, "room", "1"), &r);
    assert_int_equal(r.kind, PEER_RESULT);
    peer_await_push(&q, PEER_PUBLICATION, &r);
    assert_int_equal(h.calls + h.come, 0);
    box_stop(&b); /* what waits runs inside it */
    assert_int_equal(h.calls, 1);
    assert_int_equal(h.come, 2);
    assert_int_equal(h.here, 0);
    (void)call;
    peer_fini(&p);
    peer_fini(&q);
    /* and once more from the beginning */
    h.stopped = 0;
    box_run(&b);
    h.until = h.come + 1;
    pthread_t thread;
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    assert_int_equal(pthread_create(&thread, NULL, leave, &p), 0);
    event_base_dispatch(h.base);
    pthread_join(thread, NULL);
    end(&h, &b);
}

static void a_stop_in_the_midst_of_calls_leaves_nothing(void **st)
{
    (void)st;
    for (int round = 0; round < 10; round++) {
        struct box_census before;
        struct peer p[4];
        struct host h;
        struct box b;

        box_census(&before);
        begin(&h, &b);
        box_run(&b);
        for (int i = 0; i < 4; i++) {
            peer_enter(&p[i], b.port, PEER_JSON, NULL, NULL);
            peer_join(&p[i], "room");
            for (int c = 0; c < 20; c++)
                peer_rpc(&p[i], "act", "7");
        }
        if (round % 2 == 0)
            event_base_loop(h.base, EVLOOP_ONCE);
        end(&h, &b);
        for (int i = 0; i < 4; i++)
            peer_fini(&p[i]);
        box_await_census(&before);
    }
}

bool __real_pl_status_is_ready(const struct pl_status_source *s);
bool __wrap_pl_status_is_ready(const struct pl_status_source *s);
static atomic_bool is_blind; /* an order does not see that the broker stops */

bool __wrap_pl_status_is_ready(const struct pl_status_source *s)
{
    return is_blind || __real_pl_status_is_ready(s);
}

/* The loops still run, and have no desks any more. */
static void an_order_that_meets_the_stop_is_reported_on_the_base(void **st)
{
    enum { ORDERS = 100 };
    struct host h;
    struct box b;

    (void)st;
    begin(&h, &b);
    box_run(&b);
    pl_broker_stop(h.broker);
    event_base_dispatch(h.base); /* until stopped() */
    is_blind = true;
    for (int i = 0; i < ORDERS; i++)
        assert_int_equal(
            pl_broker_post(h.broker, "room", "1", 1, NULL, report, &h), PL_OK);
    is_blind = false;
    h.stopped = 0;
    assert_int_equal(h.reported, 0);
    assert_int_equal(pl_broker_wait(h.broker), PL_OK);
    assert_int_equal(h.reported, ORDERS);
    pl_broker_destroy(h.broker);
    event_free(h.look);
    event_base_free(h.base);
}

static void a_client_with_thousands_of_subscriptions_may_leave(void **st)
{
    enum { MANY = 3000 };
    char name[16];
    struct host h;
    struct peer p;
    struct box b;

    (void)st;
    begin(&h, &b);
    h.any_channel = true;
    box_run(&b);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "room%d", i);
        peer_join(&p, name);
    }
    for (int i = 0; i < MANY; i += 2) {
        struct peer_reply r;

        snprintf(name, sizeof name, "room%d", i);
        peer_await(&p, peer_unsubscribe(&p, name), &r);
    }
    peer_fini(&p);
    h.until = 1;
    event_base_dispatch(h.base);
    assert_int_equal(h.begun, MANY);
    assert_int_equal(h.ended, MANY);
    end(&h, &b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_calls_of_the_program_run_on_its_base),
        cmocka_unit_test(
            a_base_that_nobody_runs_delays_answers_and_nothing_else),
        cmocka_unit_test(a_stop_in_the_midst_of_calls_leaves_nothing),
        cmocka_unit_test(an_order_that_meets_the_stop_is_reported_on_the_base),
        cmocka_unit_test(a_client_with_thousands_of_subscriptions_may_leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
