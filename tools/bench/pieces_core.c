/* SPDX-License-Identifier: Apache-2.0 */
/* pieces_core.c - the keyed hash of channel names, and the table they are in.
 */
#include "pieces.h"

#include <stdio.h>
#include <stdlib.h>

#include "hash.h"
#include "map.h"

static const struct pl_hash_key key = {1, 2};
static const char text[256];

struct hashing {
    size_t len;
};

static void hash(void *arg, uint64_t times)
{
    struct hashing *h = arg;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < times; i++)
        sum ^= pl_hash(&key, (struct pl_span){text, h->len + (sum & 0)});
    measure_keep(&sum);
}

struct thing {
    struct pl_map_node node;
    uint64_t number;
};

struct table {
    struct pl_map map;
    struct thing *things;
    uint64_t count;
};

static uint64_t hash_of(uint64_t number)
{
    return pl_hash(&key, (struct pl_span){(const char *)&number, 8});
}

static bool has_number(const struct pl_map_node *n, const void *number)
{
    return ((const struct thing *)n)->number == *(const uint64_t *)number;
}

/* As for a channel: hash the name, find it. */
static void find(void *arg, uint64_t times)
{
    struct table *t = arg;
    uint64_t number = 0;

    for (uint64_t i = 0; i < times; i++) {
        number = (number + 7919) % t->count;
        measure_keep(
            pl_map_find(&t->map, hash_of(number), has_number, &number));
    }
}

static void add_and_remove(void *arg, uint64_t times)
{
    struct table *t = arg;
    struct thing extra = {.number = t->count};
    uint64_t h = hash_of(extra.number);

    for (uint64_t i = 0; i < times; i++) {
        if (pl_map_add(&t->map, &extra.node, h) != PL_OK)
            abort();
        pl_map_remove(&t->map, &extra.node);
    }
}

static void fill(struct table *t)
{
    t->things = calloc(t->count, sizeof *t->things);
    for (uint64_t i = 0; t->things != NULL && i < t->count; i++) {
        t->things[i].number = i;
        if (pl_map_add(&t->map, &t->things[i].node, hash_of(i)) != PL_OK)
            abort();
    }
    if (t->things == NULL)
        abort();
}

static void map(struct measure *m, uint64_t count)
{
    struct table t = {.count = count};
    char found[64], changed[64];

    snprintf(found, sizeof found, "map/find/%llu", (unsigned long long)count);
    snprintf(changed, sizeof changed, "map/add+remove/%llu",
             (unsigned long long)count);
    if (!measure_wants(m, found) && !measure_wants(m, changed))
        return;
    fill(&t);
    measure(m, found, find, &t, 1, 0);
    measure(m, changed, add_and_remove, &t, 1, 0);
    pl_map_fini(&t.map);
    free(t.things);
}

void pieces_core(struct measure *m)
{
    static const size_t lengths[] = {8, 32, 255};
    static const uint64_t counts[] = {10, 1000, 100000};
    char name[64];

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct hashing h = {lengths[i]};

        snprintf(name, sizeof name, "hash/%zu", h.len);
        measure(m, name, hash, &h, 1, h.len);
    }
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        map(m, counts[i]);
}
