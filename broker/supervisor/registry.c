/* SPDX-License-Identifier: Apache-2.0 */
/* registry.c - see registry.h.
 *
 * The user table knows users, handles and addresses.  This file adds the client
 * at each address: a session that unregisters names its address and not a
 * handle, and a server-side disconnect names the client id, so that it cannot
 * hit the next client at the same address.  Addresses are small numbers, loop
 * and slot, so one array of seats per loop finds them without hashing, at 16
 * bytes per connection.
 *
 * Rejected: keeping the handle in the session, because the session has to wait
 * for it before it can unregister.
 *
 * Invariant: the user table and the seats have the same connections, and the
 * gauges equal the counts of the table. */
#include "registry.h"

#include <stdlib.h>
#include <string.h>

struct pl_registry_seat {
    struct pl_client *client; /* own reference; NULL: free */
    uint32_t handle;
};

struct pl_registry_row {
    struct pl_registry_seat *seats; /* by slot */
    uint32_t count;
};

enum { FIRST_SEATS = 64 };

/* Return the seat of address `a`, or NULL.  It may hold the client of another
 * generation of the slot. */
static struct pl_registry_seat *seat_of(const struct pl_registry *r,
                                        struct pl_address a)
{
    if (a.loop >= r->row_count || a.slot >= r->rows[a.loop].count)
        return NULL;
    return &r->rows[a.loop].seats[a.slot];
}

static struct pl_registry_seat *find(const struct pl_registry *r,
                                     struct pl_address a)
{
    struct pl_registry_seat *s = seat_of(r, a);

    if (s == NULL || s->client == NULL ||
        !pl_address_equal(pl_client_address(s->client), a))
        return NULL;
    return s;
}

/* Grow the array, with zeroed elements of `size` bytes, until it has
 * `index`. */
static bool grow(void **at, uint32_t *count, size_t size, uint32_t index,
                 uint32_t first)
{
    uint32_t more = *count > 0 ? *count : first;

    if (index < *count)
        return true;
    while (more <= index)
        more += more / 2 + 1;
    void *made = realloc(*at, more * size);
    if (made == NULL)
        return false;
    memset((char *)made + *count * size, 0, (more - *count) * size);
    *at = made;
    *count = more;
    return true;
}

static struct pl_registry_seat *make_seat(struct pl_registry *r,
                                          struct pl_address a)
{
    void *rows = r->rows;

    if (!grow(&rows, &r->row_count, sizeof *r->rows, a.loop, 1))
        return NULL;
    r->rows = rows;
    struct pl_registry_row *row = &r->rows[a.loop];
    void *seats = row->seats;
    if (!grow(&seats, &row->count, sizeof *row->seats, a.slot, FIRST_SEATS))
        return NULL;
    row->seats = seats;
    return &row->seats[a.slot];
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
    *r = (struct pl_registry){.metrics = metrics};
    return pl_user_table_create(&r->users, key);
}

static void forget(struct pl_registry *r, struct pl_registry_seat *s)
{
    if (s->client == NULL)
        return;
    pl_user_table_unregister(r->users, s->handle);
    pl_client_release(s->client);
    s->client = NULL;
}

void pl_registry_fini(struct pl_registry *r)
{
    if (r->users == NULL)
        return;
    for (uint32_t i = 0; i < r->row_count; i++) {
        for (uint32_t j = 0; j < r->rows[i].count; j++)
            forget(r, &r->rows[i].seats[j]);
        free(r->rows[i].seats);
    }
    free(r->rows);
    update_gauges(r);
    pl_user_table_destroy(r->users);
    *r = (struct pl_registry){.users = NULL};
}

enum pl_err pl_registry_add(struct pl_registry *r, struct pl_client *client)
{
    struct pl_address address = pl_client_address(client);
    struct pl_registry_seat *s = make_seat(r, address);

    if (s == NULL)
        return PL_ENOMEM;
    if (s->client != NULL)
        return PL_EEXIST; /* a slot is unregistered before its next
                             generation */
    enum pl_err rc = pl_user_table_register(r->users, pl_client_user(client),
                                            address, &s->handle);
    if (rc != PL_OK)
        return rc;
    s->client = pl_client_hold(client);
    update_gauges(r);
    return PL_OK;
}

enum pl_err pl_registry_remove(struct pl_registry *r,
                               const struct pl_client *client)
{
    struct pl_registry_seat *s = find(r, pl_client_address(client));

    if (s == NULL)
        return PL_ENOENT;
    forget(r, s);
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
    struct pl_registry_seat *s = find(r, address);
    if (s == NULL || !pl_span_equal(pl_client_id(s->client), id))
        return NULL;
    if (user.at != NULL && !pl_span_equal(pl_client_user(s->client), user))
        return NULL;
    return s->client;
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

bool pl_registry_scan_users(const struct pl_registry *r, uint64_t *at,
                            void (*visit)(void *arg, struct pl_span user,
                                          size_t connections),
                            void *arg)
{
    return pl_user_table_scan(r->users, at, visit, arg);
}
