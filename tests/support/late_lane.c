/* SPDX-License-Identifier: Apache-2.0 */
/* late_lane.c - see late_lane.h.
 *
 * A lane is the queue of one channel's requests in one store.  Without a
 * latency its oldest request is done when the lane's task or timer runs, and
 * then the next one gets a delay of its own.  With a latency each request is
 * due that much after it was submitted, and a jitter, but never before an
 * earlier one of its channel, as in a connection with many requests under way.
 *
 * A request is done for the inner store in the moment it completes, not when
 * it is submitted: what the store knows and what it has said agree always.
 *
 * Invariant: a lane exists while it has a request or runs, and is due exactly
 * once. */
#include "late_lane.h"

#include <stdlib.h>

#include "loop.h"
#include "timer.h"

enum { BATCH = 256 }; /* requests that a lane does in one task */

struct entry {
    struct entry *next;
    pl_late_apply *apply;
    struct pl_store_op *op;
    uint64_t due_ms;
    bool is_change;
};

struct lane {
    struct pl_map_node node;
    struct pl_late_lanes *lanes;
    struct entry *first;
    struct entry *last;
    struct pl_task task;
    struct pl_timer timer;
    size_t name_len;
    char name[];
};

static bool match(const struct pl_map_node *n, const void *key)
{
    const struct lane *l = (const struct lane *)n;

    return pl_span_equal((struct pl_span){l->name, l->name_len},
                         *(const struct pl_span *)key);
}

static bool is_pipelined(const struct pl_late_lanes *lanes)
{
    return lanes->options.latency_ms > 0;
}

static uint64_t delay_of(struct pl_late_lanes *lanes)
{
    return pl_random_below(&lanes->random,
                           (uint64_t)lanes->options.delay_ms + 1);
}

/* When the lane's oldest request is to be done; 0: in the next turn. */
static uint64_t wait_of(struct lane *lane)
{
    struct pl_late_lanes *lanes = lane->lanes;
    uint64_t now = pl_loop_now_ms(lanes->loop);
    uint64_t due = lane->first->due_ms;

    if (is_pipelined(lanes))
        return due > now ? due - now : 0;
    uint64_t delay = delay_of(lanes);
    return pl_random_below(&lanes->random, 2) == 0 ? 0 : delay;
}

static void schedule(struct lane *lane)
{
    uint64_t wait = wait_of(lane);

    if (wait == 0)
        pl_loop_defer(lane->lanes->loop, PL_STAGE_READY, &lane->task);
    else
        pl_timer_start(lane->lanes->loop, &lane->timer, wait);
}

static void destroy_lane(struct lane *lane)
{
    struct pl_late_lanes *lanes = lane->lanes;

    pl_loop_cancel(lanes->loop, &lane->task);
    pl_timer_stop(lanes->loop, &lane->timer);
    pl_map_remove(&lanes->map, &lane->node);
    while (lane->first != NULL) {
        struct entry *e = lane->first;

        lane->first = e->next;
        free(e);
    }
    free(lane);
}

bool pl_late_lanes_chance(struct pl_late_lanes *lanes, uint32_t permille)
{
    return permille > 0 && pl_random_below(&lanes->random, 1000) < permille;
}

/* Half of the changes that time out have happened. */
static void apply(struct pl_late_lanes *lanes, const struct entry *e)
{
    if (pl_late_lanes_chance(lanes, lanes->options.fail_permille)) {
        e->op->error = PL_EIO;
    } else if (pl_late_lanes_chance(lanes, lanes->options.timeout_permille)) {
        if (e->is_change && pl_late_lanes_chance(lanes, 500))
            e->apply(lanes, e->op);
        e->op->error = PL_ETIMEDOUT;
    } else {
        e->apply(lanes, e->op);
    }
}

static void do_oldest(struct lane *lane)
{
    struct entry e = *lane->first;

    free(lane->first);
    lane->first = e.next;
    lane->lanes->in_flight--;
    apply(lane->lanes, &e);
    e.op->done(e.op);
}

static bool is_due(const struct lane *lane)
{
    return lane->first != NULL && is_pipelined(lane->lanes) &&
           lane->first->due_ms <= pl_loop_now_ms(lane->lanes->loop);
}

static void run(struct lane *lane)
{
    int n = 0;

    do
        do_oldest(lane);
    while (++n < BATCH && is_due(lane));
    if (lane->first != NULL)
        schedule(lane);
    else
        destroy_lane(lane);
}

static void run_task(struct pl_task *t)
{
    run(PL_CONTAINER(t, struct lane, task));
}

static void run_timer(struct pl_timer *t)
{
    run(PL_CONTAINER(t, struct lane, timer));
}

static struct lane *create_lane(struct pl_late_lanes *lanes,
                                const struct pl_store_op *op)
{
    struct lane *lane = calloc(1, sizeof *lane + op->channel.len);

    if (lane == NULL)
        return NULL;
    lane->lanes = lanes;
    lane->task.run = run_task;
    lane->timer.fire = run_timer;
    lane->name_len = op->channel.len;
    memcpy(lane->name, op->channel.at, op->channel.len);
    if (pl_map_add(&lanes->map, &lane->node, op->hash) != PL_OK) {
        free(lane);
        return NULL;
    }
    return lane;
}

static void queue(struct lane *lane, struct entry *e)
{
    struct pl_late_lanes *lanes = lane->lanes;

    if (is_pipelined(lanes))
        e->due_ms = pl_loop_now_ms(lanes->loop) + lanes->options.latency_ms +
                    delay_of(lanes);
    if (lane->first == NULL) {
        lane->first = e;
    } else {
        if (e->due_ms < lane->last->due_ms)
            e->due_ms = lane->last->due_ms;
        lane->last->next = e;
    }
    lane->last = e;
    lanes->in_flight++;
}

static enum pl_store_reply refuse(struct pl_store_op *op, enum pl_err err)
{
    op->error = err;
    return PL_STORE_DONE;
}

enum pl_store_reply pl_late_lanes_submit(struct pl_late_lanes *lanes,
                                         struct pl_store_op *op,
                                         pl_late_apply *call, bool is_change)
{
    if (lanes->options.limit > 0 && lanes->in_flight >= lanes->options.limit)
        return refuse(op, PL_EFULL);
    struct entry *e = malloc(sizeof *e);
    if (e == NULL)
        return refuse(op, PL_ENOMEM);
    *e = (struct entry){.apply = call, .op = op, .is_change = is_change};
    struct lane *lane =
        (struct lane *)pl_map_find(&lanes->map, op->hash, match, &op->channel);
    bool is_new = lane == NULL;
    if (is_new && (lane = create_lane(lanes, op)) == NULL) {
        free(e);
        return refuse(op, PL_ENOMEM);
    }
    queue(lane, e);
    if (is_new)
        schedule(lane);
    return PL_STORE_LATER;
}

void pl_late_lanes_init(struct pl_late_lanes *lanes, struct pl_loop *loop,
                        const struct pl_late_options *options)
{
    lanes->loop = loop;
    lanes->options = *options;
    pl_random_init_seeded(&lanes->random, options->seed);
}

static void free_lane(struct pl_map_node *n, void *arg)
{
    (void)arg;
    destroy_lane((struct lane *)n);
}

void pl_late_lanes_fini(struct pl_late_lanes *lanes)
{
    pl_map_each(&lanes->map, free_lane, NULL);
    pl_map_fini(&lanes->map);
}
