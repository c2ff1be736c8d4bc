/* SPDX-License-Identifier: Apache-2.0 */
/* rules.c - see rules.h.
 *
 * The rules of a rulebook are sorted by name, so a look-up is a binary search.
 * A cache has one entry per value of the low bits of a hash; an entry also
 * compares the length of the name, because names of equal hashes mostly
 * differ in it.
 *
 * Rejected: a pointer to its rules in each subscription, because its memory is
 * full to the byte.  Caching that a name has no rules, because then clients
 * could fill the cache with names that exist nowhere.
 *
 * Invariant: a rulebook and its rules do not change while anything refers to
 * them; the rules of a cache are those of its rulebook. */
#include "rules.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 1024 };

struct pl_rulebook {
    struct pl_refs refs;
    uint32_t count;
    bool is_open;             /* it finds rules for all names */
    struct pl_rules *rules[]; /* owned references, by name */
};

struct pl_rule_entry {
    uint64_t hash;
    struct pl_rules *rules; /* NULL: empty */
    size_t len;             /* of the name */
};

/* --- Rules --- */

struct pl_rules *pl_rules_hold(struct pl_rules *r)
{
    pl_refs_hold(&r->refs);
    return r;
}

void pl_rules_release(struct pl_rules *r)
{
    if (r != NULL && pl_refs_release(&r->refs))
        free(r);
}

/* The name lies behind the struct. */
static struct pl_rules *copy(const struct pl_rules *from, uint64_t generation)
{
    struct pl_rules *r = malloc(sizeof *r + from->name.len);

    if (r == NULL)
        return NULL;
    *r = *from;
    pl_refs_init(&r->refs);
    r->generation = generation;
    r->name.at = (char *)(r + 1);
    if (from->name.len > 0)
        memcpy(r + 1, from->name.at, from->name.len);
    return r;
}

/* --- Rulebooks --- */

static int compare_names(struct pl_span a, struct pl_span b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.at, b.at, len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare(const void *a, const void *b)
{
    return compare_names((*(struct pl_rules *const *)a)->name,
                         (*(struct pl_rules *const *)b)->name);
}

enum pl_err pl_rulebook_create(struct pl_rulebook **out, uint64_t generation,
                               const struct pl_rules *templates, uint32_t count)
{
    struct pl_rulebook *b = calloc(1, sizeof *b + count * sizeof b->rules[0]);

    if (b == NULL)
        return PL_ENOMEM;
    pl_refs_init(&b->refs);
    for (; b->count < count; b->count++) {
        b->rules[b->count] = copy(&templates[b->count], generation);
        if (b->rules[b->count] == NULL) {
            pl_rulebook_release(b);
            return PL_ENOMEM;
        }
    }
    /* "" comes first */
    qsort(b->rules, count, sizeof b->rules[0], compare);
    assert(count > 0 && b->rules[0]->name.len == 0);
    for (uint32_t i = 0; i < count; i++)
        b->rules[i]->number = i;
    *out = b;
    return PL_OK;
}

void pl_rulebook_open(struct pl_rulebook *b)
{
    b->is_open = true;
}

void pl_rulebook_number(struct pl_rulebook *b, uint64_t generation)
{
    for (uint32_t i = 0; i < b->count; i++)
        b->rules[i]->generation = generation;
}

struct pl_rulebook *pl_rulebook_hold(struct pl_rulebook *b)
{
    pl_refs_hold(&b->refs);
    return b;
}

void pl_rulebook_release(struct pl_rulebook *b)
{
    if (b == NULL || !pl_refs_release(&b->refs))
        return;
    for (uint32_t i = 0; i < b->count; i++)
        pl_rules_release(b->rules[i]);
    free(b);
}

static struct pl_rules *only_of(const struct pl_rulebook *b)
{
    return b->count == 1 ? b->rules[0] : NULL;
}

static bool is_inbox(struct pl_span channel)
{
    return channel.at[0] == PL_CHANNEL_USER_INBOX ||
           channel.at[0] == PL_CHANNEL_CONNECTION_INBOX;
}

static struct pl_span namespace_of(struct pl_span channel)
{
    const char *end = channel.len == 0 || is_inbox(channel)
                          ? NULL
                          : memchr(channel.at, ':', channel.len);

    return (struct pl_span){channel.at,
                            end == NULL ? 0 : (size_t)(end - channel.at)};
}

static int compare_key(const void *key, const void *element)
{
    return compare_names(*(const struct pl_span *)key,
                         (*(struct pl_rules *const *)element)->name);
}

struct pl_rules *pl_rulebook_find(const struct pl_rulebook *b,
                                  struct pl_span channel)
{
    struct pl_rules *only = only_of(b);
    struct pl_span name = namespace_of(channel);

    if (only != NULL)
        return only;
    struct pl_rules *const *found =
        bsearch(&name, b->rules, b->count, sizeof b->rules[0], compare_key);
    if (found == NULL)
        return b->is_open ? b->rules[0] : NULL;
    return *found;
}

struct pl_rules *pl_rulebook_default(const struct pl_rulebook *b)
{
    return b->rules[0];
}

/* --- The cache --- */

void pl_rule_cache_set(struct pl_rule_cache *c, struct pl_rulebook *book)
{
    struct pl_rulebook *old = c->book;

    c->book = pl_rulebook_hold(book);
    c->only = only_of(book);
    free(c->entries);
    c->entries = NULL;
    pl_rulebook_release(old);
}

void pl_rule_cache_fini(struct pl_rule_cache *c)
{
    free(c->entries);
    pl_rulebook_release(c->book);
    *c = (struct pl_rule_cache){0};
}

struct pl_rules *pl_rule_cache_look(struct pl_rule_cache *c,
                                    struct pl_span channel, uint64_t hash)
{
    if (c->entries == NULL)
        c->entries = calloc(ENTRIES, sizeof c->entries[0]);
    if (c->entries == NULL)
        return pl_rulebook_find(c->book, channel);
    struct pl_rule_entry *e = &c->entries[hash % ENTRIES];
    if (e->rules != NULL && e->hash == hash && e->len == channel.len)
        return e->rules;
    struct pl_rules *found = pl_rulebook_find(c->book, channel);
    if (found != NULL)
        *e = (struct pl_rule_entry){hash, found, channel.len};
    return found;
}
