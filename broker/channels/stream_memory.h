/* SPDX-License-Identifier: Apache-2.0 */
/* stream_memory.h - a stream store in the memory of this process.
 *
 * A stream keeps what the newest rules in its requests say: how many
 * publications, of how many bytes and for how long, and for how long an empty
 * stream without subscribers stays after its last use. */
#ifndef PL_STREAM_MEMORY_H
#define PL_STREAM_MEMORY_H

#include "stream.h"

struct pl_loop;
struct pl_metrics;

struct pl_stream_memory_options {
    uint32_t limit; /* most streams; a new one replaces the least recently used
                       without subscribers, an empty one if possible, otherwise
                       PL_ELIMIT. 0: no limit */
    /* Most bytes of histories; beyond them the oldest publications of the least
     * recently used history are shed.  0: no limit. */
    uint64_t client_bytes;      /* of the streams in which one user published
                                   last; anonymous clients are one user, and
                                   publications without a client count for no
                                   user */
    uint64_t bytes;             /* of all streams */
    struct pl_metrics *metrics; /* NULL: no metrics */
};

/* Create a stream store with timers on `loop`, which must outlive it.
 * Owner:  the caller, until ops->destroy().
 * Errors: PL_ENOMEM. */
enum pl_err
pl_stream_memory_create(struct pl_stream **out, struct pl_loop *loop,
                        const struct pl_stream_memory_options *options);

#endif
