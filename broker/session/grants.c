/* SPDX-License-Identifier: Apache-2.0 */
/* grants.c - see grants.h.
 *
 * The rules of a channel have the grants (users/rules.c), so a check reads one
 * bit, after it found the rules by the hash of the name. */
#include "grants.h"

#include "client.h"
#include "session_manager_private.h"
#include "permission.h"
#include "replies.h"
#include "session_private.h"

struct pl_named pl_session_name(const struct pl_session *s,
                                struct pl_span channel)
{
    uint64_t hash = pl_hub_hash(s->manager->options.hub, channel);

    return (struct pl_named){
        hash, pl_rule_cache_find(&s->manager->rules, channel, hash)};
}

uint8_t pl_session_grants(const struct pl_session *s)
{
    return pl_rulebook_default(s->manager->rules.book)->grants[s->kind];
}

/* Only the user of an inbox may read its history. */
static bool is_own_inbox(const struct pl_session *s, struct pl_span channel)
{
    struct pl_span user = pl_client_user(s->subscriber.client);

    return user.len > 0 && channel.at[0] == PL_CHANNEL_USER_INBOX &&
           pl_span_equal((struct pl_span){channel.at + 1, channel.len - 1},
                         user);
}

/* Most rules grant the same to all kinds of clients, so search the subscription
 * only if that changes the answer. */
bool pl_session_has_grant(struct pl_session *s, struct pl_span channel,
                          const struct pl_named *n, uint8_t grant)
{
    const uint8_t *grants = n->rules->grants + s->kind;

    if (grants[0] & grants[PL_RULES_SUBSCRIBER] & grant)
        return true;
    if (!((grants[0] | grants[PL_RULES_SUBSCRIBER]) & grant))
        return false;
    bool is_subscriber = pl_hub_find(s->manager->options.hub, &s->subscriber,
                                     channel, n->hash) != NULL;
    return grants[is_subscriber ? PL_RULES_SUBSCRIBER : 0] & grant;
}

bool pl_session_may(struct pl_session *s, uint32_t id, struct pl_span channel,
                    uint8_t grant, struct pl_named *out)
{
    switch (pl_channel_name_check(channel)) {
    case PL_CHANNEL_NAME_OK:
        break;
    case PL_CHANNEL_NAME_EMPTY:
        pl_session_violate(s, PL_DISCONNECT_BAD_REQUEST, "no channel");
        return false;
    case PL_CHANNEL_NAME_TOO_LONG:
        pl_session_fail(s, id, PL_ERROR_BAD_REQUEST);
        return false;
    case PL_CHANNEL_NAME_RESERVED:
        if (grant == PL_GRANT_HISTORY && is_own_inbox(s, channel)) {
            *out = pl_session_name(s, channel);
            return true;
        }
        pl_session_fail(s, id, PL_ERROR_PERMISSION_DENIED);
        return false;
    }
    *out = pl_session_name(s, channel);
    if (out->rules == NULL)
        pl_session_fail(s, id, PL_ERROR_UNKNOWN_CHANNEL);
    else if (!pl_session_has_grant(s, channel, out, grant))
        pl_session_fail(s, id, PL_ERROR_PERMISSION_DENIED);
    else
        return true;
    return false;
}

/* Count as the client does: not the subscriptions that it has left, even if the
 * channel's owner has not confirmed this yet, and not its own inbox, which it
 * did not request. */
bool pl_session_has_enough(const struct pl_session *s)
{
    uint32_t inboxes = pl_session_user(s).len > 0 && !s->lacks_inbox;

    return s->subscriber.sub_count >=
           s->manager->options.config->limits.connection_channels + inboxes;
}
