/* SPDX-License-Identifier: Apache-2.0 */
/* key_cache.c - see key_cache.h.
 *
 * A loop keeps the keys that its clients use, so that a login sends no mail.
 * The first client that needs another asks the keyring; clients that need the
 * same one meanwhile wait with it.  That a key is not there is kept as well,
 * for the few seconds in which the keyring would say the same.
 *
 * The oldest entry that no session waits for gives way to a new one, so names
 * that clients invent take no more than a bounded space.  Clients that wait are
 * connections, which have their own bounds.
 *
 * Invariant: sessions wait at an entry only while its mail is in transit. */
#include "key_cache.h"

#include <stdlib.h>
#include <string.h>

#include "key_mail.h"
#include "mail.h"
#include "session_manager_private.h"
#include "session_private.h"
#include "token.h"

struct entry {
    struct pl_map_node node; /* first */
    struct pl_list link;
    enum pl_err err;        /* PL_EAGAIN: asked */
    struct pl_jws_key *key; /* own reference; NULL: none */
    uint64_t until_ms;
    struct pl_blob *url, *kid;
    uint8_t alg;
    struct pl_key_waiter *waiters; /* owned */
    size_t count, cap;
};

/* What identifies a key. */
struct wanted {
    struct pl_span url, kid;
    uint8_t alg;
};

static struct wanted wanted_of(const char *url,
                               const struct pl_token_need *need)
{
    return (struct wanted){pl_span_of(url), pl_span_of(need->kid),
                           (uint8_t)need->alg};
}

static uint64_t hash_of(const struct pl_session_manager *k,
                        const struct wanted *w)
{
    return pl_hub_hash(k->options.hub, w->kid) + w->alg;
}

static bool is_it(const struct pl_map_node *n, const void *wanted)
{
    const struct entry *e = (const struct entry *)n;
    const struct wanted *w = wanted;

    return e->alg == w->alg && pl_span_equal(pl_blob_span(e->kid), w->kid) &&
           pl_span_equal(pl_blob_span(e->url), w->url);
}

static struct entry *find(struct pl_session_manager *k, const struct wanted *w)
{
    return (struct entry *)pl_map_find(&k->keys.keys, hash_of(k, w), is_it, w);
}

void pl_key_cache_init(struct pl_key_cache *c)
{
    pl_list_init(&c->order);
}

static void free_entry(struct pl_key_cache *c, struct entry *e)
{
    pl_map_remove(&c->keys, &e->node);
    pl_list_remove(&e->link);
    if (e->url != NULL)
        pl_blob_release(e->url);
    if (e->kid != NULL)
        pl_blob_release(e->kid);
    pl_jws_key_release(e->key);
    free(e->waiters);
    free(e);
}

static struct entry *entry_of(struct pl_list *link)
{
    return PL_CONTAINER(link, struct entry, link);
}

void pl_key_cache_fini(struct pl_key_cache *c)
{
    while (!pl_list_is_empty(&c->order))
        free_entry(c, entry_of(c->order.next));
    pl_map_fini(&c->keys);
}

enum pl_err pl_key_cache_find(struct pl_session_manager *k, const char *url,
                              const struct pl_token_need *need,
                              struct pl_jws_key **out)
{
    const struct wanted w = wanted_of(url, need);
    struct entry *e = find(k, &w);

    if (e == NULL)
        return PL_EAGAIN;
    if (e->err != PL_EAGAIN && pl_loop_now_ms(k->actor.loop) >= e->until_ms) {
        free_entry(&k->keys, e);
        return PL_EAGAIN;
    }
    *out = e->key;
    return e->err;
}

/* --- Waiting --- */

/* Make space for one more entry: drop the oldest that no session waits for. */
static void make_space(struct pl_key_cache *c)
{
    struct pl_list *at = c->order.prev;

    while (at != &c->order && c->keys.count >= PL_KEY_CACHE_MAX) {
        struct pl_list *newer = at->prev;

        if (entry_of(at)->err != PL_EAGAIN)
            free_entry(c, entry_of(at));
        at = newer;
    }
}

static struct entry *add(struct pl_session_manager *k, const struct wanted *w)
{
    struct entry *e = calloc(1, sizeof *e);

    if (e == NULL)
        return NULL;
    e->err = PL_EAGAIN;
    e->alg = w->alg;
    e->url = pl_blob_create(w->url);
    e->kid = pl_blob_create(w->kid);
    if (e->url == NULL || e->kid == NULL ||
        pl_map_add(&k->keys.keys, &e->node, hash_of(k, w)) != PL_OK) {
        if (e->url != NULL)
            pl_blob_release(e->url);
        if (e->kid != NULL)
            pl_blob_release(e->kid);
        free(e);
        return NULL;
    }
    pl_list_append(k->keys.order.next, &e->link); /* first */
    return e;
}

static bool ask(struct pl_session_manager *k, const struct entry *e)
{
    struct pl_key_mail *m = pl_key_mail_create();

    if (m == NULL)
        return false;
    m->url = pl_blob_hold(e->url);
    m->kid = pl_blob_hold(e->kid);
    m->alg = e->alg;
    pl_actor_send(&k->actor, k->options.keyring, &m->msg);
    return true;
}

static bool add_waiter(struct entry *e, const struct pl_key_waiter *w)
{
    if (e->count == e->cap) {
        size_t cap = e->cap == 0 ? 4 : 2 * e->cap;
        struct pl_key_waiter *more = realloc(e->waiters, cap * sizeof *more);

        if (more == NULL)
            return false;
        e->waiters = more;
        e->cap = cap;
    }
    e->waiters[e->count++] = *w;
    return true;
}

enum pl_err pl_key_cache_wait(struct pl_session *s, const char *url,
                              const struct pl_token_need *need, uint32_t number)
{
    struct pl_session_manager *k = s->manager;
    const struct wanted w = wanted_of(url, need);
    const struct pl_key_waiter waiter = {pl_actor_address(&s->actor), number};
    struct entry *e = find(k, &w);

    if (k->options.keyring.slot == 0)
        return PL_EIO;
    if (e != NULL)
        return add_waiter(e, &waiter) ? PL_OK : PL_ENOMEM;
    make_space(&k->keys);
    if ((e = add(k, &w)) == NULL)
        return PL_ENOMEM;
    if (add_waiter(e, &waiter) && ask(k, e))
        return PL_OK;
    free_entry(&k->keys, e);
    return PL_ENOMEM;
}

size_t pl_key_cache_take(struct pl_session_manager *k, struct pl_key_mail *m,
                         struct pl_key_waiter **out)
{
    const struct wanted w = {pl_blob_span(m->url), pl_blob_span(m->kid),
                             m->alg};
    struct entry *e = find(k, &w);

    *out = NULL;
    if (e == NULL || e->err != PL_EAGAIN)
        return 0;
    size_t count = e->count;
    *out = e->waiters;
    e->waiters = NULL;
    e->count = e->cap = 0;
    e->err = m->msg.returned ? PL_EIO : m->err;
    e->key = m->key;
    m->key = NULL;
    /* at least this turn, in which those that wait look for it */
    e->until_ms = pl_loop_now_ms(k->actor.loop) + m->life_ms + 1;
    return count;
}
