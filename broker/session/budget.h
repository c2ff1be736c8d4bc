/* SPDX-License-Identifier: Apache-2.0 */
/* budget.h - how much work the input of one loop may cause in one turn.
 *
 * Work is counted in units of about 10 ns on a core of 2020, by what was done
 * and not by a clock, so that equal input always costs the same.
 *
 * Thread: the loop's. */
#ifndef PL_BUDGET_H
#define PL_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

enum {
    PL_COST_READ = 50,        /* one read of a connection */
    PL_COST_BYTE = 2,         /* of plain input: a frame has six at least */
    PL_COST_COMMAND = 150,    /* without what its answer costs */
    PL_COST_FLIGHT = 50000,   /* one answer in a TLS handshake */
    PL_COST_OPEN = 500,       /* a connection that comes ... */
    PL_COST_END = 500,        /* ... and one that goes */
    PL_COST_DETACH = 50,      /* each subscription that goes with it */
    PL_BUDGET_TURN = 1 << 20, /* units; half as much for what was carried */
    PL_BUDGET_VISITS = 8      /* a visit may use this part of a turn */
};

struct pl_budget {
    int64_t units; /* of a turn; constant, as its `part` for a visit */
    int64_t part;
    uint64_t turn; /* that `left` is about */
    int64_t left;  /* of the turn; below 0: the last step cost more */
    int64_t end;   /* where `left` ends the visit */
};

/* `units` 0: PL_BUDGET_TURN. */
void pl_budget_init(struct pl_budget *b, uint64_t units);

/* Begin to serve one connection, in turn number `turn`. */
static inline void pl_budget_visit(struct pl_budget *b, uint64_t turn)
{
    if (b->turn != turn) {
        b->turn = turn;
        b->left = b->units;
    }
    int64_t end = b->left - b->part;
    b->end = end < 0 ? 0 : end;
}

/* Whether another connection may be served in turn number `turn`. */
static inline bool pl_budget_has_turn(const struct pl_budget *b, uint64_t turn)
{
    return b->turn != turn || b->left > 0;
}

static inline void pl_budget_spend(struct pl_budget *b, uint64_t units)
{
    b->left -= (int64_t)units;
}

/* The visit is to end, and what is left of its input to wait. */
static inline bool pl_budget_is_spent(const struct pl_budget *b)
{
    return b->left <= b->end;
}

#endif
