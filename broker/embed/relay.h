/* SPDX-License-Identifier: Apache-2.0 */
/* relay.h - carries the events of one loop to the loop of a program that has
 * lent its base.  Private to this module.
 *
 * Thread: the loop of the events. */
#ifndef PL_BROKER_RELAY_H
#define PL_BROKER_RELAY_H

#include "hooks.h"
#include "map.h"

struct pl_broker;

/* All zero: empty. */
struct pl_relay {
    struct pl_broker *broker;
    struct pl_hooks hooks;
    struct pl_map clients;  /* that were announced */
    struct pl_map subs;     /* the ends of subscriptions */
    struct pl_map channels; /* in use, that were announced */
};

struct pl_relay *pl_relay_of(struct pl_relay *r, struct pl_broker *b);

/* Hooks that post to the host of `b`. */
const struct pl_hooks *pl_relay_hooks(struct pl_relay *r, struct pl_broker *b);

/* Called for a channel; `relay` is a struct pl_relay. */
void pl_relay_channel(void *relay, struct pl_span name, bool is_first);

/* After the last event.  Twice is allowed. */
void pl_relay_fini(struct pl_relay *r);

#endif
