/* SPDX-License-Identifier: Apache-2.0 */
/* subscribe.c - subscribe and unsubscribe, and what a client receives about its
 * subscriptions.
 *
 * By default a channel with history is always recoverable, even if the client
 * did not request it: the official SDK suites assume it, and it costs nothing.
 * The rules of a channel may say otherwise, and then the client gets no
 * position that it could recover from. */
#include "subscribe.h"

#include "channels_mail.h"
#include "expiring.h"
#include "grants.h"
#include "hooks_private.h"
#include "output.h"
#include "replies.h"
#include "sub_token.h"
#include "token.h"
#include "verdict_private.h"

static uint16_t if_set(bool is_set, uint16_t flag)
{
    return is_set ? flag : 0;
}

/* A token may give or take presence and joins whatever the rules say. */
static uint16_t differences(const struct pl_rules *rules,
                            const struct pl_sub_options *o)
{
    uint8_t off = rules->sub.flags & (uint8_t)~o->flags;
    uint8_t on = o->flags & (uint8_t)~rules->sub.flags;

    return if_set(off & PL_RULE_PRESENCE, PL_SUB_UNLISTED) |
           if_set(on & PL_RULE_PRESENCE, PL_SUB_LISTED) |
           if_set(off & PL_RULE_JOIN_LEAVE, PL_SUB_UNTOLD) |
           if_set(on & PL_RULE_JOIN_LEAVE, PL_SUB_TOLD);
}

/* A client that may read the history as a subscriber may also ask for
 * positions. */
static uint16_t position_flags(const struct pl_sub_options *o,
                               bool asks_position, bool asks_recovery,
                               bool may_read)
{
    bool recovers =
        o->recovery == PL_WHEN_ALWAYS ||
        (asks_recovery && (o->recovery == PL_WHEN_ASKED || may_read));
    bool counts =
        recovers || o->positioning == PL_WHEN_ALWAYS ||
        (asks_position && (o->positioning == PL_WHEN_ASKED || may_read));

    return if_set(!counts, PL_SUB_UNPOSITIONED) |
           if_set(!recovers, PL_SUB_UNRECOVERABLE);
}

/* Return the flags of a subscription with the options `o` for which the client
 * asks. */
static uint16_t flags_of(const struct pl_session *s,
                         const struct pl_rules *rules,
                         const struct pl_sub_options *o,
                         const struct pl_subscribe_request *r)
{
    bool may_read = pl_session_subscriber_may(s, rules, PL_GRANT_HISTORY);
    bool may_list = pl_session_subscriber_may(s, rules, PL_GRANT_PRESENCE);
    uint16_t flags = position_flags(o, r->positioned, r->recoverable, may_read);
    bool recovers = (flags & PL_SUB_UNRECOVERABLE) == 0;

    return flags | differences(rules, o) |
           if_set(
               o->flags & PL_RULE_PUSH_JOIN_LEAVE ||
                   (r->join_leave && may_list && o->flags & PL_RULE_JOIN_LEAVE),
               PL_SUB_JOIN_LEAVE) |
           if_set(recovers && r->recover, PL_SUB_RECOVER) |
           if_set(recovers && r->flag & PL_SUBSCRIBE_REJECT_UNRECOVERED,
                  PL_SUB_REJECT);
}

/* Set or clear `flag` of the options as the token says of `what`. */
static void override(struct pl_sub_options *o, const struct pl_token_sub *t,
                     enum pl_token_override what, uint8_t flag)
{
    if (!(t->overrides & what))
        return;
    o->flags &= (uint8_t)~flag;
    if (t->values & what)
        o->flags |= flag;
}

/* What is not forced any more is there for clients that ask for it and may read
 * the history. */
static uint8_t when(uint8_t before, const struct pl_token_sub *t,
                    enum pl_token_override what)
{
    if (!(t->overrides & what))
        return before;
    if (t->values & what)
        return PL_WHEN_ALWAYS;
    return before == PL_WHEN_ALWAYS ? PL_WHEN_NEVER : before;
}

