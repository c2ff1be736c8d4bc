/* SPDX-License-Identifier: Apache-2.0 */
/* refresh.c - refresh and sub_refresh: how long a client, or one of its
 * subscriptions, may stay.
 *
 * A client with a token that expires sends a new one in time.  The broker
 * verifies it if auth has a key; a judge of the embedding program may then
 * still say no, or set another time.  A subscription expires if a judge or its
 * token says so.  The judge of subscriptions refreshes it, or, without one, a
 * new token does.
 *
 * Invariant: a refresh changes the expiry only, never the user or what it may
 * do.  A token that grants other channels than the one before ends the
 * connection, so that the client connects again with it. */
#include "access.h"

#include "ending.h"
#include "expiring.h"
#include "login.h"
#include "replies.h"
#include "session_parts.h"
#include "sub_token.h"
#include "subscribe.h"
#include "token.h"
#include "token_check.h"
#include "token_note.h"
#include "verdict_private.h"

/* `claims` is NULL if no token was verified. */
static void refreshed(struct pl_session *s, const struct pl_command *c,
                      const struct pl_token_claims *claims,
                      int64_t expires_at_s)
{
    struct pl_reply reply = {.id = c->id, .kind = PL_REPLY_REFRESH};

    if (claims != NULL && !pl_token_note_make(s, claims)) {
        pl_session_fail(s, c->id, PL_ERROR_INTERNAL);
        return;
    }
    reply.refresh.client = pl_session_id(s);
    reply.refresh.version = pl_span_of(pl_session_version(s));
    reply.refresh.ttl = pl_session_set_expiry(s, expires_at_s);
    reply.refresh.expires = expires_at_s != 0;
    pl_session_schedule(s);
    pl_session_answer(s, &reply);
}

/* Ask the judge of refreshes.  The expiry of the token counts if the judge sets
 * no other. */
static void ask_judge(struct pl_session *s, const struct pl_command *c,
                      const struct pl_token_claims *claims)
{
    struct pl_question q = {.asks = PL_ASKS_REFRESH, .token = c->token};

    if (pl_session_judge(s, c->id, &q) != PL_YES)
        return;
    if (q.expires_at_s == 0 && claims != NULL)
        q.expires_at_s = claims->expires_at_s;
    refreshed(s, c, claims, q.expires_at_s);
}

/* End the connection for a token with other channels. */
static void end_for_channels(struct pl_session *s)
{
    pl_session_resolve(s, PL_METRIC_COMMANDS_REFUSED);
    pl_session_end_commands(s, PL_DISCONNECT_INSUFFICIENT_STATE);
}

static void take_claims(struct pl_session *s, const struct pl_command *c,
                        const struct pl_token_claims *claims, int64_t now_s)
{
    if (!pl_span_equal(claims->user, pl_session_user(s)))
        pl_session_violate(s, PL_DISCONNECT_INVALID_TOKEN,
                           "token of another user");
    else if (claims->expires_at_s != 0 && claims->expires_at_s <= now_s)
        pl_session_fail(s, c->id, PL_ERROR_EXPIRED);
    else if (!pl_token_note_grants(s, claims))
        end_for_channels(s);
    else if (pl_session_is_judged(s, PL_ASKS_REFRESH))
        ask_judge(s, c, claims);
    else
        refreshed(s, c, claims, claims->expires_at_s);
}

void pl_session_refresh(struct pl_session *s, const struct pl_command *c)
{
    const struct pl_token_policy *policy = pl_session_access(s)->tokens;
    int64_t now_s = (int64_t)(pl_loop_wall_ms(pl_session_loop(s)) / 1000);
    struct pl_token_claims *claims = NULL;
    const char *why = "no key in auth to check it with";

    if (c->token.len == 0) {
        pl_session_violate(s, PL_DISCONNECT_BAD_REQUEST, "empty token");
        return;
    }
    if (pl_token_policy_is_empty(policy) &&
        pl_session_is_judged(s, PL_ASKS_REFRESH)) {
        ask_judge(s, c, NULL);
        return;
    }
    enum pl_err rc = pl_token_policy_is_empty(policy)
                         ? PL_EDENIED
                         : pl_session_check_token(s, c->id, (struct pl_span){0},
                                                  PL_TOKEN_CONNECTION, c->token,
                                                  &claims, &why);
    if (rc == PL_EAGAIN)
        return;
    if (rc == PL_OK)
        take_claims(s, c, claims, now_s);
    else if (rc == PL_EEXPIRED)
        pl_session_fail(s, c->id, PL_ERROR_TOKEN_EXPIRED);
    else if (rc == PL_ENOMEM || rc == PL_EIO)
        pl_session_fail(s, c->id, PL_ERROR_INTERNAL);
    else if (rc == PL_EINVAL)
        pl_session_fail(s, c->id, PL_ERROR_PERMISSION_DENIED);
    else
        pl_session_violate(s, PL_DISCONNECT_INVALID_TOKEN, why);
    pl_token_claims_destroy(claims);
}

/* --- sub_refresh --- */

static void sub_refreshed(struct pl_session *s, const struct pl_command *c,
                          struct pl_sub *sub, int64_t expires_at_s)
{
    struct pl_reply reply = {.id = c->id, .kind = PL_REPLY_SUB_REFRESH};

    /* cannot fail: the subscription expires already */
    pl_expiring_set(s, sub, expires_at_s, &reply.sub_refresh.ttl);
    reply.sub_refresh.expires = expires_at_s != 0;
    pl_session_answer(s, &reply);
}

/* Return the error that a sub_refresh gets without a question; 0: none. */
static uint32_t why_not(const struct pl_session *s, const struct pl_command *c,
                        const struct pl_sub *sub)
{
    if (!pl_session_is_judged(s, PL_ASKS_SUB_REFRESH) &&
        !pl_session_checks_sub_tokens(s))
        return PL_ERROR_NOT_AVAILABLE;
    if (sub == NULL || sub->state == PL_SUB_ATTACHING)
        return PL_ERROR_PERMISSION_DENIED;
    if (c->sub_refresh.token.len == 0 || !pl_expiring_has(s, sub))
        return PL_ERROR_BAD_REQUEST;
    return 0;
}

static void refresh_by_token(struct pl_session *s, const struct pl_command *c,
                             struct pl_sub *sub)
{
    struct pl_token_claims *claims = pl_session_read_sub_token(
        s, c, c->sub_refresh.channel, c->sub_refresh.token);

    if (claims != NULL)
        sub_refreshed(s, c, sub, claims->expires_at_s);
    pl_token_claims_destroy(claims);
}

void pl_session_sub_refresh(struct pl_session *s, const struct pl_command *c)
{
    struct pl_question q = {.asks = PL_ASKS_SUB_REFRESH,
                            .channel = c->sub_refresh.channel,
                            .token = c->sub_refresh.token};

    if (q.channel.len == 0) {
        pl_session_violate(s, PL_DISCONNECT_BAD_REQUEST, "no channel");
        return;
    }
    struct pl_sub *sub = pl_session_find(s, q.channel);
    uint32_t error = why_not(s, c, sub);
    if (error != 0)
        pl_session_fail(s, c->id, error);
    else if (!pl_session_is_judged(s, PL_ASKS_SUB_REFRESH))
        refresh_by_token(s, c, sub);
    else if (pl_session_judge(s, c->id, &q) == PL_YES)
        sub_refreshed(s, c, sub, q.expires_at_s);
}
