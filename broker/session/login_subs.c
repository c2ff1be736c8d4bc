/* SPDX-License-Identifier: Apache-2.0 */
/* login_subs.c - the subscriptions of a login: the user's inbox and personal
 * channel, the channels of the token, the inbox of the connection.
 *
 * All are requested at once after the verdict, and the connect reply waits for
 * the last result.  The positions that the client sent are copied, because the
 * bytes of the connect command may be freed before the verdict.
 *
 * Invariant: `outstanding` is the number of attaches without a result. */
#include "session_private.h"

#include "channels_mail.h"
#include "expiring.h"
#include "grants.h"
#include "json_scan.h"
#include "login.h"
#include "login_private.h"
#include "channel_name.h"
#include "subscribe.h"
#include "token.h"

static bool copy_span(struct pl_arena *a, struct pl_span *span)
{
    if (span->len == 0) {
        span->at = "";
        return true;
    }
    char *copy = pl_arena_alloc(a, span->len);
    if (copy == NULL)
        return false;
    memcpy(copy, span->at, span->len);
    span->at = copy;
    return true;
}

bool pl_login_copy(struct pl_login *l, struct pl_span *span)
{
    return copy_span(&l->arena, span);
}

bool pl_login_copy_positions(struct pl_login *l,
                             const struct pl_connect_request *r)
{
    struct pl_subscribe_request *p =
        pl_arena_alloc(&l->arena, (r->sub_count + 1) * sizeof *p);

    if (p == NULL)
        return false;
    for (size_t i = 0; i < r->sub_count; i++) {
        p[i] = r->subs[i];
        if (!copy_span(&l->arena, &p[i].channel) ||
            !copy_span(&l->arena, &p[i].epoch))
            return false;
    }
    l->positions = p;
    l->position_count = r->sub_count;
    return true;
}

/* Return the name of a field that must not be ignored; NULL: none.  A client
 * that requests error 112 for an incomplete recovery, or sends a token for a
 * channel, would otherwise get more than it requested. */
static const char *refused(const struct pl_subscribe_request *sub)
{
    if (sub->unsupported != NULL)
        return sub->unsupported;
    if (sub->token.len > 0)
        return "token";
    return sub->flag & PL_SUBSCRIBE_REJECT_UNRECOVERED ? "flag" : NULL;
}

const char *pl_login_refused(const struct pl_connect_request *r)
{
    const char *name = NULL;

    for (size_t i = 0; i < r->sub_count && name == NULL; i++)
        name = refused(&r->subs[i]);
    return name;
}

static struct server_sub *find_sub(struct pl_login *l, struct pl_span channel)
{
    for (size_t i = 0; i < l->sub_count; i++) {
        if (pl_span_equal(l->subs[i].channel, channel))
            return &l->subs[i];
    }
    return NULL;
}

void pl_login_end_sub(struct pl_login *l, struct pl_span channel, uint32_t code)
{
    struct server_sub *sub = find_sub(l, channel);

    if (sub != NULL)
        sub->ends = code;
}

/* Copy the recovered publications: `m` is freed before the reply is sent.
 * False: out of memory. */
static bool keep_publications(struct pl_session *s, struct server_sub *sub,
                              const struct pl_attach_mail *m)
{
    struct pl_arena *arena = &s->login->arena;
    const struct pl_publication *made;

    if (!pl_publications_make(arena, m->pubs, m->pub_count,
                              s->subscriber.encoding, &made))
        return false;
    if (made == NULL) {
        s->login->has_unencodable = m->pub_count > 0;
        return true;
    }
    struct pl_publication *p = (struct pl_publication *)made;
    for (uint32_t i = 0; i < m->pub_count; i++) {
        struct pl_client_info *info = (struct pl_client_info *)p[i].info;

        if (!copy_span(arena, &p[i].data))
            return false;
        if (info != NULL && (!copy_span(arena, &info->user) ||
                             !copy_span(arena, &info->client) ||
                             (info->conn_info.at != NULL &&
                              !copy_span(arena, &info->conn_info))))
            return false;
    }
    sub->result.publications = p;
    sub->result.publication_count = m->pub_count;
    return true;
}

