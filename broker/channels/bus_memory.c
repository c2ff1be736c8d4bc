/* SPDX-License-Identifier: Apache-2.0 */
/* bus_memory.c - see bus_memory.h.
 *
 * publish() reports the event before it returns.  Attach and detach do nothing,
 * because the only owner knows its own subscribers. */
#include "bus_memory.h"

#include <stdlib.h>

struct bus_memory {
    struct pl_bus bus;
    const struct pl_bus_events *events;
    void *owner;
};

static enum pl_store_reply change(struct pl_bus *bus, struct pl_store_op *r)
{
    (void)bus;
    r->error = PL_OK;
    return PL_STORE_DONE;
}

static enum pl_store_reply publish(struct pl_bus *bus, struct pl_bus_publish *r)
{
    struct bus_memory *b = (struct bus_memory *)bus;

    r->op.error = PL_OK;
    if (r->kind == PL_BUS_PUBLICATION)
        b->events->publication(b->owner, r->pub, r);
    else if (r->kind == PL_BUS_JOIN)
        b->events->join(b->owner, r->op.channel, r->op.hash, r->client);
    else
        b->events->leave(b->owner, r->op.channel, r->op.hash, r->client);
    return PL_STORE_DONE;
}

static void bind(struct pl_bus *bus, const struct pl_bus_events *events,
                 void *owner)
{
    struct bus_memory *b = (struct bus_memory *)bus;

    b->events = events;
    b->owner = owner;
}

static void destroy(struct pl_bus *bus)
{
    free(bus);
}

static const struct pl_bus_ops ops = {
    .traits = PL_STORE_IMMEDIATE | PL_STORE_ATOMIC | PL_STORE_RELIABLE,
    .attach = change,
    .detach = change,
    .publish = publish,
    .bind = bind,
    .destroy = destroy,
};

enum pl_err pl_bus_memory_create(struct pl_bus **out)
{
    struct bus_memory *b = calloc(1, sizeof *b);

    if (b == NULL)
        return PL_ENOMEM;
    b->bus.ops = &ops;
    *out = &b->bus;
    return PL_OK;
}
