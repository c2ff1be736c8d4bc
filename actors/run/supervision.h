/* SPDX-License-Identifier: Apache-2.0 */
/* supervision.h - actors that start, restart and stop other actors.
 *
 * A supervision is embedded in an actor, which hands it the messages it gets
 * (pl_supervision_receive) and keeps the rest.  Children start in the order
 * given and stop in the reverse order. */
#ifndef PL_SUPERVISION_H
#define PL_SUPERVISION_H

#include <stdbool.h>
#include <stdint.h>

#include "actor.h"
#include "timer.h"

enum pl_strategy {
    PL_ONE_FOR_ONE, /* only the failed child starts again */
    PL_ONE_FOR_ALL, /* all stop and start again */
    PL_REST_FOR_ONE /* the failed one and those started after it */
};

/* What happens when a child has gone.  One that ended for good stays away
 * when others start again. */
enum pl_restart {
    PL_RESTART_ALWAYS,
    PL_RESTART_ON_FAILURE, /* not when the reason is "normal" or "stopped" */
    PL_RESTART_NEVER       /* nor when its neighbours start again */
};

struct pl_child_spec {
    const char *name; /* for logs and status; constant */
    unsigned loop;    /* where it lives */
    enum pl_restart restart;
    /* Make the actor on `loop`; runs on that loop's thread.  When it starts
     * again, its former life has exited, but on the same loop may be reaped
     * later in the same turn.
     * Errors: any; counts as a failure of the child. */
    enum pl_err (*start)(struct pl_loop *loop, void *arg,
                         struct pl_address *out);
    void *arg;
    uint64_t stop_ms; /* how long it may take to stop, or to end its start while
                         stopping; then it is given up */
};

struct pl_supervision; /* opaque */

struct pl_supervision_options {
    enum pl_strategy strategy;
    unsigned restarts;  /* at most so many ... */
    uint64_t within_ms; /* ... in this time; one more gives up */
    /* Any of these may be NULL.  They may call start and stop below, but not
     * destroy. */
    /* All children run: called after the start and after each restart. */
    void (*started)(struct pl_actor *owner);
    /* All children have stopped; `forced` did not in their time, since the
     * start. */
    void (*stopped)(struct pl_actor *owner, unsigned forced);
    /* Restarting too often, or a start failed for good: nothing is restarted
     * any more, and the owner should stop the rest and exit. */
    void (*gave_up)(struct pl_actor *owner, const char *child,
                    const char *reason);
};

/* Errors: PL_ENOMEM. */
enum pl_err pl_supervision_create(struct pl_supervision **out,
                                  struct pl_actor *owner,
                                  const struct pl_supervision_options *options);

/* Free it; NULL is allowed.  Children that still run are left to themselves:
 * stop them first. */
void pl_supervision_destroy(struct pl_supervision *s);

/* Before the start.  Errors: PL_ENOMEM, PL_EINVAL (no such loop). */
enum pl_err pl_supervision_add(struct pl_supervision *s,
                               const struct pl_child_spec *spec);

/* Start all children, one after another; again after `stopped`.  Nothing
 * happens when it was started already. */
void pl_supervision_start(struct pl_supervision *s);

/* Stop all children, the last first, one after another; what is just starting
 * is awaited.  `stopped` follows, at once when nothing runs. */
void pl_supervision_stop(struct pl_supervision *s);

/* True when `msg` was the supervision's own, which it then took. */
bool pl_supervision_receive(struct pl_supervision *s, struct pl_msg *msg);

/* The address of a child, nobody's while it does not run. */
struct pl_address pl_supervision_child(const struct pl_supervision *s,
                                       const char *name);

#endif
