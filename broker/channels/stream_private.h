/* SPDX-License-Identifier: Apache-2.0 */
/* stream_private.h - the state of the memory store of streams: stream_memory.c
 * has the operations, channel_stream.c the stream of one channel,
 * stream_space.c the limits, stream_account.c the bytes per user,
 * stream_terms.c the ids and versions of appends. */
#ifndef PL_STREAM_PRIVATE_H
#define PL_STREAM_PRIVATE_H

#include "hash.h"
#include "list.h"
#include "loop.h"
#include "map.h"
#include "metrics.h"
#include "rules_use.h"
#include "id_table.h"
#include "stream_memory.h"
#include "timer.h"

/* The limit that causes shedding.  Each has two counters, publications and
 * bytes, in this order from PL_METRIC_HISTORY_SHED_CHANNEL on. */
enum pl_stream_shed {
    PL_STREAM_SHED_CHANNEL,  /* channels.history_bytes */
    PL_STREAM_SHED_CLIENT,   /* limits.client_history */
    PL_STREAM_SHED_HISTORY,  /* limits.history */
    PL_STREAM_SHED_CHANNELS, /* limits.channels */
    PL_STREAM_SHED_MEMORY,   /* limits.memory */
    PL_STREAM_SHED_COUNT
};

/* The histories of one user's channels.  A named account is freed with its last
 * stream; the anonymous one lives as long as the store. */
struct pl_stream_account {
    struct pl_map_node node;
    struct pl_list streams; /* with publications, least recently used first */
    uint64_t bytes;
    uint32_t user_len;
    char user[];
};

struct pl_stream_store {
    struct pl_stream stream;
    struct pl_loop *loop;
    struct pl_stream_memory_options options;
    struct pl_rules_uses uses; /* rules of the streams */
    pl_stream_is_used *is_used;
    pl_stream_may_begin *may_begin; /* may be NULL */
    void *owner;
    struct pl_map map; /* of struct pl_channel_stream */
    /* Least recently used first: empty streams without known subscribers;
     * streams with publications and without known subscribers; streams with
     * both.  An empty stream with subscribers is in none of them. */
    struct pl_list idle, rested, busy;
    struct pl_map accounts;
    struct pl_id_table ids; /* of appends */
    struct pl_map versions; /* of struct pl_stream_version, by stream */
    struct pl_hash_key key; /* of the accounts */
    struct pl_stream_account *anonymous;
    uint64_t bytes;      /* of all histories */
    struct pl_task task; /* sheds shed_bytes in steps */
    uint64_t shed_bytes; /* still to shed, because memory is short */
    uint64_t told_ms[PL_STREAM_SHED_COUNT]; /* loop time of the last log line */
};

struct pl_stream_held {
    struct pl_pub *pub;
    uint64_t due_ms; /* loop time at which it expires */
};

struct pl_channel_stream {
    struct pl_map_node node;
    struct pl_list queue; /* in one of the store's lists */
    struct pl_list own;   /* in the list of its account */
    struct pl_timer timer;
    struct pl_rules_use *rules;        /* the newest that a request brought; its
                                          owner is the store */
    struct pl_stream_account *account; /* NULL: no account, or empty */
    struct pl_stream_held *ring;       /* NULL: empty */
    uint64_t top;
    uint64_t used_ms;
    uint64_t queued_ms; /* loop time at which it was appended to its lists */
    uint64_t bytes;     /* of the history; 0: empty */
    uint32_t cap;
    uint32_t first;
    uint32_t count;
    uint16_t name_len;
    bool has_subscribers; /* as far as known; cleared by idle() */
    bool has_version;     /* in the store's map */
    char epoch[PL_EPOCH_MAX];
    char name[];
};

static inline struct pl_stream_store *
pl_channel_stream_store(const struct pl_channel_stream *l)
{
    return l->rules->owner;
}

/* --- channel_stream.c --- */

/* Create the stream of a channel, in no list yet.
 * Errors: PL_ENOMEM. */
