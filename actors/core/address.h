/* SPDX-License-Identifier: Apache-2.0 */
/* address.h - the address of an actor: its loop, its slot there and the
 * generation of that slot. */
#ifndef PL_ADDRESS_H
#define PL_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "span.h"

/* No actor has generation 0, so an all-zero address names no actor.  Plain
 * data: copy it freely.  An address never dangles; it only becomes stale. */
struct pl_address {
    uint16_t node;
    uint16_t loop;
    uint32_t slot;
    uint32_t generation;
};

enum { PL_ADDRESS_TEXT_MAX = 34 }; /* with the final zero byte */

static inline bool pl_address_is_none(struct pl_address a)
{
    return a.generation == 0;
}

static inline bool pl_address_equal(struct pl_address a, struct pl_address b)
{
    return a.slot == b.slot && a.generation == b.generation &&
           a.loop == b.loop && a.node == b.node;
}

/* Write "node.loop.slot.generation" and a final zero byte to `text`. */
void pl_address_format(struct pl_address a, char text[PL_ADDRESS_TEXT_MAX]);

/* Parse the text that pl_address_format() writes, and no other form.
 * Errors: PL_EBADMSG; *out is then unchanged. */
enum pl_err pl_address_parse(struct pl_address *out, struct pl_span text);

#endif
