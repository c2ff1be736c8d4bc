/* SPDX-License-Identifier: Apache-2.0 */
/* memory_watch.c - limits.memory: once a second, how much has the process?
 *
 * Near the limit new work is refused; at the limit the slowest clients are
 * closed as well, each loop's share by what waits there for slow ones, until
 * there is some room again.  Both end lower than they begin, so that it does
 * not change its mind each second.
 *
 * What counts is resident memory, since that is what the kernel kills for.
 * But the C library keeps what was freed, so where it matters it is told to
 * give that back before the process is measured.  The broker's own counters
 * alone were rejected: they know queues, but neither history nor tables nor
 * what an embedding program takes.
 *
 * Without limits.memory there is no timer, and an idle broker stays asleep.
 *
 * Invariant: memory_state is what the keepers were told last, unless
 * is_memory_told is false; then they are told again with the next look. */
#include <inttypes.h>

#include "log.h"
#include "supervisor_private.h"

enum {
    LOOK_MS = 1000,
    SHED_AT = 100, /* per cent of the limit */
    REFUSE_AT = 90,
    SHED_UNTIL = 90,
    REFUSE_UNTIL = 80
};

enum { STATE_ENOUGH, STATE_REFUSING, STATE_SHEDDING };

static uint64_t part(const struct pl_supervisor *s, unsigned percent)
{
    uint64_t limit = s->options.memory_limit;

    return limit / 100 * percent + limit % 100 * percent / 100;
}

static uint8_t next_state(const struct pl_supervisor *s, uint64_t used)
{
    uint8_t state = s->memory_state;

    if (used >= part(s, SHED_AT) ||
        (state == STATE_SHEDDING && used >= part(s, SHED_UNTIL)))
        return STATE_SHEDDING;
    if (used >= part(s, REFUSE_AT) ||
        (state != STATE_ENOUGH && used >= part(s, REFUSE_UNTIL)))
        return STATE_REFUSING;
    return STATE_ENOUGH;
}

/* What waits on each keeper's loop; gives the sum. */
static uint64_t look_at_queues(const struct pl_supervisor *s, size_t keeper,
                               uint64_t *mine)
{
    uint64_t v[PL_METRIC_COUNT], sum = 0;

    *mine = 0;
    for (size_t i = 0; i < s->keepers.count; i++) {
        pl_snapshot_read(s->options.snapshots[i], v);
        sum += v[PL_METRIC_QUEUE_BYTES];
        if (i == keeper)
            *mine = v[PL_METRIC_QUEUE_BYTES];
    }
    return sum;
}

/* Rounded up, so that a loop with anything gives something. */
static uint64_t share_of(const struct pl_supervisor *s, size_t keeper,
                         uint64_t excess)
{
    uint64_t mine, sum = look_at_queues(s, keeper, &mine);

    if (mine == 0 || excess == 0)
        return 0;
    if (excess >= sum)
        return mine;
    return (uint64_t)((double)excess * (double)mine / (double)sum) + 1;
}

static bool tell(struct pl_supervisor *s, size_t keeper, uint64_t excess)
{
    struct pl_memory_mail *m = pl_memory_mail_create();

    if (m == NULL)
        return false;
    m->is_short = s->memory_state != STATE_ENOUGH;
    m->shed_bytes = share_of(s, keeper, excess);
    pl_actor_send(&s->actor, s->keepers.at[keeper].address, &m->msg);
    return true;
}

static void tell_all(struct pl_supervisor *s, uint64_t used)
{
    uint64_t excess =
        s->memory_state == STATE_SHEDDING ? used - part(s, SHED_UNTIL) : 0;

    s->is_memory_told = true;
    for (size_t i = 0; i < s->keepers.count; i++) {
        if (!tell(s, i, excess))
            s->is_memory_told = false;
    }
}

static void log_change(const struct pl_supervisor *s, uint8_t before,
                       uint64_t used)
{
    struct pl_log_field has = pl_log_number("used", (int64_t)used);
    struct pl_log_field may =
        pl_log_number("limit", (int64_t)s->options.memory_limit);

    if (s->memory_state == STATE_ENOUGH)
        PL_LOG(PL_LOG_INFO, "memory is enough again", has, may);
    else if (before == STATE_ENOUGH)
        PL_LOG(PL_LOG_WARN, "memory is short, new work is refused", has, may);
}

static void publish(struct pl_supervisor *s, uint64_t used, uint64_t limit)
{
    uint64_t *v = s->options.metrics->value;

    v[PL_METRIC_MEMORY_USED] = used;
    v[PL_METRIC_MEMORY_LIMIT] = limit;
    v[PL_METRIC_MEMORY_STATE] = s->memory_state;
}

static uint64_t measure(const struct pl_supervisor *s)
{
    const struct pl_supervisor_options *o = &s->options;
    uint64_t used = o->memory_used(o->arg, false);

    if (s->memory_state != STATE_ENOUGH || used >= part(s, REFUSE_AT))
        used = o->memory_used(o->arg, true);
    return used;
}

static void on_look(struct pl_timer *t)
{
    struct pl_supervisor *s = PL_CONTAINER(t, struct pl_supervisor, look);
    uint8_t before = s->memory_state;
    uint64_t used = measure(s);

    s->memory_state = next_state(s, used);
    publish(s, used, s->options.memory_limit);
    if (s->memory_state != before)
        log_change(s, before, used);
    if (s->memory_state != before || s->memory_state == STATE_SHEDDING ||
        !s->is_memory_told)
        tell_all(s, used);
    pl_timer_start(s->actor.loop, &s->look, LOOK_MS);
}

void pl_supervisor_watch_memory(struct pl_supervisor *s)
{
    s->look.fire = on_look;
    s->is_memory_told = true; /* nothing, which is what they take for granted */
    if (s->options.memory_limit > 0)
        pl_timer_start(s->actor.loop, &s->look, 0);
}

void pl_supervisor_unwatch_memory(struct pl_supervisor *s)
{
    pl_timer_stop(s->actor.loop, &s->look);
    s->memory_state = STATE_ENOUGH;
    publish(s, 0, 0);
}
