/* SPDX-License-Identifier: Apache-2.0 */
/* user_table.h - which connections each user has.
 *
 * A user is there from its first connection to its last (S:A16).  Registering
 * and unregistering take the same time whatever the numbers are, also for
 * 100,000 connections of the one anonymous user, whose name is empty. */
#ifndef PL_USER_TABLE_H
#define PL_USER_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "err.h"
#include "hash.h"
#include "span.h"

struct pl_user_table; /* opaque */

struct pl_user_counts {
    size_t connections;
    size_t users;
    size_t users_with_one; /* connection */
    size_t users_with_several;
};

/* Thread: one owner (the supervisor), here and for all calls below.
 * Errors: PL_ENOMEM. */
enum pl_err pl_user_table_create(struct pl_user_table **out,
                                 const struct pl_hash_key *key);

/* Takes NULL; connections may still be in. */
void pl_user_table_destroy(struct pl_user_table *t);

/* Put the connection at `address` under `user` (copied).  *handle takes it
 * out again; handles are reused after that.
 * Errors: PL_ENOMEM, PL_ELIMIT (2^32 - 1 connections); nothing changed. */
enum pl_err pl_user_table_register(struct pl_user_table *t, struct pl_span user,
                                   struct pl_address address, uint32_t *handle);

/* Take the connection of `handle` out: one that register gave and that is
 * still in (asserted). */
void pl_user_table_unregister(struct pl_user_table *t, uint32_t handle);

struct pl_user_counts pl_user_table_counts(const struct pl_user_table *t);

/* How many connections `user` has. */
size_t pl_user_table_count(const struct pl_user_table *t, struct pl_span user);

typedef void pl_user_table_visit(void *arg, uint32_t handle,
                                 struct pl_address address);

/* Call `visit` for each connection of `user`, newest first; it may unregister
 * the one it is given, nothing else may change. */
void pl_user_table_each(struct pl_user_table *t, struct pl_span user,
                        pl_user_table_visit *visit, void *arg);

#endif
