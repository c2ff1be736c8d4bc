/* SPDX-License-Identifier: Apache-2.0 */
/* denials.c - see denials.h.
 *
 * One hash table for all kinds, by the hash of the name; with nothing in it a
 * question costs a comparison.  What has expired denies nothing, and is removed
 * by a walk over the whole table, at most one a minute, or when the table is
 * full and something in it may have expired.
 *
 * The walk happens only where something is put, with the time of the table that
 * is repeated, so a copy removes the same items as its original.  A copy must
 * not miss a denial for lack of memory: an item brings its own, and the table
 * has its first chains from the beginning, because of `anchor`.
 *
 * Rejected: one immutable table for all loops, because each change would copy
 * up to 100,000 items; and a question to the supervisor at each login, which
 * would wait for another loop.
 *
 * Invariant: no two items are about the same. */
#include "denials.h"

#include <stdlib.h>

#include "map.h"

enum { WALK_EVERY_S = 60, ANCHOR = -1 };

struct pl_denial_item {
    struct pl_map_node node; /* first */
    struct pl_blob *name, *channel;
    int64_t issued_before_s, expires_at_s;
    int8_t kind; /* enum pl_denial_kind, or ANCHOR */
};

struct pl_denials {
    struct pl_map items;
    struct pl_hash_key key;
    struct pl_denial_item anchor;
    size_t of_kind[PL_DENIAL_USER + 1];
    size_t bytes;
    int64_t walked_s;
    int64_t first_s; /* no item expires earlier; 0: none expires */
};

/* --- Items --- */

enum pl_err pl_denial_item_create(struct pl_denial_item **out,
                                  const struct pl_denial *d,
                                  struct pl_blob *name, struct pl_blob *channel)
{
    struct pl_denial_item *i = calloc(1, sizeof *i);

    if (i == NULL)
        return PL_ENOMEM;
    i->kind = (int8_t)d->kind;
    i->name = pl_blob_hold(name);
    i->channel = pl_blob_hold(channel);
    i->issued_before_s = d->issued_before_s;
    i->expires_at_s = d->expires_at_s;
    *out = i;
    return PL_OK;
}

void pl_denial_item_destroy(struct pl_denial_item *i)
{
    if (i == NULL)
        return;
    pl_blob_release(i->name);
    pl_blob_release(i->channel);
    free(i);
}

struct pl_denial pl_denial_item_read(const struct pl_denial_item *i)
{
    return (struct pl_denial){.kind = (enum pl_denial_kind)i->kind,
                              .name = pl_blob_span(i->name),
                              .channel = pl_blob_span(i->channel),
                              .issued_before_s = i->issued_before_s,
                              .expires_at_s = i->expires_at_s};
}

static size_t bytes_of(const struct pl_denial_item *i)
{
    return pl_blob_span(i->name).len + pl_blob_span(i->channel).len;
}

static bool is_over(const struct pl_denial_item *i, int64_t now_s)
{
    return i->expires_at_s != 0 && i->expires_at_s <= now_s;
}

/* --- The table --- */

enum pl_err pl_denials_create(struct pl_denials **out,
                              const struct pl_hash_key *key)
{
    struct pl_denials *t = calloc(1, sizeof *t);

    if (t == NULL)
        return PL_ENOMEM;
    t->key = *key;
    t->anchor.kind = ANCHOR;
    if (pl_map_add(&t->items, &t->anchor.node, 0) != PL_OK) {
        free(t);
        return PL_ENOMEM;
    }
    *out = t;
    return PL_OK;
}

static void drop(struct pl_denials *t, struct pl_denial_item *i)
{
    pl_map_remove(&t->items, &i->node);
    t->of_kind[i->kind]--;
    t->bytes -= bytes_of(i);
    pl_denial_item_destroy(i);
}

static void drop_any(struct pl_map_node *n, void *table)
{
    struct pl_denial_item *i = (struct pl_denial_item *)n;

    if (i->kind != ANCHOR)
        drop(table, i);
}

void pl_denials_destroy(struct pl_denials *t)
{
    if (t == NULL)
        return;
    pl_map_each(&t->items, drop_any, t);
    pl_map_fini(&t->items);
    free(t);
}

static bool is_it(const struct pl_map_node *n, const void *wanted)
{
    const struct pl_denial_item *i = (const struct pl_denial_item *)n;
    const struct pl_denial *d = wanted;

    return i->kind == (int8_t)d->kind &&
           (i->channel == NULL) == (d->channel.at == NULL) &&
           pl_span_equal(pl_blob_span(i->name), d->name) &&
           pl_span_equal(pl_blob_span(i->channel), d->channel);
}

static struct pl_denial_item *find(const struct pl_denials *t,
                                   const struct pl_denial *d)
{
    if (t->of_kind[d->kind] == 0)
        return NULL;
    return (struct pl_denial_item *)pl_map_find(
        &t->items, pl_hash(&t->key, d->name), is_it, d);
}

/* The item, unless it has expired. */
static struct pl_denial_item *
find_valid(const struct pl_denials *t, const struct pl_denial *d, int64_t now_s)
{
    struct pl_denial_item *i = find(t, d);

    return i == NULL || is_over(i, now_s) ? NULL : i;
}

