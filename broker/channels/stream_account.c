/* SPDX-License-Identifier: Apache-2.0 */
/* stream_account.c - the bytes of the histories of each user, see
 * stream_private.h.
 *
 * The history of a channel is charged to the user of the client that published
 * last in the channel.  All anonymous clients are one user, because an
 * untrusted peer can open any number of connections.  Publications of a backend
 * are charged to no account.
 *
 * If an account cannot be allocated, the history is charged to the anonymous
 * account, so that the limit always holds.
 *
 * Rejected: one account per connection, because reconnecting gives a new one.
 * Charging each publication, because a user that shares a channel can then push
 * out the publications of others, and each publication needs a list entry.
 *
 * Invariant: the bytes of an account are the sum over its streams, and each of
 * its streams has publications. */
#include <stdlib.h>

#include "stream_private.h"

static struct pl_span user_of(const struct pl_stream_account *a)
{
    return (struct pl_span){a->user, a->user_len};
}

static bool match(const struct pl_map_node *n, const void *key)
{
    return pl_span_equal(user_of((const struct pl_stream_account *)n),
                         *(const struct pl_span *)key);
}

static struct pl_stream_account *create(struct pl_stream_store *m,
                                        struct pl_span user, uint64_t hash)
{
    struct pl_stream_account *a = malloc(sizeof *a + user.len);

    if (a == NULL)
        return m->anonymous;
    pl_list_init(&a->streams);
    a->bytes = 0;
    a->user_len = (uint32_t)user.len;
    memcpy(a->user, user.at, user.len);
    if (pl_map_add(&m->accounts, &a->node, hash) != PL_OK) {
        free(a);
        return m->anonymous;
    }
    return a;
}

static struct pl_stream_account *find(struct pl_stream_store *m,
                                      const struct pl_stream_account *now,
                                      const struct pl_client *client)
{
    if (client == NULL)
        return NULL;
    struct pl_span user = pl_client_user(client);
    if (user.len == 0)
        return m->anonymous;
    if (now != NULL && pl_span_equal(user_of(now), user))
        return (struct pl_stream_account *)now;
    uint64_t hash = pl_hash(&m->key, user);
    struct pl_map_node *n = pl_map_find(&m->accounts, hash, match, &user);
    return n != NULL ? (struct pl_stream_account *)n : create(m, user, hash);
}

void pl_stream_account_charge(struct pl_channel_stream *l,
                              const struct pl_client *client)
{
    struct pl_stream_account *a =
        find(pl_channel_stream_store(l), l->account, client);

    if (a == l->account)
        return;
    pl_stream_account_leave(l);
    if (a == NULL)
        return;
    l->account = a;
    a->bytes += l->bytes;
    pl_list_append(&a->streams, &l->own);
}

void pl_stream_account_leave(struct pl_channel_stream *l)
{
    struct pl_stream_account *a = l->account;

    if (a == NULL)
        return;
    l->account = NULL;
    a->bytes -= l->bytes;
    pl_list_remove(&l->own);
    if (a == pl_channel_stream_store(l)->anonymous ||
        !pl_list_is_empty(&a->streams))
        return;
    pl_map_remove(&pl_channel_stream_store(l)->accounts, &a->node);
    free(a);
}
