/* SPDX-License-Identifier: Apache-2.0 */
/* truth.h - what all clients together know of the channels: which publication
 * has which place.  Whatever a client hears must fit. */
#ifndef TRUTH_H
#define TRUTH_H

#include <stdint.h>

#include "hear.h"
#include "span.h"
#include "world.h"

enum { EPOCH_MAX = 9, ID_MAX = 40 };

enum fate { FATE_ASKED, FATE_DONE, FATE_REFUSED, FATE_UNKNOWN };

/* One thing said, to a channel or to a connection. */
struct saying {
    uint32_t connection; /* that said it */
    uint16_t client;
    uint8_t channel; /* CHANNELS: to a connection ... */
    uint8_t fate;
    uint8_t rooms;        /* not 0: a broadcast, to the rooms of these bits */
    uint32_t target;      /* ... this one, once */
    uint32_t epoch;       /* where it was heard first */
    uint64_t offset;      /* 0: nowhere */
    uint64_t step;        /* when it was said */
    uint64_t done_ms;     /* when its speaker was told; 0: not yet */
    char speaker[ID_MAX]; /* the client id of who said it; "": a backend */
};

struct truth; /* opaque */

struct truth *truth_create(void);
void truth_destroy(struct truth *t);

/* The channel's number; CHANNELS: none of ours. */
unsigned truth_channel(struct pl_span name);

/* A new saying: its number, from 1 up. */
uint64_t truth_say(struct truth *t, const struct saying *s);

/* How many there are. */
uint64_t truth_count(const struct truth *t);

/* NULL: nobody said that. */
struct saying *truth_saying(struct truth *t, uint64_t number);

/* The number that `data` carries; 0: none. */
uint64_t truth_number(struct pl_span data);

/* `p` was heard at its place of the epoch: fails if that cannot be.  Gives its
 * number. */
uint64_t truth_hear(struct truth *t, unsigned channel, const char *epoch,
                    const struct hear_publication *p);

#endif
