/* SPDX-License-Identifier: Apache-2.0 */
/* gate.h - handlers that tests hold and let go: one blocks its loop, one keeps
 * its call unanswered. */
#ifndef GATE_H
#define GATE_H

#include <pthread.h>
#include <semaphore.h>

#include "box.h"
#include "parley.h"
#include "peer.h"

struct gate {
    sem_t entered; /* posted by each call that came */
    sem_t leave;   /* what a blocked call waits for */
    /* Kept calls, oldest first. */
    pthread_mutex_t lock;
    struct pl_call *kept[16];
    unsigned count;
};

void gate_init(struct gate *g);
void gate_fini(struct gate *g);

/* Wait until one more call has come. */
void gate_await(struct gate *g);

/* Let one blocked call go on; it is answered with {}. */
void gate_open(struct gate *g);

/* Take a kept call, NULL: none is there. */
struct pl_call *gate_take(struct gate *g);

/* A broker with these settings on which a call of the client `p` waits at the
 * gate: of "wall", which blocks its loop, or of "keep".  Gives the call's id.
 */
uint32_t gate_hold(struct gate *g, struct box *b, struct peer *p,
                   const char *type, const char *const *sets);

/* Handlers, with a gate as context. */
void gate_block(struct pl_call *call, void *gate);
void gate_keep(struct pl_call *call, void *gate);

/* Answers at once with what it was sent; no context. */
void gate_echo(struct pl_call *call, void *context);

#endif
