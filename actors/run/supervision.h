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

enum pl_restart {
    PL_RESTART_ALWAYS,
    PL_RESTART_ON_FAILURE, /* not when the reason is "normal" or "stopped" */
    PL_RESTART_NEVER
};

struct pl_child_spec {
    const char *name; /* for logs and status; constant */
    unsigned loop;    /* where it lives */
    enum pl_restart restart;
    /* Make the actor on `loop`; runs on that loop's thread.
     * Errors: any; counts as a failure of the child. */
    enum pl_err (*start)(struct pl_loop *loop, void *arg,
                         struct pl_address *out);
    void *arg;
    uint64_t stop_ms; /* how long it may take to stop; then it is given up */
};

struct pl_supervision; /* opaque */

struct pl_supervision_options {
    enum pl_strategy strategy;
    unsigned restarts;  /* at most so many ... */
    uint64_t within_ms; /* ... in this time; one more gives up */
    /* All children run: called after the start and after each restart. */
    void (*started)(struct pl_actor *owner);
    /* All children have stopped; `forced` did not in their time. */
    void (*stopped)(struct pl_actor *owner, unsigned forced);
    /* Restarting too often, or a start failed for good: the owner should exit
     * or stop. */
    void (*gave_up)(struct pl_actor *owner, const char *child,
                    const char *reason);
};

/* Errors: PL_ENOMEM. */
enum pl_err pl_supervision_create(struct pl_supervision **out,
                                  struct pl_actor *owner,
                                  const struct pl_supervision_options *options);
void pl_supervision_destroy(struct pl_supervision *s);

/* Before the start.  Errors: PL_ENOMEM. */
enum pl_err pl_supervision_add(struct pl_supervision *s,
                               const struct pl_child_spec *spec);

void pl_supervision_start(struct pl_supervision *s);
void pl_supervision_stop(struct pl_supervision *s);

/* True when `msg` was the supervision's own, which it then took. */
bool pl_supervision_receive(struct pl_supervision *s, struct pl_msg *msg);

/* The address of a child, nobody's while it does not run. */
struct pl_address pl_supervision_child(const struct pl_supervision *s,
                                       const char *name);

#endif
