/* SPDX-License-Identifier: Apache-2.0 */
/* map.h - a hash table of things that carry their own link.
 *
 * The thing embeds a struct pl_map_node and keeps its own key; the caller
 * hashes the key and compares candidates.  Growing and shrinking move a few
 * chains at each change, so no single call pays for a large table. */
#ifndef PL_MAP_H
#define PL_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct pl_map_node {
    struct pl_map_node *next; /* the map's */
    uint64_t hash;
};

/* All zero is an empty map that owns nothing. */
struct pl_map {
    struct pl_map_node **chain[2]; /* [1] is the older, being emptied */
    size_t mask[2];
    size_t moved; /* chains of [1] already moved */
    size_t count;
    bool is_walked; /* pl_map_each() runs: chains stay where they are */
};

/* Whether `n` is the thing with `key`. */
typedef bool pl_map_match(const struct pl_map_node *n, const void *key);

/* The thing with this hash for which `match` says yes, or NULL. */
struct pl_map_node *pl_map_find(const struct pl_map *m, uint64_t hash,
                                pl_map_match *match, const void *key);

/* Put `n` in under `hash`; the caller knows that it is not in yet.
 * Owner:  the thing stays the caller's and must outlive its stay.
 * Errors: PL_ENOMEM, only for the first thing of an empty map; later a table
 *         that cannot grow becomes slower instead. */
enum pl_err pl_map_add(struct pl_map *m, struct pl_map_node *n, uint64_t hash);

/* Take `n`, which is in, out. */
void pl_map_remove(struct pl_map *m, struct pl_map_node *n);

/* Call `visit` for each thing; it may remove the thing it is given, nothing
 * else may change. */
void pl_map_each(struct pl_map *m, void (*visit)(struct pl_map_node *, void *),
                 void *arg);

/* Free the table, not the things.  The map is empty afterwards. */
void pl_map_fini(struct pl_map *m);

#endif
