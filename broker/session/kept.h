/* SPDX-License-Identifier: Apache-2.0 */
/* kept.h - messages of a client that cannot run yet: they wait for the verdict
 * on a connect, for limits.commands_per_second, or for another turn.  Private
 * to the module. */
#ifndef PL_KEPT_H
#define PL_KEPT_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "span.h"

/* All zero: none. */
struct pl_kept {
    struct pl_buf messages; /* each as its length and its bytes */
    size_t at;              /* offset of the first message */
};

/* Keep `message` in `k`, after those that are there.  If it is the rest of a
 * message of `running`, which runs now, it stays in `running`.  `running` may
 * be NULL.  Return false if out of memory. */
bool pl_kept_put(struct pl_kept *k, struct pl_kept *running,
                 struct pl_span message);

/* Take the first message, whose bytes stay in `k`.  Return false if there is
 * none. */
bool pl_kept_take(struct pl_kept *k, struct pl_span *message);

static inline bool pl_kept_is_empty(const struct pl_kept *k)
{
    return k->at >= k->messages.len;
}

void pl_kept_fini(struct pl_kept *k);

#endif
