/* SPDX-License-Identifier: Apache-2.0 */
/* test_answers.c - answers of handlers that meet the end of the broker, or come
 * after it.
 *
 * A handler's thread cannot know that the broker stops, is started again or
 * goes in the moment in which it answers.  None of this may harm anybody; what
 * comes too late is counted while there is a broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "box.h"
#include "gate.h"
#include "peer.h"

static const char *const in_haste[] = {"loops=1", "shutdown.grace=0",
                                       "shutdown.disconnect=0", NULL};

/* A broker that has stopped while a call of it waits at the gate. */
static void stop_with_a_call(struct gate *g, struct box *b)
{
    struct peer p;

    gate_hold(g, b, &p, "keep", in_haste);
    peer_fini(&p);
    box_stop(b);
}

static void an_answer_after_the_stop_is_counted(void **st)
{
    struct gate g;
    struct box b;

    (void)st;
    stop_with_a_call(&g, &b);
    assert_int_equal(box_number(&b, "handlers.late"), 0);
    assert_int_equal(pl_call_reply(gate_take(&g), "1", 1), PL_OK);
    assert_int_equal(box_number(&b, "handlers.late"), 1);
    box_assert_zero(&b);
    pl_broker_destroy(b.broker);
    gate_fini(&g);
}

static void an_answer_after_a_new_start_goes_nowhere(void **st)
{
    struct peer_reply r;
    struct gate g;
    struct peer p;
    struct box b;

    (void)st;
    stop_with_a_call(&g, &b);
    box_run(&b);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    uint32_t id = peer_rpc(&p, "keep", "2");
    gate_await(&g);
    assert_int_equal(pl_call_reply(gate_take(&g), "\"old\"", 5), PL_OK);
    assert_int_equal(pl_call_reply(gate_take(&g), "\"new\"", 5), PL_OK);
    peer_await(&p, id, &r);
    assert_true(pl_span_equal(r.data, PL_SPAN("\"new\"")));
    peer_fini(&p);
    box_destroy(&b);
    gate_fini(&g);
}

static void an_answer_after_the_broker_has_gone_harms_nobody(void **st)
{
    struct gate g;
    struct box b;

    (void)st;
    stop_with_a_call(&g, &b);
    pl_broker_destroy(b.broker);
    assert_int_equal(pl_call_fail(gate_take(&g), 500, "gone"), PL_OK);
    gate_fini(&g);
}

/* --- Racing the end --- */

enum { ANSWERERS = 3, CALLS = 240 };

/* Calls that are handed out to whoever answers fastest. */
struct hoard {
    struct pl_call *at[CALLS];
    atomic_uint come;  /* how many there are */
    atomic_uint taken; /* how many somebody has begun to answer */
    pthread_barrier_t begin;
};

static void hoard_call(struct pl_call *call, void *context)
{
    struct hoard *h = context;

    h->at[atomic_load(&h->come)] = call;
    atomic_fetch_add(&h->come, 1);
}

static void *answer(void *arg)
{
    struct hoard *h = arg;
    unsigned i;

    pthread_barrier_wait(&h->begin);
    while ((i = atomic_fetch_add(&h->taken, 1)) < CALLS)
        if (pl_call_reply(h->at[i], "1", 1) != PL_OK)
            abort();
    return NULL;
}

/* On the control loop: the workers end now. */
static void begin(void *arg)
{
    struct hoard *h = arg;

    pthread_barrier_wait(&h->begin);
}

static struct pl_broker *create_broker(struct hoard *h)
{
    const char *sets[] = {"listen=[127.0.0.1:0]", "admin.listen=off",
                          "admin.socket=off",     "loops=1",
                          "shutdown.grace=0",     "shutdown.disconnect=0",
                          "log.level=warn"};
    struct pl_broker_setup o = {.size = sizeof o,
                                .sets = sets,
                                .set_count = 7,
                                .flags = PL_INSECURE,
                                .stopped = begin,
                                .arg = h};
    struct pl_broker *b;

    assert_int_equal(pl_broker_open(&b, &o), PL_OK);
    assert_int_equal(pl_broker_method(b, "hoard", hoard_call, h, NULL), PL_OK);
    return b;
}

static void fill(const struct box *b)
{
    struct peer p;

    peer_enter(&p, b->port, PEER_PROTOBUF, NULL, NULL);
    peer_cork(&p);
    for (int i = 0; i < CALLS; i++)
        peer_rpc(&p, "hoard", "1");
    peer_uncork(&p);
    box_await(b, "handlers.handled", CALLS);
    peer_fini(&p);
}

/* One life; its calls are answered while the workers end. */
static void live(struct hoard *h)
{
    pthread_t threads[ANSWERERS];
    struct box b = {.broker = create_broker(h)};

    atomic_store(&h->come, 0);
    atomic_store(&h->taken, 0);
    for (int i = 0; i < ANSWERERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, answer, h), 0);
    box_run(&b);
    fill(&b);
    box_stop(&b);
    pl_broker_destroy(b.broker);
    for (int i = 0; i < ANSWERERS; i++)
        pthread_join(threads[i], NULL);
}

static void answers_may_race_the_end_of_the_broker(void **st)
{
    const char *wanted = getenv("PL_ANSWER_LIVES");
    long lives = wanted != NULL ? strtol(wanted, NULL, 10) : 40;
    struct hoard h;

    (void)st;
    pthread_barrier_init(&h.begin, NULL, ANSWERERS + 1);
    while (lives-- > 0)
        live(&h);
    pthread_barrier_destroy(&h.begin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_after_the_stop_is_counted),
        cmocka_unit_test(an_answer_after_a_new_start_goes_nowhere),
        cmocka_unit_test(an_answer_after_the_broker_has_gone_harms_nobody),
        cmocka_unit_test(answers_may_race_the_end_of_the_broker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
