/* SPDX-License-Identifier: Apache-2.0 */
/* presence_memory.c - see presence_memory.h.
 *
 * The entries of a channel are references to clients in one compact table.
 * Replies read the client itself, so nothing is copied.  Distinct users are
 * counted on request, and the count is kept until the next change.  One map of
 * the store has what others see of the few clients that are shown otherwise, so
 * the rest pay nothing.
 *
 * Rejected: counting users at each change, because it needs a second table per
 * channel that few requests use.
 *
 * Invariant: a roster is in the map while its table is not empty, and each
 * entry of `shown` is of a client in a roster. */
#include "presence_memory.h"

#include <stdlib.h>

#include "client_table.h"
#include "hash.h"
#include "list.h"
#include "map.h"
#include "random.h"

struct roster {
    struct pl_map_node node;
    struct pl_client_table table;
    uint32_t users;
    bool is_counted; /* `users` is valid */
    uint16_t name_len;
    char name[];
};

/* What is shown of a client in a channel. */
struct shown {
    struct pl_map_node node;
    const struct roster *roster;
    const struct pl_client *client;
    struct pl_client *as; /* reference */
};

struct presence_memory {
    struct pl_presence presence;
    struct pl_map map;
    struct pl_map shown;
    struct pl_hash_key key; /* for hashes of user ids */
};

static bool match(const struct pl_map_node *n, const void *key)
{
    const struct roster *r = (const struct roster *)n;

    return pl_span_equal((struct pl_span){r->name, r->name_len},
                         *(const struct pl_span *)key);
}

static struct roster *find(struct pl_presence *p, const struct pl_store_op *op)
{
    struct presence_memory *m = (struct presence_memory *)p;

    return (struct roster *)pl_map_find(&m->map, op->hash, match, &op->channel);
}

static struct roster *create(struct pl_presence *p,
                             const struct pl_store_op *op)
{
    struct presence_memory *m = (struct presence_memory *)p;
    struct roster *r = calloc(1, sizeof *r + op->channel.len);

    if (r == NULL)
        return NULL;
    r->name_len = (uint16_t)op->channel.len;
    memcpy(r->name, op->channel.at, op->channel.len);
    if (pl_map_add(&m->map, &r->node, op->hash) != PL_OK) {
        free(r);
        return NULL;
    }
    return r;
}

static void drop_if_empty(struct pl_presence *p, struct roster *r)
{
    if (r->table.count > 0)
        return;
    pl_map_remove(&((struct presence_memory *)p)->map, &r->node);
    pl_client_table_fini(&r->table);
    free(r);
}

/* --- What is shown --- */

