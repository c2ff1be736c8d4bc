/* SPDX-License-Identifier: Apache-2.0 */
/* stream_private.h - what the files of the memory store share: stream_memory.c
 * the operations, stream_line.c one channel's stream, stream_room.c the bounds,
 * stream_account.c what each user's histories take. */
#ifndef PL_STREAM_PRIVATE_H
#define PL_STREAM_PRIVATE_H

#include "hash.h"
#include "list.h"
#include "loop.h"
#include "map.h"
#include "metrics.h"
#include "stream_memory.h"
#include "timer.h"

/* Why a history is shed.  Each reason has two counters, publications and
 * bytes, in this order from PL_METRIC_HISTORY_SHED_CHANNEL on. */
enum pl_stream_shed {
    PL_STREAM_SHED_CHANNEL,  /* channels.history_bytes */
    PL_STREAM_SHED_CLIENT,   /* limits.client_history */
    PL_STREAM_SHED_HISTORY,  /* limits.history */
    PL_STREAM_SHED_CHANNELS, /* limits.channels */
    PL_STREAM_SHED_MEMORY,   /* limits.memory */
    PL_STREAM_SHED_COUNT
};

/* What the histories of one user's channels take.  An account with a name goes
 * with its last line; the anonymous one lasts as long as the store. */
struct pl_stream_account {
    struct pl_map_node node;
    struct pl_list
        lines; /* that hold publications, least recently used first */
    uint64_t bytes;
    uint32_t user_len;
    char user[];
};

struct pl_stream_store {
    struct pl_stream stream;
    struct pl_loop *loop;
    struct pl_stream_memory_options options;
    pl_stream_is_used *is_used;
    pl_stream_may_begin *may_begin; /* or NULL */
    void *owner;
    struct pl_map map; /* of lines */
    /* Least recently used first: empty lines without known subscribers; lines
     * with publications without known subscribers; lines with both.  An empty
     * line with subscribers is in none of them. */
    struct pl_list idle, rested, busy;
    struct pl_map accounts;
    struct pl_hash_key key; /* of the accounts */
    struct pl_stream_account *anonymous;
    uint64_t bytes;      /* of all histories */
    struct pl_task task; /* sheds the rest of ... */
    uint64_t shed_bytes; /* what the process is to be given back */
    uint64_t told_ms[PL_STREAM_SHED_COUNT]; /* when the log was told last */
};

struct pl_stream_held {
    struct pl_pub *pub;
    uint64_t due_ms; /* when it expires */
};

struct pl_stream_line {
    struct pl_map_node node;
    struct pl_list queue; /* in one of the store's lists */
    struct pl_list own;   /* in its account's list */
    struct pl_timer timer;
    struct pl_stream_store *store;
    struct pl_stream_account *account; /* NULL: nobody's, or empty */
    struct pl_stream_held *ring;       /* NULL: empty */
    uint64_t top;
    uint64_t used_ms;
    uint64_t queued_ms; /* when it was put at the end of its lists */
    uint64_t bytes;     /* of the history; 0: empty */
    uint32_t cap;
    uint32_t first;
    uint32_t count;
    uint16_t name_len;
    bool has_subscribers; /* as known; the owner's hint clears it */
    char epoch[PL_EPOCH_MAX];
    char name[];
};

/* --- stream_line.c --- */

/* A line of the channel, in no list yet.  Errors: PL_ENOMEM. */
enum pl_err pl_stream_line_create(struct pl_stream_line **out,
                                  struct pl_stream_store *m,
                                  const struct pl_store_op *op);
void pl_stream_line_destroy(struct pl_stream_line *l);

/* NULL: there is none. */
struct pl_stream_line *pl_stream_line_find(struct pl_stream_store *m,
                                           struct pl_span channel,
                                           uint64_t hash);

/* Give `pub` the next offset and hold it, in place of the oldest when there are
 * as many as may be.  Errors: PL_ENOMEM. */
enum pl_err pl_stream_line_push(struct pl_stream_line *l, struct pl_pub *pub);

/* Drop the oldest, which there is; the others; what has expired. */
void pl_stream_line_drop(struct pl_stream_line *l);
void pl_stream_line_empty(struct pl_stream_line *l);
void pl_stream_line_expire(struct pl_stream_line *l);

/* Give memory of the ring back when most of it is unused. */
void pl_stream_line_tighten(struct pl_stream_line *l);

/* Answer `r` in all but its error.  Errors: PL_ENOMEM. */
enum pl_err pl_stream_line_range(const struct pl_stream_line *l,
                                 struct pl_stream_range *r);

/* Let the timer fire when the oldest publication expires, or the empty line
 * itself. */
void pl_stream_line_arm(struct pl_stream_line *l);

/* Ask the owner. */
bool pl_stream_line_is_used(const struct pl_stream_line *l);

/* --- stream_account.c --- */

/* The history of `l` is charged to `client` from now on; NULL: to nobody. */
void pl_stream_account_charge(struct pl_stream_line *l,
                              const struct pl_client *client);

/* The line is empty: its account may go. */
void pl_stream_account_leave(struct pl_stream_line *l);

/* --- stream_room.c --- */

/* The history of the line takes so many bytes more, or less: `by` wraps. */
static inline void pl_stream_room_change(struct pl_stream_line *l, uint64_t by)
{
    struct pl_stream_store *m = l->store;

    l->bytes += by;
    m->bytes += by;
    if (l->account != NULL)
        l->account->bytes += by;
    if (m->options.metrics != NULL)
        pl_count(m->options.metrics, PL_METRIC_HISTORY_BYTES, by);
}

/* Put the line at the end of the list in which it belongs, and of its
 * account's. */
void pl_stream_room_queue(struct pl_stream_line *l);

/* Make room for one more line.  Errors: PL_ELIMIT. */
enum pl_err pl_stream_room_make(struct pl_stream_store *m);

/* The history of `l`, which was used last, has grown: shed what is too much. */
void pl_stream_room_fit(struct pl_stream_line *l);

/* Shed so many bytes soon, a part in each turn. */
void pl_stream_room_shed(struct pl_stream_store *m, uint64_t bytes);
void pl_stream_room_on_task(struct pl_task *t);

#endif
