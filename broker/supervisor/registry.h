/* SPDX-License-Identifier: Apache-2.0 */
/* registry.h - the registered connections, by address and by user.  Private to
 * this module.
 *
 * Thread: the supervisor's loop. */
#ifndef PL_REGISTRY_H
#define PL_REGISTRY_H

#include "client.h"
#include "err.h"
#include "hash.h"
#include "metrics.h"
#include "user_table.h"

struct pl_registry {
    struct pl_user_table *users;
    struct pl_registry_row *rows; /* owned; by loop */
    uint32_t row_count;
    struct pl_metrics *metrics; /* the USERS gauges */
};

/* Errors: PL_ENOMEM. */
enum pl_err pl_registry_init(struct pl_registry *r,
                             const struct pl_hash_key *key,
                             struct pl_metrics *metrics);

/* Remove all connections; the gauges become 0.  Allowed after a failed init. */
void pl_registry_fini(struct pl_registry *r);

/* Errors: PL_EEXIST (the address is registered), PL_ENOMEM, PL_ELIMIT. */
enum pl_err pl_registry_add(struct pl_registry *r, struct pl_client *client);

/* Errors: PL_ENOENT. */
enum pl_err pl_registry_remove(struct pl_registry *r,
                               const struct pl_client *client);

size_t pl_registry_count(const struct pl_registry *r, struct pl_span user);
size_t pl_registry_connections(const struct pl_registry *r);

/* Return the connection with this client id, or NULL.  If `user` is not absent,
 * the connection must belong to that user. */
struct pl_client *pl_registry_find(const struct pl_registry *r,
                                   struct pl_span user, struct pl_span id);

/* Like pl_user_table_scan(). */
bool pl_registry_scan_users(const struct pl_registry *r, uint64_t *at,
                            void (*visit)(void *arg, struct pl_span user,
                                          size_t connections),
                            void *arg);

/* Call `visit` for each connection of the user.  `visit` must not change the
 * registry. */
void pl_registry_each(struct pl_registry *r, struct pl_span user,
                      void (*visit)(void *arg, struct pl_client *client),
                      void *arg);

#endif
