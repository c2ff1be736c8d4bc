/* SPDX-License-Identifier: Apache-2.0 */
/* memory_watch.c - enforces limits.memory: measures the process once a second.
 *
 * From 85% of the limit histories are shed; from 90% new work is refused; from
 * 100% the slowest clients are closed too.  Each loop sheds in proportion to
 * what it holds.  To avoid oscillation, refusing ends below 80%, closing below
 * 90%, and shedding of histories aims at 75%.  One pass sheds at most a quarter
 * of all histories: if something else uses the memory, losing all of them does
 * not help.  A process about to refuse work is measured every 100 ms, up to 10
 * times, to see whether shedding was enough.
 *
 * The limit applies to resident memory, because the kernel kills by it.  The C
 * library keeps freed memory, so near the limit it is trimmed before the
 * measurement.
 *
 * Rejected: using only the broker's counters, because they miss tables and what
 * an embedding program allocates.
 *
 * Invariant: memory_state is what the session managers were sent last, unless
 * is_memory_told is false; then the next measurement sends it again. */
#include <inttypes.h>

#include "log.h"
#include "memory_mail.h"
#include "supervisor_private.h"

enum {
    LOOK_MS = 1000,
    SHED_AT = 100, /* per cent of the limit */
    REFUSE_AT = 90,
    HISTORY_AT = 85,
    SHED_UNTIL = 90,
    REFUSE_UNTIL = 80,
    HISTORY_UNTIL = 75,
    HISTORY_PARTS = 4, /* at most one of them is shed per pass */
    HURRY_MS = 100,    /* to the next measurement if shedding may suffice */
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

/* Read metric `what` of each session manager's loop.  Return the sum, and in
 * *mine the value of loop `manager`. */
static uint64_t look_at_loops(const struct pl_supervisor *s, size_t manager,
                              enum pl_metric what, uint64_t *mine)
{
    uint64_t v[PL_METRIC_COUNT], sum = 0;

    *mine = 0;
    for (size_t i = 0; i < s->managers.count; i++) {
        pl_snapshot_read(s->options.snapshots[i], v);
        sum += v[what];
        if (i == manager)
            *mine = v[what];
    }
    return sum;
}

/* The part of `excess` for one loop, rounded up, so that every loop that holds
 * something sheds something. */
static uint64_t share_of(const struct pl_supervisor *s, size_t manager,
                         enum pl_metric what, uint64_t excess)
{
    uint64_t mine, sum = look_at_loops(s, manager, what, &mine);

    if (mine == 0 || excess == 0)
        return 0;
    if (excess >= sum)
        return mine;
    return (uint64_t)((double)excess * (double)mine / (double)sum) + 1;
}

static bool tell(struct pl_supervisor *s, size_t manager, uint64_t excess)
{
    struct pl_memory_mail *m = pl_memory_mail_create();

    if (m == NULL)
        return false;
    m->is_short = s->memory_state != STATE_ENOUGH;
    m->shed_bytes = share_of(s, manager, PL_METRIC_QUEUE_BYTES, excess);
    pl_actor_send(&s->actor, s->managers.at[manager].address, &m->msg);
    return true;
}

static void tell_all(struct pl_supervisor *s, uint64_t used)
{
    uint64_t excess =
        s->memory_state == STATE_SHEDDING ? used - part(s, SHED_UNTIL) : 0;

    s->is_memory_told = true;
    for (size_t i = 0; i < s->managers.count; i++) {
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

/* Return true if histories must be shed.  While new work is refused, the
 * threshold is the one at which refusing ends. */
static bool is_history_due(const struct pl_supervisor *s, uint64_t used)
{
    unsigned from = s->memory_state == STATE_ENOUGH ? HISTORY_AT : REFUSE_UNTIL;

    return used >= part(s, from) && history_bytes(s) > 0;
}

/* If allocation fails, the next measurement tries again. */
static void shed_histories(struct pl_supervisor *s, uint64_t used)
{
    uint64_t excess = used - part(s, HISTORY_UNTIL);
    uint64_t most = history_bytes(s) / HISTORY_PARTS + 1;

    for (size_t i = 0; i < s->managers.count; i++) {
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

/* Return true to wait for the effect of shedding before refusing new work. */
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
    s->is_memory_told = true; /* nothing to send: STATE_ENOUGH is their
                                 default */
    if (s->options.memory_limit > 0)
        pl_timer_start(s->actor.loop, &s->look, 0);
}

void pl_supervisor_unwatch_memory(struct pl_supervisor *s)
{
    pl_timer_stop(s->actor.loop, &s->look);
    s->memory_state = STATE_ENOUGH;
    publish(s, 0, 0);
}
