/* SPDX-License-Identifier: Apache-2.0 */
/* user_table.c - see user_table.h.
 *
 * A connection is a place of 32 bytes in blocks that never move, linked in a
 * ring of its user's connections; its handle is the number of the place.  Users
 * are found by name through actors/core/map.h.  Free places form a list through
 * `next`.  Blocks are kept until the table is destroyed: a broker that had n
 * connections will have them again.
 *
 * Rejected: a vector of connections per user.  With 100,000 connections of one
 * anonymous user, each removal is a search or each growth copies megabytes.
 *
 * Invariant: a place is in the ring of its user, or in the free list without a
 * user; a user is in the map if and only if it has a connection. */
#include "user_table.h"

#include <assert.h>
#include <stdlib.h>

#include "map.h"

enum { BLOCK = 1024 };

#define NONE UINT32_MAX

struct place {
    struct pl_address address;
    uint32_t next, previous; /* in the ring, or in the free list */
    struct user *user;       /* NULL: the place is free */
};

_Static_assert(sizeof(struct place) <= 32, "promised to the supervisor");

struct user {
    struct pl_map_node node;
    uint32_t newest;
    uint32_t count; /* never 0 */
    uint32_t len;
    char name[];
};

struct pl_user_table {
    struct pl_map users;
    struct pl_hash_key key;
    struct place **block;
    uint32_t blocks;
    uint32_t free; /* first of the free list */
    size_t connections;
    size_t with_one;
};

static struct place *place_at(const struct pl_user_table *t, uint32_t handle)
{
    return &t->block[handle / BLOCK][handle % BLOCK];
}

enum pl_err pl_user_table_create(struct pl_user_table **out,
                                 const struct pl_hash_key *key)
{
    struct pl_user_table *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return PL_ENOMEM;
    t->key = *key;
    t->free = NONE;
    *out = t;
    return PL_OK;
}

static struct user *user_of(struct pl_map_node *n)
{
    return (struct user *)((char *)n - offsetof(struct user, node));
}

static void free_user(struct pl_map_node *n, void *map)
{
    pl_map_remove(map, n);
    free(user_of(n));
}

void pl_user_table_destroy(struct pl_user_table *t)
{
    if (t == NULL)
        return;
    pl_map_each(&t->users, free_user, &t->users);
    pl_map_fini(&t->users);
    for (uint32_t i = 0; i < t->blocks; i++)
        free(t->block[i]);
    free(t->block);
    free(t);
}

static bool is_named(const struct pl_map_node *n, const void *key)
{
    const struct user *u =
        (const struct user *)((const char *)n - offsetof(struct user, node));

    return pl_span_equal((struct pl_span){u->name, u->len},
                         *(const struct pl_span *)key);
}

static struct user *find(const struct pl_user_table *t, struct pl_span name)
{
    struct pl_map_node *n =
        pl_map_find(&t->users, pl_hash(&t->key, name), is_named, &name);

    return n == NULL ? NULL : user_of(n);
}

static struct user *add_user(struct pl_user_table *t, struct pl_span name)
{
    struct user *u = malloc(sizeof(*u) + name.len);

    if (u == NULL)
        return NULL;
    u->newest = NONE;
    u->count = 0;
    u->len = (uint32_t)name.len;
    if (name.len > 0)
        memcpy(u->name, name.at, name.len);
    if (pl_map_add(&t->users, &u->node, pl_hash(&t->key, name)) != PL_OK) {
        free(u);
        return NULL;
    }
    return u;
}

static enum pl_err add_block(struct pl_user_table *t)
{
    struct place **grown, *block;
    uint32_t first = t->blocks * BLOCK;

