/* SPDX-License-Identifier: Apache-2.0 */
/* permission.c - see permission.h.
 *
 * Grants are computed once, for the rules, so a command tests one bit.  Inboxes
 * are protected by their names, not by grants, so no setting can open them: the
 * server itself makes those subscriptions, without this check.
 *
 * In Centrifugo "$room" needs a subscription token and "room#42" is for user
 * 42. parley supports neither, so these names are closed to all clients: a
 * program that relies on the restriction must not get an open channel. */
#include "permission.h"

#include <string.h>

static bool is_allowed(enum pl_allow allow, bool authenticated)
{
    return allow == PL_ALLOW_ALL ||
           (allow == PL_ALLOW_AUTHENTICATED && authenticated);
}

uint8_t pl_permission_grants(const struct pl_rules_settings *s,
                             bool authenticated)
{
    unsigned grants = 0;

    if (is_allowed(s->allow_subscribe, authenticated))
        grants |= PL_GRANT_SUBSCRIBE;
    if (is_allowed(s->allow_publish, authenticated))
        grants |= PL_GRANT_PUBLISH;
    if (is_allowed(s->allow_presence, authenticated))
        grants |= PL_GRANT_PRESENCE;
    if (is_allowed(s->allow_history, authenticated))
        grants |= PL_GRANT_HISTORY;
    if (is_allowed(s->allow_send, authenticated))
        grants |= PL_GRANT_SEND;
    return (uint8_t)grants;
}

enum pl_channel_name pl_channel_name_check(struct pl_span name)
{
    if (name.len == 0)
        return PL_CHANNEL_NAME_EMPTY;
    if (name.len > PL_CHANNEL_NAME_MAX)
        return PL_CHANNEL_NAME_TOO_LONG;
    if (name.at[0] == PL_CHANNEL_CONNECTION_INBOX ||
        name.at[0] == PL_CHANNEL_PRIVATE ||
        memchr(name.at, PL_CHANNEL_USERS, name.len) != NULL)
        return PL_CHANNEL_NAME_RESERVED;
    return PL_CHANNEL_NAME_OK;
}
