/* SPDX-License-Identifier: Apache-2.0 */
/* sim_run.h - one run of the broker with its clients and its troubles. */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "backend.h"
#include "reader.h"

struct sim_run {
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
void sim_run_rest(struct sim_run *f);

/* Everything follows from the seed.  It ends by itself, and earlier when the
 * run has had `last_step` steps. */
void sim_run_once(uint64_t seed, bool is_late, uint64_t last_step);

#endif
