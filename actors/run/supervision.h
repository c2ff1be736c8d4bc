/* SPDX-License-Identifier: Apache-2.0 */
/* supervision.h - starts, restarts and stops the children of an actor.
 *
 * An actor embeds a supervision, passes it each message
 * (pl_supervision_receive()) and handles those that it rejects.  Children start
 * in the order in which they were added and stop in reverse order. */
#ifndef PL_SUPERVISION_H
#define PL_SUPERVISION_H

#include <stdbool.h>
#include <stdint.h>

#include "actor.h"
#include "timer.h"

enum pl_strategy {
    PL_ONE_FOR_ONE, /* only the failed child restarts */
    PL_ONE_FOR_ALL, /* all stop and restart */
    PL_REST_FOR_ONE /* the failed one and those started after it */
};

/* What happens when a child exits.  A child that ended for good stays away when
 * others restart. */
enum pl_restart {
    PL_RESTART_ALWAYS,
    PL_RESTART_ON_FAILURE, /* not if the reason is "normal" or "stopped" */
    PL_RESTART_NEVER       /* not even when its neighbours restart */
};

struct pl_child_spec {
    const char *name; /* for logs and status; constant */
    unsigned loop;    /* on which it runs */
    enum pl_restart restart;
    /* Create the actor on `loop`; runs on that loop's thread.  At a restart,
     * the previous actor has exited, but on the same loop may be reaped later
     * in the same turn.
     * Errors: any; counts as a failure of the child. */
    enum pl_err (*start)(struct pl_loop *loop, void *arg,
                         struct pl_address *out);
    void *arg;
    uint64_t stop_ms; /* time to stop, or to finish a start during a stop; then
                         it is given up */
};

struct pl_supervision; /* opaque */

struct pl_supervision_options {
    enum pl_strategy strategy;
    unsigned restarts;  /* at most this many ... */
    uint64_t within_ms; /* ... in this time; one more gives up */
    /* Each may be NULL.  They may call start and stop below, but not
     * destroy. */
    /* All children run: called after the start and after each restart. */
    void (*started)(struct pl_actor *owner);
    /* All children have stopped.  `forced` of them missed their deadline, since
     * the start. */
    void (*stopped)(struct pl_actor *owner, unsigned forced);
    /* The child failed too often, or may not restart.  Nothing restarts any
     * more; the owner should stop the rest and exit. */
    void (*gave_up)(struct pl_actor *owner, const char *child,
                    const char *reason);
};

/* Errors: PL_ENOMEM. */
enum pl_err pl_supervision_create(struct pl_supervision **out,
                                  struct pl_actor *owner,
                                  const struct pl_supervision_options *options);

/* Free it; NULL is allowed.  Children that still run keep running: stop them
 * first. */
void pl_supervision_destroy(struct pl_supervision *s);

/* Add a child; call this before the start.  Errors: PL_ENOMEM, PL_EINVAL (no
 * such loop). */
enum pl_err pl_supervision_add(struct pl_supervision *s,
                               const struct pl_child_spec *spec);

/* Start all children, one after another; allowed again after `stopped`.  Does
 * nothing if already started. */
void pl_supervision_start(struct pl_supervision *s);

/* Stop all children one after another, the last first, after waiting for one
 * that is starting.  `stopped` follows, at once if none runs. */
void pl_supervision_stop(struct pl_supervision *s);

/* Return true and take `msg` if it belongs to the supervision. */
bool pl_supervision_receive(struct pl_supervision *s, struct pl_msg *msg);

/* The address of a child; that of no actor while it does not run. */
struct pl_address pl_supervision_child(const struct pl_supervision *s,
                                       const char *name);

#endif
