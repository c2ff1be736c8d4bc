/* SPDX-License-Identifier: Apache-2.0 */
/* grants.c - see grants.h.
 *
 * The order of the checks is that of Centrifugo: the length of the name, its
 * namespace, its characters; then the command's own; then the permission.  What
 * a name stands for is found by its hash (users/rules.c), and nearly all names
 * restrict no client, so a command reads two words and one bit.
 *
 * Rejected: a list of users that restricts publishing to the channel or reading
 * its history.  Centrifugo's lists restrict subscribing alone, and
 * programs rely on it: a client writes to the channel of another user. */
#include "grants.h"

#include "client.h"
#include "log.h"
#include "permission.h"
#include "replies.h"
#include "session_manager_private.h"
#include "session_parts.h"
#include "session_private.h"
#include "session_settings.h"

static const struct pl_naming *naming(const struct pl_session *s)
{
    return pl_rulebook_naming(pl_session_rules(s)->book);
}

struct pl_named pl_session_name(const struct pl_session *s,
                                struct pl_span channel)
{
    uint64_t hash = pl_hub_hash(pl_session_hub(s), channel);
    struct pl_found found =
        pl_rule_cache_find(pl_session_rules(s), channel, hash);

    return (struct pl_named){hash, found.rules, found.traits};
}

uint8_t pl_session_grants(const struct pl_session *s)
{
    return pl_rulebook_default(pl_session_rules(s)->book)
        ->grants[pl_session_kind(s)];
}

/* --- The name --- */

void pl_session_fail_unknown(struct pl_session *s, uint32_t id,
                             struct pl_span channel)
{
    PL_LOG_LIMITED(PL_LOG_KIND_NAMESPACE, PL_LOG_WARN, "unknown namespace",
                   pl_log_text("channel", channel),
                   pl_log_text("client", pl_session_id(s)),
                   pl_log_string("key", "namespaces"));
    pl_session_fail(s, id, PL_ERROR_UNKNOWN_CHANNEL);
}

bool pl_session_is_bad_length(const struct pl_session *s, struct pl_span name)
{
    return name.len - 1 >= naming(s)->max_length;
}

__attribute__((noinline)) static bool
refuse_length(struct pl_session *s, uint32_t id, struct pl_span channel)
{
    if (channel.len == 0)
        pl_session_violate(s, PL_DISCONNECT_BAD_REQUEST, "no channel");
    else
        pl_session_fail(s, id, PL_ERROR_BAD_REQUEST);
    return false;
}

/* Steps of a pattern are bounded, but many; names that it takes need few. */
static void refuse_name(struct pl_session *s, uint32_t id,
                        const struct pl_rules *rules)
{
    if (rules->names != NULL)
        pl_budget_spend(&s->manager->budget, PL_COST_MISMATCH);
    pl_session_fail(s, id, PL_ERROR_BAD_REQUEST);
}

bool pl_session_knows(struct pl_session *s, uint32_t id, struct pl_span channel,
                      struct pl_named *out)
{
    if (pl_session_is_bad_length(s, channel))
        return refuse_length(s, id, channel);
    *out = pl_session_name(s, channel);
    if (out->rules == NULL)
        pl_session_fail_unknown(s, id, channel);
    else if (out->traits & PL_NAME_BAD)
        refuse_name(s, id, out->rules);
    else
        return true;
    return false;
}

/* --- What it restricts --- */

/* Return true if the inbox or the personal channel is that of the client. */
static bool is_own(const struct pl_session *s, struct pl_span channel)
{
    struct pl_span user = pl_session_user(s);

    return user.len > 0 &&
           pl_span_equal(pl_name_parse(naming(s), channel).users, user);
}

/* Return true if the client may use a channel of this name at all.  Centrifugo
 * lets others into a personal channel, unless its namespace obeys lists of
 * users; parley does not. */
static bool is_open(const struct pl_session *s, struct pl_span channel,
                    const struct pl_named *n)
{
    if (n->traits & PL_NAME_CONNECTION)
        return false;
    if (n->traits & PL_NAME_PERSONAL && is_own(s, channel))
        return true;
    if (n->traits & (PL_NAME_INBOX | PL_NAME_PERSONAL))
        return n->rules->user_lists == PL_USER_LISTS_OBEYED;
    return !(n->traits & PL_NAME_USERS) ||
           n->rules->user_lists != PL_USER_LISTS_CLOSED;
}

static bool is_listed(const struct pl_session *s, struct pl_span channel,
                      const struct pl_named *n)
{
    struct pl_span user = pl_session_user(s);
    struct pl_name_parts p = pl_name_parse(naming(s), channel);

    if (n->traits & PL_NAME_PERSONAL)
        return is_own(s, channel);
    return user.len > 0 && pl_name_lists(naming(s), p.users, user);
}

/* Only the user of an inbox may read its history.  If it is the personal
 * channel, the permissions decide, as in Centrifugo. */
static bool is_own_inbox(const struct pl_session *s, struct pl_span channel,
                         const struct pl_named *n)
{
    return n->traits & PL_NAME_INBOX && !(n->traits & PL_NAME_PERSONAL) &&
           is_own(s, channel);
}

/* --- Permissions --- */

bool pl_session_subscriber_may(const struct pl_session *s,
                               const struct pl_rules *rules, uint8_t grant)
{
    return rules->grants[pl_session_kind(s) | PL_RULES_SUBSCRIBER] & grant;
}

/* Most rules grant the same to all kinds of clients, so search the subscription
 * only if that changes the answer. */
static bool is_granted(struct pl_session *s, struct pl_span channel,
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

bool pl_session_has_grant(struct pl_session *s, struct pl_span channel,
                          const struct pl_named *n, uint8_t grant)
{
    if (__builtin_expect(n->traits == 0, 1))
        return is_granted(s, channel, n, grant);
    if (grant == PL_GRANT_HISTORY && is_own_inbox(s, channel, n))
        return true;
    return is_open(s, channel, n) && is_granted(s, channel, n, grant);
}

bool pl_session_may(struct pl_session *s, uint32_t id, struct pl_span channel,
                    const struct pl_named *n, uint8_t grant)
{
    if (pl_session_has_grant(s, channel, n, grant))
        return true;
    pl_session_fail(s, id, PL_ERROR_PERMISSION_DENIED);
    return false;
}

bool pl_session_may_subscribe(struct pl_session *s, struct pl_span channel,
                              const struct pl_named *n)
{
    static const uint8_t of_users =
        PL_NAME_USERS | PL_NAME_INBOX | PL_NAME_PERSONAL;

    if (n->traits & PL_NAME_PRIVATE || !is_open(s, channel, n))
        return false;
    if (n->traits & of_users && n->rules->user_lists == PL_USER_LISTS_OBEYED)
        return is_listed(s, channel, n);
    return n->rules->grants[pl_session_kind(s)] & PL_GRANT_SUBSCRIBE;
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
