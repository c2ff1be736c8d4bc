/* SPDX-License-Identifier: Apache-2.0 */
/* hub_channel.h - the subscribers of one channel on one loop, and what they
 * are owed of this turn.  Private to the room. */
#ifndef PL_HUB_CHANNEL_H
#define PL_HUB_CHANNEL_H

#include <string.h>

#include "hub.h"
#include "loop.h"
#include "map.h"

struct pl_hub_channel {
    struct pl_map_node node;
    struct pl_hub *hub;
    struct pl_blob *name; /* held */
    struct pl_sub **subs; /* in any order; each knows its index */
    uint32_t count;
    uint32_t cap;
    uint32_t live[PL_ENCODING_COUNT];
    uint32_t takers; /* live subs that get joins and leaves */
    uint32_t serial; /* of the open segments */
    struct pl_segment *open[PL_ENCODING_COUNT]; /* NULL: nothing gathered */
    uint64_t last; /* offset of the newest publication seen, or of the newest
                      position told; 0 also before both */
    char epoch[8]; /* of `last`; all zero before */
    struct pl_task seal;
};

/* What channels need of their hub. */
struct pl_loop *pl_hub_loop(struct pl_hub *h);
struct pl_metrics *pl_hub_metrics(struct pl_hub *h);
struct pl_segment *pl_hub_aside(struct pl_hub *h, enum pl_encoding encoding);

/* hub_sub.c: `sub`, which is live and positioned, missed a publication.  It
 * gets no more, and pl_hub_drop_lost() unsubscribes it. */
void pl_hub_lose(struct pl_hub *h, struct pl_sub *sub);

/* Whether any subscription of the loop is in PL_SUB_LOST. */
bool pl_hub_has_lost(const struct pl_hub *h);

/* Unsubscribe those of `c` that are in PL_SUB_LOST, with 2500.  It may free
 * `c`.
 */
void pl_hub_drop_lost(struct pl_hub *h, struct pl_hub_channel *c);

/* Without subscribers, or NULL: out of memory. */
struct pl_hub_channel *pl_hub_channel_create(struct pl_hub *h,
                                             struct pl_span name);
void pl_hub_channel_destroy(struct pl_hub_channel *c);

/* A new subscription, attaching, or NULL: out of memory. */
struct pl_sub *pl_hub_channel_add(struct pl_hub_channel *c,
                                  struct pl_subscriber *u, uint8_t flags);

/* It is about to get nothing more: count it out of the live ones. */
void pl_hub_channel_still(struct pl_hub_channel *c, const struct pl_sub *sub);

/* Take it out of the channel; its memory stays. */
void pl_hub_channel_remove(struct pl_hub_channel *c, struct pl_sub *sub);

/* From now on it gets publications. */
void pl_hub_channel_go_live(struct pl_hub_channel *c, struct pl_sub *sub);

/* Gather a publication for all live subscribers.  False: out of memory, some
 * of them miss it. */
bool pl_hub_channel_publish(struct pl_hub_channel *c, const struct pl_pub *p);

/* How a publication follows what the channel had. */
enum pl_hub_fit {
    PL_HUB_FIT_NEXT,
    PL_HUB_FIT_AGAIN, /* the channel has had it */
    PL_HUB_FIT_GAP    /* something is missing between, or the epoch changed */
};

enum pl_hub_fit pl_hub_channel_fit(const struct pl_hub_channel *c,
                                   const struct pl_pub *p);

/* A publication came again: count it as dropped for all live subscribers. */
void pl_hub_channel_skip(struct pl_hub_channel *c);

/* Whether `epoch`, of 8 letters, is that of `last`. */
static inline bool pl_hub_channel_is_of(const struct pl_hub_channel *c,
                                        const char *epoch)
{
    return memcmp(c->epoch, epoch, sizeof c->epoch) == 0;
}

static inline void pl_hub_channel_move(struct pl_hub_channel *c,
                                       const char *epoch, uint64_t offset)
{
    memcpy(c->epoch, epoch, sizeof c->epoch);
    c->last = offset;
}

/* Tell a join or leave to those that take them. */
void pl_hub_channel_tell(struct pl_hub_channel *c, struct pl_client *client,
                         bool is_join);

/* Deliver what `sub` is owed so far, ahead of something else for it. */
void pl_hub_channel_settle(struct pl_hub_channel *c, struct pl_sub *sub);

/* The same for all that `u` has here: one, or one and its successor. */
void pl_hub_channel_settle_all(struct pl_hub_channel *c,
                               const struct pl_subscriber *u);

/* Count what `sub` is still owed as cancelled. */
void pl_hub_channel_cancel(struct pl_hub_channel *c, struct pl_sub *sub);

#endif
