/* SPDX-License-Identifier: Apache-2.0 */
/* driver.c - what runs the loop of a group: a thread of its own, or the program
 * on the event base that it lends.
 *
 * The group is freed only between two turns.  A program that destroys it inside
 * a callback on a lent base returns from the callback first; the reactor then
 * calls turned(), which runs the turns that are left and frees everything
 * before control returns to the program's loop.
 *
 * Rejected: freeing in a later callback of the base.  A program that breaks its
 * loop and frees its base right after the callback would leave the group
 * behind.
 *
 * Invariant: nothing of a group that has ended stays on a lent base. */
#include <stdlib.h>

#include "group.h"
#include "latch.h"
#include "loop.h"
#include "options.h"
#include "origin.h"
#include "reactor.h"
#include "sockets.h"
#include "system.h"
#include "thread.h"

enum { EVENT_QUEUE = 4096 };

struct driver {
    struct plc_group *group;
    struct pl_system *system;
    struct pl_reactor *reactor;
    struct plc_network *network;
    struct pl_latch *ended;
    bool is_lent;
    bool has_ended;    /* the loop's */
    bool is_destroyed; /* of the thread of a lent base */
};

static struct driver *driver_of(const struct plc_group *g)
{
    return plc_group_driver(g);
}

/* The loop runs no more. */
static void destroy_driver(struct driver *d)
{
    if (d->system != NULL) {
        pl_system_close(d->system);
        pl_system_reap(d->system);
    }
    plc_group_free(d->group);
    plc_sockets_destroy(d->network);
    pl_reactor_destroy(d->reactor);
    pl_system_destroy(d->system);
    pl_latch_destroy(d->ended);
    free(d);
}

/* Run turns until the group has ended, which it does without waiting: all its
 * parts are cut. */
static void drive(struct driver *d)
{
    struct pl_loop *loop = plc_group_loop(d->group);

    while (!plc_group_has_ended(d->group))
        pl_loop_turn(loop);
}

static void turned(void *arg)
{
    struct driver *d = arg;

    if (d->is_destroyed) {
        drive(d);
        destroy_driver(d);
    } else if (!d->has_ended && plc_group_has_ended(d->group)) {
        d->has_ended = true;
        pl_reactor_stop(d->reactor);
        pl_latch_set(d->ended);
    }
}

static enum pl_err set_up(struct driver *d, const struct plc_group_options *o)
{
    struct pl_system_options system = {.loops = 1};
    struct plc_origin *origin;
    enum pl_err rc = pl_system_create(&d->system, &system);

    if (rc == PL_OK)
        rc = plc_group_init(&d->group, d->system, o);
    if (rc == PL_OK)
        rc = plc_origin_create(&origin);
    if (rc != PL_OK)
        return rc;
    plc_group_set_origin(d->group, origin);
    rc = pl_latch_create(&d->ended);
    if (rc == PL_OK)
        rc = pl_reactor_create(&d->reactor, pl_system_loop(d->system, 0),
                               o->base);
    if (rc == PL_OK)
        rc = plc_sockets_create(&d->network, d->reactor);
    if (rc != PL_OK)
        return rc;
    plc_group_set_network(d->group, d->network);
    d->is_lent = o->base != NULL;
    plc_group_set_driver(d->group, d);
    pl_reactor_on_turn(d->reactor, turned, d);
    return d->is_lent ? PL_OK : pl_reactor_start(d->reactor, "parley-client");
}

enum pl_err plc_group_create(struct plc_group **out,
                             const struct plc_group_options *options)
{
    struct plc_group_options o;
    enum pl_err rc = plc_options_copy(&o, sizeof o, options);

    if (rc != PL_OK)
        return rc;
    if ((o.flags & ~(uint32_t)PLC_MANUAL) != 0)
        return PL_EINVAL;
    if (o.event_queue == 0)
        o.event_queue = EVENT_QUEUE;
    struct driver *d = calloc(1, sizeof *d);
    if (d == NULL)
        return PL_ENOMEM;
    rc = set_up(d, &o);
    if (rc == PL_OK) {
        *out = d->group;
        return PL_OK;
    }
    destroy_driver(d);
    return rc;
}

enum pl_err plc_group_wait(struct plc_group *g, uint32_t timeout_ms)
{
    if (!plc_group_is_here(g))
        return PL_ECLOSED;
    return pl_latch_wait(driver_of(g)->ended, timeout_ms);
}

static void destroy_lent(struct driver *d)
{
    if (d->is_destroyed)
        return;
    d->is_destroyed = plc_group_is_calling(d->group) ||
                      pl_loop_turn_begun_ns(plc_group_loop(d->group)) != 0;
    if (d->is_destroyed)
        return;
    drive(d);
    destroy_driver(d);
}

void plc_group_destroy(struct plc_group *g)
{
    if (g == NULL || !plc_group_is_here(g))
        return;
    struct driver *d = driver_of(g);

    plc_group_stop(g, 0);
    if (d->is_lent) {
        destroy_lent(d);
        return;
    }
    pl_reactor_join(d->reactor, PL_JOIN_FOREVER);
    destroy_driver(d);
}

/* A group without a driver is simulated, on one thread. */
bool plc_group_is_on_loop(const struct plc_group *g)
{
    return driver_of(g) == NULL || pl_reactor_is_current(driver_of(g)->reactor);
}

int plc_group_fd(struct plc_group *g)
{
    return plc_events_fd(plc_group_events(g));
}

size_t plc_group_dispatch(struct plc_group *g, size_t max)
{
    struct driver *d = driver_of(g);

    if (!plc_group_is_here(g))
        return 0;
    size_t n = plc_events_dispatch(plc_group_events(g), max);

    if (d->is_destroyed) {
        drive(d);
        destroy_driver(d);
    }
    return n;
}
