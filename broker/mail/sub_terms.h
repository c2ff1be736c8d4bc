/* SPDX-License-Identifier: Apache-2.0 */
/* sub_terms.h - what a backend asks of a subscription that the server makes. */
#ifndef PL_SUB_TERMS_H
#define PL_SUB_TERMS_H

#include <stdbool.h>
#include <stdint.h>

#include "blob.h"

/* All zero: nothing. */
struct pl_sub_terms {
    struct pl_blob *info;  /* reference: JSON that others see with the client in
                              this channel; NULL: none */
    struct pl_blob *data;  /* reference: JSON for the client; NULL: none */
    struct pl_blob *epoch; /* reference; not NULL: recover what came after
                              `offset` */
    uint64_t offset;
    int64_t expires_at_s; /* since 1970; 0: never */
};

/* Copy `from` with references of its own. */
static inline struct pl_sub_terms
pl_sub_terms_hold(const struct pl_sub_terms *from)
{
    struct pl_sub_terms t = *from;

    if (t.info != NULL)
        pl_blob_hold(t.info);
    if (t.data != NULL)
        pl_blob_hold(t.data);
    if (t.epoch != NULL)
        pl_blob_hold(t.epoch);
    return t;
}

static inline void pl_sub_terms_release(struct pl_sub_terms *t)
{
    pl_blob_release(t->info);
    pl_blob_release(t->data);
    pl_blob_release(t->epoch);
}

#endif
