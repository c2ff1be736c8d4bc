/* SPDX-License-Identifier: Apache-2.0 */
/* envelope.h - the envelope of a message from actor to actor, as the receiver
 * gets it. */
#ifndef PL_ENVELOPE_H
#define PL_ENVELOPE_H

#include <stdint.h>

#include "buf.h"
#include "span.h"

struct pl_envelope {
    struct pl_span user, client; /* of the sender; empty: the program */
    struct pl_span to;
    struct pl_span type; /* may be absent */
    struct pl_span body; /* JSON; may be absent */
};

/* Append the envelope with message id `id` to `out`.
 * Errors: out->failed is set if allocation fails. */
void pl_envelope_write(struct pl_buf *out, const struct pl_envelope *l,
                       uint64_t id);

#endif
