/* SPDX-License-Identifier: Apache-2.0 */
/* hand_bus.h - a bus for tests whose answers and events the test gives. */
#ifndef HAND_BUS_H
#define HAND_BUS_H

#include "bus.h"

struct hand_bus {
    struct pl_bus bus;
    const struct pl_bus_events *events;
    void *owner;
    struct pl_bus_publish *held[8]; /* not answered yet */
    unsigned count;
    bool refuses;
    unsigned attached;
    unsigned detached;
};

extern const struct pl_bus_ops hand_bus_ops;

/* Answer the oldest request. */
void hand_bus_answer(struct hand_bus *h, enum pl_err error);

/* The event of request `i` comes up, without its answer. */
void hand_bus_event(struct hand_bus *h, unsigned i);

#endif
