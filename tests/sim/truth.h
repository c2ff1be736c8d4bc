/* SPDX-License-Identifier: Apache-2.0 */
/* truth.h - what all clients together know of the channels: which publication
 * has which place.  Whatever a client hears must fit. */
#ifndef TRUTH_H
#define TRUTH_H

#include <stdint.h>

#include "span.h"
#include "world.h"

enum {
    ROOMS = 6,                /* channels that clients subscribe to */
    CHANNELS = ROOMS + USERS, /* and the inboxes of users */
    EPOCH_MAX = 9
};

enum fate { FATE_ASKED, FATE_DONE, FATE_REFUSED, FATE_UNKNOWN };

/* One thing said, to a channel or to a connection. */
struct saying {
    uint32_t connection; /* that said it */
    uint16_t client;
    uint8_t channel; /* CHANNELS: to a connection ... */
    uint8_t fate;
    uint32_t target; /* ... this one, once */
    uint32_t epoch;  /* where it was heard first */
    uint64_t offset; /* 0: nowhere */
};

struct truth; /* opaque */

struct truth *truth_create(void);
void truth_destroy(struct truth *t);

const char *truth_channel_name(unsigned channel);

/* The channel's number; CHANNELS: none of ours. */
unsigned truth_channel(struct pl_span name);

/* A new saying: its number, from 1 up. */
uint64_t truth_say(struct truth *t, const struct saying *s);

/* NULL: nobody said that. */
struct saying *truth_saying(struct truth *t, uint64_t number);

/* The number that `data` carries; 0: none. */
uint64_t truth_number(struct pl_span data);

/* `number` was heard at `offset` of the epoch; fails if that cannot be. */
void truth_hear(struct truth *t, unsigned channel, const char *epoch,
                uint64_t offset, uint64_t number);

#endif
