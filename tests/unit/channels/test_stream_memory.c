/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "loop.h"
#include "metrics.h"
#include "sim.h"
#include "stream_memory.h"
#include "system.h"

struct rig {
    struct pl_sim *sim;
    struct pl_loop *loop;
    struct pl_stream *store;
    struct pl_metrics metrics;
    char used; /* the channel with this first letter has subscribers */
};

static bool is_used(void *owner, struct pl_span channel, uint64_t hash)
{
    (void)hash;
    return channel.at[0] == ((struct rig *)owner)->used;
}

static void do_nothing(struct pl_task *t)
{
    (void)t;
}

/* A loop's time is that of its newest turn: have one at the end. */
static void advance(struct rig *r, uint64_t ms)
{
    struct pl_task t = {.run = do_nothing};

    pl_sim_advance(r->sim, ms);
    pl_loop_defer(r->loop, PL_STAGE_READY, &t);
    pl_sim_advance(r->sim, 0);
}

static struct rig *make(struct pl_stream_memory_options o)
{
    struct rig *r = calloc(1, sizeof *r);

    assert_non_null(r);
    assert_int_equal(pl_sim_create(&r->sim, 1, 5), PL_OK);
    r->loop = pl_system_loop(pl_sim_system(r->sim), 0);
    o.metrics = &r->metrics;
    assert_int_equal(pl_stream_memory_create(&r->store, r->loop, &o), PL_OK);
    r->store->ops->bind(r->store, is_used, r);
    advance(r, 1);
    return r;
}

static void end(struct rig *r)
{
    r->store->ops->destroy(r->store);
    assert_int_equal(r->metrics.value[PL_METRIC_STREAMS], 0);
    assert_int_equal(pl_loop_stats(r->loop)->timers, 0);
    pl_sim_destroy(r->sim);
    free(r);
}

static const struct pl_stream_memory_options usual = {
    .size = 5, .ttl_ms = 8000, .meta_ttl_ms = 60000};

static enum pl_err append(struct rig *r, const char *channel, uint64_t *offset)
{
    struct pl_stream_append a = {
        .op = {.channel = pl_span_of(channel), .hash = 1}};

    a.pub = pl_pub_create(a.op.channel, 1, PL_SPAN("x"), NULL);
    assert_non_null(a.pub);
    assert_int_equal(r->store->ops->append(r->store, &a), PL_STORE_DONE);
    *offset = a.pub->offset;
    pl_pub_release(a.pub);
    return a.op.error;
}

static void must_append(struct rig *r, const char *channel, uint64_t offset)
{
    uint64_t got;

    assert_int_equal(append(r, channel, &got), PL_OK);
    assert_int_equal(got, offset);
}

static enum pl_err top(struct rig *r, const char *channel, uint64_t *offset,
                       char epoch[PL_EPOCH_MAX])
{
    struct pl_stream_top t = {
        .op = {.channel = pl_span_of(channel), .hash = 1}};

    assert_int_equal(r->store->ops->top(r->store, &t), PL_STORE_DONE);
    if (t.op.error == PL_OK) {
        *offset = t.offset;
        memcpy(epoch, t.epoch, PL_EPOCH_MAX);
    }
    return t.op.error;
}

/* All that is held: how many, and the first offset. */
static uint32_t held(struct rig *r, const char *channel, uint64_t *first)
{
    struct pl_stream_range g = {
        .top = {.op = {.channel = pl_span_of(channel), .hash = 1}},
        .limit = UINT32_MAX};

    assert_int_equal(r->store->ops->range(r->store, &g), PL_STORE_DONE);
    assert_int_equal(g.top.op.error, PL_OK);
    *first = g.count > 0 ? g.pubs[0]->offset : 0;
    for (uint32_t i = 0; i < g.count; i++) {
        assert_int_equal(g.pubs[i]->offset, *first + i);
        pl_pub_release(g.pubs[i]);
    }
    free(g.pubs);
    return g.count;
}

static uint64_t streams(const struct rig *r)
{
    return r->metrics.value[PL_METRIC_STREAMS];
}

static uint64_t turns(const struct rig *r)
{
    return pl_loop_stats(r->loop)->turns;
}

