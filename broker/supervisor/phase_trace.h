/* SPDX-License-Identifier: Apache-2.0 */
/* phase_trace.h - how far the broker is in its life, and how long each part
 * of stopping took: written by one, read by any.
 *
 * The supervisor writes it while the control loop runs; once that thread is
 * joined, the program that runs the broker does. */
#ifndef PL_PHASE_TRACE_H
#define PL_PHASE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "err.h"
#include "mail.h"

struct pl_phase_trace; /* opaque */

struct pl_phase_record {
    bool is_reached;
    bool is_over;
    uint64_t deadline_ms; /* 0: it has nothing to wait for */
    uint64_t elapsed_ms;  /* until now while it lasts */
    uint64_t forced;      /* what did not end by itself */
};

struct pl_phase_view {
    bool is_started;     /* RUNNING was reached */
    enum pl_phase phase; /* the newest reached; RUNNING before the start too */
    uint64_t uptime_ms;  /* since RUNNING began, until STOPPED */
    struct pl_phase_record at[PL_PHASE_COUNT];
};

/* Owner:  the caller; the clock outlives it.
 * Errors: PL_ENOMEM. */
enum pl_err pl_phase_trace_create(struct pl_phase_trace **out,
                                  const struct pl_clock *clock);
void pl_phase_trace_destroy(struct pl_phase_trace *t); /* NULL is allowed */

/* `phase` begins, which ends the one before with one line in the log, INFO.
 * Phases only go up (asserted).
 * Thread: the writer's. */
void pl_phase_trace_begin(struct pl_phase_trace *t, enum pl_phase phase,
                          uint64_t deadline_ms);

/* `count` things more had to be forced in the phase that lasts. */
void pl_phase_trace_force(struct pl_phase_trace *t, uint64_t count);

/* The newest phase begun.  Thread: the writer's. */
enum pl_phase pl_phase_trace_now(const struct pl_phase_trace *t);

/* Everything, from one moment.  Thread: any. */
void pl_phase_trace_read(const struct pl_phase_trace *t,
                         struct pl_phase_view *out);

/* "running", "signal", ... for logs and status.  Never NULL. */
const char *pl_phase_text(enum pl_phase phase);

#endif
