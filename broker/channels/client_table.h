/* SPDX-License-Identifier: Apache-2.0 */
/* client_table.h - a compact set of clients, at 10 to 13 bytes per client while
 * it grows and up to 20 after removals. */
#ifndef PL_CLIENT_TABLE_H
#define PL_CLIENT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "client.h"
#include "err.h"

/* All zero is an empty table that owns nothing.  The table compares pointers
 * and never dereferences them; the user keeps references to the clients. */
struct pl_client_table {
    uintptr_t *slot; /* a client with its marks in the lowest bits, or 0 */
    uint32_t cap;
    uint32_t count;
};

/* Errors: PL_EEXIST, PL_ENOMEM. */
enum pl_err pl_client_table_add(struct pl_client_table *t,
                                const struct pl_client *c);

bool pl_client_table_has(const struct pl_client_table *t,
                         const struct pl_client *c);

/* What the user of a table says about a client in it. */
enum pl_client_mark {
    PL_CLIENT_JOINED = 1, /* has joined: a leave is due */
    PL_CLIENT_COUNTED = 2 /* in joined_users.h */
};

/* Add `marks`, a sum of enum pl_client_mark, to those of `c`, which must be in
 * the table. */
void pl_client_table_mark(struct pl_client_table *t, const struct pl_client *c,
                          unsigned marks);

/* Return false if `c` is not in the table; otherwise set *marks to its
 * marks. */
bool pl_client_table_remove(struct pl_client_table *t,
                            const struct pl_client *c, unsigned *marks);

/* Return the client in slot `i`, which must be below cap, or NULL. */
struct pl_client *pl_client_table_at(const struct pl_client_table *t,
                                     uint32_t i);

/* Free the table and make it empty. */
void pl_client_table_fini(struct pl_client_table *t);

#endif
