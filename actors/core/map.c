/* SPDX-License-Identifier: Apache-2.0 */
/* map.c - see map.h.
 *
 * Chains link the items themselves: a look-up reads one table entry and the
 * candidates, and adding allocates nothing.  A table that became too small or
 * far too large gets a successor, and each later change moves a few chains to
 * it; a table of a million names is never rehashed within one turn.  calloc()
 * returns a large table as pages that the kernel zeroes on first access, so
 * creating it is cheap too.
 *
 * pl_map_scan() visits items in the order of their hashes with the bits
 * reversed.  The low bits of the hash select the chain, so a table of any size
 * has all items of a range of that order in the same few chains, and the place
 * of a scan means the same before and after a resize.
 *
 * Rejected: open addressing, because growing moves all items at once.
 *
 * Invariant: an item is in the older table if there is one and the item's chain
 * is not moved yet, else in the newer.  A move ends before the next can start:
 * moving n chains takes n/8 changes, and at least as many lie between two
 * moves. */
#include "map.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST = 16, MOVES = 8 }; /* chains at first; chains moved per change */

/* The chain of items with this hash. */
static struct pl_map_node **chain_of(const struct pl_map *m, uint64_t hash)
{
    if (m->chain[1] != NULL && (hash & m->mask[1]) >= m->moved)
        return &m->chain[1][hash & m->mask[1]];
    return &m->chain[0][hash & m->mask[0]];
}

struct pl_map_node *pl_map_find(const struct pl_map *m, uint64_t hash,
                                pl_map_match *match, const void *key)
{
    if (m->count == 0)
        return NULL;
    struct pl_map_node *n = *chain_of(m, hash);
    while (n != NULL && (n->hash != hash || !match(n, key)))
        n = n->next;
    return n;
}

static void push(struct pl_map_node **chain, struct pl_map_node *n)
{
    n->next = *chain;
    *chain = n;
}

/* Move a few chains; free the older table after its last chain. */
static void move_some(struct pl_map *m)
{
    for (int i = 0; i < MOVES && m->chain[1] != NULL; i++) {
        struct pl_map_node *n = m->chain[1][m->moved++];

        while (n != NULL) {
            struct pl_map_node *next = n->next;

            push(&m->chain[0][n->hash & m->mask[0]], n);
            n = next;
        }
        if (m->moved > m->mask[1]) {
            free(m->chain[1]);
            m->chain[1] = NULL;
        }
    }
}

/* Start the move to a table of `size` chains.  If allocation fails, keep the
 * current table. */
static void resize(struct pl_map *m, size_t size)
{
    assert(size > 0);
    struct pl_map_node **chain = calloc(size, sizeof *chain);

    if (chain == NULL)
        return;
    m->chain[1] = m->chain[0];
    m->mask[1] = m->mask[0];
    m->moved = 0;
    m->chain[0] = chain;
    m->mask[0] = size - 1;
}

/* Keep the size of the table near the count. */
static void adjust_size(struct pl_map *m)
{
    size_t size = m->mask[0] + 1;

    if (m->is_walked)
        return;
    if (m->count == 0 && size > FIRST) {
        pl_map_fini(m);
        return;
    }
    move_some(m);
    if (m->chain[1] != NULL)
        return;
    if (m->count > size)
        resize(m, size * 2);
    else if (m->count < size / 4 && size > FIRST)
        resize(m, size / 2);
}

enum pl_err pl_map_add(struct pl_map *m, struct pl_map_node *n, uint64_t hash)
{
    if (m->chain[0] == NULL) {
        resize(m, FIRST);
        if (m->chain[0] == NULL)
            return PL_ENOMEM;
    }
    n->hash = hash;
    push(chain_of(m, hash), n);
    m->count++;
    adjust_size(m);
    return PL_OK;
}

void pl_map_remove(struct pl_map *m, struct pl_map_node *n)
{
    struct pl_map_node **at = chain_of(m, n->hash);

    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    n->next = NULL;
    m->count--;
    adjust_size(m);
}

static void walk(struct pl_map_node **chain, size_t from, size_t to,
                 void (*visit)(struct pl_map_node *, void *), void *arg)
{
    for (size_t i = from; i < to; i++) {
        struct pl_map_node *n = chain[i];

        while (n != NULL) {
            struct pl_map_node *next = n->next; /* visit() may remove `n` */

            visit(n, arg);
            n = next;
        }
    }
}

void pl_map_each(struct pl_map *m, void (*visit)(struct pl_map_node *, void *),
                 void *arg)
{
    bool was_walked = m->is_walked;

    if (m->count == 0)
        return;
    m->is_walked = true;
    walk(m->chain[0], 0, m->mask[0] + 1, visit, arg);
    if (m->chain[1] != NULL)
        walk(m->chain[1], m->moved, m->mask[1] + 1, visit, arg);
    m->is_walked = was_walked;
    adjust_size(m);
}

static uint64_t reverse(uint64_t x)
{
    x = (x >> 1 & 0x5555555555555555u) | (x & 0x5555555555555555u) << 1;
    x = (x >> 2 & 0x3333333333333333u) | (x & 0x3333333333333333u) << 2;
    x = (x >> 4 & 0x0f0f0f0f0f0f0f0fu) | (x & 0x0f0f0f0f0f0f0f0fu) << 4;
    return __builtin_bswap64(x);
}

/* Visit the items of a chain whose place is not before `at`: earlier ones were
 * visited while the table was larger. */
static void scan_chain(struct pl_map_node *n, uint64_t at,
                       void (*visit)(struct pl_map_node *, void *), void *arg)
{
    for (; n != NULL; n = n->next) {
        if (reverse(n->hash) >= at)
            visit(n, arg);
    }
}

bool pl_map_scan(const struct pl_map *m, uint64_t *at,
                 void (*visit)(struct pl_map_node *, void *), void *arg)
{
    size_t mask = m->mask[0]; /* of the smaller table */

    if (m->count == 0)
        return false;
    if (m->chain[1] != NULL && m->mask[1] < mask)
        mask = m->mask[1];
    size_t group = reverse(*at) & mask;
    for (int t = 0; t < 2; t++) {
        for (size_t i = group; m->chain[t] != NULL && i <= m->mask[t];
             i += mask + 1) {
            if (t == 0 || i >= m->moved)
                scan_chain(m->chain[t][i], *at, visit, arg);
        }
    }
    uint64_t step = reverse((uint64_t)mask + 1) << 1;
    *at = (*at & ~(step - 1)) + step;
    return *at != 0;
}

void pl_map_fini(struct pl_map *m)
{
    free(m->chain[0]);
    free(m->chain[1]);
    *m = (struct pl_map){0};
}
