/* SPDX-License-Identifier: Apache-2.0 */
/* address.h - the name of an actor: where it lives, and which life it is. */
#ifndef PL_ADDRESS_H
#define PL_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "span.h"

/* Generation 0 is never given, so all zero is the address of nobody.  Plain
 * data: copy it freely; it never dangles, it only becomes stale. */
struct pl_address {
    uint16_t node;
    uint16_t loop;
    uint32_t slot;
    uint32_t generation;
};

enum { PL_ADDRESS_TEXT_MAX = 34 }; /* bytes, the final zero included */

static inline bool pl_address_is_none(struct pl_address a)
{
    return a.generation == 0;
}

static inline bool pl_address_equal(struct pl_address a, struct pl_address b)
{
    return a.slot == b.slot && a.generation == b.generation &&
           a.loop == b.loop && a.node == b.node;
}

/* Write "node.loop.slot.generation" and a final zero into `text`. */
void pl_address_format(struct pl_address a, char text[PL_ADDRESS_TEXT_MAX]);

/* Read what pl_address_format() writes, nothing else.
 * Errors: PL_EBADMSG; *out is then untouched. */
enum pl_err pl_address_parse(struct pl_address *out, struct pl_span text);

#endif