/* Return the options of a subscription that a token grants; NULL: none does. */
static struct pl_sub_options options_of(const struct pl_rules *rules,
                                        const struct pl_token_sub *t)
{
    struct pl_sub_options o = rules->sub;

    if (t == NULL || t->overrides == 0)
        return o;
    override(&o, t, PL_OVERRIDE_PRESENCE, PL_RULE_PRESENCE);
    override(&o, t, PL_OVERRIDE_JOIN_LEAVE, PL_RULE_JOIN_LEAVE);
    override(&o, t, PL_OVERRIDE_PUSH_JOIN_LEAVE, PL_RULE_PUSH_JOIN_LEAVE);
    o.recovery = when(o.recovery, t, PL_OVERRIDE_RECOVERY);
    o.positioning = when(o.positioning, t, PL_OVERRIDE_POSITIONING);
    return o;
}

uint16_t pl_sub_flags_granted(const struct pl_rules *rules,
                              const struct pl_token_sub *token, uint8_t wanted)
{
    const struct pl_sub_options changed = options_of(rules, token);
    const struct pl_sub_options *o = &changed;

    if (!(o->flags & PL_RULE_JOIN_LEAVE))
        wanted &= (uint8_t)~PL_SUB_JOIN_LEAVE;
    return wanted | differences(rules, o) |
           position_flags(o, false, false, false) |
           if_set(o->flags & PL_RULE_PUSH_JOIN_LEAVE, PL_SUB_JOIN_LEAVE) |
           PL_SUB_SERVER_SIDE;
}

struct pl_sub *pl_session_find(struct pl_session *s, struct pl_span channel)
{
    return pl_hub_find(pl_session_hub(s), pl_session_subscriber(s), channel,
                       pl_hub_hash(pl_session_hub(s), channel));
}

/* Ask the judge, which may set data for the reply, and an expiry. */
static bool is_allowed(struct pl_session *s, const struct pl_command *c,
                       struct pl_subscribe_ask *ask)
{
    struct pl_question q = {.asks = PL_ASKS_SUBSCRIBE,
                            .channel = c->subscribe.channel,
                            .data = c->subscribe.data,
                            .token = c->subscribe.token};

    if (!pl_session_is_judged(s, PL_ASKS_SUBSCRIBE))
        return true;
    if (pl_session_judge(s, c->id, &q) != PL_YES)
        return false;
    ask->data = q.reply;
    ask->info = q.info;
    ask->expires_at_s = q.expires_at_s;
    return true;
}

/* Return 0, or the error of a client that has the channel already or has as
 * many as it may have. */
static uint32_t has_too_many(struct pl_session *s, struct pl_span channel,
                             const struct pl_named *n)
{
    if (pl_hub_find(pl_session_hub(s), pl_session_subscriber(s), channel,
                    n->hash) != NULL)
        return PL_ERROR_ALREADY_SUBSCRIBED;
    return pl_session_has_enough(s) ? PL_ERROR_LIMIT_EXCEEDED : 0;
}

/* Return true if the rules of the channel let the client subscribe.  Afterwards
 * the judge decides, and checks the token. */
static bool may_subscribe(struct pl_session *s, const struct pl_command *c,
                          const struct pl_named *n)
{
    const struct pl_subscribe_request *r = &c->subscribe;
    struct pl_named by_token = *n;

    if (r->token.len == 0)
        return pl_session_may_subscribe(s, r->channel, n);
    by_token.traits &= (uint8_t)~PL_NAME_PRIVATE;
    return pl_session_is_judged(s, PL_ASKS_SUBSCRIBE) && /* it checks it */
           pl_session_may_subscribe(s, r->channel, &by_token);
}

/* Subscribe as the token says, whatever the rules of the channel permit. */
static void subscribe_by_token(struct pl_session *s, const struct pl_command *c,
                               const struct pl_named *n,
                               struct pl_subscribe_ask *ask)
{
    const struct pl_subscribe_request *r = &c->subscribe;
    struct pl_token_claims *claims;

    if (n->traits & PL_NAME_CONNECTION) {
        pl_session_fail(s, c->id, PL_ERROR_PERMISSION_DENIED);
        return;
    }
    if ((claims = pl_session_read_sub_token(s, c, r->channel, r->token)) ==
        NULL)
        return;
    const struct pl_token_sub *granted = &claims->subs[0];
    const struct pl_sub_options options = options_of(n->rules, granted);
    ask->data = granted->data;
    ask->info = granted->info;
    ask->expires_at_s = claims->expires_at_s;
    ask->flags = flags_of(s, n->rules, &options, r);
    enum pl_err rc =
        pl_hub_subscribe(pl_session_hub(s), pl_session_subscriber(s), ask);
    if (rc != PL_OK)
        pl_session_fail_begin(s, c->id, rc);
    pl_token_claims_destroy(claims);
}

