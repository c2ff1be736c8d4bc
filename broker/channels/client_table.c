/* SPDX-License-Identifier: Apache-2.0 */
/* client_table.c - see client_table.h.
 *
 * Open addressing with linear probing over bare pointers, 64 to 80% full while
 * it grows, at least 40% after removals: a chained map takes a node of 16 bytes
 * and a malloc() per entry.  The table grows by a quarter, not to the next
 * power of two, so a position is the hash scaled down to the size instead of
 * masked.  Removing moves later entries back instead of leaving tombstones, so
 * a table does not slow down when many clients join and leave.
 *
 * Invariant: at least one slot is empty, which ends every search; no empty slot
 * lies between an entry and its home. */
#include "client_table.h"

#include <stdlib.h>

enum { FIRST = 5 };

#define MARKS ((uintptr_t)(PL_CLIENT_JOINED | PL_CLIENT_COUNTED))

static uint32_t home_of(const struct pl_client_table *t, uintptr_t key)
{
    uint64_t h = (uint64_t)(key >> 4) * UINT64_C(0x9e3779b97f4a7c15);

    return (uint32_t)((h >> 32) * t->cap >> 32);
}

static uint32_t after(const struct pl_client_table *t, uint32_t i)
{
    return i + 1 == t->cap ? 0 : i + 1;
}

/* Return the slot of `key`, or the empty slot in which it belongs. */
static uint32_t seek(const struct pl_client_table *t, uintptr_t key)
{
    uint32_t i = home_of(t, key);

    while (t->slot[i] != 0 && (t->slot[i] & ~MARKS) != key)
        i = after(t, i);
    return i;
}

/* Move all entries to `cap` slots; if allocation fails, nothing changes. */
static void resize(struct pl_client_table *t, uint32_t cap)
{
    struct pl_client_table to = {
        .slot = calloc(cap, sizeof *to.slot), .cap = cap, .count = t->count};

    if (to.slot == NULL)
        return;
    for (uint32_t i = 0; i < t->cap; i++)
        if (t->slot[i] != 0)
            to.slot[seek(&to, t->slot[i] & ~MARKS)] = t->slot[i];
    free(t->slot);
    *t = to;
}

enum pl_err pl_client_table_add(struct pl_client_table *t,
                                const struct pl_client *c)
{
    if (pl_client_table_has(t, c))
        return PL_EEXIST;
    if ((uint64_t)(t->count + 1) * 5 > (uint64_t)t->cap * 4)
        resize(t, t->cap == 0 ? FIRST : t->cap + t->cap / 4 + 1);
    if (t->count + 1 >= t->cap)
        return PL_ENOMEM;
    t->slot[seek(t, (uintptr_t)c)] = (uintptr_t)c;
    t->count++;
    return PL_OK;
}

bool pl_client_table_has(const struct pl_client_table *t,
                         const struct pl_client *c)
{
    return t->count > 0 && t->slot[seek(t, (uintptr_t)c)] != 0;
}

void pl_client_table_mark(struct pl_client_table *t, const struct pl_client *c,
                          unsigned marks)
{
    t->slot[seek(t, (uintptr_t)c)] |= marks;
}

/* Empty slot `hole`, and move back the entries that it would hide. */
static void close_hole(struct pl_client_table *t, uint32_t hole)
{
    for (uint32_t i = after(t, hole); t->slot[i] != 0; i = after(t, i)) {
        uint32_t home = home_of(t, t->slot[i] & ~MARKS);
        uint32_t from_home = (i + t->cap - home) % t->cap;
        uint32_t from_hole = (i + t->cap - hole) % t->cap;

        if (from_home < from_hole)
            continue;
        t->slot[hole] = t->slot[i];
        hole = i;
    }
    t->slot[hole] = 0;
}

bool pl_client_table_remove(struct pl_client_table *t,
                            const struct pl_client *c, unsigned *marks)
{
    if (t->count == 0)
        return false;
    uint32_t i = seek(t, (uintptr_t)c);
    if (t->slot[i] == 0)
        return false;
    *marks = (unsigned)(t->slot[i] & MARKS);
    close_hole(t, i);
    if (--t->count == 0)
        pl_client_table_fini(t);
    else if (t->cap > FIRST * 2 && t->count < t->cap / 5 * 2)
        resize(t, t->cap / 8 * 5 + 1);
    return true;
}

struct pl_client *pl_client_table_at(const struct pl_client_table *t,
                                     uint32_t i)
{
    return (struct pl_client *)(t->slot[i] & ~MARKS);
}

void pl_client_table_fini(struct pl_client_table *t)
{
    free(t->slot);
    *t = (struct pl_client_table){0};
}
