/* SPDX-License-Identifier: Apache-2.0 */
/* memory_watch.c - limits.memory: once a second, how much has the process?
 *
 * Before the limit histories are shed; nearer to it new work is refused; at the
 * limit the slowest clients are closed as well.  Each loop gives its share of
 * what it has.  All three end lower than they begin, so that it does not change
 * its mind each second.
 *
 * Histories go a quarter at a time at most: when something else has the memory,
 * a loss of all of them would help nobody.  A process that grows so fast that
 * it is due to refuse is looked at again soon, some times in a row, to see
 * whether shedding was enough.
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
    HISTORY_AT = 85,
    SHED_UNTIL = 90,
    REFUSE_UNTIL = 80,
    HISTORY_UNTIL = 75,
    HISTORY_PARTS = 4, /* one of them at most goes at a time */
    HURRY_MS = 100,    /* to the next look when shedding may be enough */
    HURRIES = 10       /* in a row */
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

/* What each keeper's loop has of it; gives the sum. */
static uint64_t look_at_loops(const struct pl_supervisor *s, size_t keeper,
                              enum pl_metric what, uint64_t *mine)
{
    uint64_t v[PL_METRIC_COUNT], sum = 0;

    *mine = 0;
    for (size_t i = 0; i < s->keepers.count; i++) {
        pl_snapshot_read(s->options.snapshots[i], v);
        sum += v[what];
        if (i == keeper)
            *mine = v[what];
    }
    return sum;
}

/* Rounded up, so that a loop with anything gives something. */
static uint64_t share_of(const struct pl_supervisor *s, size_t keeper,
                         enum pl_metric what, uint64_t excess)
{
    uint64_t mine, sum = look_at_loops(s, keeper, what, &mine);

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
    m->shed_bytes = share_of(s, keeper, PL_METRIC_QUEUE_BYTES, excess);
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

/* --- Histories --- */

static uint64_t history_bytes(const struct pl_supervisor *s)
{
    uint64_t mine;

    return s->options.channels == NULL
               ? 0
               : look_at_loops(s, 0, PL_METRIC_HISTORY_BYTES, &mine);
}

/* Whether histories are to be shed.  Once new work is refused, as long as it
 * is. */
static bool is_history_due(const struct pl_supervisor *s, uint64_t used)
{
    unsigned from = s->memory_state == STATE_ENOUGH ? HISTORY_AT : REFUSE_UNTIL;

    return used >= part(s, from) && history_bytes(s) > 0;
}

/* Out of memory: the next look tries again. */
static void shed_histories(struct pl_supervisor *s, uint64_t used)
{
    uint64_t excess = used - part(s, HISTORY_UNTIL);
    uint64_t most = history_bytes(s) / HISTORY_PARTS + 1;

    for (size_t i = 0; i < s->keepers.count; i++) {
        struct pl_memory_mail *m = pl_memory_mail_create();

        if (m == NULL)
            return;
        m->shed_bytes = share_of(s, i, PL_METRIC_HISTORY_BYTES,
                                 excess < most ? excess : most);
        pl_actor_send(&s->actor, s->options.channels[i], &m->msg);
    }
}

/* --- The look --- */

static uint64_t measure(const struct pl_supervisor *s)
{
    const struct pl_supervisor_options *o = &s->options;
    uint64_t used = o->memory_used(o->arg, false);

    if (s->memory_state != STATE_ENOUGH || used >= part(s, REFUSE_AT) ||
        is_history_due(s, used))
        used = o->memory_used(o->arg, true);
    return used;
}

/* Whether to wait for what shedding gives before new work is refused. */
static bool may_be_enough(struct pl_supervisor *s, uint8_t state)
{
    if (s->memory_state == STATE_ENOUGH && state == STATE_REFUSING &&
        s->hurried < HURRIES) {
        s->hurried++;
        return true;
    }
    return false;
}

static void enter(struct pl_supervisor *s, uint8_t state, uint64_t used)
{
    uint8_t before = s->memory_state;

    s->memory_state = state;
    if (state != before)
        log_change(s, before, used);
    if (state != before || state == STATE_SHEDDING || !s->is_memory_told)
        tell_all(s, used);
}

static void on_look(struct pl_timer *t)
{
    struct pl_supervisor *s = PL_CONTAINER(t, struct pl_supervisor, look);
    uint64_t used = measure(s);
    uint8_t state = next_state(s, used);
    bool sheds = is_history_due(s, used);
    bool waits = sheds && may_be_enough(s, state);

    if (sheds)
        shed_histories(s, used);
    if (!waits) {
        s->hurried = 0;
        enter(s, state, used);
    }
    publish(s, used, s->options.memory_limit);
    pl_timer_start(s->actor.loop, &s->look, waits ? HURRY_MS : LOOK_MS);
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
