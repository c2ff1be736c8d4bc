/* SPDX-License-Identifier: Apache-2.0 */
/* sub_token.c - see sub_token.h.
 *
 * The errors are those of Centrifugo.  A bad token is error 103 at a subscribe,
 * and SDKs give up that subscription alone.  A genuine token of another
 * channel, user or client is a program's error or an attack, and closes the
 * connection, as a bad token does at a sub_refresh. */
#include "sub_token.h"

#include "access.h"
#include "ending.h"
#include "log.h"
#include "replies.h"
#include "session_parts.h"
#include "token.h"
#include "token_check.h"

bool pl_session_checks_sub_tokens(const struct pl_session *s)
{
    return !pl_token_policy_is_empty(pl_session_access(s)->sub_tokens);
}

static void refuse(struct pl_session *s, const struct pl_command *c,
                   const char *why)
{
    if (c->verb == PL_VERB_SUB_REFRESH) {
        pl_session_violate(s, PL_DISCONNECT_INVALID_TOKEN, why);
        return;
    }
    pl_count(metrics(s), PL_METRIC_TOKENS_REJECTED, 1);
    PL_LOG_LIMITED(PL_LOG_KIND_TOKEN, PL_LOG_INFO,
                   "subscription token rejected",
                   pl_log_text("client", pl_session_id(s)),
                   pl_log_text("channel", c->subscribe.channel),
                   pl_log_string("reason", why));
    pl_session_fail(s, c->id, PL_ERROR_PERMISSION_DENIED);
}

static void fail(struct pl_session *s, const struct pl_command *c,
                 enum pl_err rc, const char *why)
{
    if (rc == PL_EEXPIRED)
        pl_session_fail(s, c->id, PL_ERROR_TOKEN_EXPIRED);
    else if (rc == PL_ENOMEM || rc == PL_EIO)
        pl_session_fail(s, c->id, PL_ERROR_INTERNAL);
    else
        refuse(s, c, why);
}

/* Return what makes the token one of another user, client or channel; NULL:
 * nothing. */
static const char *difference(const struct pl_session *s,
                              const struct pl_token_claims *claims,
                              struct pl_span channel)
{
    if (!pl_span_equal(claims->subs[0].channel, channel))
        return "subscription token of another channel";
    if (!pl_span_equal(claims->user, pl_session_user(s)))
        return "subscription token of another user";
    if (claims->client.at != NULL &&
        !pl_span_equal(claims->client, pl_session_id(s)))
        return "subscription token of another client";
    return NULL;
}

struct pl_token_claims *pl_session_read_sub_token(struct pl_session *s,
                                                  const struct pl_command *c,
                                                  struct pl_span channel,
                                                  struct pl_span token)
{
    int64_t now_s = (int64_t)(pl_loop_wall_ms(pl_session_loop(s)) / 1000);
    struct pl_token_claims *claims = NULL;
    const char *why = "";
    enum pl_err rc = pl_session_check_token(
        s, c->id, channel, PL_TOKEN_SUBSCRIPTION, token, &claims, &why);

    if (rc == PL_EAGAIN)
        return NULL;
    if (rc != PL_OK) {
        fail(s, c, rc, why);
        return NULL;
    }
    if ((why = difference(s, claims, channel)) != NULL)
        pl_session_violate(s, PL_DISCONNECT_INVALID_TOKEN, why);
    else if (claims->expires_at_s != 0 && claims->expires_at_s <= now_s)
        pl_session_fail(s, c->id, PL_ERROR_EXPIRED);
    else
        return claims;
    pl_token_claims_destroy(claims);
    return NULL;
}
