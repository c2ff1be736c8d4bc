/* SPDX-License-Identifier: Apache-2.0 */
/* stalls.h - detects loops that hang: a loop is stuck while its turn has lasted
 * longer than limits.loop_lag.
 *
 * Each stall is logged once while it lasts and once when it has ended. */
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
    uint64_t ms; /* length of its turn so far */
};

/* Watch the loops of `system`.  With a `limit_ms` of 0 no loop counts as stuck.
 * Owner:  the caller; `system` and `phases` must outlive the object.
 * Errors: PL_ENOMEM. */
enum pl_err pl_stalls_create(struct pl_stalls **out, struct pl_system *system,
                             const struct pl_phase_trace *phases,
                             uint64_t limit_ms);
void pl_stalls_destroy(struct pl_stalls *s);

/* Return the length of the turn of loop `index` so far, or 0 if the loop is not
 * stuck.
 * Thread: any. */
uint64_t pl_stalls_ms(const struct pl_stalls *s, unsigned index);

/* Find the loop that has been stuck longest.  Return false if none is.
 * Thread: any. */
bool pl_stalls_find(const struct pl_stalls *s, struct pl_stall *out);

/* Log each stall that was not logged yet.  Do nothing unless the broker is in
 * phase RUNNING: the shutdown logs what blocks it.
 * Thread: any. */
void pl_stalls_look(struct pl_stalls *s);

/* Call this at the end of each turn of `loop`: log the turn if it was a stall,
 * and check the other loops if that is due.
 * Thread: the loop's. */
void pl_stalls_on_turn_end(struct pl_stalls *s, const struct pl_loop *loop);

#endif
