/* SPDX-License-Identifier: Apache-2.0 */
/* bus.h - carries what happens in a channel to every owner of it: to this one
 * alone, or also to those of other nodes.  See store.h for the promises of all
 * stores.
 *
 * A publication comes up, on every owner attached to the channel, as an event;
 * at the publisher before or after its request is complete, but in the order
 * submitted.  So do joins and leaves.  One that has an offset may come up
 * twice, and late: hubs drop what they have had, and tell a gap for another
 * epoch. */
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
    struct pl_pub *pub;       /* of a publication; the caller holds it */
    struct pl_client *client; /* of a join or leave; the caller holds it */
};

/* What comes up. */
struct pl_bus_events {
    /* `own`: the request of this owner that it comes from, still in flight;
     * NULL: of another owner, or the bus cannot tell. */
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
    /* Have the channel's events come up from now on; and no longer.
     * Errors of all: PL_ENOMEM, PL_EFULL, PL_ETIMEDOUT, PL_EIO. */
    enum pl_store_reply (*attach)(struct pl_bus *b, struct pl_store_op *r);
    enum pl_store_reply (*detach)(struct pl_bus *b, struct pl_store_op *r);
    enum pl_store_reply (*publish)(struct pl_bus *b, struct pl_bus_publish *r);
    /* Whom to tell; before the first request.  `events` is constant. */
    void (*bind)(struct pl_bus *b, const struct pl_bus_events *events,
                 void *owner);
    void (*destroy)(struct pl_bus *b);
};

/* First in every bus. */
struct pl_bus {
    const struct pl_bus_ops *ops;
};

#endif