void pl_session_login_attached(struct pl_session *s, struct pl_sub *sub,
                               const struct pl_attach_mail *m)
{
    struct pl_login *l = s->login;
    struct server_sub *mine = find_sub(l, pl_sub_channel(sub));

    l->outstanding--;
    if (m->error == PL_ERROR_LIMIT_EXCEEDED) {
        mine->is_missing = true;
    } else if (m->error != 0) {
        l->error = m->error;
    } else {
        mine->result =
            pl_subscribe_result_of(m, mine->recover, m->offset - m->pub_count);
        if (mine->granted != NULL && mine->granted->data.at != NULL)
            mine->result.data = mine->granted->data;
        if (!copy_span(&l->arena, &mine->result.epoch) ||
            (mine->result.recovered && !keep_publications(s, mine, m)))
            l->error = PL_ERROR_INTERNAL;
    }
    if (l->outstanding == 0) /* not in a callback of the hub */
        pl_session_mark_dirty(s);
}

bool pl_login_expire(struct pl_session *s, struct server_sub *sub)
{
    struct pl_sub *live;

    if (sub->granted == NULL || sub->granted->expires_at_s == 0 ||
        (live = pl_session_find(s, sub->channel)) == NULL)
        return true;
    sub->result.expires = true;
    return pl_expiring_set(s, live, sub->granted->expires_at_s,
                           &sub->result.ttl);
}

static void take_position(struct pl_login *l, struct server_sub *sub)
{
    for (size_t i = 0; i < l->position_count; i++) {
        const struct pl_subscribe_request *p = &l->positions[i];

        if (!p->recover || !pl_span_equal(p->channel, sub->channel))
            continue;
        sub->recover = true;
        sub->offset = p->offset;
        sub->epoch = p->epoch;
    }
}

/* Set *out to the name of an inbox, "#user" or "@client", in the arena.  False:
 * out of memory. */
static bool inbox_name(struct pl_arena *a, char mark, struct pl_span of,
                       struct pl_span *out)
{
    char *name = pl_arena_alloc(a, of.len + 1);

    if (name == NULL)
        return false;
    name[0] = mark;
    memcpy(name + 1, of.at, of.len);
    *out = (struct pl_span){name, of.len + 1};
    return true;
}

/* Set *out to the name of the user's personal channel, in the arena.  A user
 * with too long a name for it gets an error.  False: out of memory. */
static bool personal_name(struct pl_session *s, const struct pl_naming *n,
                          struct pl_span user, struct pl_span *out)
{
    struct pl_span space = n->personal_space;
    size_t boundary = strnlen(n->boundary.at, sizeof n->boundary.at);
    size_t before = space.len + boundary;

    if (before + 1 + user.len > n->max_length) {
        s->login->error = PL_ERROR_BAD_REQUEST;
        *out = PL_SPAN(" ");
        return true;
    }
    char *name = pl_arena_alloc(&s->login->arena, before + 1 + user.len);
    if (name == NULL)
        return false;
    memcpy(name, space.at, space.len);
    memcpy(name + space.len, n->boundary.at, boundary);
    name[before] = PL_CHANNEL_USER_INBOX;
    memcpy(name + before + 1, user.at, user.len);
    *out = (struct pl_span){name, before + 1 + user.len};
    return true;
}

/* List what each user has without asking.  False: out of memory. */
static bool list_own(struct pl_session *s, struct pl_span user)
{
    const struct pl_naming *n = pl_rulebook_naming(pl_session_rules(s)->book);
    struct pl_login *l = s->login;

    if (user.len == 0)
        return true;
    if (!inbox_name(&l->arena, PL_CHANNEL_USER_INBOX, user,
                    &l->subs[l->sub_count++].channel))
        return false;
    return !n->has_personal || n->personal_space.len == 0 ||
           personal_name(s, n, user, &l->subs[l->sub_count++].channel);
}

