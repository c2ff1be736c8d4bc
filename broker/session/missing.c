/* SPDX-License-Identifier: Apache-2.0 */
/* missing.c - server-side subscriptions after the login: those that the login
 * could not have, and those that the program requests.
 *
 * At limits.channels no channel can begin, so an inbox or a channel of a token
 * may have no place.  The login succeeds without it: error 106, which SDKs take
 * as final, would lock out users because of what other users did.  SDKs treat a
 * subscription that is missing in the connect reply as ended.  So this file
 * tries again, and a subscribe push notifies the client of success.
 *
 * The session manager holds the entries, which name sessions by address, and a
 * map that finds them by the slot of the session.  A session without missing
 * channels pays nothing, and a session that ends has nothing to clean up.  An
 * unsubscribe by the server takes the channel out of the entry.  It is unknown
 * whether an attach in transit will succeed, so each try first looks at what
 * the session has.
 *
 * Rejected: closing the connection when there is space again, because all those
 * clients would log in at once.
 *
 * Invariant: entries are in the order in which they are due, and all of them in
 * the map. */
#include "missing.h"

#include <stdlib.h>

#include "channels_mail.h"
#include "expiring.h"
#include "grants.h"
#include "log.h"
#include "login.h"
#include "login_private.h"
#include "output.h"
#include "channel_name.h"
#include "session_parts.h"
#include "sub_terms.h"
#include "subscribe.h"
#include "token.h"
#include "wait.h"

enum {
    AGAIN_MS = 10000,
    ENTRIES_MAX = 65536, /* per loop; later logins are not tried again */
    ENTRIES_A_TIME = 64,
    SOON_MS = 1,
    HEAD = 2 /* bytes before each name */
};

struct entry {
    struct pl_list link; /* first; in `entries` */
    struct pl_map_node node;
    struct pl_address session;
    uint64_t due_ms;
    size_t len;   /* of `names` */
    char names[]; /* for each: its flags, its length, a byte each, its bytes */
};

static struct pl_span name_at(const struct entry *e, size_t at)
{
    return (struct pl_span){e->names + at + HEAD,
                            (unsigned char)e->names[at + 1]};
}

/* --- Noting --- */

static bool is_inbox(struct pl_span name)
{
    return name.at[0] == PL_CHANNEL_USER_INBOX;
}

/* Return true if the token sets more than the name.  Such a subscription is not
 * tried again: an entry has no space for the terms, and it must not begin
 * without them. */
static bool has_terms(const struct pl_token_sub *granted)
{
    return granted != NULL &&
           (granted->info.at != NULL || granted->data.at != NULL ||
            granted->expires_at_s != 0 || granted->overrides != 0);
}

static bool is_noted(const struct server_sub *sub)
{
    return sub->is_missing && sub->ends == 0 && !has_terms(sub->granted);
}

static size_t measure(const struct pl_login *l)
{
    size_t len = 0;

    for (size_t i = 0; i < l->sub_count; i++)
        len += is_noted(&l->subs[i]) ? HEAD + l->subs[i].channel.len : 0;
    return len;
}

static void fill(struct entry *e, const struct pl_login *l)
{
    char *at = e->names;

    for (size_t i = 0; i < l->sub_count; i++) {
        struct pl_span name = l->subs[i].channel;

        if (!is_noted(&l->subs[i]))
            continue;
        *at++ = (char)l->subs[i].flags;
        *at++ = (char)name.len;
        memcpy(at, name.at, name.len);
        at += name.len;
    }
}

static void queue(struct pl_missings *m, struct entry *e)
{
    e->due_ms = pl_loop_now_ms(m->loop) + AGAIN_MS;
    pl_list_append(&m->entries, &e->link);
    if (!pl_timer_is_running(&m->timer))
        pl_timer_start(m->loop, &m->timer, AGAIN_MS);
}

