/* SPDX-License-Identifier: Apache-2.0 */
/* budget.h - how much work the input of one loop may cause in one turn.
 *
 * A unit of work is about 10 ns on a core of 2020.  The units of each operation
 * are fixed, not measured, so that equal input always costs the same.
 *
 * Thread: the loop's. */
#ifndef PL_BUDGET_H
#define PL_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

enum {
    PL_COST_READ = 50,         /* one read of a connection */
    PL_COST_BYTE = 2,          /* of plain input; a frame has at least six */
    PL_COST_COMMAND = 150,     /* without the cost of its reply */
    PL_COST_SECRET = 1000,     /* check a token by a secret */
    PL_COST_SIGNATURE = 70000, /* by a public key; of P-384 the slowest */
    PL_COST_MISMATCH = 30000,  /* a name that its pattern refuses */
    PL_COST_FLIGHT = 50000,    /* one flight of the server in a TLS handshake */
    PL_COST_OPEN = 500,        /* one new connection */
    PL_COST_END = 500,         /* one connection that ends */
    PL_COST_DETACH = 50,       /* each subscription that ends with it */
    PL_BUDGET_TURN = 1 << 20,  /* units; carried input gets half as much */
    PL_BUDGET_VISITS = 8       /* a visit may use 1/8 of a turn */
};

struct pl_budget {
    int64_t units; /* per turn; constant */
    int64_t part;  /* per visit; constant */
    uint64_t turn; /* the turn that `left` belongs to */
    int64_t left;  /* of the turn; negative if the last step cost more */
    int64_t end;   /* the visit ends when `left` is at most this */
};

/* Initialise the budget with `units` per turn; 0: PL_BUDGET_TURN. */
void pl_budget_init(struct pl_budget *b, uint64_t units);

/* Begin a visit: serve one connection in turn number `turn`. */
static inline void pl_budget_visit(struct pl_budget *b, uint64_t turn)
{
    if (b->turn != turn) {
        b->turn = turn;
        b->left = b->units;
    }
    int64_t end = b->left - b->part;
    b->end = end < 0 ? 0 : end;
}

/* Return true if another connection may be served in turn number `turn`. */
static inline bool pl_budget_has_turn(const struct pl_budget *b, uint64_t turn)
{
    return b->turn != turn || b->left > 0;
}

static inline void pl_budget_spend(struct pl_budget *b, uint64_t units)
{
    b->left -= (int64_t)units;
}

/* Return true if the visit must end.  The rest of its input then waits. */
static inline bool pl_budget_is_spent(const struct pl_budget *b)
{
    return b->left <= b->end;
}

#endif
