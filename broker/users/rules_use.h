/* SPDX-License-Identifier: Apache-2.0 */
/* rules_use.h - which rules the channels of one actor have.
 *
 * A channel points to its use instead of to its actor; the use points to the
 * actor and to the rules.  So rules take no memory in a channel, and only the
 * first channel with them changes their shared count. */
#ifndef PL_RULES_USE_H
#define PL_RULES_USE_H

#include <stdint.h>

#include "rules.h"

struct pl_rules_use {
    void *owner;            /* the actor */
    struct pl_rules *rules; /* own reference */
    uint32_t channels;      /* that have them */
};

/* The newest use of each number; all zero but `owner`. */
struct pl_rules_uses {
    void *owner;
    struct pl_rules_use **at;
    uint32_t count;
};

/* Return the use of `r`, for one more channel.  NULL: out of memory.
 * Owner: the caller gives it back with pl_rules_use_drop(). */
struct pl_rules_use *pl_rules_use_take(struct pl_rules_uses *u,
                                       struct pl_rules *r);

/* One channel less; NULL is allowed. */
void pl_rules_use_drop(struct pl_rules_uses *u, struct pl_rules_use *use);

/* Free the list; all uses were dropped. */
void pl_rules_uses_fini(struct pl_rules_uses *u);

/* Give the channel with *use the rules `r` if they are newer.  Return false if
 * out of memory: then it keeps what it has. */
bool pl_rules_use_renew(struct pl_rules_uses *u, struct pl_rules_use **use,
                        struct pl_rules *r);

#endif