static void offsets_count_from_one_and_the_newest_are_kept(void **state)
{
    struct rig *r = make(usual);
    uint64_t first;

    (void)state;
    for (uint64_t i = 1; i <= 12; i++) {
        must_append(r, "a", i);
        assert_int_equal(held(r, "a", &first), i < 5 ? i : 5);
        assert_int_equal(first, i < 5 ? 1 : i - 4);
    }
    must_append(r, "b", 1);
    end(r);
}

static void a_ring_of_one_keeps_the_newest(void **state)
{
    struct pl_stream_memory_options o = usual;
    uint64_t first;

    (void)state;
    o.size = 1;
    struct rig *r = make(o);
    for (uint64_t i = 1; i <= 3; i++) {
        must_append(r, "a", i);
        assert_int_equal(held(r, "a", &first), 1);
        assert_int_equal(first, i);
    }
    end(r);
}

static void an_epoch_is_eight_letters_and_stays(void **state)
{
    struct rig *r = make(usual);
    char epoch[2][PL_EPOCH_MAX];
    uint64_t offset;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(top(r, "a", &offset, epoch[i]), PL_OK);
        must_append(r, "a", (uint64_t)i + 1);
    }
    assert_string_equal(epoch[0], epoch[1]);
    assert_int_equal(strspn(epoch[0], "abcdefghijklmnopqrstuvwxyz"
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
                     8);
    assert_int_equal(top(r, "b", &offset, epoch[1]), PL_OK);
    assert_string_not_equal(epoch[0], epoch[1]);
    end(r);
}

static void the_expired_are_never_returned(void **state)
{
    struct rig *r = make(usual);
    uint64_t first;

    (void)state;
    must_append(r, "a", 1);
    advance(r, 4000);
    must_append(r, "a", 2);
    advance(r, 3999);
    assert_int_equal(held(r, "a", &first), 2);
    advance(r, 1);
    assert_int_equal(held(r, "a", &first), 1);
    assert_int_equal(first, 2);
    advance(r, 4000);
    assert_int_equal(held(r, "a", &first), 0);
    must_append(r, "a", 3); /* the position stays */
    end(r);
}

static void memory_of_the_expired_goes_by_timer(void **state)
{
    struct rig *r = make(usual);
    struct pl_stream_append a = {.op = {.channel = PL_SPAN("a"), .hash = 1}};

    (void)state;
    a.pub = pl_pub_create(a.op.channel, 1, PL_SPAN("x"), NULL);
    assert_int_equal(r->store->ops->append(r->store, &a), PL_STORE_DONE);
    assert_int_equal(atomic_load(&a.pub->refs.count), 2);
    advance(r, 9100); /* ttl and its slack of an eighth */
    assert_int_equal(atomic_load(&a.pub->refs.count), 1);
    pl_pub_release(a.pub);
    end(r);
}

static void epoch_and_offset_outlive_the_last_use_by_meta_ttl(void **state)
{
    struct rig *r = make(usual);
    char epoch[2][PL_EPOCH_MAX];
    uint64_t offset;

    (void)state;
    must_append(r, "a", 1);
    advance(r, 59000);
    assert_int_equal(top(r, "a", &offset, epoch[0]), PL_OK);
    assert_int_equal(offset, 1);
    advance(r, 59000);
    assert_int_equal(streams(r), 1);
    advance(r, 1100);
    assert_int_equal(streams(r), 0);
    assert_int_equal(top(r, "a", &offset, epoch[1]), PL_OK);
    assert_int_equal(offset, 0);
    assert_string_not_equal(epoch[0], epoch[1]);
    end(r);
}

static void a_stream_with_subscribers_stays(void **state)
{
    struct rig *r = make(usual);

    (void)state;
    r->used = 'a';
    must_append(r, "a", 1);
    advance(r, 200000);
    assert_int_equal(streams(r), 1);
    r->used = 0;
    r->store->ops->idle(r->store, PL_SPAN("a"), 1);
    advance(r, 59000);
    assert_int_equal(streams(r), 1);
    advance(r, 1100);
    assert_int_equal(streams(r), 0);
    r->store->ops->idle(r->store, PL_SPAN("a"), 1); /* not there: nothing */
    end(r);
}

static void nothing_wakes_the_loop_when_nothing_can_expire(void **state)
{
    struct rig *r = make(usual);

    (void)state;
    r->used = 'a';
    must_append(r, "a", 1);
    advance(r, 100000); /* publication and first look at the line */
    assert_int_equal(pl_loop_stats(r->loop)->timers, 0);
    uint64_t before = turns(r);
    pl_sim_advance(r->sim, 1000000);
    assert_int_equal(turns(r), before);
    end(r);
}

