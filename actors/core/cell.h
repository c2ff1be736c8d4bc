/* SPDX-License-Identifier: Apache-2.0 */
/* cell.h - a number that any thread may read and change.
 *
 * No call orders other memory accesses: a cell publishes its number and nothing
 * else. */
#ifndef PL_CELL_H
#define PL_CELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct pl_cell {
    _Atomic uint64_t value; /* any thread; all zero is 0 */
};

static inline uint64_t pl_cell_get(const struct pl_cell *c)
{
    return atomic_load_explicit(&c->value, memory_order_relaxed);
}

static inline void pl_cell_set(struct pl_cell *c, uint64_t value)
{
    atomic_store_explicit(&c->value, value, memory_order_relaxed);
}

/* Return the previous number. */
static inline uint64_t pl_cell_add(struct pl_cell *c, uint64_t by)
{
    return atomic_fetch_add_explicit(&c->value, by, memory_order_relaxed);
}

/* Set to 0; return the previous number. */
static inline uint64_t pl_cell_take(struct pl_cell *c)
{
    return atomic_exchange_explicit(&c->value, 0, memory_order_relaxed);
}

/* Set to `next` if the number is still *seen.  Otherwise return false and store
 * the current number in *seen. */
static inline bool pl_cell_replace(struct pl_cell *c, uint64_t *seen,
                                   uint64_t next)
{
    return atomic_compare_exchange_strong_explicit(
        &c->value, seen, next, memory_order_relaxed, memory_order_relaxed);
}

#endif
