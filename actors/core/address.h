/* SPDX-License-Identifier: Apache-2.0 */
/* address.h - the address of an actor: its loop, its slot there and the
 * generation of that slot. */
#ifndef PL_ADDRESS_H
#define PL_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

/* No actor has generation 0, so an all-zero address names no actor.  Plain
 * data: copy it freely.  An address never dangles; it only becomes stale. */
struct pl_address {
    uint16_t node;
    uint16_t loop;
    uint32_t slot;
    uint32_t generation;
};

static inline bool pl_address_is_none(struct pl_address a)
{
    return a.generation == 0;
}

static inline bool pl_address_equal(struct pl_address a, struct pl_address b)
{
    return a.slot == b.slot && a.generation == b.generation &&
           a.loop == b.loop && a.node == b.node;
}

#endif
