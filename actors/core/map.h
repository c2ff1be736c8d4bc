/* SPDX-License-Identifier: Apache-2.0 */
/* map.h - an intrusive hash table.
 *
 * An item embeds a struct pl_map_node and holds its own key; the caller hashes
 * keys and compares candidates.  Each change moves a few chains while the table
 * grows or shrinks, so no single call pays for a large table. */
#ifndef PL_MAP_H
#define PL_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct pl_map_node {
    struct pl_map_node *next; /* written by the map */
    uint64_t hash;
};

/* An all-zero struct is an empty map that owns nothing. */
struct pl_map {
    struct pl_map_node **chain[2]; /* [1]: the older table, being emptied */
    size_t mask[2];
    size_t moved; /* number of chains moved out of [1] */
    size_t count;
    bool is_walked; /* pl_map_each() runs: chains are not moved */
};

/* The hash of an item whose key is an address in memory. */
static inline uint64_t pl_map_hash_pointer(const void *p)
{
    uint64_t h = (uintptr_t)p * UINT64_C(0x9e3779b97f4a7c15);

    return h ^ h >> 32;
}

/* Return true if `n` is the item with `key`. */
typedef bool pl_map_match(const struct pl_map_node *n, const void *key);

/* Return the item with this hash that `match` accepts, or NULL. */
struct pl_map_node *pl_map_find(const struct pl_map *m, uint64_t hash,
                                pl_map_match *match, const void *key);

/* Add `n` under `hash`.  Its key must not be in the map yet.
 * Owner:  the caller; `n` must stay valid until it is removed.
 * Errors: PL_ENOMEM, only while the map has no table, as an empty map may;
 *         later, a table that cannot grow becomes slower instead. */
enum pl_err pl_map_add(struct pl_map *m, struct pl_map_node *n, uint64_t hash);

/* Remove `n`, which must be in the map. */
void pl_map_remove(struct pl_map *m, struct pl_map_node *n);

/* Call `visit` for each item.  `visit` may remove the item that it gets and
 * must not change the map otherwise. */
void pl_map_each(struct pl_map *m, void (*visit)(struct pl_map_node *, void *),
                 void *arg);

/* Call `visit` for the items of a few chains from the place *at on, which is 0
 * at first, and move *at on.  Return false after the last chain.  Between two
 * calls the map may change and its table may grow or shrink: an item that is in
 * the map from the first call to the last is visited once, any other at most
 * once for each time that it is added.  `visit` must not change the map. */
bool pl_map_scan(const struct pl_map *m, uint64_t *at,
                 void (*visit)(struct pl_map_node *, void *), void *arg);

/* Free the table, not the items.  The map is then empty. */
void pl_map_fini(struct pl_map *m);

#endif
