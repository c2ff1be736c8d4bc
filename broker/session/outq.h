/* SPDX-License-Identifier: Apache-2.0 */
/* outq.h - what a connection is still to be sent: parts of segments, in
 * order, bounded in bytes by its user (session.c). */
#ifndef PL_OUTQ_H
#define PL_OUTQ_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "metrics.h"
#include "segment.h"

struct pl_out_item {
    struct pl_out_item *next;
    struct pl_segment *segment; /* held */
    uint32_t start;             /* where the part began */
    uint32_t from;              /* what is still to be sent */
    uint32_t to;
    uint32_t owed; /* publications in it, for the ledger of deliveries */
    uint32_t frames;
    uint32_t tag; /* what may be dropped with it; see pl_outq_append() */
};

/* The free items of one loop, and where to count.  All zero but for metrics
 * and segments is a pool without items. */
struct pl_out_pool {
    struct pl_out_item *free;
    uint32_t count; /* of free items */
    struct pl_metrics *metrics;
    struct pl_segment_pool *segments; /* held */
};

/* All zero is empty. */
struct pl_outq {
    struct pl_out_item *first;
    struct pl_out_item *last;
    uint64_t bytes;
};

/* Free the pool's items, and let go of its segments. */
void pl_out_pool_fini(struct pl_out_pool *p);

/* Append [from, to) of `s`, `frames` whole frames of which `owed` are counted
 * deliveries.  `tag` 0: never dropped for others; PL_OUT_LOSSY, or a number
 * above that all of one channel have: pl_outq_shed() may.  Those with a tag
 * are frames, and all of them owed.
 * False: out of memory, nothing is queued.
 * Owner: the queue holds `s`. */
bool pl_outq_append(struct pl_outq *q, struct pl_out_pool *p,
                    struct pl_segment *s, uint32_t from, uint32_t to,
                    uint32_t frames, uint32_t owed, uint32_t tag);

/* The same for a queue that waits already: a small part is copied behind what
 * was copied before, since it would keep a segment alive that may be thousands
 * of times as large.  Without memory for that it is not. */
bool pl_outq_append_small(struct pl_outq *q, struct pl_out_pool *p,
                          struct pl_segment *s, uint32_t from, uint32_t to,
                          uint32_t frames, uint32_t owed, uint32_t tag);

/* Append one frame that is not owed, ahead of the owed ones at the end that
 * were not begun: behind the last item that is no delivery.
 * False: out of memory, nothing is queued.
 * Owner: the queue holds `s`. */
bool pl_outq_append_ahead(struct pl_outq *q, struct pl_out_pool *p,
                          struct pl_segment *s, uint32_t from, uint32_t to);

/* Move everything of `from` behind what `to` has. */
void pl_outq_splice(struct pl_outq *to, struct pl_outq *from);

/* The next pieces to send, at most `max` of them; gives how many. */
int pl_outq_peek(const struct pl_outq *q, struct iovec *iov, int max);

/* The kernel took `bytes` from the front. */
void pl_outq_sent(struct pl_outq *q, struct pl_out_pool *p, uint64_t bytes);

/* Parts that would keep a much larger segment alive are copied: called for a
 * queue that waits longer than its turn.  Without memory they stay. */
void pl_outq_settle(struct pl_outq *q, struct pl_out_pool *p);

enum { PL_OUT_LOSSY = 1 };

/* Drop whole frames that were not begun, oldest first, until `bytes` are gone
 * or none is left: of those with this tag, or with any when it is 0.  Each is
 * counted under `why`. */
void pl_outq_shed(struct pl_outq *q, struct pl_out_pool *p, uint32_t tag,
                  uint64_t bytes, enum pl_metric why);

/* Drop everything that was not begun; owed frames are counted under `why`
 * (a frame of which a part was sent, and bytes that are no frame, stay, unless
 * `all`). */
void pl_outq_drop(struct pl_outq *q, struct pl_out_pool *p, enum pl_metric why,
                  bool all);

#endif
