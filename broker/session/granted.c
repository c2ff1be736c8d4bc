/* SPDX-License-Identifier: Apache-2.0 */
/* granted.c - see granted.h.
 *
 * A set of channels is compared by the sum of the keyed hashes of their names,
 * which do not depend on the order.  The key is random, so two sets with
 * one sum cannot be made on purpose.  The session manager holds the sums, and
 * finds them by the slot of the session; a connection whose token grants no
 * channel has none.
 *
 * Rejected: a comparison with the subscriptions that the connection has,
 * because the server API and programs give it others, and take some away.
 *
 * Invariant: a session has a note while PL_ELSEWHERE_GRANTED is set. */
#include "granted.h"

#include <stdlib.h>

#include "session_manager_private.h"
#include "session_private.h"
#include "token.h"

struct note {
    struct pl_map_node node; /* in the session manager's map */
    uint64_t sum;
};

static uint64_t sum_of(const struct pl_session *s,
                       const struct pl_token_claims *claims)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < claims->sub_count; i++)
        sum += pl_hub_hash(s->manager->options.hub, claims->subs[i].channel);
    return sum;
}

static bool is_any(const struct pl_map_node *n, const void *key)
{
    (void)n;
    (void)key;
    return true; /* a slot is its own hash, and unique on its loop */
}

static struct note *find(const struct pl_session *s)
{
    return s->elsewhere & PL_ELSEWHERE_GRANTED
               ? (struct note *)pl_map_find(&s->manager->granted,
                                            pl_actor_address(&s->actor).slot,
                                            is_any, NULL)
               : NULL;
}

bool pl_granted_note(struct pl_session *s, const struct pl_token_claims *claims)
{
    if (claims->sub_count == 0)
        return true;
    struct note *n = calloc(1, sizeof *n);
    if (n == NULL || pl_map_add(&s->manager->granted, &n->node,
                                pl_actor_address(&s->actor).slot) != PL_OK) {
        free(n);
        return false;
    }
    n->sum = sum_of(s, claims);
    s->elsewhere |= PL_ELSEWHERE_GRANTED;
    return true;
}

bool pl_granted_equals(const struct pl_session *s,
                       const struct pl_token_claims *claims)
{
    const struct note *n = find(s);

    return (n == NULL ? 0 : n->sum) == sum_of(s, claims);
}

void pl_granted_forget(struct pl_session *s)
{
    struct note *n = find(s);

    if (n == NULL)
        return;
    pl_map_remove(&s->manager->granted, &n->node);
    free(n);
    s->elsewhere &= (uint8_t)~PL_ELSEWHERE_GRANTED;
}
