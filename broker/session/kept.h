/* SPDX-License-Identifier: Apache-2.0 */
/* kept.h - messages of a client that cannot run yet: they wait for the verdict
 * on a connect, for limits.commands_per_second, or for another turn.  Private
 * to the module. */
#ifndef PL_KEPT_H
#define PL_KEPT_H

#include <stddef.h>

#include "buf.h"
#include "span.h"

struct pl_session;

/* All zero: none. */
struct pl_kept {
    struct pl_buf messages; /* each as its length and its bytes */
    size_t at;              /* offset of the first message */
};

/* Keep `message`, which may be the rest of a message that has run in part.  If
 * allocation fails, schedule the close of the session. */
void pl_session_keep(struct pl_session *s, struct pl_span message);

/* Run the messages of `k` in order.  If one of them has to wait, the session
 * keeps it and all later messages.
 * Owner: takes the memory of `k`. */
void pl_session_run_kept(struct pl_session *s, struct pl_kept k);

void pl_kept_fini(struct pl_kept *k);

#endif
