/* SPDX-License-Identifier: Apache-2.0 */
/* letter.h - a message from actor to actor, as its receiver gets it. */
#ifndef PL_LETTER_H
#define PL_LETTER_H

#include <stdint.h>

#include "buf.h"
#include "span.h"

struct pl_letter {
    struct pl_span user, client; /* of the sender; empty: the program */
    struct pl_span to;
    struct pl_span type; /* absent: none */
    struct pl_span body; /* JSON, absent: none */
};

/* Write the letter with this id to `out`, which is marked failed without
 * memory. */
void pl_letter_write(struct pl_buf *out, const struct pl_letter *l,
                     uint64_t id);

#endif