static bool is_by_token(const struct pl_session *s, const struct pl_command *c)
{
    return c->subscribe.token.len > 0 &&
           !pl_session_is_judged(s, PL_ASKS_SUBSCRIBE) &&
           pl_session_checks_sub_tokens(s);
}

void pl_session_subscribe(struct pl_session *s, const struct pl_command *c)
{
    const struct pl_subscribe_request *r = &c->subscribe;
    struct pl_subscribe_ask ask = {
        .channel = r->channel,
        .epoch = r->epoch,
        .offset = r->offset,
        .command = c->id,
        .kind = PL_VERB_SUBSCRIBE,
    };
    struct pl_named n;

    if (!pl_session_knows(s, c->id, r->channel, &n))
        return;
    if (r->unsupported != NULL) {
        pl_session_refuse_field(s, c->id, r->unsupported);
        return;
    }
    uint32_t error = has_too_many(s, r->channel, &n);
    bool by_token = error == 0 && is_by_token(s, c);
    if (error == 0 && !by_token && !may_subscribe(s, c, &n))
        error = PL_ERROR_PERMISSION_DENIED;
    if (error != 0) {
        pl_session_fail(s, c->id, error);
        return;
    }
    ask.hash = n.hash;
    ask.rules = n.rules;
    if (by_token) {
        subscribe_by_token(s, c, &n, &ask);
        return;
    }
    if (!is_allowed(s, c, &ask))
        return;
    ask.flags = flags_of(s, n.rules, &n.rules->sub, r);
    enum pl_err rc =
        pl_hub_subscribe(pl_session_hub(s), pl_session_subscriber(s), &ask);
    if (rc != PL_OK)
        pl_session_fail_begin(s, c->id, rc);
}

void pl_session_unsubscribe(struct pl_session *s, const struct pl_command *c)
{
    struct pl_reply reply = {.id = c->id, .kind = PL_REPLY_UNSUBSCRIBE};

    if (c->channel.len == 0) {
        pl_session_violate(s, PL_DISCONNECT_BAD_REQUEST, "no channel");
        return;
    }
    struct pl_sub *sub = pl_session_find(s, c->channel);
    if (sub != NULL && sub->flags & PL_SUB_SERVER_SIDE) {
        pl_session_fail(s, c->id, PL_ERROR_PERMISSION_DENIED);
        return;
    }
    if (sub == NULL) {
        pl_session_answer(s, &reply);
        return;
    }
    bool is_live = sub->state != PL_SUB_ATTACHING;
    enum pl_err rc = pl_hub_unsubscribe_ask(pl_session_hub(s), sub, c->id);
    if (rc != PL_OK) {
        pl_session_fail(s, c->id, PL_ERROR_INTERNAL);
        return;
    }
    pl_expiring_drop(s, sub);
    if (is_live)
        pl_session_tell_left(s, sub);
}

void pl_session_tell_unsubscribed(struct pl_session *s, uint32_t command)
{
    struct pl_reply reply = {.id = command, .kind = PL_REPLY_UNSUBSCRIBE};

    pl_session_answer(s, &reply);
}

void pl_session_tell_dropped(struct pl_session *s, struct pl_sub *sub,
                             uint32_t code)
{
    struct pl_push push = {
        .kind = PL_PUSH_UNSUBSCRIBE,
        .channel = pl_sub_channel(sub),
        .unsubscribe = {.code = code, .reason = pl_span_of(pl_code_text(code))},
    };

    if (sub->flags & PL_SUB_SERVER_SIDE && code == PL_UNSUBSCRIBE_INSUFFICIENT)
        pl_session_schedule_close(s, PL_DISCONNECT_INSUFFICIENT_STATE);
    else if (pl_sub_rules(sub)->slow != PL_SLOW_CLOSE)
        pl_session_push_over_limit(s, &push);
    else
        pl_session_push(s, &push);
}

void pl_session_kick_channel(struct pl_session *s, struct pl_span channel,
                             uint32_t code)
{
    struct pl_sub *sub = pl_session_find(s, channel);

    if (sub != NULL)
        pl_hub_drop(pl_session_hub(s), sub, code);
}

/* Set *out to the data of `p` for a JSON client: the data itself, null if there
 * is none, or a copy without raw line feeds; absent if it is not JSON.  Return
 * false if out of memory. */
