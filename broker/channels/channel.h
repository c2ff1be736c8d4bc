/* SPDX-License-Identifier: Apache-2.0 */
/* channel.h - a channel with subscribers or pending requests.
 *
 * Thread: the owner's loop. */
#ifndef PL_CHANNEL_H
#define PL_CHANNEL_H

#include "client_table.h"
#include "list.h"
#include "map.h"
#include "order.h"
#include "rate.h"
#include "rules_use.h"
#include "store.h"

struct pl_channels;
struct pl_msg;

enum pl_bus_state {
    PL_BUS_APART,
    PL_BUS_ATTACHING,
    PL_BUS_ATTACHED,
    PL_BUS_DETACHING
};

/* What a channel needs only with stores that reply late. */
struct pl_late_channel {
    struct pl_channel *ch;
    struct pl_order order;
    struct pl_list waiting; /* attaches that wait for the bus */
    struct pl_store_op bus_op;
};

/* Its requests and callers pin it; without pins and members it is freed. */
struct pl_channel {
    struct pl_map_node node;
    struct pl_rules_use *rules;     /* the newest that came; its owner is the
                                       owner */
    struct pl_blob *name;           /* own reference */
    struct pl_client_table members; /* all subscribers; marked: has joined */
    struct pl_list outbox;          /* requests in the order of their offsets */
    struct pl_late_channel *late;   /* in the same allocation; NULL: all stores
                                       complete at once */
    uint8_t bus;                    /* enum pl_bus_state */
    bool gap_is_due;                /* out of memory for a gap mail */
    uint32_t users; /* pins: requests, and callers that use the channel */
    uint32_t join_leave_subs; /* subscribers with PL_ATTACH_JOIN_LEAVE */
    struct pl_rate publications, bytes; /* delivered to subscribers */
    uint32_t at_loop[];                 /* subscribers on each loop */
};

static inline struct pl_channels *pl_channel_owner(const struct pl_channel *ch)
{
    return ch->rules->owner;
}

struct pl_channel *pl_channel_find(struct pl_channels *c,
                                   struct pl_span channel, uint64_t hash);

/* Find or create a channel and pin it; release it with pl_channel_unpin().  It
 * gets `rules` if it is new or they are newer than its own; NULL: it keeps its
 * own, or gets those of the newest rulebook.  A new channel shares `name`.
 * NULL: out of memory. */
struct pl_channel *pl_channel_pin(struct pl_channels *c, struct pl_blob *name,
                                  uint64_t hash, struct pl_rules *rules);

/* Likewise, with a copy of `channel` if it is new, and no rules. */
struct pl_channel *pl_channel_pin_named(struct pl_channels *c,
                                        struct pl_span channel, uint64_t hash);

/* Release a pin.  A channel without pins and subscribers detaches from the bus
 * and is freed. */
void pl_channel_unpin(struct pl_channel *ch);

static inline uint32_t pl_channel_subscribers(const struct pl_channel *ch)
{
    return ch->members.count;
}

/* Count the channel when its first subscriber has come, and no more when its
 * last one has gone; and notify the program. */
void pl_channel_note_first(struct pl_channel *ch);
void pl_channel_note_last(struct pl_channel *ch);

/* Start receiving the channel's events.  True: `rq` waits, and `go_on` follows.
 * False: complete, with *error. */
bool pl_channel_join_bus(struct pl_channel *ch, struct pl_pending_request *rq,
                         pl_pending_request_step *go_on, enum pl_err *error);

/* Return true if the sender of `msg` may create another channel.  Requests that
 * are not of a client always may. */
bool pl_channels_may_begin(struct pl_channels *c, const struct pl_msg *msg);

/* Free all channels without notifying hubs or the bus. */
void pl_channels_free_all(struct pl_channels *c);

#endif