static void a_busy_stream_wakes_the_loop_rarely(void **state)
{
    struct rig *r = make(usual);

    (void)state;
    for (uint64_t i = 1; i <= 2000; i++) {
        must_append(r, "a", i);
        advance(r, 10);
    }
    /* 20 s: each look lies a slack of 1 s behind what it drops */
    assert_in_range(turns(r) - 2000, 1, 100);
    end(r);
}

static void
a_new_stream_takes_the_place_of_the_least_recently_used(void **state)
{
    struct pl_stream_memory_options o = usual;
    char epoch[PL_EPOCH_MAX];
    uint64_t offset;

    (void)state;
    o.limit = 3;
    struct rig *r = make(o);
    must_append(r, "a", 1);
    must_append(r, "b", 1);
    must_append(r, "c", 1);
    advance(r, 20000); /* all are empty */
    assert_int_equal(top(r, "a", &offset, epoch), PL_OK);
    must_append(r, "d", 1); /* for b */
    assert_int_equal(streams(r), 3);
    must_append(r, "a", 2);
    must_append(r, "c", 2);
    must_append(r, "d", 2);
    assert_int_equal(append(r, "b", &offset), PL_ELIMIT); /* none is idle */
    assert_int_equal(top(r, "b", &offset, epoch), PL_ELIMIT);
    advance(r, 20000);
    must_append(r, "b", 1);
    end(r);
}

static void a_stream_in_use_is_not_evicted(void **state)
{
    struct pl_stream_memory_options o = usual;
    char epoch[PL_EPOCH_MAX];
    uint64_t offset;

    (void)state;
    o.limit = 2;
    struct rig *r = make(o);
    assert_int_equal(top(r, "a", &offset, epoch), PL_OK);
    assert_int_equal(top(r, "b", &offset, epoch), PL_OK);
    r->used = 'a';
    assert_int_equal(top(r, "c", &offset, epoch), PL_OK); /* for b */
    assert_int_equal(top(r, "d", &offset, epoch), PL_OK); /* for c */
    assert_int_equal(append(r, "d", &offset), PL_OK);
    assert_int_equal(top(r, "e", &offset, epoch), PL_ELIMIT);
    r->used = 0;
    r->store->ops->idle(r->store, PL_SPAN("a"), 1);
    assert_int_equal(top(r, "e", &offset, epoch), PL_OK); /* for a */
    end(r);
}

static void removing_forgets_publications_but_not_the_position(void **state)
{
    struct rig *r = make(usual);
    struct pl_store_op op = {.channel = PL_SPAN("a"), .hash = 1};
    uint64_t first;

    (void)state;
    assert_int_equal(r->store->ops->remove(r->store, &op), PL_STORE_DONE);
    assert_int_equal(op.error, PL_OK);
    must_append(r, "a", 1);
    must_append(r, "a", 2);
    assert_int_equal(r->store->ops->remove(r->store, &op), PL_STORE_DONE);
    assert_int_equal(held(r, "a", &first), 0);
    must_append(r, "a", 3);
    assert_int_equal(held(r, "a", &first), 1);
    assert_int_equal(first, 3);
    end(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_count_from_one_and_the_newest_are_kept),
        cmocka_unit_test(a_ring_of_one_keeps_the_newest),
        cmocka_unit_test(an_epoch_is_eight_letters_and_stays),
        cmocka_unit_test(the_expired_are_never_returned),
        cmocka_unit_test(memory_of_the_expired_goes_by_timer),
        cmocka_unit_test(epoch_and_offset_outlive_the_last_use_by_meta_ttl),
        cmocka_unit_test(a_stream_with_subscribers_stays),
        cmocka_unit_test(nothing_wakes_the_loop_when_nothing_can_expire),
        cmocka_unit_test(a_busy_stream_wakes_the_loop_rarely),
        cmocka_unit_test(
            a_new_stream_takes_the_place_of_the_least_recently_used),
        cmocka_unit_test(a_stream_in_use_is_not_evicted),
        cmocka_unit_test(removing_forgets_publications_but_not_the_position),
    };

    return cmocka_run_group_tests_name("stream_memory", tests, NULL, NULL);
}
