/* SPDX-License-Identifier: Apache-2.0 */
/* refs.h - a reference count that any thread may change. */
#ifndef PL_REFS_H
#define PL_REFS_H

#include <stdatomic.h>
#include <stdbool.h>

struct pl_refs {
    atomic_uint count; /* any thread */
};

static inline void pl_refs_init(struct pl_refs *r)
{
    atomic_init(&r->count, 1);
}

static inline void pl_refs_hold(struct pl_refs *r)
{
    atomic_fetch_add_explicit(&r->count, 1, memory_order_relaxed);
}

/* True if the caller owns the only reference: then no other thread can add
 * one. */
static inline bool pl_refs_is_sole(const struct pl_refs *r)
{
    return atomic_load_explicit(&r->count, memory_order_acquire) == 1;
}

/* Drop a reference.  Return true if it was the last; the caller then frees the
 * object.  The only owner needs no locked instruction, because no other thread
 * can change the count. */
static inline bool pl_refs_release(struct pl_refs *r)
{
    if (pl_refs_is_sole(r))
        return true;
    return atomic_fetch_sub_explicit(&r->count, 1, memory_order_acq_rel) == 1;
}

#endif