bool pl_login_list_channels(struct pl_session *s,
                            const struct pl_token_sub *subs, size_t count)
{
    struct pl_login *l = s->login;
    struct pl_span user = pl_client_user(s->subscriber.client);
    size_t max = 3 + count;

    l->subs = pl_arena_alloc(&l->arena, max * sizeof *l->subs);
    if (l->subs == NULL)
        return false;
    memset(l->subs, 0, max * sizeof *l->subs);
    if (!list_own(s, user))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (find_sub(l, subs[i].channel) != NULL)
            continue; /* it is named twice */
        l->subs[l->sub_count].granted = &subs[i];
        l->subs[l->sub_count++].channel = subs[i].channel;
    }
    if (l->wants_inbox) /* only in the reply: it has no channel */
        return inbox_name(&l->arena, PL_CHANNEL_CONNECTION_INBOX,
                          pl_session_id(s), &l->subs[l->sub_count++].channel);
    return true;
}

static enum pl_err attach(struct pl_session *s, struct server_sub *sub)
{
    struct pl_named n = pl_session_name(s, sub->channel);
    struct pl_subscribe_ask ask = {
        .channel = sub->channel,
        .hash = n.hash,
        .rules = n.rules,
        .kind = PL_VERB_CONNECT,
    };

    if (n.rules == NULL)
        return PL_ENOENT;
    ask.flags = pl_sub_flags_granted(n.rules, sub->granted, sub->flags);
    take_position(s->login, sub);
    if (sub->recover)
        ask.flags |= PL_SUB_RECOVER;
    if (pl_named_is_hidden(&n))
        ask.flags |= PL_SUB_HIDDEN;
    ask.offset = sub->offset;
    ask.epoch = sub->epoch;
    if (sub->granted != NULL && sub->granted->info.at != NULL)
        ask.info = sub->granted->info;
    enum pl_err rc = pl_hub_subscribe(pl_session_hub(s), &s->subscriber, &ask);
    if (rc == PL_OK)
        s->login->outstanding++;
    return rc;
}

void pl_login_attach_all(struct pl_session *s)
{
    struct pl_login *l = s->login;

    for (size_t i = 0; i < l->sub_count && l->error == 0; i++) {
        if (l->subs[i].channel.at[0] == PL_CHANNEL_CONNECTION_INBOX) {
            s->has_inbox = true;
            continue;
        }
        enum pl_err rc = attach(s, &l->subs[i]);
        if (rc != PL_OK)
            l->error = rc == PL_EFULL    ? PL_ERROR_TOO_MANY_REQUESTS
                       : rc == PL_ENOENT ? PL_ERROR_UNKNOWN_CHANNEL
                                         : PL_ERROR_INTERNAL;
    }
    l->is_judged = true;
}

/* Copies the list, because the arena cannot extend it. */
void pl_login_add_sub(struct pl_session *s, struct pl_span channel,
                      uint8_t flags)
{
    struct pl_login *l = s->login;
    struct server_sub mine = {.channel = channel, .flags = flags};
    struct server_sub *had = find_sub(l, channel);

    if (had != NULL)
        had->ends = 0;
    if (had != NULL || !l->is_judged || pl_session_has_enough(s))
        return;
    struct server_sub *subs =
        pl_arena_alloc(&l->arena, (l->sub_count + 1) * sizeof *subs);
    if (subs == NULL || !copy_span(&l->arena, &mine.channel))
        return;
    if (l->sub_count > 0)
        memcpy(subs, l->subs, l->sub_count * sizeof *subs);
    subs[l->sub_count] = mine;
    l->subs = subs;
    l->sub_count++;
    if (attach(s, &l->subs[l->sub_count - 1]) != PL_OK)
        l->sub_count--; /* the client does not get the channel */
}

bool pl_login_wants_inbox(struct pl_session *s, struct pl_span data)
{
    struct pl_json j;
    struct pl_span key;
    bool first = true, yes = false;

    pl_json_init(&j, data, pl_session_arena(s));
    pl_json_space(&j);
    if (!pl_json_take(&j, '{'))
        return false;
    while (pl_json_member(&j, &first, &key)) {
        if (pl_span_equal(key, PL_SPAN("inbox")))
            pl_json_bool(&j, &yes);
        else
            pl_json_skip(&j, PL_JSON_DEPTH_MAX);
        if (j.err != PL_OK)
            return false;
    }
    return yes;
}
