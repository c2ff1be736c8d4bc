/* SPDX-License-Identifier: Apache-2.0 */
/* query.c - presence, presence_stats and history: requests and replies.
 *
 * A reply needs space in the queue (session_output.c), and time of the loop to
 * write it: the hub passes on results in the order in which they arrived, so
 * everything else of the loop's channels waits after them.  Long replies of all
 * sessions together get a share of the loop's time (time_share.h).  A reply
 * without space or time becomes error 111.
 *
 * Rejected: one such query at a time per connection.  Ten connections in a
 * channel of 100,000 clients would still block a loop for a second.
 *
 * Invariant: a reply that is written was counted in the share, unless it is
 * small. */
#include "query.h"

#include "channels_mail.h"
#include "client.h"
#include "grants.h"
#include "output.h"
#include "permission.h"
#include "replies.h"
#include "session_parts.h"
#include "session_settings.h"
#include "subscribe.h"
#include "time_share.h"

/* --- Requests --- */

static void query(struct pl_session *s, const struct pl_command *c,
                  struct pl_query_mail *q, struct pl_span channel,
                  uint64_t hash)
{
    enum pl_err rc = PL_ENOMEM;

    if (q != NULL) {
        q->hash = hash;
        rc = pl_hub_query(pl_session_hub(s), pl_session_subscriber(s), q,
                          channel, c->id, c->verb);
    }
    if (rc != PL_OK)
        pl_session_fail_begin(s, c->id, rc);
}

void pl_session_presence(struct pl_session *s, const struct pl_command *c)
{
    struct pl_named n;

    if (!pl_session_knows(s, c->id, c->channel, &n))
        return;
    if (!pl_rules_have_presence(n.rules)) {
        pl_session_fail(s, c->id, PL_ERROR_NOT_AVAILABLE);
        return;
    }
    if (!pl_session_may(s, c->id, c->channel, &n, PL_GRANT_PRESENCE))
        return;
    struct pl_query_mail *q = pl_query_mail_create();
    if (q != NULL)
        q->kind = c->verb == PL_VERB_PRESENCE ? PL_QUERY_PRESENCE
                                              : PL_QUERY_PRESENCE_STATS;
    query(s, c, q, c->channel, n.hash);
}

/* Return the limit that counts; -1 means any number. */
static int32_t limit_of(const struct pl_session_settings *config, int32_t asked)
{
    uint32_t most = config->limits.history_publications;

    if (most > 0 && (asked < 0 || (uint32_t)asked > most))
        return (int32_t)most;
    return asked;
}

void pl_session_history(struct pl_session *s, const struct pl_command *c)
{
    const struct pl_history_request *h = &c->history;
    const struct pl_session_settings *config = pl_session_config(s);
    struct pl_named n;

    if (!pl_session_knows(s, c->id, h->channel, &n))
        return;
    if (!pl_rules_have_history(n.rules)) {
        pl_session_fail(s, c->id, PL_ERROR_NOT_AVAILABLE);
        return;
    }
    if (!pl_session_may(s, c->id, h->channel, &n, PL_GRANT_HISTORY))
        return;
    struct pl_query_mail *q = pl_query_mail_create();
    if (q != NULL) {
        q->kind = PL_QUERY_HISTORY;
        q->limit = limit_of(config, h->limit);
        q->reverse = h->reverse;
        q->has_since = h->has_since;
        q->offset = h->since_offset;
        pl_epoch_copy(q->epoch, h->since_epoch);
        q->byte_budget = (uint32_t)(config->limits.outgoing_queue / 2);
    }
    query(s, c, q, h->channel, n.hash);
}

/* --- Replies --- */

static void answer_presence(struct pl_session *s, const struct pl_query_mail *m)
{
    struct pl_client_info *infos =
        pl_arena_alloc(pl_session_arena(s), (m->count + 1) * sizeof *infos);
    struct pl_reply reply = {
        .id = m->origin.command,
        .kind = PL_REPLY_PRESENCE,
        .presence = {.clients = infos, .count = m->count},
    };

    if (infos == NULL) {
        pl_session_fail(s, m->origin.command, PL_ERROR_INTERNAL);
        return;
    }
    for (uint32_t i = 0; i < m->count; i++)
        infos[i] = pl_client_info_of(m->clients[i]);
    pl_session_answer(s, &reply);
}

