/* SPDX-License-Identifier: Apache-2.0 */
/* status.h - one view of the broker at any time, without messages: it reads
 * what the loops have published, so it works while a handler blocks a loop,
 * during the shutdown and afterwards. */
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
#include "stalls.h"
#include "system.h"

/* The sources of the numbers; all must outlive their readers. */
struct pl_status_source {
    const char *version;
    struct pl_system *system;             /* its loops ... */
    struct pl_snapshot *const *snapshots; /* ... and one snapshot of
                                             PL_METRIC_COUNT numbers for each of
                                             them */
    const struct pl_phase_trace *phases;
    struct pl_stalls *stalls; /* of these loops; NULL: not watched */
};

struct pl_status_loop {
    uint64_t value[PL_METRIC_COUNT];
    char busy[PL_LOOP_NAME_SIZE]; /* the handler that runs now, or "" */
    uint64_t busy_ms;             /* time since the handler was called */
    uint64_t stuck_ms;            /* length of the turn, if the loop is stuck,
                                     or 0 */
};

/* Two sums that must agree: what was received, and what became of it. */
struct pl_ledger {
    uint64_t in;
    uint64_t out;
    bool is_balanced; /* on each loop; posts: over all loops */
};

struct pl_status {
    const char *version;
    struct pl_phase_view run;
    uint64_t memory_bytes;    /* resident */
    struct pl_log_counts log; /* of the process, since its start */
    /* Sums over the loops.  The largest value for maxima (MAIL_DEEPEST,
     * MAIL_WAIT_NS, LOOP_LAG_NS, LOOP_LAG_RECENT_NS, LOOP_LAG_MAX_NS) and for
     * HANDLERS, which only the first worker reports. */
    uint64_t total[PL_METRIC_COUNT];
    struct pl_ledger commands, mail, deliveries, posts;
    unsigned stuck; /* number of stuck loops */
    unsigned loop_count;
    struct pl_status_loop *loops; /* owned */
};

/* Collect a status, and log each stuck loop (stalls.h).
 * Owner:  the caller calls pl_status_fini().
 * Thread: any.
 * Errors: PL_ENOMEM. */
enum pl_err pl_status_collect(struct pl_status *out,
                              const struct pl_status_source *source);
void pl_status_fini(struct pl_status *s);

/* Return true if new work is accepted: during RUNNING only.
 * Thread: any. */
bool pl_status_is_ready(const struct pl_status_source *source);

/* Return true if a loop is stuck, and in *out the loop that has been stuck
 * longest.  Log each stuck loop.
 * Thread: any. */
bool pl_status_is_stuck(const struct pl_status_source *source,
                        struct pl_stall *out);

/* Count the ledgers of a stopped broker that do not agree and the gauges that
 * are not 0.  Each is a bug and is logged.
 * Thread: any. */
unsigned pl_status_audit(const struct pl_status *s);

/* Append `s` as one JSON object; status_json.c has the keys.
 * Errors: PL_ENOMEM; `out` is unchanged. */
enum pl_err pl_status_write_json(const struct pl_status *s, struct pl_buf *out);

#endif
