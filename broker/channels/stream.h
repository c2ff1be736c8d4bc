/* SPDX-License-Identifier: Apache-2.0 */
/* stream.h - a channel's position and what was published in it, kept in order.
 *
 * A stream has an epoch, 8 random letters (never "_") that change when the
 * stream is lost, and a top: the offset of its newest publication, 0 before the
 * first, one more for each.  It begins with its first use.  A store may shed
 * the oldest publications of a stream at any time, which changes neither.  See
 * store.h for the promises of all stores. */
#ifndef PL_STREAM_H
#define PL_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "pub.h"
#include "store.h"

struct pl_stream;

/* Store `pub` at the next offset, which is written into it with success, and
 * the epoch too; from then on it is immutable. */
struct pl_stream_append {
    struct pl_store_op op;
    struct pl_pub *pub; /* the caller holds it; the store holds it itself */
    char epoch[PL_EPOCH_MAX]; /* result */
};

/* Where is the channel? */
struct pl_stream_top {
    struct pl_store_op op;
    uint64_t offset; /* result */
    char epoch[PL_EPOCH_MAX];
};

/* Which publications are there?  Ascending those behind `since`, or all;
 * in reverse, descending those before it. */
struct pl_stream_range {
    struct pl_stream_top top; /* the request begins with it */
    uint64_t since;
    bool has_since;
    bool reverse;
    bool is_cut;          /* result: limit or budget left something out */
    uint32_t limit;       /* UINT32_MAX: none */
    uint32_t byte_budget; /* of pl_pub_cost() in all; 0: none */
    uint32_t count;       /* result: of pubs */
    struct pl_pub **pubs; /* result: the caller's array of held ones */
};

/* Whether the channel has subscribers: its stream is then not forgotten. */
typedef bool pl_stream_is_used(void *owner, struct pl_span channel,
                               uint64_t hash);

/* Whether the request `op` may begin a stream: else it is PL_EFULL. */
typedef bool pl_stream_may_begin(void *owner, struct pl_store_op *op);

struct pl_stream_ops {
    unsigned traits; /* enum pl_store_trait */
    /* Errors of all: PL_ENOMEM, PL_ELIMIT (no room for another stream),
     * PL_EFULL, PL_ETIMEDOUT, PL_EIO. */
    enum pl_store_reply (*append)(struct pl_stream *s,
                                  struct pl_stream_append *r);
    enum pl_store_reply (*top)(struct pl_stream *s, struct pl_stream_top *r);
    enum pl_store_reply (*range)(struct pl_stream *s,
                                 struct pl_stream_range *r);
    /* Forget the publications; epoch and top stay. */
    enum pl_store_reply (*remove)(struct pl_stream *s, struct pl_store_op *r);
    /* The channel's last subscriber has gone: a hint without an answer. */
    void (*idle)(struct pl_stream *s, struct pl_span channel, uint64_t hash);
    /* The process is short of memory: give back about so many bytes of
     * histories, soon.  A hint without an answer. */
    void (*shed)(struct pl_stream *s, uint64_t bytes);
    /* Whom to ask; before the first request. */
    void (*bind)(struct pl_stream *s, pl_stream_is_used *is_used, void *owner);
    /* Whom else to ask, with the same owner; never asked of what is there. */
    void (*guard)(struct pl_stream *s, pl_stream_may_begin *may_begin);
    void (*destroy)(struct pl_stream *s);
};

/* First in every stream store. */
struct pl_stream {
    const struct pl_stream_ops *ops;
};

#endif
