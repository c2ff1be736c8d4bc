/* SPDX-License-Identifier: Apache-2.0 */
/* user_table.h - the connections of each user.
 *
 * A user exists from its first connection to its last.  Registering and
 * unregistering take constant time, even for 100,000 connections of the
 * anonymous user, whose name is empty. */
#ifndef PL_USER_TABLE_H
#define PL_USER_TABLE_H

#include <stdbool.h>
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
    size_t users_with_one; /* users with one connection */
    size_t users_with_several;
};

/* Thread: one owner (the supervisor), for this and all calls below.
 * Errors: PL_ENOMEM. */
enum pl_err pl_user_table_create(struct pl_user_table **out,
                                 const struct pl_hash_key *key);

/* Free the table, with any connections in it.  NULL is allowed. */
void pl_user_table_destroy(struct pl_user_table *t);

/* Add the connection at `address` to `user` (copied). *handle removes it again;
 * handles are reused after that.
 * Errors: PL_ENOMEM, PL_ELIMIT (about 2^32 connections); nothing has
 *         changed. */
enum pl_err pl_user_table_register(struct pl_user_table *t, struct pl_span user,
                                   struct pl_address address, uint32_t *handle);

/* Remove the connection of `handle`, which must be registered (asserted). */
void pl_user_table_unregister(struct pl_user_table *t, uint32_t handle);

struct pl_user_counts pl_user_table_counts(const struct pl_user_table *t);

/* The number of connections of `user`. */
size_t pl_user_table_count(const struct pl_user_table *t, struct pl_span user);

/* Call `visit` for the users of a few places of the table from *at on, which is
 * 0 at first, and move *at on.  Return false after the last.  A user that
 * exists from the first call to the last is visited once, whoever else comes
 * and goes between calls.  `visit` must not change the table. */
bool pl_user_table_scan(const struct pl_user_table *t, uint64_t *at,
                        void (*visit)(void *arg, struct pl_span user,
                                      size_t connections),
                        void *arg);

typedef void pl_user_table_visit(void *arg, uint32_t handle,
                                 struct pl_address address);

/* Call `visit` for each connection of `user`, newest first.  `visit` may
 * unregister the connection that it gets and must not change the table
 * otherwise. */
void pl_user_table_each(struct pl_user_table *t, struct pl_span user,
                        pl_user_table_visit *visit, void *arg);

#endif
