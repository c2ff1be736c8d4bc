/* SPDX-License-Identifier: Apache-2.0 */
/* stalls.c - see stalls.h.
 *
 * Each loop publishes when its turn began; any thread can compare that with the
 * clock.  The first observer of a stall logs it: another loop at the end of its
 * turn, at most LOOKS times per limits.loop_lag, or a request for the status,
 * the metrics or /ready.  The loop itself logs the end.
 *
 * A stall is only the start of a turn; nothing is kept after its end.  So a
 * process that was stopped during a turn (SIGSTOP) shows a stall until that
 * turn ends.
 *
 * Rejected: a periodic timer, because an idle broker makes no system calls; a
 * timer that runs while a loop works, because it wakes the control loop for
 * each loop that wakes.  In return, if the stuck loop is the only active one,
 * its stall is logged when it turns again.
 *
 * Invariant: `told_ns` is the start of a turn of its loop that was logged as a
 * stall; one exchange decides which thread logs. */
#include "stalls.h"

#include <stdlib.h>

#include "cell.h"
#include "log.h"

enum { NS = 1000000 /* a millisecond */, LOOKS = 4 /* per limits.loop_lag */ };

struct watch {
    struct pl_cell told_ns; /* start of the turn that was logged; any thread */
    uint64_t looked_ms;     /* last check of the other loops; the loop's
                               thread */
};

struct pl_stalls {
    /* Constant. */
    struct pl_system *system;
    const struct pl_phase_trace *phases;
    uint64_t limit_ms;
    unsigned count;
    struct watch at[]; /* by loop */
};

enum pl_err pl_stalls_create(struct pl_stalls **out, struct pl_system *system,
                             const struct pl_phase_trace *phases,
                             uint64_t limit_ms)
{
    unsigned count = pl_system_loop_count(system);
    struct pl_stalls *s = calloc(1, sizeof *s + count * sizeof(struct watch));

    if (s == NULL)
        return PL_ENOMEM;
    s->system = system;
    s->phases = phases;
    s->limit_ms = limit_ms;
    s->count = count;
    *out = s;
    return PL_OK;
}

void pl_stalls_destroy(struct pl_stalls *s)
{
    free(s);
}

static uint64_t clock_ns(const struct pl_stalls *s)
{
    const struct pl_clock *clock = pl_system_clock(s->system);

    return clock->monotonic(clock);
}

static bool is_stall(const struct pl_stalls *s, uint64_t length_ns)
{
    return s->limit_ms > 0 && length_ns > s->limit_ms * NS;
}

/* Return the start of the current turn if it is a stall, otherwise 0. */
static uint64_t begun_ns(const struct pl_stalls *s, unsigned index,
                         uint64_t *lasts_ns)
{
    uint64_t begun = pl_loop_turn_begun_ns(pl_system_loop(s->system, index));
    uint64_t now = begun == 0 ? 0 : clock_ns(s);

    *lasts_ns = now > begun ? now - begun : 0;
    return is_stall(s, *lasts_ns) ? begun : 0;
}

uint64_t pl_stalls_ms(const struct pl_stalls *s, unsigned index)
{
    uint64_t lasts_ns;

    return begun_ns(s, index, &lasts_ns) == 0 ? 0 : lasts_ns / NS;
}

bool pl_stalls_find(const struct pl_stalls *s, struct pl_stall *out)
{
    struct pl_stall found = {0};

    for (unsigned i = 0; i < s->count; i++) {
        uint64_t ms = pl_stalls_ms(s, i);

        if (ms > found.ms)
            found = (struct pl_stall){i, ms};
    }
    if (found.ms > 0)
        *out = found;
    return found.ms > 0;
}

/* --- The log --- */

static bool is_running(const struct pl_stalls *s)
{
    struct pl_phase_view run;

    pl_phase_trace_read(s->phases, &run);
    return run.is_started && run.phase == PL_PHASE_RUNNING;
}

/* Return true if the caller must log the turn that began at `begun`. */
static bool is_first(struct watch *w, uint64_t begun)
{
    uint64_t told = pl_cell_get(&w->told_ns);

    return told != begun && pl_cell_replace(&w->told_ns, &told, begun);
}

static void look_at(struct pl_stalls *s, unsigned index)
{
    char handler[PL_LOOP_NAME_SIZE] = "";
    uint64_t lasts_ns, since_ns;
    uint64_t begun = begun_ns(s, index, &lasts_ns);

    if (begun == 0 || !is_running(s) || !is_first(&s->at[index], begun))
        return;
    pl_loop_busy(pl_system_loop(s->system, index), handler, &since_ns);
    PL_LOG_LIMITED(PL_LOG_KIND_STALL, PL_LOG_WARN, "loop does not turn",
                   pl_log_number("loop", index),
                   pl_log_number("ms", (int64_t)(lasts_ns / NS)),
                   pl_log_string("handler", handler));
}

void pl_stalls_look(struct pl_stalls *s)
{
    for (unsigned i = 0; i < s->count; i++)
        look_at(s, i);
}

void pl_stalls_on_turn_end(struct pl_stalls *s, const struct pl_loop *loop)
{
    struct watch *w = &s->at[pl_loop_index(loop)];
    uint64_t length_ns = pl_loop_stats(loop)->lag_ns;
    uint64_t now_ms = pl_loop_now_ms(loop);

    if (s->limit_ms == 0)
        return;
    if (is_stall(s, length_ns) && is_running(s))
        PL_LOG_LIMITED(PL_LOG_KIND_STALL, PL_LOG_WARN, "loop turns again",
                       pl_log_number("loop", pl_loop_index(loop)),
                       pl_log_number("ms", (int64_t)(length_ns / NS)));
    if (now_ms - w->looked_ms < s->limit_ms / LOOKS)
        return;
    w->looked_ms = now_ms;
    pl_stalls_look(s);
}
