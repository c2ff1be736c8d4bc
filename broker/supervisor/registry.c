/* SPDX-License-Identifier: Apache-2.0 */
/* registry.c - see registry.h.
 *
 * The user table knows users, handles and addresses; this adds who is behind
 * an address, because a session that leaves names itself and not a handle, and
 * because a kick names the client id, so that it cannot hit whoever has the
 * address next.  To keep the handle with the session was rejected: it would
 * have to wait for an answer before it could leave.
 *
 * Invariant: the table and the map hold the same connections, and the gauges
 * say what the table counts. */
#include "registry.h"

#include <stdlib.h>

#include "list.h"

struct entry {
    struct pl_map_node node;
    struct pl_client *client; /* held */
    uint32_t handle;
};

static uint64_t hash_of(const struct pl_registry *r, struct pl_address a)
{
    uint32_t bytes[3] = {(uint32_t)a.node << 16 | a.loop, a.slot, a.generation};

    return pl_hash(&r->key,
                   (struct pl_span){(const char *)bytes, sizeof bytes});
}

static bool matches(const struct pl_map_node *n, const void *key)
{
    const struct entry *e = PL_CONTAINER(n, const struct entry, node);
    const struct pl_address *address = key;

    return pl_address_equal(pl_client_address(e->client), *address);
}

static struct entry *find(const struct pl_registry *r, struct pl_address a)
{
    struct pl_map_node *n =
        pl_map_find(&r->entries, hash_of(r, a), matches, &a);

    return n == NULL ? NULL : PL_CONTAINER(n, struct entry, node);
}

static void update_gauges(struct pl_registry *r)
{
    struct pl_user_counts c = pl_user_table_counts(r->users);

    r->metrics->value[PL_METRIC_USERS] = c.users;
    r->metrics->value[PL_METRIC_USERS_SINGLE] = c.users_with_one;
    r->metrics->value[PL_METRIC_USERS_SEVERAL] = c.users_with_several;
}

enum pl_err pl_registry_init(struct pl_registry *r,
                             const struct pl_hash_key *key,
                             struct pl_metrics *metrics)
{
    *r = (struct pl_registry){.key = *key, .metrics = metrics};
    return pl_user_table_create(&r->users, key);
}

static void forget(struct pl_map_node *n, void *arg)
{
    struct pl_registry *r = arg;
    struct entry *e = PL_CONTAINER(n, struct entry, node);

    pl_map_remove(&r->entries, n);
    pl_user_table_unregister(r->users, e->handle);
    pl_client_release(e->client);
    free(e);
}

void pl_registry_fini(struct pl_registry *r)
{
    if (r->users == NULL)
        return;
    pl_map_each(&r->entries, forget, r);
    pl_map_fini(&r->entries);
    update_gauges(r);
    pl_user_table_destroy(r->users);
    r->users = NULL;
}

enum pl_err pl_registry_add(struct pl_registry *r, struct pl_client *client)
{
    struct pl_address address = pl_client_address(client);

    if (find(r, address) != NULL)
        return PL_EEXIST;
    struct entry *e = calloc(1, sizeof *e);
    if (e == NULL)
        return PL_ENOMEM;
    enum pl_err rc = pl_map_add(&r->entries, &e->node, hash_of(r, address));
    if (rc != PL_OK)
        goto fail;
    rc = pl_user_table_register(r->users, pl_client_user(client), address,
                                &e->handle);
    if (rc != PL_OK) {
        pl_map_remove(&r->entries, &e->node);
        goto fail;
    }
    e->client = pl_client_hold(client);
    update_gauges(r);
    return PL_OK;

fail:
    free(e);
    return rc;
}

enum pl_err pl_registry_remove(struct pl_registry *r,
                               const struct pl_client *client)
{
    struct entry *e = find(r, pl_client_address(client));

    if (e == NULL)
        return PL_ENOENT;
    forget(&e->node, r);
    update_gauges(r);
    return PL_OK;
}

size_t pl_registry_count(const struct pl_registry *r, struct pl_span user)
{
    return pl_user_table_count(r->users, user);
}

size_t pl_registry_connections(const struct pl_registry *r)
{
    return pl_user_table_counts(r->users).connections;
}

struct pl_client *pl_registry_find(const struct pl_registry *r,
                                   struct pl_span user, struct pl_span id)
{
    struct pl_address address;

    if (pl_client_id_parse(id, &address) != PL_OK)
        return NULL;
    struct entry *e = find(r, address);
    if (e == NULL || !pl_span_equal(pl_client_id(e->client), id))
        return NULL;
    if (user.at != NULL && !pl_span_equal(pl_client_user(e->client), user))
        return NULL;
    return e->client;
}

struct walk {
    struct pl_registry *registry;
    void (*visit)(void *arg, struct pl_client *client);
    void *arg;
};

static void visit_one(void *arg, uint32_t handle, struct pl_address address)
{
    struct walk *w = arg;

    (void)handle;
    w->visit(w->arg, find(w->registry, address)->client);
}

void pl_registry_each(struct pl_registry *r, struct pl_span user,
                      void (*visit)(void *arg, struct pl_client *client),
                      void *arg)
{
    struct walk w = {r, visit, arg};

    pl_user_table_each(r->users, user, visit_one, &w);
}
