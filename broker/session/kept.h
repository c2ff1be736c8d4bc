/* SPDX-License-Identifier: Apache-2.0 */
/* kept.h - messages of a client that were decoded and cannot run yet: they wait
 * for the verdict on a connect, for limits.commands_per_second, or for a turn
 * that has time.  Private to the room. */
#ifndef PL_KEPT_H
#define PL_KEPT_H

#include <stddef.h>

#include "buf.h"
#include "span.h"

struct pl_session;

/* All zero: none. */
struct pl_kept {
    struct pl_buf messages; /* a length and so many bytes each */
    size_t at;              /* where the first of them begins */
};

/* Keep `message`, which may be the rest of one that has run in part.  If out of
 * memory the session is doomed. */
void pl_session_keep(struct pl_session *s, struct pl_span message);

/* Run the messages of `k` in order.  If one of them has to wait, the session
 * keeps it and all after it.
 * Owner: takes what `k` has. */
void pl_session_run_kept(struct pl_session *s, struct pl_kept k);

void pl_kept_fini(struct pl_kept *k);

#endif
