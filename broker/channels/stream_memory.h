/* SPDX-License-Identifier: Apache-2.0 */
/* stream_memory.h - streams in this process's memory. */
#ifndef PL_STREAM_MEMORY_H
#define PL_STREAM_MEMORY_H

#include "stream.h"

struct pl_loop;
struct pl_metrics;

struct pl_stream_memory_options {
    uint32_t size;        /* publications a stream keeps; at least 1 */
    uint64_t ttl_ms;      /* and how long */
    uint64_t meta_ttl_ms; /* how long an empty stream without subscribers is
                             kept behind its last use */
    uint32_t limit;       /* streams; a new one takes the place of the least
                             recently used without subscribers, one that is
                             empty before one that is not, and with none such
                             is PL_ELIMIT.  0: no limit */
    /* What histories may take; beyond it the oldest publications of the least
     * recently used go.  0: no limit. */
    uint64_t channel_bytes;     /* of a stream */
    uint64_t client_bytes;      /* of the streams in which one user published
                                   last; anonymous clients are one user, and a
                                   publication without a client has none */
    uint64_t bytes;             /* of all */
    struct pl_metrics *metrics; /* NULL: none */
};

/* A stream store whose timers run on `loop`, which outlives it.
 * Owner: the caller, until ops->destroy().  Errors: PL_ENOMEM. */
enum pl_err
pl_stream_memory_create(struct pl_stream **out, struct pl_loop *loop,
                        const struct pl_stream_memory_options *options);

#endif
