/* SPDX-License-Identifier: Apache-2.0 */
/* session_manager.h - the session manager, one actor per loop: what the
 * sessions of a loop share, and how they all end. */
#ifndef PL_SESSION_MANAGER_H
#define PL_SESSION_MANAGER_H

#include <stdbool.h>
#include <stdint.h>

#include "access.h"
#include "address.h"
#include "err.h"
#include "handlers.h"
#include "hooks.h"
#include "hub.h"
#include "metrics.h"
#include "session_settings.h"
#include "users_settings.h"

struct pl_session_manager; /* opaque */
struct pl_rulebook;        /* rules.h */
struct pl_tracer;          /* tracer.h */

struct pl_session_manager_options {
    const struct pl_session_settings *config; /* must outlive the manager */
    const struct pl_users_settings *users;    /* likewise */
    bool limits_new_channels;                 /* per client, by the owners */
    struct pl_hub *hub;                       /* of the same loop */
    struct pl_address supervisor;
    struct pl_address keyring; /* slot 0: none */
    struct pl_metrics *metrics;
    struct pl_tracer *tracer;     /* of the loop; NULL: none */
    struct pl_handlers *handlers; /* the manager takes a reference */
    struct pl_access *access;     /* likewise; NULL: as in `users` */
    struct pl_rulebook *rules;    /* likewise */
    const struct pl_hooks *hooks; /* must outlive the manager; NULL: none */
    uint32_t connection_limit;    /* per loop */
    const char *version;          /* sent to clients; constant */
    uint64_t answer_ms;           /* for a verdict; 0: handlers.timeout */
    uint64_t turn_units;          /* work that input may cause per turn, see
                                     budget.h; 0: PL_BUDGET_TURN */
};

/* Create the session manager of `loop`.
 * Errors: PL_ENOMEM. */
enum pl_err
pl_session_manager_create(struct pl_session_manager **out, struct pl_loop *loop,
                          const struct pl_session_manager_options *options);

struct pl_address
pl_session_manager_address(const struct pl_session_manager *k);

/* Abort all sessions of the loop and return their number.  From now on no new
 * session starts. */
uint32_t pl_session_manager_abort_all(struct pl_session_manager *k);

/* Return true if another connection may be read in this turn.  Otherwise the
 * transport reads it in a later turn, first come first served. */
bool pl_session_manager_takes_input(const struct pl_session_manager *k);

/* Charge the connection that is being read for work outside the session, in
 * units of budget.h. */
void pl_session_manager_spend(struct pl_session_manager *k, uint64_t units);

#endif
