/* SPDX-License-Identifier: Apache-2.0 */
/* joined_users.c - see joined_users.h.
 *
 * An entry counts the clients of one user in one channel.  The first one that
 * comes joins, and the last one that goes leaves; presence still lists each.
 * Between a detach and its leave the presence store may take time, or memory
 * may lack (leave.c).  If another client of the user comes meanwhile, neither
 * the leave nor another join is published.  So an entry stays until the leave
 * is published, and the count is read at that moment.
 *
 * One map of the owner has the entries, so channels with other rules pay
 * nothing.  Entries are bounded by the clients that they count and the detaches
 * that wait.
 *
 * Rejected: a search for another client of the user among the subscribers,
 * because each join to a large channel would read all of them.
 *
 * Invariant: an entry counts clients, or a leave of one of them is still to
 * come. */
#include "joined_users.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "channel.h"

struct joined {
    struct pl_map_node node; /* first member */
    const struct pl_channel *ch;
    uint32_t clients;
    uint32_t user_len;
    char user[];
};

struct joined_key {
    const struct pl_channel *ch;
    struct pl_span user;
};

static uint64_t hash_of(const struct pl_joined_users *u,
                        const struct joined_key *k)
{
    return pl_hash(&u->key, k->user) ^ pl_map_hash_pointer(k->ch);
}

static bool match(const struct pl_map_node *n, const void *key)
{
    const struct joined *j = (const struct joined *)n;
    const struct joined_key *k = key;

    return j->ch == k->ch &&
           pl_span_equal((struct pl_span){j->user, j->user_len}, k->user);
}

static struct joined *find(const struct pl_joined_users *u,
                           const struct joined_key *k)
{
    return (struct joined *)pl_map_find(&u->map, hash_of(u, k), match, k);
}

/* NULL: out of memory. */
static struct joined *create(struct pl_joined_users *u,
                             const struct joined_key *k)
{
    struct joined *j = malloc(sizeof *j + k->user.len);

    if (j == NULL)
        return NULL;
    *j = (struct joined){.ch = k->ch, .user_len = (uint32_t)k->user.len};
    memcpy(j->user, k->user.at, k->user.len);
    if (pl_map_add(&u->map, &j->node, hash_of(u, k)) == PL_OK)
        return j;
    free(j);
    return NULL;
}

enum pl_err pl_joined_users_enter(struct pl_joined_users *u,
                                  const struct pl_channel *ch,
                                  const struct pl_client *client, bool *is_due)
{
    struct joined_key key = {ch, pl_client_user(client)};
    struct joined *j = find(u, &key);
    bool is_new = j == NULL;

    if (is_new && (j = create(u, &key)) == NULL)
        return PL_ENOMEM;
    j->clients++;
    *is_due = is_new;
    return PL_OK;
}

void pl_joined_users_leave(struct pl_joined_users *u,
                           const struct pl_channel *ch,
                           const struct pl_client *client)
{
    struct joined_key key = {ch, pl_client_user(client)};
    struct joined *j = find(u, &key);

    assert(j != NULL && j->clients > 0);
    j->clients--;
}

bool pl_joined_users_told_leave(struct pl_joined_users *u,
                                const struct pl_channel *ch,
                                const struct pl_client *client)
{
    struct joined_key key = {ch, pl_client_user(client)};
    struct joined *j = find(u, &key);

    if (j == NULL || j->clients > 0)
        return false;
    pl_map_remove(&u->map, &j->node);
    free(j);
    return true;
}

void pl_joined_users_init(struct pl_joined_users *u, struct pl_random *random)
{
    *u = (struct pl_joined_users){0};
    pl_random_bytes(random, &u->key, sizeof u->key);
}

static void free_one(struct pl_map_node *n, void *map)
{
    pl_map_remove(map, n);
    free(n);
}

void pl_joined_users_fini(struct pl_joined_users *u)
{
    pl_map_each(&u->map, free_one, &u->map);
    pl_map_fini(&u->map);
}
