/* SPDX-License-Identifier: Apache-2.0 */
/* keeper.h - one actor a loop that keeps its sessions: what they share, and
 * how they all end. */
#ifndef PL_KEEPER_H
#define PL_KEEPER_H

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

struct pl_keeper; /* opaque */

struct pl_keeper_options {
    const struct pl_session_settings *config; /* outlives the keeper */
    const struct pl_users_settings *users;    /* likewise */
    bool has_history;                         /* channels have some */
    bool limits_new_channels;                 /* their owners do */
    struct pl_hub *hub;                       /* of the same loop */
    struct pl_address supervisor;
    struct pl_metrics *metrics;
    struct pl_handlers *handlers; /* held by the keeper itself */
    struct pl_access *access;     /* the same; NULL: what `users` says */
    const struct pl_hooks *hooks; /* outlive the keeper; NULL: nobody is told */
    uint32_t connection_limit;    /* of this loop */
    const char *version;          /* told to clients; constant */
    uint64_t turn_units;          /* of work that input may cause in a turn, see
                                     budget.h; 0: the usual */
};

/* Errors: PL_ENOMEM. */
enum pl_err pl_keeper_create(struct pl_keeper **out, struct pl_loop *loop,
                             const struct pl_keeper_options *options);

struct pl_address pl_keeper_address(const struct pl_keeper *k);

/* End all sessions of the loop at once; gives how many there were.  New ones
 * end as soon as they come. */
uint32_t pl_keeper_cut_all(struct pl_keeper *k);

/* Whether input of another connection may still be read in this turn.  If not,
 * the transport waits for the next turn, first come first served. */
bool pl_keeper_takes_input(const struct pl_keeper *k);

/* Charge the connection that is being read for work that the session does not
 * see, in units of budget.h. */
void pl_keeper_spend(struct pl_keeper *k, uint64_t units);

#endif
