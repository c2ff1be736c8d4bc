/* SPDX-License-Identifier: Apache-2.0 */
/* numbers.c - publishes the metrics of a loop at the end of each turn.
 *
 * The runtime knows no metrics, so its counts are first copied to the metrics
 * of the loop. */
#include "share.h"

static void copy_pool(uint64_t *v, struct pl_pool *pool)
{
    struct pl_pool_stats t = pl_pool_stats(pool);

    v[PL_METRIC_JOBS_QUEUED] = t.queued;
    v[PL_METRIC_JOBS_IN_PROGRESS] = t.in_progress;
    v[PL_METRIC_JOBS_DONE] = t.done;
    v[PL_METRIC_JOBS_CANCELLED] = t.cancelled;
    v[PL_METRIC_JOBS_REFUSED] = t.refused;
}

void pl_broker_copy_stats(struct pl_share *s)
{
    const struct pl_loop_stats *t = pl_loop_stats(s->loop);
    uint64_t *v = s->metrics.value;

    v[PL_METRIC_LOOP_TURNS] = t->turns;
    v[PL_METRIC_LOOP_LAG_NS] = t->lag_ns;
    v[PL_METRIC_LOOP_LAG_RECENT_NS] = t->lag_recent_ns;
    v[PL_METRIC_LOOP_LAG_MAX_NS] = t->turn_ns_max;
    v[PL_METRIC_LOOP_WAKES] = t->wakes;
    v[PL_METRIC_ACTORS] = t->actors;
    v[PL_METRIC_TIMERS] = t->timers;
    v[PL_METRIC_MAIL_ENQUEUED] = t->mail_enqueued;
    v[PL_METRIC_MAIL_HANDLED] = t->mail_handled;
    v[PL_METRIC_MAIL_QUEUED] = t->mail_queued;
    v[PL_METRIC_MAIL_DEEPEST] = t->mail_deepest;
    v[PL_METRIC_MAIL_WAIT_NS] = t->mail_wait_ns;
    v[PL_METRIC_DEAD_STALE] = t->mail_dead[PL_DEAD_STALE];
    v[PL_METRIC_DEAD_FULL] = t->mail_dead[PL_DEAD_FULL];
    v[PL_METRIC_DEAD_CLOSING] = t->mail_dead[PL_DEAD_CLOSING];
    v[PL_METRIC_DEAD_UNREACHABLE] = t->mail_dead[PL_DEAD_UNREACHABLE];
    v[PL_METRIC_DEAD_REFUSED] = t->mail_dead[PL_DEAD_REFUSED];
    v[PL_METRIC_POSTS_SENT] = t->posts_sent;
    v[PL_METRIC_POSTS_TAKEN] = t->posts_taken;
    v[PL_METRIC_POSTS_FOREIGN] = t->posts_foreign;
    if (s->pool != NULL)
        copy_pool(v, s->pool);
}

void pl_broker_publish_numbers(void *share)
{
    struct pl_share *s = share;

    pl_broker_copy_stats(s);
    pl_snapshot_publish(s->snapshot, s->metrics.value);
    pl_stalls_on_turn_end(s->stalls, s->loop);
}
