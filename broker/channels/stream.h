/* SPDX-License-Identifier: Apache-2.0 */
/* stream.h - the position and the publications of a channel, in order.
 *
 * A stream has an epoch, 8 random letters (never "_") that change when the
 * stream is lost, and a top: the offset of its newest publication, 0 before the
 * first, plus one for each.  A stream begins with its first use.  A store may
 * shed the oldest publications of a stream at any time, which changes neither.
 * store.h has the promises of all stores. */
#ifndef PL_STREAM_H
#define PL_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "pub.h"
#include "pub_terms.h"
#include "store.h"

struct pl_rules; /* users/rules.h */
struct pl_stream;

/* Store `pub` at the next offset.  On success the offset and the epoch are
 * written into `pub`, which is immutable afterwards.
 *
 * A store remembers ids for some minutes, and may forget the oldest earlier. If
 * the stream got a publication with the same id before, `pub` is not stored and
 * gets the position of the first.  If it has a version which is not greater
 * than that of the newest publication with one, in the same version epoch or
 * without saying one, `pub` is not stored and gets the position of the
 * stream.  With terms that skip the history nothing is stored either: the
 * result says whether the store knows the id. */
enum pl_append_outcome {
    PL_APPEND_STORED,
    PL_APPEND_REPEAT,
    PL_APPEND_STALE,
    PL_APPEND_SKIPPED
};

struct pl_stream_append {
    struct pl_store_op op;
    struct pl_rules *rules; /* of the channel, which has a history; valid until
                               the request is complete */
    struct pl_pub *pub; /* the caller and the store have their own references */
    const struct pl_pub_terms *terms; /* NULL: none; as `rules` */
    char epoch[PL_EPOCH_MAX];         /* result */
    uint8_t outcome;        /* enum pl_append_outcome; result, PL_APPEND_STORED
                               before */
    struct pl_pub **unused; /* a store that completes at once may put the memory
                               of a publication here that it dropped, from
                               pl_pub_empty(); NULL: not wanted */
};

/* Read the position of the channel. */
struct pl_stream_top {
    struct pl_store_op op;
    struct pl_rules *rules; /* as of an append */
    uint64_t offset;        /* result */
    char epoch[PL_EPOCH_MAX];
};

enum { PL_STREAM_PART = 256, PL_STREAM_PART_BYTES = 64 << 10 };

/* Read publications: ascending those after `since`, or all; in reverse,
 * descending those before `since`.  A reply is one part: at most PL_STREAM_PART
 * publications, and it ends with the one that brings the sum of pl_pub_cost()
 * to PL_STREAM_PART_BYTES.  For the next part, `since` is the offset of the
 * last publication. */
struct pl_stream_range {
    struct pl_stream_top top; /* first member */
    uint64_t since;
    bool has_since;
    bool reverse;
    bool has_more;        /* result: there is more */
    uint32_t limit;       /* UINT32_MAX: no limit */
    uint32_t count;       /* result: elements of pubs */
    struct pl_pub **pubs; /* result: the caller's array of references */
};

/* Return true if the channel has subscribers: its stream is then kept. */
typedef bool pl_stream_is_used(void *owner, struct pl_span channel,
                               uint64_t hash);

/* Return true if `op` may create a stream; otherwise `op` gets PL_EFULL. */
typedef bool pl_stream_may_begin(void *owner, struct pl_store_op *op);

struct pl_stream_ops {
    unsigned traits; /* enum pl_store_trait */
    /* Errors of all calls: PL_ENOMEM, PL_ELIMIT (too many streams), PL_EFULL,
     * PL_ETIMEDOUT, PL_EIO. */
    enum pl_store_reply (*append)(struct pl_stream *s,
                                  struct pl_stream_append *r);
    enum pl_store_reply (*top)(struct pl_stream *s, struct pl_stream_top *r);
    enum pl_store_reply (*range)(struct pl_stream *s,
                                 struct pl_stream_range *r);
    /* Remove the publications; epoch and top stay. */
    enum pl_store_reply (*remove)(struct pl_stream *s, struct pl_store_op *r);
    /* The channel's last subscriber has detached.  A hint without a result. */
    void (*idle)(struct pl_stream *s, struct pl_span channel, uint64_t hash);
    /* Shed about `bytes` of histories soon, because the process is short of
     * memory.  A hint without a result. */
    void (*shed)(struct pl_stream *s, uint64_t bytes);
    /* Set the owner and its callback, before the first request. */
    void (*bind)(struct pl_stream *s, pl_stream_is_used *is_used, void *owner);
    /* Set a second callback of the same owner, called only before a stream is
     * created. */
    void (*guard)(struct pl_stream *s, pl_stream_may_begin *may_begin);
    void (*destroy)(struct pl_stream *s);
};

/* First member of every stream store. */
struct pl_stream {
    const struct pl_stream_ops *ops;
};

#endif
