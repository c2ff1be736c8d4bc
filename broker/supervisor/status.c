/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - see status.h.
 *
 * The numbers of one loop are consistent, from the end of one of its turns;
 * those of different loops are up to a turn apart.  Exact agreement needs a
 * message to each loop, to which a blocked loop never replies.  So three
 * ledgers are checked on each loop, and the ledger of posts between loops is
 * exact only while the broker is idle.
 *
 * A loop handle counts handler results that arrive after the shutdown, when the
 * loop no longer can.
 *
 * In a stopped broker the maxima (the length of turns, the depth of mailboxes)
 * are reported as 0.  Other gauges are reported as they are: if one is not 0,
 * something leaked. */
#include "status.h"

#include <stdlib.h>

#include "loop_handle.h"
#include "memory_limit.h"

static bool is_maximum(enum pl_metric m)
{
    switch (m) {
    case PL_METRIC_MAIL_DEEPEST:
    case PL_METRIC_MAIL_WAIT_NS:
    case PL_METRIC_LOOP_LAG_NS:
    case PL_METRIC_LOOP_LAG_RECENT_NS:
    case PL_METRIC_LOOP_LAG_MAX_NS:
        return true;
    default:
        return false;
    }
}

/* --- Ledgers --- */

static struct pl_ledger commands_of(const uint64_t v[PL_METRIC_COUNT])
{
    uint64_t out =
        v[PL_METRIC_COMMANDS_ANSWERED] + v[PL_METRIC_COMMANDS_REFUSED] +
        v[PL_METRIC_COMMANDS_SILENT] + v[PL_METRIC_COMMANDS_CANCELLED] +
        v[PL_METRIC_COMMANDS_PENDING];

    return (struct pl_ledger){v[PL_METRIC_COMMANDS], out,
                              v[PL_METRIC_COMMANDS] == out};
}

static struct pl_ledger mail_of(const uint64_t v[PL_METRIC_COUNT])
{
    uint64_t out = v[PL_METRIC_MAIL_HANDLED] + v[PL_METRIC_MAIL_QUEUED] +
                   v[PL_METRIC_DEAD_STALE] + v[PL_METRIC_DEAD_FULL] +
                   v[PL_METRIC_DEAD_CLOSING] + v[PL_METRIC_DEAD_UNREACHABLE] +
                   v[PL_METRIC_DEAD_REFUSED];

    return (struct pl_ledger){v[PL_METRIC_MAIL_ENQUEUED], out,
                              v[PL_METRIC_MAIL_ENQUEUED] == out};
}

static struct pl_ledger deliveries_of(const uint64_t v[PL_METRIC_COUNT])
{
    uint64_t out = v[PL_METRIC_FRAMES_SENT] +
                   pl_metrics_sum(v, "deliveries_dropped_") +
                   v[PL_METRIC_FRAMES_CANCELLED] + v[PL_METRIC_FRAMES_QUEUED];

    return (struct pl_ledger){v[PL_METRIC_FRAMES_OWED], out,
                              v[PL_METRIC_FRAMES_OWED] == out};
}

/* Posts from threads without a loop have no sender that counts them; the system
 * does (POSTS_FOREIGN). */
static struct pl_ledger posts_of(const uint64_t v[PL_METRIC_COUNT])
{
    uint64_t in = v[PL_METRIC_POSTS_SENT] + v[PL_METRIC_POSTS_FOREIGN];

    return (struct pl_ledger){in, v[PL_METRIC_POSTS_TAKEN],
                              in == v[PL_METRIC_POSTS_TAKEN]};
}

static void add(struct pl_ledger *sum, struct pl_ledger one)
{
    sum->in += one.in;
    sum->out += one.out;
    sum->is_balanced = sum->is_balanced && one.is_balanced;
}

static void add_up(struct pl_status *s)
{
    s->commands.is_balanced = true;
    s->mail.is_balanced = true;
    s->deliveries.is_balanced = true;
    for (unsigned i = 0; i < s->loop_count; i++) {
        add(&s->commands, commands_of(s->loops[i].value));
        add(&s->mail, mail_of(s->loops[i].value));
        add(&s->deliveries, deliveries_of(s->loops[i].value));
    }
    s->posts = posts_of(s->total);
}

/* --- Numbers --- */

static void merge(struct pl_status *s, const struct pl_status_loop *loop)
{
    for (int m = 0; m < PL_METRIC_COUNT; m++) {
        if (!is_maximum(m) && m != PL_METRIC_HANDLERS)
            s->total[m] += loop->value[m];
        else if (loop->value[m] > s->total[m])
            s->total[m] = loop->value[m];
    }
}

static void read_busy(struct pl_status_loop *out, struct pl_system *system,
                      unsigned index)
{
    const struct pl_clock *clock = pl_system_clock(system);
    uint64_t since_ns;

    if (!pl_loop_busy(pl_system_loop(system, index), out->busy, &since_ns))
        return;
    uint64_t now_ns = clock->monotonic(clock);
    out->busy_ms = now_ns > since_ns ? (now_ns - since_ns) / 1000000u : 0;
}

static void read_stall(struct pl_status *s, struct pl_stalls *stalls,
                       unsigned index)
{
    uint64_t ms = stalls == NULL ? 0 : pl_stalls_ms(stalls, index);

    s->loops[index].stuck_ms = ms;
    s->stuck += ms > 0;
}

static void read_loop(struct pl_status *s, const struct pl_status_source *from,
                      unsigned index)
{
    struct pl_status_loop *loop = &s->loops[index];

    pl_snapshot_read(from->snapshots[index], loop->value);
    loop->value[PL_METRIC_HANDLER_LATE] += pl_loop_handle_refused(
        pl_loop_handle_of(pl_system_loop(from->system, index)));
    loop->value[PL_METRIC_LOOP_CPU_NS] =
        pl_loop_cpu_ns(pl_system_loop(from->system, index));
    if (s->run.phase != PL_PHASE_STOPPED) {
        read_busy(loop, from->system, index);
        read_stall(s, from->stalls, index);
    } else {
        for (int m = 0; m < PL_METRIC_COUNT; m++) {
            if (is_maximum(m))
                loop->value[m] = 0;
        }
    }
    merge(s, loop);
}

enum pl_err pl_status_collect(struct pl_status *out,
                              const struct pl_status_source *source)
{
    struct pl_status s = {.version = source->version};

    s.loop_count = pl_system_loop_count(source->system);
    s.loops = calloc(s.loop_count, sizeof *s.loops);
    if (s.loops == NULL)
        return PL_ENOMEM;
    if (source->stalls != NULL)
        pl_stalls_look(source->stalls);
    pl_phase_trace_read(source->phases, &s.run);
    s.memory_bytes = pl_memory_resident("");
    s.log = pl_log_counts();
    for (unsigned i = 0; i < s.loop_count; i++)
        read_loop(&s, source, i);
    add_up(&s);
    *out = s;
    return PL_OK;
}

void pl_status_fini(struct pl_status *s)
{
    free(s->loops);
    s->loops = NULL;
    s->loop_count = 0;
}

bool pl_status_is_ready(const struct pl_status_source *source)
{
    struct pl_phase_view run;

    pl_phase_trace_read(source->phases, &run);
    return run.is_started && run.phase == PL_PHASE_RUNNING;
}

bool pl_status_is_stuck(const struct pl_status_source *source,
                        struct pl_stall *out)
{
    if (source->stalls == NULL)
        return false;
    pl_stalls_look(source->stalls);
    return pl_stalls_find(source->stalls, out);
}
