/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - see names.h.
 *
 * A hash table behind a mutex: names are looked up when actors are introduced,
 * not per message, so the cost of the lock does not matter.  The name of an
 * exited actor yields a stale address until it is unregistered; senders must
 * expect that of any address.
 *
 * Rejected: an actor that owns the table, because each start would wait for a
 * reply. */
#include "names.h"

#include <pthread.h>
#include <stdlib.h>

#include "hash.h"
#include "list.h"
#include "map.h"
#include "random.h"

struct pl_names {
    struct pl_hash_key key; /* constant */
    pthread_mutex_t lock;   /* guards the map and its entries */
    struct pl_map map;
};

struct entry {
    struct pl_map_node node;
    struct pl_address address;
    size_t len;
    char name[]; /* len bytes */
};

static struct entry *entry_of(struct pl_map_node *n)
{
    return PL_CONTAINER(n, struct entry, node);
}

static bool has_name(const struct pl_map_node *n, const void *key)
{
    const struct entry *e = PL_CONTAINER(n, struct entry, node);

    return pl_span_equal((struct pl_span){e->name, e->len},
                         *(const struct pl_span *)key);
}

/* Return the entry of `name`, or NULL.  Call with the lock held. */
static struct entry *find(struct pl_names *n, struct pl_span name)
{
    struct pl_map_node *node =
        pl_map_find(&n->map, pl_hash(&n->key, name), has_name, &name);

    return node == NULL ? NULL : entry_of(node);
}

enum pl_err pl_names_create(struct pl_names **out)
{
    struct pl_names *n = calloc(1, sizeof *n);
    struct pl_random random;

    if (n == NULL)
        return PL_ENOMEM;
    pl_random_init(&random);
    pl_random_bytes(&random, &n->key, sizeof n->key);
    pthread_mutex_init(&n->lock, NULL); /* cannot fail on Linux */
    *out = n;
    return PL_OK;
}

static void free_entry(struct pl_map_node *node, void *map)
{
    pl_map_remove(map, node);
    free(entry_of(node));
}

void pl_names_destroy(struct pl_names *n)
{
    if (n == NULL)
        return;
    pl_map_each(&n->map, free_entry, &n->map);
    pl_map_fini(&n->map);
    pthread_mutex_destroy(&n->lock);
    free(n);
}

/* pl_names_register() with the lock held. */
static enum pl_err add(struct pl_names *n, struct pl_span name,
                       struct pl_address address)
{
    if (find(n, name) != NULL)
        return PL_EEXIST;
    struct entry *e = malloc(sizeof *e + name.len);
    if (e == NULL)
        return PL_ENOMEM;
    e->address = address;
    e->len = name.len;
    if (name.len > 0)
        memcpy(e->name, name.at, name.len);
    enum pl_err err = pl_map_add(&n->map, &e->node, pl_hash(&n->key, name));
    if (err != PL_OK)
        free(e);
    return err;
}

enum pl_err pl_names_register(struct pl_names *n, struct pl_span name,
                              struct pl_address address)
{
    pthread_mutex_lock(&n->lock);
    enum pl_err err = add(n, name, address);
    pthread_mutex_unlock(&n->lock);
    return err;
}

void pl_names_unregister(struct pl_names *n, struct pl_span name,
                         struct pl_address address)
{
    pthread_mutex_lock(&n->lock);
    struct entry *e = find(n, name);
    if (e != NULL && pl_address_equal(e->address, address))
        free_entry(&e->node, &n->map);
    pthread_mutex_unlock(&n->lock);
}

enum pl_err pl_names_find(struct pl_names *n, struct pl_span name,
                          struct pl_address *out)
{
    pthread_mutex_lock(&n->lock);
    const struct entry *e = find(n, name);
    if (e != NULL)
        *out = e->address;
    pthread_mutex_unlock(&n->lock);
    return e == NULL ? PL_ENOENT : PL_OK;
}