void pl_missing_note(struct pl_session *s, const struct pl_login *l)
{
    struct pl_missings *m = pl_session_missings(s);
    size_t len = measure(l);

    if (len == 0)
        return;
    for (size_t i = 0; i < l->sub_count; i++)
        if (is_noted(&l->subs[i]) && is_inbox(l->subs[i].channel))
            pl_session_set_lacks_inbox(s, true);
    pl_count(metrics(s), PL_METRIC_LOGINS_INCOMPLETE, 1);
    PL_LOG_LIMITED(PL_LOG_KIND_INCOMPLETE, PL_LOG_WARN,
                   "logged in without some channels: limits.channels",
                   pl_log_text("client", pl_session_id(s)),
                   pl_log_text("user", pl_session_user(s)));
    struct entry *e =
        m->at.count < ENTRIES_MAX ? malloc(sizeof *e + len) : NULL;
    if (e == NULL)
        return;
    *e = (struct entry){.session = pl_session_address(s), .len = len};
    if (pl_map_add(&m->at, &e->node, e->session.slot) != PL_OK) {
        free(e);
        return;
    }
    fill(e, l);
    queue(m, e);
}

/* --- Unsubscribed meanwhile --- */

static bool is_of(const struct pl_map_node *n, const void *session)
{
    return pl_address_equal(PL_CONTAINER(n, const struct entry, node)->session,
                            *(const struct pl_address *)session);
}

static void take_out(struct entry *e, struct pl_span channel)
{
    for (size_t at = 0; at < e->len;) {
        struct pl_span name = name_at(e, at);
        size_t next = at + HEAD + name.len;

        if (pl_span_equal(name, channel)) {
            memmove(e->names + at, e->names + next, e->len - next);
            e->len -= next - at;
            return;
        }
        at = next;
    }
}

void pl_missing_cancel(struct pl_session *s, struct pl_span channel)
{
    struct pl_address own = pl_session_address(s);
    struct pl_map_node *n =
        pl_map_find(&pl_session_missings(s)->at, own.slot, is_of, &own);

    if (n != NULL)
        take_out(PL_CONTAINER(n, struct entry, node), channel);
}

/* --- Trying again --- */

/* Request one subscription.  If that fails, the next try requests it again. */
static void try_one(struct pl_session *s, struct pl_span name, uint8_t flags,
                    const struct pl_sub_terms *terms)
{
    struct pl_named n = pl_session_name(s, name);
    struct pl_subscribe_ask ask = {
        .channel = name,
        .hash = n.hash,
        .rules = n.rules,
        .kind = PL_KIND_MISSING,
        .epoch = pl_blob_span(terms->epoch),
        .offset = terms->offset,
        .data = pl_blob_span(terms->data),
        .info = pl_blob_span(terms->info),
        .expires_at_s = terms->expires_at_s,
    };

    if (!is_inbox(name) && pl_session_has_enough(s))
        return; /* the client has subscribed to others meanwhile */
    if (n.rules == NULL)
        return; /* a reload removed its namespace */
    ask.flags = pl_sub_flags_granted(n.rules, NULL, flags);
    if (pl_named_is_hidden(&n))
        ask.flags |= PL_SUB_HIDDEN;
    if (terms->epoch != NULL)
        ask.flags |= PL_SUB_RECOVER;
    if (pl_hub_subscribe(pl_session_hub(s), pl_session_subscriber(s), &ask) ==
            PL_OK &&
        is_inbox(name))
        pl_session_set_lacks_inbox(
            s, false); /* while it is attaching, it counts */
}

static bool are_usual(const struct pl_sub_terms *t)
{
    return t->info == NULL && t->data == NULL && t->epoch == NULL &&
           t->expires_at_s == 0;
}

void pl_session_take_channel(struct pl_session *s, struct pl_span channel,
                             uint8_t flags, const struct pl_sub_terms *terms)
{
    pl_wait_kick(s, channel, 0);
    if (pl_session_is_logging_in(s) && are_usual(terms))
        pl_login_add_sub(s, channel, flags);
    if (!pl_session_is_connected(s))
        return;
    struct pl_sub *sub = pl_session_find(s, channel);
    if (sub != NULL)
        pl_hub_keep(sub);
    else
        try_one(s, channel, flags, terms);
}

