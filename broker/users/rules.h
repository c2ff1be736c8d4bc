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

#include "err.h"
#include "permission.h"
#include "refs.h"
#include "span.h"

enum pl_rule_flag {
    PL_RULE_PRESENCE = 1,  /* the channel knows its clients */
    PL_RULE_JOIN_LEAVE = 2 /* and publishes that they come and go */
};

/* The kind of a client: the sum of these. */
enum {
    PL_RULES_AUTHENTICATED = 1, /* by a token or a handler */
    PL_RULES_SUBSCRIBER = 2,    /* of the channel */
    PL_RULES_KINDS = 4
};

struct pl_rules {
    struct pl_refs refs;
    uint32_t number;                /* in its rulebook, from 0 */
    uint64_t generation;            /* of its rulebook; grows */
    uint8_t grants[PL_RULES_KINDS]; /* enum pl_grant */
    uint8_t slow;                   /* enum pl_slow */
    uint8_t data;                   /* enum pl_data */
    uint8_t flags;                  /* enum pl_rule_flag */
    uint32_t history_size;          /* publications; 0: no history */
    uint64_t history_ttl_ms;        /* 0: no history */
    uint64_t history_bytes;         /* per channel; 0: no limit */
    uint64_t meta_ttl_ms; /* for which an unused channel keeps its position */
    struct pl_span name;  /* of the namespace; "": of names without one */
};

static inline bool pl_rules_have_history(const struct pl_rules *r)
{
    return r->history_size > 0 && r->history_ttl_ms > 0;
}

static inline bool pl_rules_have_presence(const struct pl_rules *r)
{
    return (r->flags & PL_RULE_PRESENCE) != 0;
}

struct pl_rules *pl_rules_hold(struct pl_rules *r);
void pl_rules_release(struct pl_rules *r); /* NULL is allowed */

struct pl_rulebook; /* opaque */

/* Create a rulebook with a copy of each of `templates`, of which refs, number
 * and generation are ignored.  Their names are different, and one is "".
 * Owner:  the caller owns the reference.
 * Errors: PL_ENOMEM. */
enum pl_err pl_rulebook_create(struct pl_rulebook **out, uint64_t generation,
                               const struct pl_rules *templates,
                               uint32_t count);

/* Set the generation, before anything else has the rulebook or its rules. */
void pl_rulebook_number(struct pl_rulebook *b, uint64_t generation);

struct pl_rulebook *pl_rulebook_hold(struct pl_rulebook *b);
void pl_rulebook_release(struct pl_rulebook *b); /* NULL is allowed */

/* Give the channels whose namespace is not in the rulebook the rules of names
 * without one, before anything else has it. */
void pl_rulebook_open(struct pl_rulebook *b);

/* Return the rules of a channel; NULL: no namespace has this name, error 102.
 * The part before the first ':' names the namespace; inboxes have none.  If a
 * rulebook has only rules without a name, all channels have them. */
struct pl_rules *pl_rulebook_find(const struct pl_rulebook *b,
                                  struct pl_span channel);

/* The rules of names without a namespace. */
struct pl_rules *pl_rulebook_default(const struct pl_rulebook *b);

/* Rules by the hash of a channel's name, for one loop: a look-up by name at
 * each publish would cost 6 % of a round trip. */
struct pl_rule_cache {
    struct pl_rulebook *book;      /* own reference */
    struct pl_rules *only;         /* all channels have these; NULL: look up */
    struct pl_rule_entry *entries; /* NULL: none yet, or out of memory */
};

/* Use `book` from now on; forget what was found in another.
 * Owner: the cache takes a reference. */
void pl_rule_cache_set(struct pl_rule_cache *c, struct pl_rulebook *book);
void pl_rule_cache_fini(struct pl_rule_cache *c);

/* rules.c. */
struct pl_rules *pl_rule_cache_look(struct pl_rule_cache *c,
                                    struct pl_span channel, uint64_t hash);

/* Like pl_rulebook_find(); `hash` is the keyed hash of `channel`.  The result
 * is valid until pl_rule_cache_set(). */
static inline struct pl_rules *pl_rule_cache_find(struct pl_rule_cache *c,
                                                  struct pl_span channel,
                                                  uint64_t hash)
{
    return c->only != NULL ? c->only : pl_rule_cache_look(c, channel, hash);
}

#endif