static bool data_for_json(struct pl_arena *arena, const struct pl_pub *p,
                          struct pl_span *out)
{
    struct pl_span data = pl_pub_data(p);

    *out = data.len > 0 ? data : PL_SPAN("null");
    if (p->is_json || data.len == 0)
        return true;
    char *copy = pl_arena_alloc(arena, data.len);
    if (copy == NULL)
        return false;
    memcpy(copy, data.at, data.len);
    out->at = copy;
    if (!pl_json_accepts(*out))
        out->at = NULL;
    return true;
}

bool pl_publications_make(struct pl_arena *arena, struct pl_pub *const *pubs,
                          uint32_t count, enum pl_encoding encoding,
                          const struct pl_publication **out)
{
    struct pl_publication *p = pl_arena_alloc(arena, (count + 1) * sizeof *p);
    struct pl_client_info *infos =
        pl_arena_alloc(arena, (count + 1) * sizeof *infos);

    *out = NULL;
    if (p == NULL || infos == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        p[i] = (struct pl_publication){.data = pl_pub_data(pubs[i]),
                                       .offset = pubs[i]->offset};
        if (pubs[i]->client != NULL) {
            infos[i] = pl_client_info_of(pubs[i]->client);
            p[i].info = &infos[i];
        } else {
            p[i].tags = pl_pub_tags(pubs[i]);
        }
        if (encoding != PL_ENCODING_JSON)
            continue;
        if (!data_for_json(arena, pubs[i], &p[i].data))
            return false;
        if (p[i].data.at == NULL)
            return true;
    }
    *out = p;
    return true;
}

struct pl_subscribe_result
pl_subscribe_result_of(const struct pl_attach_mail *m, bool was_recovering,
                       uint64_t offset)
{
    struct pl_subscribe_result r = {0};

    if (!m->positioned || (m->flags & PL_ATTACH_UNPOSITIONED) != 0)
        return r;
    r.positioned = true;
    r.recoverable = (m->flags & PL_ATTACH_UNRECOVERABLE) == 0;
    r.epoch = pl_span_of(m->epoch);
    r.offset = m->offset;
    r.was_recovering = was_recovering;
    r.recovered = was_recovering && m->recovered;
    if (r.recovered)
        r.offset = offset; /* the SDK counts up from its own offset */
    return r;
}

/* Return the offset that the client sent.  m->offset was overwritten with the
 * top, and all recovered publications lie between the two. */
static uint64_t asked_offset(const struct pl_attach_mail *m)
{
    return m->offset - m->pub_count;
}

/* Begin the time of a subscription that the judge has limited.  Return false if
 * out of memory. */
static bool take_expiry(struct pl_session *s, struct pl_sub *sub,
                        const struct pl_attach_mail *m,
                        struct pl_subscribe_result *r)
{
    if (m->expires_at_s == 0 || sub->is_leaving)
        return true;
    r->expires = true;
    return pl_expiring_set(s, sub, m->expires_at_s, &r->ttl);
}

void pl_session_tell_attached(struct pl_session *s, struct pl_sub *sub,
                              const struct pl_attach_mail *m)
{
    struct pl_reply reply = {.id = m->origin.command,
                             .kind = PL_REPLY_SUBSCRIBE};

    if (m->error != 0) {
        pl_session_fail(s, reply.id, m->error);
        return;
    }
    reply.subscribe =
        pl_subscribe_result_of(m, sub->flags & PL_SUB_RECOVER, asked_offset(m));
    reply.subscribe.data = pl_blob_span(m->data);
    if (!take_expiry(s, sub, m, &reply.subscribe)) {
        pl_session_schedule_close(s, PL_DISCONNECT_SERVER_ERROR);
        return;
    }
    if (reply.subscribe.recovered) {
        reply.subscribe.publication_count = m->pub_count;
        if (!pl_publications_make(pl_session_arena(s), m->pubs, m->pub_count,
                                  pl_session_encoding(s),
                                  &reply.subscribe.publications)) {
            pl_session_schedule_close(s, PL_DISCONNECT_SERVER_ERROR);
            return;
        }
        if (reply.subscribe.publications == NULL && m->pub_count > 0) {
            pl_session_schedule_close(s, PL_DISCONNECT_INAPPROPRIATE);
            return;
        }
    }
    pl_session_answer(s, &reply);
}
