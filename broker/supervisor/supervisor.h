/* SPDX-License-Identifier: Apache-2.0 */
/* supervisor.h - the root actor: who is connected, and how the broker stops.
 *
 * It lives on the control loop, so it works while a handler blocks a worker.
 * Mail it takes (mail.h): PL_MAIL_REGISTER, PL_MAIL_UNREGISTER, PL_MAIL_USER,
 * and PL_MAIL_PHASE coming back. */
#ifndef PL_SUPERVISOR_H
#define PL_SUPERVISOR_H

#include <stdint.h>

#include "address.h"
#include "config.h"
#include "err.h"
#include "hash.h"
#include "loop.h"
#include "mail.h"
#include "metrics.h"
#include "phase_trace.h"
#include "snapshot.h"

struct pl_supervisor; /* opaque */

struct pl_supervisor_options {
    const struct pl_config *config; /* shutdown.*, limits.*; outlives it */
    const struct pl_hash_key *key;  /* copied */
    struct pl_metrics *metrics;     /* of the control loop: the USERS gauges */
    struct pl_phase_trace *phases;  /* written by it; outlives it */
    /* Each phase from SIGNAL to RESET, when it begins.  May be NULL. */
    void (*on_phase)(void *arg, enum pl_phase phase);
    /* CANCEL has ended and RESET begun: the internal actors are gone, and the
     * supervisor goes with this turn.  The program now stops and joins the
     * loops, then ends RESET: pl_phase_trace_force() for each loop that it
     * could not join, pl_phase_trace_begin(PL_PHASE_STOPPED).  May be NULL. */
    void (*on_stopped)(void *arg);
    /* limits.memory in bytes, 0: it is not watched.  Then: what the process
     * has; with `trim` after it gave back what it does not need; and, of each
     * keeper's loop, in the order in which the keepers are added: what it
     * published, PL_METRIC_COUNT numbers; and its owner of channels (NULL:
     * they have none), who gets pl_memory_mail. */
    uint64_t memory_limit;
    uint64_t (*memory_used)(void *arg, bool trim);
    struct pl_snapshot *const *snapshots;
    const struct pl_address *channels;
    void *arg; /* of all of them, which run on the control loop */
};

enum {
    /* How long a phase that asks for something waits for the answers, when
     * its deadline is shorter (LISTENERS has none of its own). */
    PL_SUPERVISOR_ANSWER_MS = 100
};

/* An actor on `loop`.  It ends by stopping the broker, or with the system.
 * Errors: PL_ENOMEM. */
enum pl_err pl_supervisor_create(struct pl_supervisor **out,
                                 struct pl_loop *loop,
                                 const struct pl_supervisor_options *options);

struct pl_address pl_supervisor_address(const struct pl_supervisor *s);

/* Who takes part in the stop; all before pl_supervisor_start().  Names are
 * constant.  Errors: PL_ENOMEM.
 * A keeper manages the sessions of its loop and gets SIGNAL, GRACE and
 * DISCONNECT; it answers GRACE when its loop is idle and DISCONNECT when no
 * session is left, with `forced` telling how many it cut.  DISCONNECT comes
 * again with `force` when the deadline is near; each of the two is answered.
 * A listener gets LISTENERS, closes, exits if it wants, and answers.
 * An internal actor gets PL_MSG_STOP, in reverse order of being added, and
 * exits; the next is asked when it has gone. */
enum pl_err pl_supervisor_add_keeper(struct pl_supervisor *s,
                                     struct pl_address keeper);
enum pl_err pl_supervisor_add_listener(struct pl_supervisor *s,
                                       struct pl_address listener);
enum pl_err pl_supervisor_add_internal(struct pl_supervisor *s,
                                       struct pl_address actor,
                                       const char *name);

/* The broker is complete: phase RUNNING.
 * Thread: the control loop's, or any before it runs.  Errors: PL_ENOMEM. */
enum pl_err pl_supervisor_start(struct pl_supervisor *s);

/* Stop the broker; when it stops already, nothing changes.
 * Thread: any, also one that runs a loop.  Errors: PL_ENOMEM. */
enum pl_err pl_supervisor_stop(struct pl_system *system,
                               struct pl_address supervisor);

/* The same, and if the clients have not been told to leave yet, they are now:
 * what is left of GRACE is skipped (the second SIGTERM). */
enum pl_err pl_supervisor_hurry(struct pl_system *system,
                                struct pl_address supervisor);

#endif
