/* SPDX-License-Identifier: Apache-2.0 */
/* crowd.h - the processes of clients, seen from the one that leads them. */
#ifndef LOAD_CROWD_H
#define LOAD_CROWD_H

#include <sys/types.h>

#include "worker.h"

enum { CROWD_MAX = 16 };

struct crowd {
    unsigned count;
    int control[CROWD_MAX];
    pid_t pid[CROWD_MAX];
};

/* Start them; failures end the program. */
void crowd_start(struct crowd *c, const struct plan *plan,
                 const struct plan_kind *kind, uint16_t port);

/* Give all an order and wait for their reports; *sum is their sum. */
void crowd_do(struct crowd *c, enum worker_order order, unsigned count,
              struct worker_report *sum);

/* The two halves of crowd_do(). */
void crowd_tell(struct crowd *c, enum worker_order order, unsigned count);
void crowd_hear(struct crowd *c, struct worker_report *sum);

void crowd_stop(struct crowd *c);

#endif