enum pl_err pl_channel_stream_create(struct pl_channel_stream **out,
                                     struct pl_stream_store *m,
                                     const struct pl_store_op *op,
                                     struct pl_rules *rules);
void pl_channel_stream_destroy(struct pl_channel_stream *l);

/* Return the stream of the channel, or NULL. */
struct pl_channel_stream *pl_channel_stream_find(struct pl_stream_store *m,
                                                 struct pl_span channel,
                                                 uint64_t hash);

/* Give `pub` the next offset and store it, in place of the oldest if the stream
 * is full.  *unused, unless `unused` is NULL, becomes the memory of that one if
 * pl_pub_empty() gives it.
 * Errors: PL_ENOMEM. */
enum pl_err pl_channel_stream_push(struct pl_channel_stream *l,
                                   struct pl_pub *pub, struct pl_pub **unused);

/* Drop the oldest publication, which must exist; all publications; the expired
 * ones. */
void pl_channel_stream_drop(struct pl_channel_stream *l);
void pl_channel_stream_empty(struct pl_channel_stream *l);
void pl_channel_stream_expire(struct pl_channel_stream *l);

/* Shrink the ring if most of it is unused. */
void pl_channel_stream_tighten(struct pl_channel_stream *l);

/* Fill in the results of `r`, except its error.
 * Errors: PL_ENOMEM. */
enum pl_err pl_channel_stream_range(const struct pl_channel_stream *l,
                                    struct pl_stream_range *r);

/* Start the timer for the expiry of the oldest publication, or of the empty
 * stream. */
void pl_channel_stream_arm(struct pl_channel_stream *l);

/* Ask the owner whether the channel has subscribers. */
bool pl_channel_stream_is_used(const struct pl_channel_stream *l);

/* --- stream_account.c --- */

/* Charge the history of `l` to the user of `client`.  NULL: to no account. */
void pl_stream_account_charge(struct pl_channel_stream *l,
                              const struct pl_client *client);

/* Remove the stream from its account, which may be freed. */
void pl_stream_account_leave(struct pl_channel_stream *l);

/* --- stream_terms.c --- */

/* If r->terms forbid to store r->pub, write the position for it into the
 * results and r->pub, and return true. */
bool pl_stream_terms_resolve(struct pl_channel_stream *l,
                             struct pl_stream_append *r);

/* Like pl_channel_stream_push(), and remember r->terms.
 * Errors: PL_ENOMEM, PL_ETOOBIG. */
enum pl_err pl_stream_terms_push(struct pl_channel_stream *l,
                                 const struct pl_stream_append *r);

/* Forget the version of the stream, which ends. */
void pl_stream_version_drop(struct pl_channel_stream *l);

/* --- stream_space.c --- */

/* Add `by` bytes to the history of the stream; a negative number wraps. */
static inline void pl_stream_space_change(struct pl_channel_stream *l,
                                          uint64_t by)
{
    struct pl_stream_store *m = pl_channel_stream_store(l);

    l->bytes += by;
    m->bytes += by;
    if (l->account != NULL)
        l->account->bytes += by;
    if (m->options.metrics != NULL)
        pl_count(m->options.metrics, PL_METRIC_HISTORY_BYTES, by);
}

/* Append the stream to the list in which it belongs, and to its account's. */
void pl_stream_space_queue(struct pl_channel_stream *l);

/* Find a place for one more stream.  *old is the stream to evict for it, or
 * NULL.
 * Errors: PL_ELIMIT. */
enum pl_err pl_stream_space_find(struct pl_stream_store *m,
                                 struct pl_channel_stream **old);

/* Free a stream so that another one takes its place. */
void pl_stream_space_evict(struct pl_channel_stream *l);

/* Enforce the limits after the history of `l` has grown.  `l` must be the most
 * recently used stream. */
void pl_stream_space_fit(struct pl_channel_stream *l);

/* Shed `bytes` soon, in steps of one per turn; replaces the bytes still to
 * shed. */
void pl_stream_space_shed(struct pl_stream_store *m, uint64_t bytes);
void pl_stream_space_on_task(struct pl_task *t);

#endif
