/* SPDX-License-Identifier: Apache-2.0 */
/* supervisor.h - the root actor: the table of connected users, and the
 * shutdown.
 *
 * It lives on the control loop, so it works while a handler blocks a worker.
 * It receives (supervisor_mail.h) PL_MAIL_REGISTER, PL_MAIL_UNREGISTER,
 * PL_MAIL_USER, PL_MAIL_DENIAL, and PL_MAIL_PHASE as a result. */
#ifndef PL_SUPERVISOR_H
#define PL_SUPERVISOR_H

#include <stdint.h>

#include "address.h"
#include "err.h"
#include "hash.h"
#include "loop.h"
#include "metrics.h"
#include "phase_mail.h"
#include "phase_trace.h"
#include "snapshot.h"
#include "supervisor_settings.h"

struct pl_supervisor; /* opaque */

struct pl_supervisor_options {
    const struct pl_supervisor_settings *config; /* shutdown.*, limits.*;
                                       outlives the supervisor */
    const struct pl_hash_key *key;               /* copied */
    struct pl_metrics *metrics;    /* of the control loop; for the USERS
                                      gauges */
    struct pl_phase_trace *phases; /* written by the supervisor; outlives it */
    /* Called when a phase from SIGNAL to RESET begins.  May be NULL. */
    void (*on_phase)(void *arg, enum pl_phase phase);
    /* Called when CANCEL has ended and RESET begins: the internal actors have
     * exited, and the supervisor is reaped at the end of this turn.  The
     * program now stops and joins the loops and ends RESET: it calls
     * pl_phase_trace_force() for each loop that it cannot join, then
     * pl_phase_trace_begin(PL_PHASE_STOPPED).  May be NULL. */
    void (*on_stopped)(void *arg);
    /* limits.memory in bytes; 0: do not watch memory.  Otherwise memory_used()
     * returns the memory of the process, with `trim` after releasing free
     * memory.  The arrays have one element per session manager, in the order in
     * which these are added: the snapshot of its loop (PL_METRIC_COUNT
     * numbers), and the channel owner of its loop, which gets pl_memory_mail
     * (NULL: no owner). */
    uint64_t memory_limit;
    uint64_t (*memory_used)(void *arg, bool trim);
    struct pl_snapshot *const *snapshots;
    const struct pl_address *channels;
    void *arg; /* for all callbacks, which run on the control loop */
};

enum {
    /* The shortest wait for the results of a phase, for a shorter deadline, or
     * none as in LISTENERS. */
    PL_SUPERVISOR_ANSWER_MS = 100
};

/* Create the supervisor on `loop`.  It exits at the end of the shutdown, or
 * with the system.
 * Errors: PL_ENOMEM. */
enum pl_err pl_supervisor_create(struct pl_supervisor **out,
                                 struct pl_loop *loop,
                                 const struct pl_supervisor_options *options);

struct pl_address pl_supervisor_address(const struct pl_supervisor *s);

/* Register the participants of the shutdown, all before pl_supervisor_start().
 * Names must be constant.
 *
 * A session manager gets SIGNAL, GRACE and DISCONNECT.  It returns
 * GRACE when its loop is idle, and DISCONNECT when no session is left, with the
 * number of aborted sessions in `forced`.  Near the deadline it gets DISCONNECT
 * a second time, with `force`; it returns each of the two.
 *
 * A listener gets LISTENERS, closes and returns the mail; it may exit.
 *
 * An internal actor gets PL_MSG_STOP and exits.  Internal actors stop in
 * reverse order of being added, each after the previous one has exited.
 * Errors: PL_ENOMEM. */
enum pl_err pl_supervisor_add_session_manager(struct pl_supervisor *s,
                                              struct pl_address manager);
enum pl_err pl_supervisor_add_listener(struct pl_supervisor *s,
                                       struct pl_address listener);
enum pl_err pl_supervisor_add_internal(struct pl_supervisor *s,
                                       struct pl_address actor,
                                       const char *name);

/* Begin phase RUNNING.  Call this when all participants are registered.
 * Thread: the control loop, or any thread before that loop runs.
 * Errors: PL_ENOMEM. */
enum pl_err pl_supervisor_start(struct pl_supervisor *s);

/* Start the shutdown; no effect if it has started.
 * Thread: any, also the thread of a loop.
 * Errors: PL_ENOMEM. */
enum pl_err pl_supervisor_stop(struct pl_system *system,
                               struct pl_address supervisor);

/* Start the shutdown, if it has not started, and skip the rest of GRACE (the
 * second SIGTERM).
 * Thread: any, also the thread of a loop.
 * Errors: PL_ENOMEM. */
enum pl_err pl_supervisor_hurry(struct pl_system *system,
                                struct pl_address supervisor);

#endif
