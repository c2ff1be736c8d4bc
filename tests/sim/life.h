/* SPDX-License-Identifier: Apache-2.0 */
/* life.h - one life of the broker with its clients and its troubles. */
#ifndef LIFE_H
#define LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "backend.h"
#include "reader.h"

struct life {
    struct world world;
    struct truth *truth;
    struct backend *backend;
    struct readers *readers;
    struct client *clients[CLIENTS + 1]; /* the last one watches */
    uint64_t last_step;
    unsigned alloc_odds;
    bool holds_calls; /* handlers answer nothing for a while */
};

/* All troubles end and everybody is heard out; then the broker must know
 * exactly what its clients know. */
void life_rest(struct life *f);

/* Everything follows from the seed.  It ends by itself, and earlier when the
 * run has had `last_step` steps. */
void life_run(uint64_t seed, bool is_late, uint64_t last_step);

#endif
