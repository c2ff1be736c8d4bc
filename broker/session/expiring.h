/* SPDX-License-Identifier: Apache-2.0 */
/* expiring.h - the subscriptions of a session that end at a time, unless the
 * client refreshes them.
 *
 * Thread: the loop of the session. */
#ifndef PL_EXPIRING_H
#define PL_EXPIRING_H

#include <stdbool.h>
#include <stdint.h>

#include "map.h"

struct pl_session;
struct pl_sub;

/* Of a loop: the sessions with such subscriptions, and these. */
struct pl_expirings {
    struct pl_map sessions, subs;
};

/* Let `sub`, which is live, expire at `expires_at_s`, in seconds since 1970; 0:
 * not any more.  Set *ttl to the seconds left; 0: it does not expire.  Return
 * false if out of memory, which cannot happen while `sub` expires already. */
bool pl_expiring_set(struct pl_session *s, struct pl_sub *sub,
                     int64_t expires_at_s, uint32_t *ttl);

bool pl_expiring_has(const struct pl_session *s, const struct pl_sub *sub);

/* Forget `sub`, which ends for another reason; it need not expire. */
void pl_expiring_drop(struct pl_session *s, const struct pl_sub *sub);

/* Return the loop time at which the next subscription ends, with the time for
 * a late refresh; 0: none expires. */
uint64_t pl_expiring_due_ms(const struct pl_session *s);

/* End the subscriptions that are due. */
void pl_expiring_end_due(struct pl_session *s);

/* Forget all: the session ends. */
void pl_expiring_forget(struct pl_session *s);

#endif
