/* SPDX-License-Identifier: Apache-2.0 */
/* joined_users.h - which users have clients in the channels with joins and
 * leaves of users (PL_RULE_JOINS_BY_USER).  Private to this module.
 *
 * Thread: the owner's loop. */
#ifndef PL_JOINED_USERS_H
#define PL_JOINED_USERS_H

#include <stdbool.h>

#include "client.h"
#include "err.h"
#include "hash.h"
#include "map.h"
#include "random.h"

struct pl_channel;

struct pl_joined_users {
    struct pl_map map;
    struct pl_hash_key key; /* for hashes of user ids */
};

void pl_joined_users_init(struct pl_joined_users *u, struct pl_random *random);
void pl_joined_users_fini(struct pl_joined_users *u);

/* Count a client of `ch`, which has a user.  *is_due: the join of the user is
 * to be published; otherwise the other clients know that the user is there.
 * Errors: PL_ENOMEM (not counted), never before pl_joined_users_told_leave() of
 *         an earlier client of the user. */
enum pl_err pl_joined_users_enter(struct pl_joined_users *u,
                                  const struct pl_channel *ch,
                                  const struct pl_client *client, bool *is_due);

/* A client that was counted is no subscriber any more.  Call
 * pl_joined_users_told_leave() for the user later. */
void pl_joined_users_leave(struct pl_joined_users *u,
                           const struct pl_channel *ch,
                           const struct pl_client *client);

/* The moment to publish a leave has come.  Return true if it is due: the user
 * has no client in the channel, and no leave was due since the last join. */
bool pl_joined_users_told_leave(struct pl_joined_users *u,
                                const struct pl_channel *ch,
                                const struct pl_client *client);

#endif
