/* SPDX-License-Identifier: Apache-2.0 */
/* request_rules.c - see request_rules.h.
 *
 * A request that takes time goes by the rules that it found first.  Rejected:
 * looking them up at each step, because a reload in between would let one
 * request use two rulebooks. */
#include "request_rules.h"

struct pl_rules *pl_channels_find_rules(struct pl_channels *c,
                                        struct pl_span channel, uint64_t hash)
{
    struct pl_rules *r = pl_rule_cache_find(&c->rules, channel, hash).rules;

    return r != NULL ? r : pl_rulebook_default(c->rules.book);
}

struct pl_rules *pl_pending_request_keep_rules(struct pl_pending_request *rq,
                                               struct pl_span channel,
                                               uint64_t hash)
{
    if (rq->rules == NULL)
        rq->rules =
            pl_rules_hold(pl_channel_rules(rq->owner, rq->ch, channel, hash));
    return rq->rules;
}
