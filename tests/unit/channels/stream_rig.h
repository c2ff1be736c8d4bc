/* SPDX-License-Identifier: Apache-2.0 */
/* stream_rig.h - a memory store of streams on a simulated loop, for the tests
 * of this module. */
#ifndef STREAM_RIG_H
#define STREAM_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "loop.h"
#include "metrics.h"
#include "rules.h"
#include "sim.h"
#include "stream_memory.h"
#include "system.h"

/* A store, and the rules of all its streams. */
struct stream_options {
    struct pl_rules rules;
    struct pl_stream_memory_options store;
};

struct rig {
    struct pl_sim *sim;
    struct pl_loop *loop;
    struct pl_stream *store;
    struct pl_metrics metrics;
    struct pl_rulebook *book;
    struct pl_rules *rules; /* of every request */
    char used;        /* the channel with this first letter has subscribers */
    uint64_t step_ms; /* that passes before each request */
};

static inline bool is_used(void *owner, struct pl_span channel, uint64_t hash)
{
    (void)hash;
    return channel.at[0] == ((struct rig *)owner)->used;
}

static inline void do_nothing(struct pl_task *t)
{
    (void)t;
}

/* A loop's time is that of its newest turn: have one at the end. */
static inline void advance(struct rig *r, uint64_t ms)
{
    struct pl_task t = {.run = do_nothing};

    pl_sim_advance(r->sim, ms);
    pl_loop_defer(r->loop, PL_STAGE_READY, &t);
    pl_sim_advance(r->sim, 0);
}

static inline struct rig *make(struct stream_options o)
{
    struct rig *r = calloc(1, sizeof *r);

    assert_non_null(r);
    assert_int_equal(pl_sim_create(&r->sim, 1, 5), PL_OK);
    r->loop = pl_system_loop(pl_sim_system(r->sim), 0);
    o.store.metrics = &r->metrics;
    assert_int_equal(pl_stream_memory_create(&r->store, r->loop, &o.store),
                     PL_OK);
    assert_int_equal(
        pl_rulebook_create(&r->book, 1, &pl_naming_usual, &o.rules, 1), PL_OK);
    r->rules = pl_rulebook_default(r->book);
    r->store->ops->bind(r->store, is_used, r);
    advance(r, 1);
    return r;
}

static inline void end(struct rig *r)
{
    r->store->ops->destroy(r->store);
    assert_int_equal(r->metrics.value[PL_METRIC_STREAMS], 0);
    assert_int_equal(r->metrics.value[PL_METRIC_HISTORY_BYTES], 0);
    assert_int_equal(pl_loop_stats(r->loop)->timers, 0);
    pl_sim_destroy(r->sim);
    pl_rulebook_release(r->book);
    free(r);
}

static const struct stream_options usual = {.rules.history_size = 5,
                                            .rules.history_ttl_ms = 8000,
                                            .rules.meta_ttl_ms = 60000};

static inline void pass_step(struct rig *r)
{
    if (r->step_ms > 0)
        advance(r, r->step_ms);
}

/* `size` bytes by `client`, which may be NULL. */
static inline enum pl_err append_by(struct rig *r, const char *channel,
                                    struct pl_client *client, size_t size,
                                    uint64_t *offset)
{
    struct pl_stream_append a = {
        .op = {.channel = pl_span_of(channel), .hash = (uint8_t)channel[0]},
        .rules = r->rules};
    char *data = calloc(1, size + 1);

    assert_non_null(data);
    a.pub = pl_pub_create(a.op.channel, a.op.hash, (struct pl_span){data, size},
                          client);
    assert_non_null(a.pub);
    pass_step(r);
    assert_int_equal(r->store->ops->append(r->store, &a), PL_STORE_DONE);
    *offset = a.pub->offset;
    pl_pub_release(a.pub);
    free(data);
    return a.op.error;
}

static inline enum pl_err append(struct rig *r, const char *channel,
                                 uint64_t *offset)
{
    return append_by(r, channel, NULL, 1, offset);
}

static inline void must_append(struct rig *r, const char *channel,
                               uint64_t offset)
{
    uint64_t got;

    assert_int_equal(append(r, channel, &got), PL_OK);
    assert_int_equal(got, offset);
}

static inline enum pl_err top(struct rig *r, const char *channel,
                              uint64_t *offset, char epoch[PL_EPOCH_MAX])
{
    struct pl_stream_top t = {
        .op = {.channel = pl_span_of(channel), .hash = (uint8_t)channel[0]},
        .rules = r->rules};

    pass_step(r);
    assert_int_equal(r->store->ops->top(r->store, &t), PL_STORE_DONE);
    if (t.op.error == PL_OK) {
        *offset = t.offset;
        memcpy(epoch, t.epoch, PL_EPOCH_MAX);
    }
    return t.op.error;
}

/* All that is held: how many, and the first offset. */
static inline uint32_t held(struct rig *r, const char *channel, uint64_t *first)
{
    struct pl_stream_range g = {.top = {.op = {.channel = pl_span_of(channel),
                                               .hash = (uint8_t)channel[0]},
                                        .rules = r->rules},
                                .limit = UINT32_MAX};

    pass_step(r);
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

static inline uint64_t streams(const struct rig *r)
{
    return r->metrics.value[PL_METRIC_STREAMS];
}

#endif
