/* SPDX-License-Identifier: Apache-2.0 */
/* phase_trace.h - the current phase of the broker, and how long each phase of
 * the shutdown took; one writer, any reader.
 *
 * The supervisor writes while the control loop runs.  After that thread is
 * joined, the thread that runs the broker writes. */
#ifndef PL_PHASE_TRACE_H
#define PL_PHASE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "err.h"
#include "phase_mail.h"

struct pl_phase_trace; /* opaque */

struct pl_phase_record {
    bool is_reached;
    bool is_over;
    uint64_t deadline_ms; /* 0: waits for nothing */
    uint64_t elapsed_ms;  /* so far, while the phase lasts */
    uint64_t forced;      /* participants that did not finish by themselves */
};

struct pl_phase_view {
    bool is_started;     /* RUNNING was reached */
    enum pl_phase phase; /* the latest phase; RUNNING also before the start */
    uint64_t uptime_ms;  /* from RUNNING to STOPPED, or so far */
    struct pl_phase_record at[PL_PHASE_COUNT];
};

/* Owner: the caller; the clock must outlive the trace.
 * Errors: PL_ENOMEM. */
enum pl_err pl_phase_trace_create(struct pl_phase_trace **out,
                                  const struct pl_clock *clock);
void pl_phase_trace_destroy(struct pl_phase_trace *t); /* NULL is allowed */

/* Begin `phase` and end the previous one, which is logged with level INFO.
 * Phases must ascend (asserted).
 * Thread: the writer. */
void pl_phase_trace_begin(struct pl_phase_trace *t, enum pl_phase phase,
                          uint64_t deadline_ms);

/* Add `count` participants that had to be forced in the current phase. */
void pl_phase_trace_force(struct pl_phase_trace *t, uint64_t count);

/* Return the current phase.
 * Thread: the writer. */
enum pl_phase pl_phase_trace_now(const struct pl_phase_trace *t);

/* Read all records, consistent with each other.
 * Thread: any. */
void pl_phase_trace_read(const struct pl_phase_trace *t,
                         struct pl_phase_view *out);

/* The name of a phase for logs and status: "running", "signal", ...  Never
 * NULL. */
const char *pl_phase_text(enum pl_phase phase);

#endif