    if (t->blocks == NONE / BLOCK)
        return PL_ELIMIT;
    grown = realloc(t->block, (t->blocks + 1) * sizeof(t->block[0]));
    if (grown == NULL)
        return PL_ENOMEM;
    t->block = grown;
    if ((block = calloc(BLOCK, sizeof(block[0]))) == NULL)
        return PL_ENOMEM;
    for (uint32_t i = 0; i < BLOCK; i++)
        block[i].next = i + 1 < BLOCK ? first + i + 1 : NONE;
    t->block[t->blocks++] = block;
    t->free = first;
    return PL_OK;
}

static void enter(struct pl_user_table *t, struct user *u, uint32_t handle)
{
    struct place *p = place_at(t, handle), *newest, *oldest;

    if (u->newest == NONE) {
        p->next = p->previous = handle;
    } else {
        newest = place_at(t, u->newest);
        oldest = place_at(t, newest->previous);
        p->next = u->newest;
        p->previous = newest->previous;
        newest->previous = oldest->next = handle;
    }
    p->user = u;
    u->newest = handle;
    u->count++;
    t->with_one += u->count == 1;
    t->with_one -= u->count == 2;
    t->connections++;
}

enum pl_err pl_user_table_register(struct pl_user_table *t, struct pl_span user,
                                   struct pl_address address, uint32_t *handle)
{
    struct user *u;
    enum pl_err rc;
    uint32_t taken;

    if (t->free == NONE && (rc = add_block(t)) != PL_OK)
        return rc;
    if ((u = find(t, user)) == NULL && (u = add_user(t, user)) == NULL)
        return PL_ENOMEM;
    taken = t->free;
    t->free = place_at(t, taken)->next;
    place_at(t, taken)->address = address;
    enter(t, u, taken);
    *handle = taken;
    return PL_OK;
}

void pl_user_table_unregister(struct pl_user_table *t, uint32_t handle)
{
    struct place *p;
    struct user *u;

    assert(handle / BLOCK < t->blocks);
    p = place_at(t, handle);
    assert(p->user != NULL);
    u = p->user;
    place_at(t, p->previous)->next = p->next;
    place_at(t, p->next)->previous = p->previous;
    if (u->newest == handle)
        u->newest = p->next;
    u->count--;
    t->with_one += u->count == 1;
    t->with_one -= u->count == 0;
    t->connections--;
    if (u->count == 0) {
        pl_map_remove(&t->users, &u->node);
        free(u);
    }
    p->user = NULL;
    p->next = t->free;
    t->free = handle;
}

struct pl_user_counts pl_user_table_counts(const struct pl_user_table *t)
{
    return (struct pl_user_counts){
        .connections = t->connections,
        .users = t->users.count,
        .users_with_one = t->with_one,
        .users_with_several = t->users.count - t->with_one,
    };
}

size_t pl_user_table_count(const struct pl_user_table *t, struct pl_span user)
{
    const struct user *u = find(t, user);

    return u == NULL ? 0 : u->count;
}

struct scan {
    void (*visit)(void *arg, struct pl_span user, size_t connections);
    void *arg;
};

static void scan_user(struct pl_map_node *n, void *arg)
{
    const struct scan *s = arg;
    const struct user *u = user_of(n);

    s->visit(s->arg, (struct pl_span){u->name, u->len}, u->count);
}

bool pl_user_table_scan(const struct pl_user_table *t, uint64_t *at,
                        void (*visit)(void *arg, struct pl_span user,
                                      size_t connections),
                        void *arg)
{
    struct scan s = {visit, arg};

    return pl_map_scan(&t->users, at, scan_user, &s);
}

/* The number of visits is fixed at the start, and the next place is read before
 * each visit, because the visit may remove its place and, with the last place,
 * the user. */
void pl_user_table_each(struct pl_user_table *t, struct pl_span user,
                        pl_user_table_visit *visit, void *arg)
{
    const struct user *u = find(t, user);
    uint32_t at = u == NULL ? NONE : u->newest;

    for (uint32_t left = u == NULL ? 0 : u->count; left > 0; left--) {
        uint32_t next = place_at(t, at)->next;

        visit(arg, at, place_at(t, at)->address);
        at = next;
    }
}
