/* SPDX-License-Identifier: Apache-2.0 */
/* request_rules.h - the rules that a request of an owner goes by.
 *
 * Thread: the owner's loop. */
#ifndef PL_REQUEST_RULES_H
#define PL_REQUEST_RULES_H

#include "channel.h"
#include "channels_private.h"
#include "pending_request.h"

/* The rules of a channel: those of `ch`, or if it is NULL those of the newest
 * rulebook.  A name without a namespace has the rules of names without one: its
 * sender had them from a rulebook that had it. */
struct pl_rules *pl_channels_find_rules(struct pl_channels *c,
                                        struct pl_span channel, uint64_t hash);

static inline struct pl_rules *pl_channel_rules(struct pl_channels *c,
                                                const struct pl_channel *ch,
                                                struct pl_span channel,
                                                uint64_t hash)
{
    if (ch != NULL)
        return ch->rules->rules;
    return pl_channels_find_rules(c, channel, hash);
}

/* The rules of the channel, those that the request has found first.  With
 * immediate stores no time passes between, so nothing is kept. */
struct pl_rules *pl_pending_request_keep_rules(struct pl_pending_request *rq,
                                               struct pl_span channel,
                                               uint64_t hash);

static inline struct pl_rules *
pl_pending_request_rules(struct pl_pending_request *rq, struct pl_span channel,
                         uint64_t hash)
{
    return rq->owner->is_immediate
               ? pl_channel_rules(rq->owner, rq->ch, channel, hash)
               : pl_pending_request_keep_rules(rq, channel, hash);
}

#endif
