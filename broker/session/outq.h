/* SPDX-License-Identifier: Apache-2.0 */
/* outq.h - the output queue of a connection: ranges of segments, in order.
 * session_output.c limits its bytes. */
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
    uint32_t start;             /* the range begins here, with a frame if it has
                                   any */
    uint32_t from;              /* the first byte that is not sent yet */
    uint32_t to;
    uint32_t owed; /* deliveries in it, for the ledger */
    uint32_t frames;
    uint32_t tag; /* what pl_outq_shed() may drop; see pl_outq_append() */
};

/* The free items of one loop, and its metrics.  All zero but for `metrics` and
 * `segments` is a pool without items. */
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

/* Free the items of the pool and release its segment pool. */
void pl_out_pool_fini(struct pl_out_pool *p);

/* Append [from, to) of `s`: `frames` whole frames, of which `owed` are
 * deliveries that the ledger counts.  pl_outq_shed() never drops a range with
 * `tag` 0.  It may drop those with PL_OUT_LOSSY or a larger tag, which is
 * common to all deliveries of one subscription.  All frames of a range with a
 * tag must be owed.  Return false if out of memory; then nothing is queued.
 * Owner: the queue holds `s`. */
bool pl_outq_append(struct pl_outq *q, struct pl_out_pool *p,
                    struct pl_segment *s, uint32_t from, uint32_t to,
                    uint32_t frames, uint32_t owed, uint32_t tag);

/* Like pl_outq_append(), for a stalled queue: copy a small range, because a
 * reference would pin a segment that may be thousands of times as large.  If
 * allocation fails, queue the reference. */
bool pl_outq_append_small(struct pl_outq *q, struct pl_out_pool *p,
                          struct pl_segment *s, uint32_t from, uint32_t to,
                          uint32_t frames, uint32_t owed, uint32_t tag);

/* Insert one frame that is not owed before the trailing deliveries that are not
 * partly sent: after the last item that is no delivery, or is partly sent.
 * Return false if out of memory; then nothing is queued.
 * Owner: the queue holds `s`. */
bool pl_outq_append_ahead(struct pl_outq *q, struct pl_out_pool *p,
                          struct pl_segment *s, uint32_t from, uint32_t to);

/* Move all items of `from` to the end of `to`. */
void pl_outq_splice(struct pl_outq *to, struct pl_outq *from);

/* Fill `iov` with the next ranges to send, at most `max`.  Return their
 * number. */
int pl_outq_peek(const struct pl_outq *q, struct iovec *iov, int max);

/* Remove `bytes` from the front: the kernel has accepted them. */
void pl_outq_sent(struct pl_outq *q, struct pl_out_pool *p, uint64_t bytes);

/* Compact a queue that is not empty after its turn: copy the ranges that would
 * pin a much larger segment.  If allocation fails, a range stays a
 * reference. */
void pl_outq_compact(struct pl_outq *q, struct pl_out_pool *p);

enum { PL_OUT_LOSSY = 1 };

/* Drop whole frames that are not partly sent, oldest first, until `bytes` are
 * freed or none is left.  Drop frames with this `tag`, or with any tag but 0 if
 * `tag` is 0.  Count each frame under `why`. */
void pl_outq_shed(struct pl_outq *q, struct pl_out_pool *p, uint32_t tag,
                  uint64_t bytes, enum pl_metric why);

/* True if an item of the queue has a tag. */
bool pl_outq_has_lossy(const struct pl_outq *q);

/* Drop the queue and count its owed frames under `why`.  Unless `all`, two
 * things stay: the rest of a partly sent frame, and the first item if it has no
 * frames. */
void pl_outq_drop(struct pl_outq *q, struct pl_out_pool *p, enum pl_metric why,
                  bool all);

#endif
