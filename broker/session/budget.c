/* SPDX-License-Identifier: Apache-2.0 */
/* budget.c - see budget.h.
 *
 * The number of bytes on the wire is a poor measure of work: 122 bytes inflate
 * to 64 KiB, and 64 KiB hold thousands of commands.  So a turn counts the work
 * itself and reads no more input once its budget is spent.  A visit serves one
 * connection.  It may use only a part of the turn, so that several connections
 * share each turn.
 *
 * Each inflated byte and each TLS byte costs one unit.  A plain byte costs
 * more, because frames may be small.  Counting frames instead added one percent
 * to the instructions for a message of an idle connection.
 *
 * Rejected: the elapsed time of the turn, because each reading of the clock
 * costs as much as a small frame, and because the result depends on the
 * machine, so that no test and no seed could repeat a run.
 * Rejected: a budget per connection only, because 40 connections can each use
 * their own.
 *
 * Invariant: while a visit has not spent its part, left > end >= 0. */
#include "budget.h"

void pl_budget_init(struct pl_budget *b, uint64_t units)
{
    int64_t all = units == 0 ? PL_BUDGET_TURN : (int64_t)units;

    *b = (struct pl_budget){
        .units = all,
        .part = all / PL_BUDGET_VISITS,
        .turn = UINT64_MAX,
    };
}
