/* SPDX-License-Identifier: Apache-2.0 */
/* pub_terms.h - what a backend may ask of a publication beyond its delivery.
 * Most publications have none. */
#ifndef PL_PUB_TERMS_H
#define PL_PUB_TERMS_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

enum {
    PL_PUB_ID_MAX = 255,           /* bytes of an idempotency id */
    PL_PUB_VERSION_EPOCH_MAX = 255 /* bytes */
};

struct pl_pub_terms {
    struct pl_span id;            /* idempotency id; empty: none */
    uint64_t version;             /* of its content; 0: none */
    struct pl_span version_epoch; /* in which versions are compared; empty: in
                                     any */
    bool skips_history;           /* it gets no offset and is not kept */
};

/* Copy `from`, whose texts are within their bounds.  NULL: out of memory.
 * Owner: the caller frees the result with free(). */
struct pl_pub_terms *pl_pub_terms_copy(const struct pl_pub_terms *from);

/* Return true if `t` asks for nothing. */
static inline bool pl_pub_terms_are_usual(const struct pl_pub_terms *t)
{
    return t->id.len == 0 && t->version == 0 && !t->skips_history;
}

#endif
