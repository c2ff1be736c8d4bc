/* SPDX-License-Identifier: Apache-2.0 */
/* status.h - one picture of the broker at any time, without asking anybody:
 * it reads what the loops have published, so it works while a handler blocks
 * one of them, while the broker stops, and afterwards. */
#ifndef PL_STATUS_H
#define PL_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "log.h"
#include "metrics.h"
#include "phase_trace.h"
#include "snapshot.h"
#include "system.h"

/* Where the numbers are; all of it outlives its readers. */
struct pl_status_source {
    const char *version;
    struct pl_system *system;             /* its loops ... */
    struct pl_snapshot *const *snapshots; /* ... and one of PL_METRIC_COUNT
                                             numbers for each of them */
    const struct pl_phase_trace *phases;
};

struct pl_status_loop {
    uint64_t value[PL_METRIC_COUNT];
    const char *busy; /* the foreign code that runs now, or NULL */
    uint64_t busy_ms; /* for how long */
};

/* What came in, and where it went: received = sum of the others. */
struct pl_ledger {
    uint64_t in;
    uint64_t out;
    bool is_balanced; /* for each loop by itself; posts: for all together */
};

struct pl_status {
    const char *version;
    struct pl_phase_view life;
    uint64_t memory_bytes;    /* resident */
    struct pl_log_counts log; /* of the process, since it began */
    /* Sums over the loops; of what is a maximum (MAIL_DEEPEST, MAIL_WAIT_NS,
     * LOOP_LAG_NS, LOOP_LAG_RECENT_NS, LOOP_LAG_MAX_NS) and of HANDLERS, which
     * every loop has a copy of, the largest. */
    uint64_t total[PL_METRIC_COUNT];
    struct pl_ledger commands, mail, deliveries, posts;
    unsigned loop_count;
    struct pl_status_loop *loops; /* owned */
};

/* Fill in `out`.
 * Owner:  the caller calls pl_status_fini().
 * Thread: any.
 * Errors: PL_ENOMEM. */
enum pl_err pl_status_collect(struct pl_status *out,
                              const struct pl_status_source *source);
void pl_status_fini(struct pl_status *s);

/* Whether new work is taken: RUNNING, neither before nor after.  Thread: any.
 */
bool pl_status_is_ready(const struct pl_status_source *source);

/* How many ledgers of a broker that has stopped do not agree, and how many
 * gauges are not 0: bugs, each said in the log.  Thread: any. */
unsigned pl_status_audit(const struct pl_status *s);

/* Write `s` as one JSON object.  Its keys: status_json.c.
 * Errors: PL_ENOMEM; `out` is then as before. */
enum pl_err pl_status_write_json(const struct pl_status *s, struct pl_buf *out);

#endif