/* --- Changes --- */

struct walk {
    struct pl_denials *table;
    int64_t now_s;
};

static void note_expiry(struct pl_denials *t, int64_t expires_at_s)
{
    if (expires_at_s != 0 && (t->first_s == 0 || expires_at_s < t->first_s))
        t->first_s = expires_at_s;
}

static void drop_if_over(struct pl_map_node *n, void *arg)
{
    struct pl_denial_item *i = (struct pl_denial_item *)n;
    const struct walk *w = arg;

    if (i->kind == ANCHOR)
        return;
    if (is_over(i, w->now_s))
        drop(w->table, i);
    else
        note_expiry(w->table, i->expires_at_s);
}

static void drop_expired(struct pl_denials *t, int64_t now_s)
{
    struct walk w = {t, now_s};

    if (t->first_s == 0 || now_s < t->first_s)
        return;
    t->first_s = 0;
    t->walked_s = now_s;
    pl_map_each(&t->items, drop_if_over, &w);
}

static bool is_full(const struct pl_denials *t, size_t more)
{
    return pl_denials_count(t) >= PL_DENIALS_MAX ||
           t->bytes + more > PL_DENIALS_BYTES_MAX;
}

enum pl_err pl_denials_put(struct pl_denials *t, struct pl_denial_item *item,
                           int64_t now_s)
{
    const struct pl_denial d = pl_denial_item_read(item);
    struct pl_denial_item *old = find(t, &d);

    if (old != NULL) { /* its place is taken */
        if (!is_over(old, now_s) &&
            old->issued_before_s > item->issued_before_s)
            item->issued_before_s = old->issued_before_s;
        drop(t, old);
    } else if (now_s - t->walked_s >= WALK_EVERY_S ||
               is_full(t, bytes_of(item))) {
        drop_expired(t, now_s);
    }
    if (is_full(t, bytes_of(item)))
        return PL_ELIMIT;
    if (pl_map_add(&t->items, &item->node, pl_hash(&t->key, d.name)) != PL_OK)
        return PL_ELIMIT; /* does not happen: the anchor is in the table */
    t->of_kind[item->kind]++;
    t->bytes += bytes_of(item);
    note_expiry(t, item->expires_at_s);
    return PL_OK;
}

bool pl_denials_remove(struct pl_denials *t, const struct pl_denial *d,
                       int64_t now_s)
{
    struct pl_denial_item *i = find(t, d);

    if (i == NULL)
        return false;
    bool was_valid = !is_over(i, now_s);
    drop(t, i);
    return was_valid;
}

/* --- Questions --- */

bool pl_denials_find(const struct pl_denials *t, const struct pl_denial *d,
                     int64_t now_s, struct pl_denial *out)
{
    const struct pl_denial_item *i = find_valid(t, d, now_s);

    if (i != NULL)
        *out = pl_denial_item_read(i);
    return i != NULL;
}

bool pl_denials_deny_user(const struct pl_denials *t, struct pl_span user,
                          int64_t now_s)
{
    const struct pl_denial d = {.kind = PL_DENIAL_USER, .name = user};

    return find_valid(t, &d, now_s) != NULL;
}

static bool is_too_old(const struct pl_denials *t, const struct pl_denial *d,
                       int64_t issued_at_s, int64_t now_s)
{
    const struct pl_denial_item *i = find_valid(t, d, now_s);

    return i != NULL && issued_at_s < i->issued_before_s;
}

bool pl_denials_deny_token(const struct pl_denials *t,
                           const struct pl_token_mark *mark, int64_t now_s)
{
    struct pl_denial d = {.kind = PL_DENIAL_TOKEN, .name = mark->id};

    if (d.name.len > 0 && find_valid(t, &d, now_s) != NULL)
        return true;
    d.kind = PL_DENIAL_TOKENS;
    d.name = mark->user;
    if (is_too_old(t, &d, mark->issued_at_s, now_s))
        return true;
    d.channel = mark->channel;
    return d.channel.at != NULL && is_too_old(t, &d, mark->issued_at_s, now_s);
}

size_t pl_denials_count(const struct pl_denials *t)
{
    return t->items.count - 1; /* the anchor is none */
}

size_t pl_denials_bytes(const struct pl_denials *t)
{
    return t->bytes;
}

struct look {
    void (*visit)(void *arg, const struct pl_denial *d);
    void *arg;
    int64_t now_s;
};

static void visit_valid(struct pl_map_node *n, void *arg)
{
    const struct pl_denial_item *i = (const struct pl_denial_item *)n;
    const struct look *l = arg;

    if (i->kind == ANCHOR || is_over(i, l->now_s))
        return;
    const struct pl_denial d = pl_denial_item_read(i);
    l->visit(l->arg, &d);
}

bool pl_denials_scan(const struct pl_denials *t, uint64_t *at, int64_t now_s,
                     void (*visit)(void *arg, const struct pl_denial *d),
                     void *arg)
{
    struct look l = {visit, arg, now_s};

    return pl_map_scan(&t->items, at, visit_valid, &l);
}
