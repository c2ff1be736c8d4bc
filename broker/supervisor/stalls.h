/* SPDX-License-Identifier: Apache-2.0 */
/* stalls.h - which loops hang: a loop is stuck while its turn has lasted longer
 * than limits.loop_lag.
 *
 * Each stall is logged once while it lasts and once when it is over. */
#ifndef PL_STALLS_H
#define PL_STALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "loop.h"
#include "phase_trace.h"
#include "system.h"

struct pl_stalls; /* opaque */

/* A loop that hangs. */
struct pl_stall {
    unsigned loop;
    uint64_t ms; /* how long it has not turned */
};

/* For the loops of `system`.  With a `limit_ms` of 0 no loop is ever stuck.
 * Owner:  the caller; `system` and `phases` outlive it.
 * Errors: PL_ENOMEM. */
enum pl_err pl_stalls_create(struct pl_stalls **out, struct pl_system *system,
                             const struct pl_phase_trace *phases,
                             uint64_t limit_ms);
void pl_stalls_destroy(struct pl_stalls *s);

/* How long loop number `index` has not turned; 0: it is not stuck.
 * Thread: any. */
uint64_t pl_stalls_ms(const struct pl_stalls *s, unsigned index);

/* The loop that has been stuck longest; false: none is.  Thread: any. */
bool pl_stalls_find(const struct pl_stalls *s, struct pl_stall *out);

/* Log each loop that is stuck, unless this stall was logged before, or the
 * broker does not run or stops: a stop names by itself what blocks it.
 * Thread: any. */
void pl_stalls_look(struct pl_stalls *s);

/* A turn of `loop` has ended: log it if it was a stall, and look at the other
 * loops if that was not done lately.  Thread: the loop's. */
void pl_stalls_on_turn_end(struct pl_stalls *s, const struct pl_loop *loop);

#endif
