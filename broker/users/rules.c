/* SPDX-License-Identifier: Apache-2.0 */
/* rules.c - see rules.h.
 *
 * A rulebook finds rules by a hash of the namespace, and reads a name that has
 * no mark but the namespace's in one pass: a loop with more channels than its
 * cache has places does this for most publications, and a binary search took 8
 * % of them.  A cache has one entry per value of the low bits of a hash; an
 * entry also compares the length of the name, because names of equal hashes
 * mostly differ in it.  A cache without entries of its own has those of `none`,
 * which fit no name, so a look-up needs no test for them.
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
    int boundary;      /* the character after a namespace; -1: it is not one
                          character that is nothing else */
    uint32_t *index;   /* 1 + the place of rules, by the hash of their name; 0:
                          none.  Owned, at most half full */
    uint32_t index_mask;
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

static int boundary_of(const struct pl_naming *n)
{
    char c = n->boundary.at[0];

    if (c == '\0' || (unsigned char)c > 0x7f || n->boundary.at[1] != '\0' ||
        c == n->private_prefix.at[0] || c == n->user_boundary.at[0] ||
        c == PL_CHANNEL_USER_INBOX || c == PL_CHANNEL_CONNECTION_INBOX)
        return -1;
    return (unsigned char)c;
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
    b->boundary = boundary_of(naming);
    keep(&b->naming.personal_space,
         keep(&b->naming.inbox_space, (char *)(b->rules + count)));
    return b;
}

/* FNV-1a.  Clients do not choose what is in the index, so it has no key. */
static uint32_t hash_of(struct pl_span name)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < name.len; i++)
        h = (h ^ (unsigned char)name.at[i]) * 16777619u;
    return h ^ h >> 16;
}

/* Return the place of `name` in the index, or the empty one where it ends. */
static uint32_t place_of(const struct pl_rulebook *b, struct pl_span name)
{
    uint32_t i = hash_of(name) & b->index_mask;

    while (b->index[i] != 0 &&
           !pl_span_equal(b->rules[b->index[i] - 1]->name, name))
        i = (i + 1) & b->index_mask;
    return i;
}

/* Make the index.  Return false if out of memory. */
static bool make_index(struct pl_rulebook *b)
{
    uint32_t places = 4;

    while (places < 2 * b->count)
        places *= 2;
    b->index = calloc(places, sizeof *b->index);
    if (b->index == NULL)
        return false;
    b->index_mask = places - 1;
    for (uint32_t i = 0; i < b->count; i++)
        b->index[place_of(b, b->rules[i]->name)] = i + 1;
    return true;
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
    if (!make_index(b)) {
        pl_rulebook_release(b);
        return PL_ENOMEM;
    }
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
    free(b->index);
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

struct pl_rules *pl_rulebook_space(const struct pl_rulebook *b,
                                   struct pl_span name)
{
    uint32_t found = b->index[place_of(b, name)];

    return found == 0 ? NULL : b->rules[found - 1];
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

/* Return the bytes before the first mark. */
static size_t plain_length(const struct pl_rulebook *b, struct pl_span name)
{
    size_t i = 0;

    while (i < name.len && !b->is_mark[(unsigned char)name.at[i]])
        i++;
    return i;
}

/* Return true if what follows the namespace has no mark but its boundary, which
 * means nothing there. */
static bool is_rest_plain(const struct pl_rulebook *b, struct pl_span rest)
{
    for (size_t i = 0; i < rest.len; i++)
        if (b->is_mark[(unsigned char)rest.at[i]] &&
            (unsigned char)rest.at[i] != b->boundary)
            return false;
    return true;
}

/* Read a name with `at` bytes before its first mark.  Most names are plain, or
 * have a namespace and nothing else.  To look at their bytes costs a tenth of
 * reading them. */
static struct pl_name_parts parse(const struct pl_rulebook *b,
                                  struct pl_span name, size_t at)
{
    struct pl_name_parts p = {.space = {name.at, 0}, .rest = name};

    if (at == name.len)
        return p;
    struct pl_span rest = {name.at + at + 1, name.len - at - 1};
    if ((unsigned char)name.at[at] != b->boundary || !is_rest_plain(b, rest))
        return pl_name_parse(&b->naming, name);
    p.space.len = at;
    p.rest = rest;
    return p;
}

struct pl_found pl_rulebook_look(const struct pl_rulebook *b,
                                 struct pl_span channel)
{
    size_t at = plain_length(b, channel);

    if (at == channel.len && b->rules[0]->names == NULL)
        return (struct pl_found){b->rules[0], 0};
    struct pl_name_parts p = parse(b, channel, at);
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