/* Return false if nothing is missing any more, or the session has ended. */
static bool try_entry(struct pl_loop *loop, const struct entry *e)
{
    static const struct pl_sub_terms nothing;
    struct pl_session *s = pl_session_at(loop, e->session);
    bool is_missing = false;

    if (s == NULL || !pl_session_is_connected(s))
        return false;
    for (size_t at = 0; at < e->len;) {
        struct pl_span name = name_at(e, at);
        uint8_t flags = (uint8_t)e->names[at];

        at += HEAD + name.len;
        const struct pl_sub *sub = pl_session_find(s, name);
        if (sub == NULL)
            try_one(s, name, flags, &nothing);
        is_missing |= sub == NULL || sub->state == PL_SUB_ATTACHING;
    }
    return is_missing;
}

static struct entry *first(struct pl_missings *m)
{
    return pl_list_is_empty(&m->entries)
               ? NULL
               : PL_CONTAINER(m->entries.next, struct entry, link);
}

static void drop(struct pl_missings *m, struct entry *e)
{
    pl_list_remove(&e->link);
    pl_map_remove(&m->at, &e->node);
    free(e);
}

static void try_all(struct pl_timer *t)
{
    struct pl_missings *m = PL_CONTAINER(t, struct pl_missings, timer);
    uint64_t now = pl_loop_now_ms(m->loop);
    struct entry *e;

    for (unsigned i = 0; i < ENTRIES_A_TIME; i++) {
        if ((e = first(m)) == NULL || e->due_ms > now)
            break;
        if (!try_entry(m->loop, e)) {
            drop(m, e);
            continue;
        }
        pl_list_remove(&e->link);
        queue(m, e);
    }
    if ((e = first(m)) != NULL)
        pl_timer_start(m->loop, &m->timer,
                       e->due_ms > now ? e->due_ms - now : SOON_MS);
}

void pl_missings_init(struct pl_missings *m, struct pl_loop *loop)
{
    m->loop = loop;
    pl_list_init(&m->entries);
    m->timer.fire = try_all;
}

/* Send what was missed, which a subscribe push does not hold. */
static bool send_recovered(struct pl_session *s, struct pl_push *push,
                           const struct pl_attach_mail *m)
{
    const struct pl_publication *pubs;

    if (!pl_publications_make(pl_session_arena(s), m->pubs, m->pub_count,
                              pl_session_encoding(s), &pubs) ||
        (pubs == NULL && m->pub_count > 0))
        return false;
    push->kind = PL_PUSH_PUBLICATION;
    for (uint32_t i = 0; i < m->pub_count; i++) {
        push->publication = pubs[i];
        pl_session_push(s, push);
    }
    return true;
}

void pl_missing_attached(struct pl_session *s, struct pl_sub *sub,
                         const struct pl_attach_mail *m)
{
    struct pl_push push = {.kind = PL_PUSH_SUBSCRIBE,
                           .channel = pl_sub_channel(sub)};
    uint32_t ttl;

    if (m->error != 0 && is_inbox(push.channel))
        pl_session_set_lacks_inbox(s, true);
    if (m->error != 0 || !pl_session_is_connected(s))
        return;
    push.subscribe =
        pl_subscribe_result_of(m, m->recovered, m->offset - m->pub_count);
    push.subscribe.data = pl_blob_span(m->data);
    pl_session_push(s, &push);
    if (!send_recovered(s, &push, m) ||
        (m->expires_at_s != 0 && !sub->is_leaving &&
         !pl_expiring_set(s, sub, m->expires_at_s, &ttl)))
        pl_session_schedule_close(s, PL_DISCONNECT_SERVER_ERROR);
}

void pl_missings_fini(struct pl_missings *m)
{
    struct entry *e;

    while ((e = first(m)) != NULL)
        drop(m, e);
    pl_map_fini(&m->at);
    pl_timer_stop(m->loop, &m->timer);
}
