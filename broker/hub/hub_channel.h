/* SPDX-License-Identifier: Apache-2.0 */
/* hub_channel.h - the subscribers of one channel on one loop, and the
 * publications of this turn.  Private to this module. */
#ifndef PL_HUB_CHANNEL_H
#define PL_HUB_CHANNEL_H

#include <string.h>

#include "hub.h"
#include "loop.h"
#include "map.h"
#include "rate.h"
#include "rules_use.h"

struct pl_pub;

struct pl_hub_channel {
    struct pl_map_node node;
    struct pl_rules_use *rules; /* its owner is the hub */
    struct pl_blob *name;       /* own reference */
    struct pl_sub **subs;       /* in any order; each has its index */
    uint32_t count;
    uint32_t cap;
    uint32_t live[PL_ENCODING_COUNT];
    uint32_t join_leave_subs; /* live subscriptions with PL_SUB_JOIN_LEAVE */
    uint32_t serial;          /* of the open segments */
    struct pl_segment *open[PL_ENCODING_COUNT]; /* NULL: no publications in this
                                                   turn */
    uint64_t last; /* offset of the newest publication or of the newest attach
                      result; 0 also before both */
    char epoch[8]; /* of `last`; zeros before */
    struct pl_rate publications; /* for subscribers of this loop */
    struct pl_task seal;
};

static inline struct pl_hub *pl_hub_of(const struct pl_hub_channel *c)
{
    return c->rules->owner;
}

/* Parts of the hub that channels use. */
struct pl_loop *pl_hub_loop(struct pl_hub *h);
struct pl_metrics *pl_hub_metrics(struct pl_hub *h);
struct pl_tracer *pl_hub_tracer(struct pl_hub *h);
struct pl_segment *pl_hub_presence_segment(struct pl_hub *h,
                                           enum pl_encoding encoding);

/* hub_sub.c.  The live, positioned `sub` missed a publication: deliver no more
 * to it, until pl_hub_drop_lost() unsubscribes it. */
void pl_hub_lose(struct pl_hub *h, struct pl_sub *sub);

/* Return true if any subscription of the loop is in PL_SUB_LOST. */
bool pl_hub_has_lost(const struct pl_hub *h);

/* Unsubscribe the subscriptions of `c` in PL_SUB_LOST with code 2500.  May free
 * `c`. */
void pl_hub_drop_lost(struct pl_hub *h, struct pl_hub_channel *c);

/* Create a channel without subscribers.  NULL: out of memory.
 * Owner: the channel takes `rules`. */
struct pl_hub_channel *pl_hub_channel_create(struct pl_rules_use *rules,
                                             struct pl_span name);
void pl_hub_channel_destroy(struct pl_hub_channel *c);

/* Add a subscription in PL_SUB_ATTACHING.  NULL: out of memory. */
struct pl_sub *pl_hub_channel_add(struct pl_hub_channel *c,
                                  struct pl_subscriber *u, uint16_t flags);

/* Subtract `sub` from the live counters.  Call this before `sub` leaves
 * PL_SUB_LIVE. */
void pl_hub_channel_deactivate(struct pl_hub_channel *c,
                               const struct pl_sub *sub);

/* Remove `sub` from the channel without freeing it. */
void pl_hub_channel_remove(struct pl_hub_channel *c, struct pl_sub *sub);

/* Set `sub` to PL_SUB_LIVE: later publications are delivered to it. */
void pl_hub_channel_go_live(struct pl_hub_channel *c, struct pl_sub *sub);

/* Append a publication to the open segments.  Return false if allocation fails:
 * some live subscribers miss it. */
bool pl_hub_channel_publish(struct pl_hub_channel *c, const struct pl_pub *p);

/* How a publication continues the offsets of the channel. */
enum pl_hub_fit {
    PL_HUB_FIT_NEXT,
    PL_HUB_FIT_AGAIN, /* a duplicate */
    PL_HUB_FIT_GAP    /* publications are missing before it, or the epoch
                         changed */
};

enum pl_hub_fit pl_hub_channel_fit(const struct pl_hub_channel *c,
                                   const struct pl_pub *p);

/* Count a duplicate publication as dropped for all live subscribers. */
void pl_hub_channel_skip(struct pl_hub_channel *c);

/* Return true if `epoch`, of 8 letters, is the epoch of `last`. */
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

/* Deliver a join or leave to the subscribers with PL_SUB_JOIN_LEAVE. */
void pl_hub_channel_tell(struct pl_hub_channel *c, struct pl_client *client,
                         bool is_join);

/* Deliver the pending publications of this turn to `sub`, before another output
 * for it. */
void pl_hub_channel_deliver_pending(struct pl_hub_channel *c,
                                    struct pl_sub *sub);

/* Like pl_hub_channel_deliver_pending(), for all subscriptions of `u` to this
 * channel: one, or a leaving one and its successor. */
void pl_hub_channel_deliver_all_pending(struct pl_hub_channel *c,
                                        const struct pl_subscriber *u);

/* Count the pending publications of `sub` as cancelled. */
void pl_hub_channel_cancel(struct pl_hub_channel *c, struct pl_sub *sub);

#endif
