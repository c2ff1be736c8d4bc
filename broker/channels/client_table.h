/* SPDX-License-Identifier: Apache-2.0 */
/* client_table.h - a compact set of clients: 10 to 13 bytes each. */
#ifndef PL_CLIENT_TABLE_H
#define PL_CLIENT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "client.h"
#include "err.h"

/* All zero is an empty table that owns nothing.  It compares pointers and
 * never looks behind them; holding the clients is the user's part. */
struct pl_client_table {
    uintptr_t *slot; /* a client and its mark in the lowest bit, or 0 */
    uint32_t cap;
    uint32_t count;
};

/* Errors: PL_EEXIST, PL_ENOMEM. */
enum pl_err pl_client_table_add(struct pl_client_table *t,
                                const struct pl_client *c);

bool pl_client_table_has(const struct pl_client_table *t,
                         const struct pl_client *c);

/* Mark `c`, which is in. */
void pl_client_table_mark(struct pl_client_table *t, const struct pl_client *c);

/* False when it was not in; else *marked says whether it was marked. */
bool pl_client_table_remove(struct pl_client_table *t,
                            const struct pl_client *c, bool *marked);

/* The client in slot `i`, which is below cap, or NULL. */
struct pl_client *pl_client_table_at(const struct pl_client_table *t,
                                     uint32_t i);

/* Free the table.  It is empty afterwards. */
void pl_client_table_fini(struct pl_client_table *t);

#endif
