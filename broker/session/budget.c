/* SPDX-License-Identifier: Apache-2.0 */
/* budget.c - see budget.h.
 *
 * Bytes on the wire say little about work: 122 bytes inflate to 64 KiB, and 64
 * KiB hold thousands of commands.  So a turn counts the work itself and ends
 * the input when there was enough of it.  A visit, which is one connection
 * being served, gets a part of the turn only, so that several connections
 * share each turn.
 *
 * Each byte that was inflated, and each of TLS, costs a unit; a plain one costs
 * more, because frames may be small, and counting frames took a message of an
 * idle connection another percent of its instructions.
 *
 * Rejected: the time that a turn has taken so far.  It is exact, but each look
 * at the clock costs as much as a small frame, and what a connection may do
 * then depends on the machine, so no test and no seed could repeat it.  A
 * budget for each connection alone, since 40 connections can each use theirs.
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
