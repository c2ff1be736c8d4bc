/* SPDX-License-Identifier: Apache-2.0 */
/* events.c - see events.h.
 *
 * Events are mail to an actor of their own, which runs them one by one.  So a
 * callback never runs inside the handling of something else, may make any call,
 * and comes after all that was done before its event was made.  With
 * `is_manual`, they wait in an outlet instead, and the actor only learns that
 * there is space again.
 *
 * Rejected: calling the program directly.  A callback that closes, destroys or
 * stops would do so under the feet of the code that called it; most faults of
 * client libraries that their users report are of this kind.
 *
 * Invariant: each event runs once, in the order in which they were put, or is
 * destroyed with the group. */
#include "events.h"

#include <stdlib.h>

#include "actor.h"
#include "cell.h"
#include "outlet.h"

enum { MAIL_EVENT = 1, MAIL_SPACE = 2 };

struct plc_events {
    struct pl_actor actor;             /* first */
    struct plc_events_options options; /* constant */
    struct pl_outlet *outlet;          /* NULL: not manual */
    struct pl_cell count;              /* waiting; not manual */
    struct pl_msg space;               /* of the thread that dispatches */
    bool is_waiting;                   /* space() is due; the loop's */
    bool is_running;                   /* of the thread that runs events */
};

static void run(struct plc_events *e, struct plc_event *event)
{
    e->is_running = true;
    event->run(event);
    e->is_running = false;
    event->msg.destroy(&event->msg);
}

static void tell_space(struct plc_events *e)
{
    e->is_waiting = false;
    e->options.space(e->options.arg);
}

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct plc_events *e = (struct plc_events *)a;

    switch (msg->type) {
    case MAIL_EVENT:
        run(e, (struct plc_event *)msg);
        pl_cell_add(&e->count, (uint64_t)-1);
        if (e->is_waiting && pl_cell_get(&e->count) <= e->options.limit / 2)
            tell_space(e);
        return;
    case MAIL_SPACE:
        tell_space(e);
        return;
    default:
        pl_actor_refuse(a, msg);
    }
}

/* plc_events_destroy() frees it: a thread may still dispatch. */
static void reap(struct pl_actor *a)
{
    (void)a;
}

static const struct pl_actor_ops ops = {
    .name = "events",
    .mailbox_limit = 1, /* all its mail is reserved */
    .receive = receive,
    .reap = reap,
};

/* The space message is part of the struct. */
static void destroy_space(struct pl_msg *msg)
{
    (void)msg;
}

enum pl_err plc_events_create(struct plc_events **out,
                              const struct plc_events_options *options)
{
    struct plc_events *e = calloc(1, sizeof *e);
    enum pl_err rc = PL_OK;

    if (e == NULL)
        return PL_ENOMEM;
    e->options = *options;
    e->space.type = MAIL_SPACE;
    e->space.flags = PL_MSG_RESERVED;
    e->space.destroy = destroy_space;
    if (options->is_manual)
        rc = pl_outlet_create(&e->outlet);
    if (rc == PL_OK)
        rc = pl_actor_init(&e->actor, options->loop, &ops);
    if (rc != PL_OK) {
        plc_events_destroy(e);
        return rc;
    }
    *out = e;
    return PL_OK;
}

void plc_events_destroy(struct plc_events *e)
{
    if (e == NULL)
        return;
    pl_outlet_destroy(e->outlet);
    free(e);
}

struct pl_address plc_events_address(const struct plc_events *e)
{
    return pl_actor_address(&e->actor);
}

void plc_events_put(struct plc_events *e, struct plc_event *event)
{
    event->msg.type = MAIL_EVENT;
    event->msg.flags = PL_MSG_RESERVED;
    if (e->outlet != NULL) {
        pl_outlet_put(e->outlet, &event->msg);
        return;
    }
    pl_cell_add(&e->count, 1);
    pl_actor_send(&e->actor, pl_actor_address(&e->actor), &event->msg);
}

void plc_events_put_last(struct plc_events *e, struct plc_event *event)
{
    pl_outlet_put(e->outlet, &event->msg);
}

bool plc_events_is_full(struct plc_events *e)
{
    if (!e->is_waiting)
        e->is_waiting = e->outlet != NULL
                            ? pl_outlet_is_full(e->outlet, e->options.limit)
                            : pl_cell_get(&e->count) >= e->options.limit;
    return e->is_waiting;
}

uint64_t plc_events_count(const struct plc_events *e)
{
    return e->outlet != NULL ? pl_outlet_count(e->outlet)
                             : pl_cell_get(&e->count);
}

bool plc_events_is_running(const struct plc_events *e)
{
    return e->is_running;
}

int plc_events_fd(const struct plc_events *e)
{
    return e->outlet == NULL ? -1 : pl_outlet_fd(e->outlet);
}

size_t plc_events_dispatch(struct plc_events *e, size_t max)
{
    struct pl_msg *msg;
    bool has_space;
    size_t n = 0;

    while (e->outlet != NULL && n < max &&
           (msg = pl_outlet_take(e->outlet, &has_space)) != NULL) {
        if (has_space)
            e->options.post(e->options.arg, &e->space);
        run(e, (struct plc_event *)msg);
        n++;
    }
    return n;
}