static uint64_t hash_of(const struct roster *r, const struct pl_client *c)
{
    uint64_t h = (uintptr_t)c ^ (uintptr_t)r << 7;

    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

struct shown_key {
    const struct roster *roster;
    const struct pl_client *client;
};

static struct shown *shown_of(const struct pl_map_node *n)
{
    return PL_CONTAINER((struct pl_map_node *)n, struct shown, node);
}

static bool match_shown(const struct pl_map_node *n, const void *key)
{
    const struct shown_key *k = key;

    return shown_of(n)->roster == k->roster && shown_of(n)->client == k->client;
}

static struct shown *find_shown(struct presence_memory *m,
                                const struct roster *r,
                                const struct pl_client *c)
{
    struct shown_key key = {r, c};
    struct pl_map_node *n =
        m->shown.count == 0
            ? NULL
            : pl_map_find(&m->shown, hash_of(r, c), match_shown, &key);

    return n == NULL ? NULL : shown_of(n);
}

static void hide(struct presence_memory *m, const struct roster *r,
                 const struct pl_client *c)
{
    struct shown *s = find_shown(m, r, c);

    if (s == NULL)
        return;
    pl_map_remove(&m->shown, &s->node);
    pl_client_release(s->as);
    free(s);
}

static enum pl_err show(struct presence_memory *m, const struct roster *r,
                        const struct pl_client *c, struct pl_client *as)
{
    struct shown *s = as == NULL ? NULL : malloc(sizeof *s);

    if (as == NULL) {
        hide(m, r, c);
        return PL_OK;
    }
    if (s == NULL)
        return PL_ENOMEM;
    hide(m, r, c);
    *s = (struct shown){.roster = r, .client = c};
    if (pl_map_add(&m->shown, &s->node, hash_of(r, c)) != PL_OK) {
        free(s);
        return PL_ENOMEM;
    }
    s->as = pl_client_hold(as);
    return PL_OK;
}

/* --- Changes --- */

static void drop_client(struct pl_presence *p, struct roster *roster,
                        struct pl_client *c)
{
    unsigned marks;

    if (!pl_client_table_remove(&roster->table, c, &marks))
        return;
    hide((struct presence_memory *)p, roster, c);
    pl_client_release(c);
    roster->is_counted = false;
}

/* A client that is there already stays if it cannot be shown otherwise. */
static enum pl_err enter(struct pl_presence *p, struct roster *roster,
                         const struct pl_presence_change *r)
{
    enum pl_err rc = pl_client_table_add(&roster->table, r->client);
    bool is_new = rc == PL_OK;

    if (rc != PL_OK && rc != PL_EEXIST)
        return rc;
    if (is_new) {
        pl_client_hold(r->client);
        roster->is_counted = false;
    }
    rc = show((struct presence_memory *)p, roster, r->client, r->shown);
    if (rc != PL_OK && is_new)
        drop_client(p, roster, r->client);
    return rc;
}

static enum pl_store_reply add(struct pl_presence *p,
                               struct pl_presence_change *r)
{
    struct roster *roster = find(p, &r->op);

    r->op.error = PL_ENOMEM;
    if (roster == NULL && (roster = create(p, &r->op)) == NULL)
        return PL_STORE_DONE;
    r->op.error = enter(p, roster, r);
    drop_if_empty(p, roster);
    return PL_STORE_DONE;
}

static enum pl_store_reply remove_client(struct pl_presence *p,
                                         struct pl_presence_change *r)
{
    struct roster *roster = find(p, &r->op);

    r->op.error = PL_OK;
    if (roster == NULL)
        return PL_STORE_DONE;
    drop_client(p, roster, r->client);
    drop_if_empty(p, roster);
    return PL_STORE_DONE;
}

static struct pl_client *as_shown(struct presence_memory *m,
                                  const struct roster *r, struct pl_client *c)
{
    const struct shown *s = find_shown(m, r, c);

    return s == NULL ? c : s->as;
}

static enum pl_store_reply get(struct pl_presence *p, struct pl_presence_get *r)
{
    struct roster *roster = find(p, &r->op);

    r->op.error = PL_OK;
    r->clients = NULL;
    r->count = 0;
    if (roster == NULL)
        return PL_STORE_DONE;
    r->clients = malloc(roster->table.count * sizeof *r->clients);
    if (r->clients == NULL) {
        r->op.error = PL_ENOMEM;
        return PL_STORE_DONE;
    }
    for (uint32_t i = 0; i < roster->table.cap; i++) {
        struct pl_client *c = pl_client_table_at(&roster->table, i);

        if (c != NULL)
            r->clients[r->count++] = pl_client_hold(
                as_shown((struct presence_memory *)p, roster, c));
    }
    return PL_STORE_DONE;
}

/* Add `c` to a table of `mask` + 1 clients.  Return false if it has a client of
 * the same user. */
static bool is_new_user(struct presence_memory *m, struct pl_client **seen,
                        size_t mask, struct pl_client *c)
{
    struct pl_span user = pl_client_user(c);
    size_t i = pl_hash(&m->key, user) & mask;

    for (; seen[i] != NULL; i = (i + 1) & mask)
        if (pl_span_equal(pl_client_user(seen[i]), user))
            return false;
    seen[i] = c;
    return true;
}

static enum pl_err count_users(struct presence_memory *m, struct roster *roster)
{
    size_t size = 8;

    while (size < (size_t)roster->table.count * 2)
        size *= 2;
    struct pl_client **seen = calloc(size, sizeof *seen);
    if (seen == NULL)
        return PL_ENOMEM;
    roster->users = 0;
    for (uint32_t i = 0; i < roster->table.cap; i++) {
        struct pl_client *c = pl_client_table_at(&roster->table, i);

        if (c != NULL && is_new_user(m, seen, size - 1, c))
            roster->users++;
    }
    free(seen);
    roster->is_counted = true;
    return PL_OK;
}

static enum pl_store_reply stats(struct pl_presence *p,
                                 struct pl_presence_stats *r)
{
    struct roster *roster = find(p, &r->op);

    r->op.error = PL_OK;
    r->clients = r->users = r->looked = 0;
    if (roster == NULL)
        return PL_STORE_DONE;
    if (!roster->is_counted) {
        r->looked = roster->table.count;
        r->op.error = count_users((struct presence_memory *)p, roster);
    }
    if (r->op.error == PL_OK) {
        r->clients = roster->table.count;
        r->users = roster->users;
    }
    return PL_STORE_DONE;
}

static void free_roster(struct pl_map_node *n, void *arg)
{
    struct roster *r = (struct roster *)n;

    for (uint32_t i = 0; i < r->table.cap; i++)
        pl_client_release(pl_client_table_at(&r->table, i));
    pl_client_table_fini(&r->table);
    pl_map_remove(arg, n);
    free(r);
}

static void free_shown(struct pl_map_node *n, void *map)
{
    struct shown *s = shown_of(n);

    pl_map_remove(map, n);
    pl_client_release(s->as);
    free(s);
}

static void destroy(struct pl_presence *p)
{
    struct presence_memory *m = (struct presence_memory *)p;

    pl_map_each(&m->map, free_roster, &m->map);
    pl_map_fini(&m->map);
    pl_map_each(&m->shown, free_shown, &m->shown);
    pl_map_fini(&m->shown);
    free(m);
}

static const struct pl_presence_ops ops = {
    .traits = PL_STORE_IMMEDIATE | PL_STORE_ATOMIC | PL_STORE_RELIABLE,
    .add = add,
    .remove = remove_client,
    .get = get,
    .stats = stats,
    .destroy = destroy,
};

enum pl_err pl_presence_memory_create(struct pl_presence **out,
                                      struct pl_random *random)
{
    struct presence_memory *m = calloc(1, sizeof *m);

    if (m == NULL)
        return PL_ENOMEM;
    m->presence.ops = &ops;
    pl_random_bytes(random, &m->key, sizeof m->key);
    *out = &m->presence;
    return PL_OK;
}
