/* SPDX-License-Identifier: Apache-2.0 */
/* grants.c - see grants.h.
 *
 * The rules of a channel have the grants (users/rules.c), so a check reads one
 * bit, after it found the rules by the hash of the name. */
#include "grants.h"

#include "client.h"
#include "permission.h"
#include "replies.h"
#include "session_parts.h"
#include "session_settings.h"

struct pl_named pl_session_name(const struct pl_session *s,
                                struct pl_span channel)
{
    uint64_t hash = pl_hub_hash(pl_session_hub(s), channel);

    return (struct pl_named){
        hash, pl_rule_cache_find(pl_session_rules(s), channel, hash)};
}

uint8_t pl_session_grants(const struct pl_session *s)
{
    return pl_rulebook_default(pl_session_rules(s)->book)
        ->grants[pl_session_kind(s)];
}

/* Only the user of an inbox may read its history. */
static bool is_own_inbox(const struct pl_session *s, struct pl_span channel)
{
    struct pl_span user = pl_session_user(s);

    return user.len > 0 && channel.at[0] == PL_CHANNEL_USER_INBOX &&
           pl_span_equal((struct pl_span){channel.at + 1, channel.len - 1},
                         user);
}

/* Most rules grant the same to all kinds of clients, so search the subscription
 * only if that changes the answer. */
bool pl_session_has_grant(struct pl_session *s, struct pl_span channel,
                          const struct pl_named *n, uint8_t grant)
{
    const uint8_t *grants = n->rules->grants + pl_session_kind(s);

    if (grants[0] & grants[PL_RULES_SUBSCRIBER] & grant)
        return true;
    if (!((grants[0] | grants[PL_RULES_SUBSCRIBER]) & grant))
        return false;
    bool is_subscriber =
        pl_hub_find(pl_session_hub(s), pl_session_subscriber(s), channel,
                    n->hash) != NULL;
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
    uint32_t inboxes = pl_session_user(s).len > 0 && !pl_session_lacks_inbox(s);

    return pl_session_sub_count(s) >=
           pl_session_config(s)->limits.connection_channels + inboxes;
}