static void answer_stats(struct pl_session *s, const struct pl_query_mail *m)
{
    struct pl_reply reply = {
        .id = m->origin.command,
        .kind = PL_REPLY_PRESENCE_STATS,
        .presence_stats = {.clients = m->count, .users = m->users},
    };

    pl_session_answer(s, &reply);
}

static void answer_history(struct pl_session *s, const struct pl_query_mail *m)
{
    struct pl_reply reply = {
        .id = m->origin.command,
        .kind = PL_REPLY_HISTORY,
        .history = {.count = m->count,
                    .epoch = pl_span_of(m->epoch),
                    .offset = m->offset},
    };

    if (!pl_publications_make(pl_session_arena(s), m->pubs, m->count,
                              pl_session_encoding(s),
                              &reply.history.publications)) {
        pl_session_fail(s, m->origin.command, PL_ERROR_INTERNAL);
        return;
    }
    if (reply.history.publications == NULL && m->count > 0)
        pl_session_schedule_close(s, PL_DISCONNECT_INAPPROPRIATE);
    else
        pl_session_answer(s, &reply);
}

/* Estimate the bytes that publications take in a reply. */
static uint64_t cost_of(struct pl_pub *const *pubs, uint32_t count)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < count; i++)
        bytes += pl_pub_cost(pubs[i]);
    return bytes;
}

/* Estimate the bytes that clients take in a reply to presence, which has each
 * client's id twice. */
static uint64_t cost_of_clients(struct pl_client *const *clients,
                                uint32_t count)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < count; i++)
        bytes += 2 * PL_CLIENT_ID_LEN + 48 + pl_client_seen_len(clients[i]);
    return bytes;
}

static uint64_t cost_of_answer(const struct pl_query_mail *m)
{
    if (m->pubs != NULL)
        return cost_of(m->pubs, m->count);
    return m->clients == NULL ? 0 : cost_of_clients(m->clients, m->count);
}

/* Units of pl_loop_add_work(): to look at one element of a reply and release
 * it, to write it, and the bytes that one unit writes and sends. */
enum { WORK_LOOK = 20, WORK_WRITE = 80, WORK_BYTES = 8 };

/* Return true if this loop has time, and `s` space, for a reply of `bytes`.  If
 * so, the time is spent. */
static bool has_time(struct pl_session *s, const struct pl_query_mail *m,
                     uint64_t bytes)
{
    struct pl_time_share *share = pl_session_answers(s);
    uint64_t now_ms = pl_loop_now_ms(pl_session_loop(s));
    uint64_t units =
        (uint64_t)m->count * (WORK_LOOK + WORK_WRITE) + bytes / WORK_BYTES;

    if (bytes == 0)
        return true;
    pl_loop_add_work(pl_session_loop(s), (uint64_t)m->count * WORK_LOOK);
    if (!pl_time_share_allows(share, now_ms, units) ||
        !pl_session_can_wait(s, bytes))
        return false;
    pl_time_share_spend(share, now_ms, units);
    return true;
}

void pl_session_tell_queried(struct pl_subscriber *u,
                             const struct pl_query_mail *m)
{
    struct pl_session *s = pl_session_of_subscriber(u);

    if (pl_session_is_over(s))
        return;
    pl_arena_reset(pl_session_arena(s));
    if (m->error != 0)
        pl_session_fail(s, m->origin.command, m->error);
    else if (!has_time(s, m, cost_of_answer(m)))
        pl_session_fail(s, m->origin.command, PL_ERROR_TOO_MANY_REQUESTS);
    else if (m->kind == PL_QUERY_PRESENCE)
        answer_presence(s, m);
    else if (m->kind == PL_QUERY_PRESENCE_STATS)
        answer_stats(s, m);
    else
        answer_history(s, m);
}

bool pl_session_may_recover(struct pl_subscriber *u,
                            const struct pl_attach_mail *m)
{
    return pl_session_has_space(pl_session_of_subscriber(u),
                                cost_of(m->pubs, m->pub_count));
}
