/* SPDX-License-Identifier: Apache-2.0 */
/* permission.c - see permission.h.
 *
 * Grants are computed once, for the rules, so a command tests one bit.  What
 * the name of a channel restricts comes on top (session/grants.c), and no
 * grant lifts it. */
#include "permission.h"

static bool is_allowed(enum pl_allow allow, bool is_user)
{
    return allow == PL_ALLOW_ALL ||
           (allow == PL_ALLOW_AUTHENTICATED && is_user);
}

static unsigned of_all(const struct pl_rules_settings *s, bool is_user)
{
    unsigned grants = 0;

    if (is_allowed(s->allow_subscribe, is_user))
        grants |= PL_GRANT_SUBSCRIBE;
    if (is_allowed(s->allow_publish, is_user))
        grants |= PL_GRANT_PUBLISH;
    if (is_allowed(s->allow_presence, is_user))
        grants |= PL_GRANT_PRESENCE;
    if (is_allowed(s->allow_history, is_user))
        grants |= PL_GRANT_HISTORY;
    if (is_allowed(s->allow_send, is_user))
        grants |= PL_GRANT_SEND;
    return grants;
}

static unsigned of_subscribers(const struct pl_rules_settings *s, bool is_user)
{
    unsigned grants = 0;

    if (is_allowed(s->allow_subscriber_publish, is_user))
        grants |= PL_GRANT_PUBLISH;
    if (is_allowed(s->allow_subscriber_presence, is_user))
        grants |= PL_GRANT_PRESENCE;
    if (is_allowed(s->allow_subscriber_history, is_user))
        grants |= PL_GRANT_HISTORY;
    return grants;
}

uint8_t pl_permission_grants(const struct pl_rules_settings *s, bool is_user,
                             bool subscribes)
{
    unsigned grants = of_all(s, is_user);

    if (subscribes)
        grants |= of_subscribers(s, is_user);
    return (uint8_t)grants;
}
