/* SPDX-License-Identifier: Apache-2.0 */
/* gate.c - see gate.h.  Semaphores, since what they tell is exactly that the
 * other thread has come to this place. */
#include "gate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "box.h"

static void await(sem_t *s)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += BOX_DEADLINE_MS / 1000;
    while (sem_timedwait(s, &until) != 0) {
        if (errno == EINTR)
            continue;
        fputs("gate: nobody came\n", stderr);
        abort();
    }
}

void gate_init(struct gate *g)
{
    sem_init(&g->entered, 0, 0);
    sem_init(&g->leave, 0, 0);
    pthread_mutex_init(&g->lock, NULL);
    g->count = 0;
}

void gate_fini(struct gate *g)
{
    sem_destroy(&g->entered);
    sem_destroy(&g->leave);
    pthread_mutex_destroy(&g->lock);
}

void gate_await(struct gate *g)
{
    await(&g->entered);
}

void gate_open(struct gate *g)
{
    sem_post(&g->leave);
}

struct pl_call *gate_take(struct gate *g)
{
    struct pl_call *call = NULL;

    pthread_mutex_lock(&g->lock);
    if (g->count > 0) {
        call = g->kept[0];
        g->count--;
        for (unsigned i = 0; i < g->count; i++)
            g->kept[i] = g->kept[i + 1];
    }
    pthread_mutex_unlock(&g->lock);
    return call;
}

void gate_block(struct pl_call *call, void *gate)
{
    struct gate *g = gate;

    sem_post(&g->entered);
    await(&g->leave);
    pl_call_reply(call, "{}", 2);
}

void gate_keep(struct pl_call *call, void *gate)
{
    struct gate *g = gate;

    pthread_mutex_lock(&g->lock);
    if (g->count == sizeof g->kept / sizeof *g->kept)
        abort();
    g->kept[g->count++] = call;
    pthread_mutex_unlock(&g->lock);
    sem_post(&g->entered);
}

void gate_echo(struct pl_call *call, void *context)
{
    size_t len;
    const char *data = pl_call_data(call, &len);

    (void)context;
    pl_call_reply(call, data, len);
}

uint32_t gate_hold(struct gate *g, struct box *b, struct peer *p,
                   const char *type, const char *const *sets)
{
    pl_broker_handler *handler =
        strcmp(type, "wall") == 0 ? gate_block : gate_keep;

    gate_init(g);
    box_create(b, sets);
    if (pl_broker_method(b->broker, type, handler, g, NULL) != PL_OK)
        abort();
    box_run(b);
    peer_enter(p, b->port, PEER_JSON, NULL, NULL);
    uint32_t id = peer_rpc(p, type, "1");
    gate_await(g);
    return id;
}
