/* SPDX-License-Identifier: Apache-2.0 */
/* hand_bus.c - see hand_bus.h. */
#include "hand_bus.h"

#include <string.h>

static enum pl_store_reply attach(struct pl_bus *b, struct pl_store_op *r)
{
    ((struct hand_bus *)b)->attached++;
    r->error = PL_OK;
    return PL_STORE_DONE;
}

static enum pl_store_reply detach(struct pl_bus *b, struct pl_store_op *r)
{
    ((struct hand_bus *)b)->detached++;
    r->error = PL_OK;
    return PL_STORE_DONE;
}

static enum pl_store_reply publish(struct pl_bus *b, struct pl_bus_publish *r)
{
    struct hand_bus *h = (struct hand_bus *)b;

    if (h->refuses) {
        r->op.error = PL_EFULL;
        return PL_STORE_DONE;
    }
    h->held[h->count++] = r;
    return PL_STORE_LATER;
}

static void bind(struct pl_bus *b, const struct pl_bus_events *events,
                 void *owner)
{
    ((struct hand_bus *)b)->events = events;
    ((struct hand_bus *)b)->owner = owner;
}

static void destroy(struct pl_bus *b)
{
    (void)b; /* the test's */
}

const struct pl_bus_ops hand_bus_ops = {.attach = attach,
                                        .detach = detach,
                                        .publish = publish,
                                        .bind = bind,
                                        .destroy = destroy};

void hand_bus_answer(struct hand_bus *h, enum pl_err error)
{
    struct pl_bus_publish *r = h->held[0];

    h->count--;
    memmove(h->held, h->held + 1, h->count * sizeof h->held[0]);
    r->op.error = error;
    r->op.done(&r->op);
}

void hand_bus_event(struct hand_bus *h, unsigned i)
{
    struct pl_bus_publish *r = h->held[i];

    h->events->publication(h->owner, r->pub, r);
}
