/* SPDX-License-Identifier: Apache-2.0 */
/* rules.h - what holds for a channel: the grants of its clients, what it keeps,
 * and what happens to slow readers.
 *
 * A namespace has one table of rules, and a rulebook has those of one
 * configuration.  Both are immutable and reference-counted, so all loops share
 * them.  A reload makes another rulebook; channels keep the rules they have
 * until a subscriber brings newer ones.
 *
 * Thread: any, except for a cache. */
#ifndef PL_RULES_H
#define PL_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "channel_name.h"
#include "err.h"
#include "name_pattern.h"
#include "permission.h"
#include "refs.h"
#include "span.h"

enum pl_rule_flag {
    PL_RULE_PRESENCE = 1,        /* the channel knows its clients */
    PL_RULE_JOIN_LEAVE = 2,      /* and publishes that they come and go ... */
    PL_RULE_PUSH_JOIN_LEAVE = 4, /* ... to every subscriber */
    PL_RULE_JOINS_BY_USER = 8,   /* of users, not of each of their clients */
    PL_RULE_WHOLE_HISTORY = 16,  /* it expires at once, after the newest */
    PL_RULE_FOREIGN_NAMES = 32   /* names may have more than ASCII */
};

/* The kind of a client: the sum of these. */
enum {
    PL_RULES_AUTHENTICATED = 1, /* a user, by a token or a handler */
    PL_RULES_SUBSCRIBER = 2,    /* of the channel */
    PL_RULES_KINDS = 4
};

/* What a subscription may get.  A subscription token may change it for the
 * subscription that it allows. */
struct pl_sub_options {
    uint8_t flags;       /* enum pl_rule_flag */
    uint8_t positioning; /* enum pl_when */
    uint8_t recovery;    /* enum pl_when */
};

struct pl_rules {
    struct pl_refs refs;
    uint32_t number;                /* in its rulebook, from 0 */
    uint64_t generation;            /* of its rulebook; grows */
    uint8_t grants[PL_RULES_KINDS]; /* enum pl_grant */
    uint8_t slow;                   /* enum pl_slow */
    uint8_t data;                   /* enum pl_data */
    uint8_t user_lists;             /* enum pl_user_lists */
    struct pl_sub_options sub;
    uint32_t publish_rate;   /* publications a second; 0: any number */
    uint32_t publish_burst;  /* at once; 0: as many as a second */
    uint32_t history_size;   /* publications; 0: no history */
    uint64_t history_ttl_ms; /* 0: no history */
    uint64_t history_bytes;  /* per channel; 0: no limit */
    uint64_t meta_ttl_ms; /* for which an unused channel keeps its position */
    struct pl_span name;  /* of the namespace; "": of names without one */
    struct pl_name_pattern *names;     /* that its names match, without the
                                          namespace; own reference; NULL: any */
    struct pl_rules_settings settings; /* that the rules were made from */
};

static inline bool pl_rules_have_history(const struct pl_rules *r)
{
    return r->history_size > 0 && r->history_ttl_ms > 0;
}

static inline bool pl_rules_have_presence(const struct pl_rules *r)
{
    return (r->sub.flags & PL_RULE_PRESENCE) != 0;
}

/* Return true if `data` may be published.  `is_json` says that it is known to
 * be one JSON value; the other kinds of data need no check for that. */
bool pl_rules_accept(const struct pl_rules *r, struct pl_span data,
                     bool is_json);

/* True if pl_rules_accept() must know whether data is JSON. */
static inline bool pl_rules_want_json(const struct pl_rules *r)
{
    return r->data == PL_DATA_JSON || r->data == PL_DATA_JSON_OBJECT;
}

struct pl_rules *pl_rules_hold(struct pl_rules *r);
void pl_rules_release(struct pl_rules *r); /* NULL is allowed */

struct pl_rulebook; /* opaque */

/* The marks of Centrifugo: ":", "$", "#" and ",". */
extern const struct pl_naming pl_naming_usual;

/* Create a rulebook with a copy of `naming`, and of each of `templates`, of
 * which refs, number and generation are ignored.  Their names are different,
 * and one is "".
 * Owner:  the caller owns the reference.
 * Errors: PL_ENOMEM. */
enum pl_err pl_rulebook_create(struct pl_rulebook **out, uint64_t generation,
                               const struct pl_naming *naming,
                               const struct pl_rules *templates,
                               uint32_t count);

/* Set the generation, before anything else has the rulebook or its rules. */
void pl_rulebook_number(struct pl_rulebook *b, uint64_t generation);

struct pl_rulebook *pl_rulebook_hold(struct pl_rulebook *b);
void pl_rulebook_release(struct pl_rulebook *b); /* NULL is allowed */

/* Give the channels whose namespace is not in the rulebook the rules of names
 * without one, before anything else has it. */
void pl_rulebook_open(struct pl_rulebook *b);

/* How the names of channels are read. */
const struct pl_naming *pl_rulebook_naming(const struct pl_rulebook *b);

/* What a name stands for. */
struct pl_found {
    struct pl_rules *rules; /* NULL: no namespace has this name, error 102 */
    uint8_t traits;         /* enum pl_name_trait */
};

/* Read the name of a channel, which is not empty. */
struct pl_found pl_rulebook_look(const struct pl_rulebook *b,
                                 struct pl_span channel);

/* The rules of a channel; NULL: no namespace has this name. */
struct pl_rules *pl_rulebook_find(const struct pl_rulebook *b,
                                  struct pl_span channel);

/* The rules of names without a namespace. */
struct pl_rules *pl_rulebook_default(const struct pl_rulebook *b);

/* The rules of namespace `name`; NULL: there is none. */
struct pl_rules *pl_rulebook_space(const struct pl_rulebook *b,
                                   struct pl_span name);

/* The number of rules, and those with the number `n`. */
uint32_t pl_rulebook_count(const struct pl_rulebook *b);
struct pl_rules *pl_rulebook_at(const struct pl_rulebook *b, uint32_t n);

struct pl_rule_entry {
    uint64_t hash;
    struct pl_rules *rules; /* NULL: empty */
    uint32_t len;           /* of the name; 0: empty */
    uint32_t traits;
};

/* What names stand for by their hash, for one loop: a look-up by name at each
 * publish would cost 6 % of a round trip. */
struct pl_rule_cache {
    struct pl_rulebook *book; /* own reference */
    const struct pl_rule_entry *entries;
    uint64_t mask; /* of the hashes that have entries of their own */
};

/* Use `book` from now on; forget what was found in another.
 * Owner: the cache takes a reference. */
void pl_rule_cache_set(struct pl_rule_cache *c, struct pl_rulebook *book);
void pl_rule_cache_fini(struct pl_rule_cache *c);

/* rules.c. */
struct pl_found pl_rule_cache_look(struct pl_rule_cache *c,
                                   struct pl_span channel, uint64_t hash);

/* Like pl_rulebook_look(); `hash` is the keyed hash of `channel`.  The result
 * is valid until pl_rule_cache_set(). */
static inline struct pl_found pl_rule_cache_find(struct pl_rule_cache *c,
                                                 struct pl_span channel,
                                                 uint64_t hash)
{
    const struct pl_rule_entry *e = &c->entries[hash & c->mask];

    if (__builtin_expect(e->hash == hash && e->len == channel.len, 1))
        return (struct pl_found){e->rules, (uint8_t)e->traits};
    return pl_rule_cache_look(c, channel, hash);
}

#endif
