/* SPDX-License-Identifier: Apache-2.0 */
/* phase_trace.c - see phase_trace.h.
 *
 * The writer keeps the numbers in a plain array and publishes all of them at
 * each change, so a reader gets a consistent state without waiting.  The trace
 * is not part of the supervisor, because the last phase is recorded after the
 * supervisor and its loop have ended.
 *
 * Invariant: phases ascend, each begins at most once, and only the latest may
 * be unfinished. */
#include "phase_trace.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "snapshot.h"

enum field { REACHED, OVER, DEADLINE_MS, BEGIN_MS, ELAPSED_MS, FORCED, FIELDS };
enum { NUMBERS = PL_PHASE_COUNT * FIELDS };

struct pl_phase_trace {
    const struct pl_clock *clock;
    struct pl_snapshot *published;
    /* Writer only. */
    uint64_t at[PL_PHASE_COUNT][FIELDS];
};

static uint64_t now_ms(const struct pl_phase_trace *t)
{
    return t->clock->monotonic(t->clock) / 1000000u;
}

static void publish(struct pl_phase_trace *t)
{
    pl_snapshot_publish(t->published, &t->at[0][0]);
}

enum pl_err pl_phase_trace_create(struct pl_phase_trace **out,
                                  const struct pl_clock *clock)
{
    struct pl_phase_trace *t = calloc(1, sizeof *t);

    if (t == NULL)
        return PL_ENOMEM;
    t->clock = clock;
    enum pl_err rc = pl_snapshot_create(&t->published, NUMBERS);
    if (rc != PL_OK) {
        free(t);
        return rc;
    }
    *out = t;
    return PL_OK;
}

void pl_phase_trace_destroy(struct pl_phase_trace *t)
{
    if (t == NULL)
        return;
    pl_snapshot_destroy(t->published);
    free(t);
}

static enum pl_phase newest(const uint64_t at[PL_PHASE_COUNT][FIELDS])
{
    int phase = PL_PHASE_COUNT - 1;

    while (phase > PL_PHASE_RUNNING && !at[phase][REACHED])
        phase--;
    return (enum pl_phase)phase;
}

enum pl_phase pl_phase_trace_now(const struct pl_phase_trace *t)
{
    return newest(t->at);
}

static void end(struct pl_phase_trace *t, enum pl_phase phase, uint64_t now)
{
    uint64_t *at = t->at[phase];

    if (!at[REACHED])
        return;
    at[OVER] = true;
    at[ELAPSED_MS] = now - at[BEGIN_MS];
    PL_LOG(PL_LOG_INFO, "phase over",
           pl_log_string("phase", pl_phase_text(phase)),
           pl_log_number("elapsed_ms", (int64_t)at[ELAPSED_MS]),
           pl_log_number("deadline_ms", (int64_t)at[DEADLINE_MS]),
           pl_log_number("forced", (int64_t)at[FORCED]));
}

void pl_phase_trace_begin(struct pl_phase_trace *t, enum pl_phase phase,
                          uint64_t deadline_ms)
{
    enum pl_phase before = pl_phase_trace_now(t);
    uint64_t now = now_ms(t);

    assert(phase > before ||
           (phase == PL_PHASE_RUNNING && !t->at[phase][REACHED]));
    end(t, before, now);
    t->at[phase][REACHED] = true;
    /* STOPPED is a state without a duration. */
    t->at[phase][OVER] = phase == PL_PHASE_STOPPED;
    t->at[phase][DEADLINE_MS] = deadline_ms;
    t->at[phase][BEGIN_MS] = now;
    publish(t);
}

void pl_phase_trace_force(struct pl_phase_trace *t, uint64_t count)
{
    t->at[pl_phase_trace_now(t)][FORCED] += count;
    publish(t);
}

static void read_record(struct pl_phase_record *out, const uint64_t at[FIELDS],
                        uint64_t now)
{
    *out = (struct pl_phase_record){
        .is_reached = at[REACHED] != 0,
        .is_over = at[OVER] != 0,
        .deadline_ms = at[DEADLINE_MS],
        .elapsed_ms = at[ELAPSED_MS],
        .forced = at[FORCED],
    };
    /* The clock was read after the numbers, so `now` is not before BEGIN_MS. */
    if (out->is_reached && !out->is_over)
        out->elapsed_ms = now - at[BEGIN_MS];
}

void pl_phase_trace_read(const struct pl_phase_trace *t,
                         struct pl_phase_view *out)
{
    uint64_t at[PL_PHASE_COUNT][FIELDS];

    pl_snapshot_read(t->published, &at[0][0]);
    uint64_t now = now_ms(t);
    memset(out, 0, sizeof *out);
    out->is_started = at[PL_PHASE_RUNNING][REACHED] != 0;
    out->phase = newest(at);
    for (int i = 0; i < PL_PHASE_COUNT; i++)
        read_record(&out->at[i], at[i], now);
    if (out->phase == PL_PHASE_STOPPED)
        now = at[PL_PHASE_STOPPED][BEGIN_MS];
    if (out->is_started)
        out->uptime_ms = now - at[PL_PHASE_RUNNING][BEGIN_MS];
}

const char *pl_phase_text(enum pl_phase phase)
{
    static const char *const text[PL_PHASE_COUNT] = {
        "running",   "signal", "grace", "disconnect",
        "listeners", "cancel", "reset", "stopped",
    };

    return phase < PL_PHASE_COUNT ? text[phase] : "unknown";
}
