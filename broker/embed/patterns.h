/* SPDX-License-Identifier: Apache-2.0 */
/* patterns.h - the rules that the embedding program gives to channels.  Private
 * to this module. */
#ifndef PL_BROKER_PATTERNS_H
#define PL_BROKER_PATTERNS_H

#include "err.h"
#include "msg.h"
#include "net_settings.h"
#include "rules.h"

struct pl_broker;

/* One call of pl_broker_rule(). */
struct pl_pattern {
    char *name;     /* of a namespace; "": all others */
    char *settings; /* keys and values, checked */
};

struct pl_patterns {
    struct pl_pattern *at;
    size_t count;
};

void pl_patterns_fini(struct pl_patterns *p);

/* A rulebook in transit to the loops.  Mail that was not sent is destroyed. */
struct pl_new_rules {
    struct pl_rulebook *configured; /* own reference */
    struct pl_rulebook *book;       /* own reference */
    /* For the owner and the session manager of each worker, then the admin
     * server. */
    struct pl_msg *mail[2 * PL_NET_LOOPS_MAX + 1];
};

/* Make the rulebook of `configured` and the broker's patterns, and its mail.
 * The caller holds the guard, unless the broker is being created. Owner:  the
 * caller calls pl_new_rules_fini(), also after an error. Errors: PL_ENOMEM. */
enum pl_err pl_new_rules_make(struct pl_new_rules *n, struct pl_broker *b,
                              struct pl_rulebook *configured);

/* Send the mail if the broker runs, and replace the broker's rules.  The caller
 * has held the guard since pl_new_rules_make(). */
void pl_new_rules_spread(struct pl_new_rules *n, struct pl_broker *b);
void pl_new_rules_fini(struct pl_new_rules *n);

#endif
