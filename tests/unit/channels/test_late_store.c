/* SPDX-License-Identifier: Apache-2.0 */
/* The stores that answer late keep the promises of store.h themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "late_store.h"
#include "list.h"
#include "loop.h"
#include "sim.h"
#include "rules.h"
#include "stream_memory.h"
#include "system.h"

enum { REQUESTS = 200, CHANNELS = 4 };

struct request {
    struct pl_stream_append append;
    unsigned done;
    unsigned at; /* which completion it was */
};

static struct pl_sim *sim;
static struct pl_stream *store;
static struct pl_rulebook *book;
static struct request requests[REQUESTS];
static unsigned completions;
static bool is_submitting;

static void make(const struct pl_late_options *late)
{
    const struct pl_rules rules = {.history_size = REQUESTS,
                                   .history_ttl_ms = 100000,
                                   .meta_ttl_ms = 100000};
    const struct pl_stream_memory_options memory = {0};
    struct pl_stream *inner;

    assert_int_equal(pl_sim_create(&sim, 1, 11), PL_OK);
    struct pl_loop *loop = pl_system_loop(pl_sim_system(sim), 0);
    assert_int_equal(pl_stream_memory_create(&inner, loop, &memory), PL_OK);
    assert_int_equal(pl_late_stream_create(&store, loop, inner, late), PL_OK);
    assert_int_equal(pl_rulebook_create(&book, 1, &pl_naming_usual, &rules, 1),
                     PL_OK);
    completions = 0;
}

static void done(struct pl_store_op *op)
{
    struct request *r =
        PL_CONTAINER((struct pl_stream_append *)op, struct request, append);

    assert_false(is_submitting);
    r->done++;
    r->at = completions++;
}

static enum pl_store_reply submit(unsigned i)
{
    static const char *const names[CHANNELS] = {"a", "b", "c", "d"};
    struct request *r = &requests[i];

    *r = (struct request){
        .append = {.op = {.channel = pl_span_of(names[i % CHANNELS]),
                          .hash = i % CHANNELS,
                          .done = done},
                   .rules = pl_rulebook_default(book),
                   .pub = pl_pub_create(PL_SPAN("x"), 0, PL_SPAN("x"), NULL)}};
    is_submitting = true;
    enum pl_store_reply reply = store->ops->append(store, &r->append);
    is_submitting = false;
    return reply;
}

static void end(void)
{
    store->ops->destroy(store);
    pl_sim_destroy(sim);
    pl_rulebook_release(book);
    for (unsigned i = 0; i < REQUESTS; i++) {
        pl_pub_release(requests[i].append.pub);
        requests[i].append.pub = NULL;
    }
}

static void it_keeps_the_order_of_a_channel_and_no_other(void **state)
{
    struct pl_late_options late = {.seed = 9, .delay_ms = 20};
    unsigned overtaken = 0;

    (void)state;
    make(&late);
    for (unsigned i = 0; i < REQUESTS; i++)
        assert_int_equal(submit(i), PL_STORE_LATER);
    assert_int_equal(completions, 0);
    pl_sim_advance(sim, 20 * REQUESTS);
    for (unsigned i = 0; i < REQUESTS; i++) {
        assert_int_equal(requests[i].done, 1);
        assert_int_equal(requests[i].append.op.error, PL_OK);
        assert_int_equal(requests[i].append.pub->offset, i / CHANNELS + 1);
        if (i >= CHANNELS)
            assert_true(requests[i].at > requests[i - CHANNELS].at);
        overtaken += i > 0 && requests[i].at < requests[i - 1].at;
    }
    assert_true(overtaken > 0);
    end();
}

static void a_share_fails_and_has_not_happened(void **state)
{
    struct pl_late_options late = {
        .seed = 9, .delay_ms = 2, .fail_permille = 200};
    unsigned failed = 0;

    (void)state;
    make(&late);
    for (unsigned i = 0; i < REQUESTS; i++)
        submit(i);
    pl_sim_advance(sim, 2 * REQUESTS);
    for (unsigned i = 0; i < REQUESTS; i++) {
        bool is_bad = requests[i].append.op.error != PL_OK;

        assert_int_equal(requests[i].append.pub->offset == 0, is_bad);
        failed += is_bad;
    }
    assert_in_range(failed, REQUESTS / 10, REQUESTS / 2);
    end();
}

static void what_is_over_the_limit_is_refused_at_once(void **state)
{
    struct pl_late_options late = {.seed = 9, .delay_ms = 2, .limit = 3};

    (void)state;
    make(&late);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(submit(i), PL_STORE_LATER);
    assert_int_equal(submit(3), PL_STORE_DONE);
    assert_int_equal(requests[3].append.op.error, PL_EFULL);
    pl_sim_advance(sim, 10);
    assert_int_equal(requests[3].done, 0);
    assert_int_equal(submit(4), PL_STORE_LATER);
    end();
}

static void destroy_forgets_what_is_in_flight(void **state)
{
    struct pl_late_options late = {.seed = 9, .delay_ms = 5};

    (void)state;
    make(&late);
    for (unsigned i = 0; i < REQUESTS; i++)
        submit(i);
    end();
    assert_int_equal(completions, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_keeps_the_order_of_a_channel_and_no_other),
        cmocka_unit_test(a_share_fails_and_has_not_happened),
        cmocka_unit_test(what_is_over_the_limit_is_refused_at_once),
        cmocka_unit_test(destroy_forgets_what_is_in_flight),
    };

    return cmocka_run_group_tests_name("late_store", tests, NULL, NULL);
}
