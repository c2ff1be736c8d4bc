/* SPDX-License-Identifier: Apache-2.0 */
/* hear.h - the results that a simulated client looks into. */
#ifndef HEAR_H
#define HEAR_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "peer.h"

/* A result of subscribe, history, or of one of a connect's `subs`. */
struct hear_position {
    bool is_recoverable;
    bool is_recovered;
    uint64_t offset;
    struct pl_span epoch;
    struct pl_span channel; /* of a connect's subs */
};

/* What hear_*() find; a position comes before its publications. */
struct hear_ops {
    void (*publication)(void *arg, uint64_t offset, struct pl_span data);
    void (*position)(void *arg, const struct hear_position *p);
    void (*client)(void *arg, struct pl_span id);
};

/* A compressed message, by itself, behind the content of `out`; false: bad. */
bool hear_inflate(struct pl_span data, struct pl_buf *out);

/* False: malformed. */
bool hear_subscribe(enum peer_encoding e, struct pl_span body,
                    const struct hear_ops *ops, void *arg);
bool hear_history(enum peer_encoding e, struct pl_span body,
                  const struct hear_ops *ops, void *arg);

/* The first of a connect's `subs`; *out is all zero when there is none. */
bool hear_first_sub(enum peer_encoding e, struct pl_span body,
                    struct pl_span *channel, struct pl_span *out);

/* Each client of a presence result. */
bool hear_presence(enum peer_encoding e, struct pl_span body,
                   const struct hear_ops *ops, void *arg);

#endif
