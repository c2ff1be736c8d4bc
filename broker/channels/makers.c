/* SPDX-License-Identifier: Apache-2.0 */
/* makers.c - see makers.h.
 *
 * A client that creates channels as fast as it can uses up limits.channels,
 * which all share.  So each user has a rate; an anonymous client has the rate
 * of its address, or without one the rate of its connection.  Reconnecting
 * gives no new rate.
 *
 * A rate is a token bucket of one number (bucket.h).  A full bucket needs no
 * entry: each new entry drops up to LOOKS full ones among the oldest.  A table
 * of PL_MAKERS_MAX entries drops the least recently used one.  An entry has the
 * hash of its maker, not the name of up to 64 KiB; makers with equal 64-bit
 * hashes share a rate.
 *
 * Rejected: refusing at a full table, because many clients that create one
 * channel each then lock out everyone.  One table for all owners, because each
 * new channel then needs a request to another thread.
 *
 * Invariant: an entry is in the map and in the list, or in neither. */
#include "makers.h"

#include <stdlib.h>

#include "bucket.h"

enum { LOOKS = 4 }; /* old entries to check per new one */

struct maker {
    struct pl_map_node node; /* first member */
    struct pl_list used;
    uint64_t full_ns; /* loop time at which its burst is complete again */
};

void pl_makers_init(struct pl_makers *m, uint32_t per_minute, uint32_t burst,
                    struct pl_random *random)
{
    *m = (struct pl_makers){.entries_max = PL_MAKERS_MAX};
    pl_list_init(&m->used);
    pl_random_bytes(random, &m->key, sizeof m->key);
    if (per_minute == 0)
        return;
    m->interval_ns = UINT64_C(60000000000) / per_minute;
    m->most_ns = m->interval_ns * burst;
}

static void drop(struct pl_makers *m, struct maker *one)
{
    pl_map_remove(&m->map, &one->node);
    pl_list_remove(&one->used);
    free(one);
}

void pl_makers_fini(struct pl_makers *m)
{
    struct pl_list *at;

    while ((at = pl_list_pop(&m->used)) != NULL) {
        struct maker *one = PL_CONTAINER(at, struct maker, used);

        pl_map_remove(&m->map, &one->node);
        free(one);
    }
    pl_map_fini(&m->map);
}

/* Hash the maker of `c`.  Equal bytes of different kinds get different
 * hashes. */
static uint64_t hash_of(const struct pl_makers *m, const struct pl_client *c)
{
    struct pl_span user = pl_client_user(c), place = pl_client_place(c);

    if (user.len > 0)
        return pl_hash(&m->key, user) ^ 1;
    if (place.len > 0)
        return pl_hash(&m->key, place) ^ 2;
    return pl_hash(&m->key, pl_client_id(c)) ^ 4;
}

static bool is_same(const struct pl_map_node *n, const void *key)
{
    return n->hash == *(const uint64_t *)key;
}

static struct maker *oldest(const struct pl_makers *m)
{
    return pl_list_is_empty(&m->used)
               ? NULL
               : PL_CONTAINER(m->used.next, struct maker, used);
}

static void make_space(struct pl_makers *m, uint64_t now_ns)
{
    struct maker *old;

    for (int i = 0; i < LOOKS; i++) {
        if ((old = oldest(m)) == NULL || old->full_ns > now_ns)
            break;
        drop(m, old);
    }
    if (m->map.count >= m->entries_max && (old = oldest(m)) != NULL)
        drop(m, old);
}

static struct maker *find(struct pl_makers *m, uint64_t hash, uint64_t now_ns)
{
    struct maker *one =
        (struct maker *)pl_map_find(&m->map, hash, is_same, &hash);

    if (one != NULL) {
        pl_list_remove(&one->used);
        pl_list_append(&m->used, &one->used);
        return one;
    }
    make_space(m, now_ns);
    one = calloc(1, sizeof *one);
    if (one == NULL || pl_map_add(&m->map, &one->node, hash) != PL_OK) {
        free(one);
        return NULL;
    }
    pl_list_append(&m->used, &one->used);
    return one;
}

/* If the entry cannot be allocated, allow the channel uncounted, as the address
 * limiter does (net/address_limiter.c). */
bool pl_makers_take(struct pl_makers *m, const struct pl_client *c,
                    uint64_t now_ms)
{
    uint64_t now_ns = now_ms * 1000000;

    if (m->interval_ns == 0)
        return true;
    struct maker *one = find(m, hash_of(m, c), now_ns);
    if (one == NULL)
        return true;
    return pl_bucket_take(&one->full_ns, now_ns, m->interval_ns, m->most_ns);
}
