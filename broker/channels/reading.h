/* SPDX-License-Identifier: Apache-2.0 */
/* reading.h - a read of publications in several parts.
 *
 * Thread: the owner's loop. */
#ifndef PL_READING_H
#define PL_READING_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "stream.h"

struct pl_pending_request;
struct pl_pub;

struct pl_reading {
    struct pl_stream_range range; /* first; the caller sets `reverse` */
    void (*done)(struct pl_pending_request *rq, enum pl_err err);
    uint64_t since;
    bool has_since;
    bool has_more;        /* result: limit or budget ended the range */
    uint32_t limit;       /* UINT32_MAX: none */
    uint32_t byte_budget; /* of pl_pub_cost() in all; 0: none */
    uint32_t count;       /* result: of pubs */
    uint32_t space;
    uint32_t parts;
    uint64_t bytes;
    struct pl_pub **pubs; /* result: references, see pl_reading_take() */
    char epoch[PL_EPOCH_MAX];
};

/* Read the publications that rq->store.reading describes;
 * pl_pending_request_prepare() has set channel and hash.  done() is called
 * once, with all of them or an error.  With PL_OK, range.top has the position
 * and epoch of the last part. */
void pl_reading_begin(struct pl_pending_request *rq);

/* Move the array of publications to the caller; NULL when empty. */
struct pl_pub **pl_reading_take(struct pl_reading *r, uint32_t *count);

/* Free the publications. */
void pl_reading_drop(struct pl_reading *r);

#endif
