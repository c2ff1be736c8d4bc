/* SPDX-License-Identifier: Apache-2.0 */
/* stalls.c - see stalls.h.
 *
 * The loops stamp when their turn begins, so whoever wants to know whether a
 * loop hangs compares that with the clock.  A stall is logged by whoever
 * notices it first: each other loop looks at the end of a turn, a few times in
 * limits.loop_lag at most; so does who asks for the status, the metrics or
 * /ready.  The loop itself logs the end.
 *
 * Rejected: a timer that looks, since a broker that has nothing to do makes no
 * system calls; and a timer that is armed while a loop works, which costs a
 * wake-up of the control loop for each loop that leaves its sleep.  The price:
 * if all that a broker does happens on the loop that hangs, the line comes when
 * the loop turns again.
 *
 * What is known of a stall is when the turn began, and nothing is kept of it
 * after its end.  So a process that was stopped in a turn (SIGSTOP) shows a
 * stall until that turn has ended, and no longer.
 *
 * Invariant: `told_ns` is when a turn of its loop began that was logged as a
 * stall; one exchange decides who logs. */
#include "stalls.h"

#include <stdlib.h>

#include "cell.h"
#include "log.h"

enum { NS = 1000000 /* a millisecond */, LOOKS = 4 /* in limits.loop_lag */ };

struct watch {
    struct pl_cell told_ns; /* any thread */
    uint64_t looked_ms;     /* the loop's thread: at the others */
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

/* When the turn began that is a stall; 0: there is none. */
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
    struct pl_phase_view life;

    pl_phase_trace_read(s->phases, &life);
    return life.is_started && life.phase == PL_PHASE_RUNNING;
}

/* Whether the caller is the one that logs the turn that began then. */
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
