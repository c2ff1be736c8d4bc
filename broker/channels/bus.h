/* SPDX-License-Identifier: Apache-2.0 */
/* bus.h - carries the events of a channel to all its owners: to this one alone,
 * or also to those of other nodes.  store.h has the promises of all stores.
 *
 * Each owner attached to a channel receives its publications, joins and leaves
 * as events, in the order submitted.  The publisher's own event arrives before
 * or after its request completes.  A publication with an offset may arrive
 * twice, and out of order: order.c drops duplicates and finds its place, and
 * hubs treat another epoch as a gap.  A bus with PL_STORE_IMMEDIATE has one
 * owner and knows the request of each event. */
#ifndef PL_BUS_H
#define PL_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "client.h"
#include "pub.h"
#include "store.h"

struct pl_bus;

enum pl_bus_kind { PL_BUS_PUBLICATION, PL_BUS_JOIN, PL_BUS_LEAVE };

struct pl_bus_publish {
    struct pl_store_op op;
    enum pl_bus_kind kind;
    struct pl_pub *pub;       /* of a publication; the caller keeps a
                                 reference */
    struct pl_client *client; /* of a join or leave; the caller keeps a
                                 reference */
};

/* Callbacks with the events of a bus. */
struct pl_bus_events {
    /* `own`: the pending request of this owner that caused the event.  NULL:
     * another owner's, or the bus does not know. */
    void (*publication)(void *owner, struct pl_pub *pub,
                        struct pl_bus_publish *own);
    void (*join)(void *owner, struct pl_span channel, uint64_t hash,
                 struct pl_client *client);
    void (*leave)(void *owner, struct pl_span channel, uint64_t hash,
                  struct pl_client *client);
    /* Publications of the channel may have been lost. */
    void (*gap)(void *owner, struct pl_span channel, uint64_t hash);
};

struct pl_bus_ops {
    unsigned traits; /* enum pl_store_trait */
    /* Start and stop receiving the channel's events.
     * Errors of all calls: PL_ENOMEM, PL_EFULL, PL_ETIMEDOUT, PL_EIO. */
    enum pl_store_reply (*attach)(struct pl_bus *b, struct pl_store_op *r);
    enum pl_store_reply (*detach)(struct pl_bus *b, struct pl_store_op *r);
    enum pl_store_reply (*publish)(struct pl_bus *b, struct pl_bus_publish *r);
    /* Set the receiver of events, before the first request.  `events` must be
     * constant. */
    void (*bind)(struct pl_bus *b, const struct pl_bus_events *events,
                 void *owner);
    void (*destroy)(struct pl_bus *b);
};

/* First member of every bus. */
struct pl_bus {
    const struct pl_bus_ops *ops;
};

#endif
