/* SPDX-License-Identifier: Apache-2.0 */
/* refs.h - a count of holders that any thread may change. */
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

/* Nobody else holds it, so nobody else can begin to. */
static inline bool pl_refs_is_sole(const struct pl_refs *r)
{
    return atomic_load_explicit(&r->count, memory_order_acquire) == 1;
}

/* True for the last holder, who frees the thing.  A sole holder needs no
 * locked instruction: nobody else can be adding to the count. */
static inline bool pl_refs_release(struct pl_refs *r)
{
    if (pl_refs_is_sole(r))
        return true;
    return atomic_fetch_sub_explicit(&r->count, 1, memory_order_acq_rel) == 1;
}

#endif
