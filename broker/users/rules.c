/* SPDX-License-Identifier: Apache-2.0 */
/* rules.c - see rules.h.
 *
 * The rules of a rulebook are sorted by name, so a look-up is a binary search.
 * A cache has one entry per value of the low bits of a hash; an entry also
 * compares the length of the name, because names of equal hashes mostly
 * differ in it.  A cache without entries of its own has those of `none`, which
 * fit no name, so a look-up needs no test for them.
 *
 * Rejected: a pointer to its rules in each subscription, because its memory is
 * full to the byte.  Caching that a name has no rules or does not match its
 * pattern, because then clients could fill the cache with names that exist
 * nowhere, and a match that ran out of memory would have effect for ever.
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
    struct pl_naming naming;
    bool is_mark[256]; /* by pl_naming_marks() */
    uint32_t count;
    bool is_open;             /* it finds rules for all names */
    struct pl_rules *rules[]; /* owned references, by name */
};

static const struct pl_rule_entry none;

const struct pl_naming pl_naming_usual = {
    .boundary = {":"},
    .private_prefix = {"$"},
    .user_boundary = {"#"},
    .user_separator = {","},
    .max_length = PL_CHANNEL_NAME_MAX,
    .has_inboxes = true,
    .inbox_space = {"", 0},
};

/* --- Rules --- */

static bool is_object(struct pl_span json)
{
    size_t i = 0;

    while (i < json.len && strchr(" \t\r\n", json.at[i]) != NULL)
        i++;
    return i < json.len && json.at[i] == '{';
}

bool pl_rules_accept(const struct pl_rules *r, struct pl_span data,
                     bool is_json)
{
    switch (r->data) {
    case PL_DATA_BINARY:
        return true;
    case PL_DATA_NOT_EMPTY:
        return data.len > 0;
    case PL_DATA_JSON_OBJECT:
        return is_json && is_object(data);
    default:
        return is_json;
    }
}

struct pl_rules *pl_rules_hold(struct pl_rules *r)
{
    pl_refs_hold(&r->refs);
    return r;
}

void pl_rules_release(struct pl_rules *r)
{
    if (r == NULL || !pl_refs_release(&r->refs))
        return;
    pl_name_pattern_release(r->names);
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
    pl_name_pattern_hold(r->names);
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

/* Copy the text of *span to `at`.  Return where it ends. */
static char *keep(struct pl_span *span, char *at)
{
    if (span->len > 0)
        memcpy(at, span->at, span->len);
    span->at = at;
    return at + span->len;
}

/* The names of the two special namespaces are copied behind the rules. */
static struct pl_rulebook *allocate(const struct pl_naming *naming,
                                    uint32_t count)
{
    size_t len = naming->inbox_space.len + naming->personal_space.len;
    struct pl_rulebook *b =
        calloc(1, sizeof *b + count * sizeof b->rules[0] + len);

    if (b == NULL)
        return NULL;
    pl_refs_init(&b->refs);
    b->naming = *naming;
    pl_naming_marks(naming, b->is_mark);
    keep(&b->naming.personal_space,
         keep(&b->naming.inbox_space, (char *)(b->rules + count)));
    return b;
}

enum pl_err pl_rulebook_create(struct pl_rulebook **out, uint64_t generation,
                               const struct pl_naming *naming,
                               const struct pl_rules *templates, uint32_t count)
{
    struct pl_rulebook *b = allocate(naming, count);

    if (b == NULL)
        return PL_ENOMEM;
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

const struct pl_naming *pl_rulebook_naming(const struct pl_rulebook *b)
{
    return &b->naming;
}

uint32_t pl_rulebook_count(const struct pl_rulebook *b)
{
    return b->count;
}

struct pl_rules *pl_rulebook_at(const struct pl_rulebook *b, uint32_t n)
{
    return b->rules[n];
}

struct pl_rules *pl_rulebook_default(const struct pl_rulebook *b)
{
    return b->rules[0];
}

static int compare_key(const void *key, const void *element)
{
    return compare_names(*(const struct pl_span *)key,
                         (*(struct pl_rules *const *)element)->name);
}

struct pl_rules *pl_rulebook_space(const struct pl_rulebook *b,
                                   struct pl_span name)
{
    struct pl_rules *const *found =
        bsearch(&name, b->rules, b->count, sizeof b->rules[0], compare_key);

    return found == NULL ? NULL : *found;
}

/* As in Centrifugo, a pattern alone decides, also which characters are
 * allowed. */
static bool is_bad(const struct pl_rules *r, const struct pl_name_parts *p,
                   struct pl_span channel)
{
    if (r->names != NULL)
        return !pl_name_pattern_matches(r->names,
                                        p->space.len == 0 ? channel : p->rest);
    return p->traits & PL_NAME_FOREIGN &&
           !(r->sub.flags & PL_RULE_FOREIGN_NAMES);
}

/* Most names are plain.  To look at their bytes costs a tenth of reading them;
 * a loop with more channels than its cache has places does it often. */
static bool is_plain(const struct pl_rulebook *b, struct pl_span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (b->is_mark[(unsigned char)name.at[i]])
            return false;
    return true;
}

struct pl_found pl_rulebook_look(const struct pl_rulebook *b,
                                 struct pl_span channel)
{
    if (b->rules[0]->names == NULL && is_plain(b, channel))
        return (struct pl_found){b->rules[0], 0};
    struct pl_name_parts p = pl_name_parse(&b->naming, channel);
    struct pl_found found = {pl_rulebook_space(b, p.space), p.traits};

    if (found.rules == NULL && b->is_open)
        found.rules = b->rules[0];
    if (found.rules != NULL && is_bad(found.rules, &p, channel))
        found.traits |= PL_NAME_BAD;
    return found;
}

struct pl_rules *pl_rulebook_find(const struct pl_rulebook *b,
                                  struct pl_span channel)
{
    return pl_rulebook_look(b, channel).rules;
}

/* --- The cache --- */

static void drop_entries(struct pl_rule_cache *c)
{
    if (c->entries != &none)
        free((struct pl_rule_entry *)c->entries);
    c->entries = &none;
    c->mask = 0;
}

void pl_rule_cache_set(struct pl_rule_cache *c, struct pl_rulebook *book)
{
    struct pl_rulebook *old = c->book;

    c->book = pl_rulebook_hold(book);
    drop_entries(c);
    pl_rulebook_release(old);
}

void pl_rule_cache_fini(struct pl_rule_cache *c)
{
    drop_entries(c);
    pl_rulebook_release(c->book);
    c->book = NULL;
}

/* Return the entries to write to; NULL: out of memory. */
static struct pl_rule_entry *own_entries(struct pl_rule_cache *c)
{
    if (c->entries == &none) {
        struct pl_rule_entry *own = calloc(ENTRIES, sizeof *own);

        if (own == NULL)
            return NULL;
        c->entries = own;
        c->mask = ENTRIES - 1;
    }
    return (struct pl_rule_entry *)c->entries;
}

struct pl_found pl_rule_cache_look(struct pl_rule_cache *c,
                                   struct pl_span channel, uint64_t hash)
{
    struct pl_found found = pl_rulebook_look(c->book, channel);
    bool is_kept = found.rules != NULL && (found.rules->names == NULL ||
                                           !(found.traits & PL_NAME_BAD));
    struct pl_rule_entry *entries = is_kept ? own_entries(c) : NULL;

    if (entries != NULL)
        entries[hash & c->mask] = (struct pl_rule_entry){
            hash, found.rules, (uint32_t)channel.len, found.traits};
    return found;
}
