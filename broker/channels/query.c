/* SPDX-License-Identifier: Apache-2.0 */
/* query.c - presence, presence statistics, history, and removing history.
 *
 * The stores have all the data; the channel's struct only serves to estimate
 * the cost.  A feature that is switched off gets error 108.
 *
 * A reply visits every client in the channel, and a message of 64 KiB may hold
 * a thousand queries.  With 100,000 clients each reply takes 30 ms, and all
 * other mail of this owner waits.  So long replies get a share of the loop's
 * time (time_share.h); queries beyond it are refused before the store is read.
 * Small queries are never refused.
 *
 * Rejected: a limit per turn, because mail is handled in order: with one reply
 * per turn a thousand queries delay all others by a thousand turns.  A limit
 * per client, because many clients may send queries. */

#include "channel.h"
#include "channel_requests.h"
#include "channels_private.h"
#include "code.h"
#include "mail.h"
#include "pending_request.h"
#include "request_rules.h"

/* Units of pl_loop_add_work() per client or publication in a reply: each is a
 * cache miss and an atomic addition. */
enum { WORK_NAME = 30 };

static struct pl_query_mail *mail_of(struct pl_pending_request *rq)
{
    return (struct pl_query_mail *)rq->msg;
}

static void answer(struct pl_pending_request *rq, uint32_t code)
{
    struct pl_msg *msg = rq->msg;

    rq->msg = NULL;
    pl_answer_error(rq->owner, msg, code);
    pl_pending_request_destroy(rq);
}

/* --- The cost of replies --- */

/* Return the most clients or publications that the reply to `m` visits, as far
 * as known before the store is read. */
static uint64_t most_of(struct pl_channels *c, const struct pl_query_mail *m)
{
    const struct pl_channel *ch;

    if (m->kind == PL_QUERY_HISTORY)
        return m->limit < 0 ? UINT32_MAX : (uint64_t)m->limit;
    if (m->kind == PL_QUERY_HISTORY_REMOVE)
        return 0;
    ch = pl_channel_find(c, pl_blob_span(m->channel), m->hash);
    return ch == NULL ? 0 : pl_channel_subscribers(ch);
}

static bool has_time_for(struct pl_channels *c, const struct pl_query_mail *m)
{
    return pl_time_share_allows(&c->answers, pl_loop_now_ms(c->actor.loop),
                                most_of(c, m) * WORK_NAME);
}

/* Spend the estimated cost before a late store replies, because otherwise any
 * number of queries passes before the first reply is charged.  The estimate of
 * a history is one part. */
static void reserve(struct pl_pending_request *rq)
{
    struct pl_channels *c = rq->owner;

    if (c->is_immediate)
        return;
    uint64_t most = most_of(c, mail_of(rq));
    if (mail_of(rq)->kind == PL_QUERY_HISTORY && most > PL_STREAM_PART)
        most = PL_STREAM_PART;
    rq->reserved = most * WORK_NAME;
    pl_time_share_spend(&c->answers, pl_loop_now_ms(c->actor.loop),
                        rq->reserved);
}

static void spend(struct pl_pending_request *rq, uint64_t looked)
{
    struct pl_channels *c = rq->owner;
    uint64_t units = looked * WORK_NAME;

    pl_time_share_give_back(&c->answers, rq->reserved);
    rq->reserved = 0;
    pl_time_share_spend(&c->answers, pl_loop_now_ms(c->actor.loop), units);
    pl_loop_add_work(c->actor.loop, units);
}

/* --- Presence --- */

static void on_presence(struct pl_store_op *op)
{
    struct pl_pending_request *rq = pl_pending_request_of(op);
    struct pl_query_mail *m = mail_of(rq);

    if (op->error != PL_OK) {
        pl_pending_request_fail(rq, op->error);
        return;
    }
    if (m->kind == PL_QUERY_PRESENCE) {
        m->clients = rq->store.get.clients;
        m->count = rq->store.get.count;
        spend(rq, m->count);
    } else {
        spend(rq, rq->store.stats.looked);
        m->count = rq->store.stats.clients;
        m->users = rq->store.stats.users;
    }
    answer(rq, 0);
}

static void ask_presence(struct pl_pending_request *rq)
{
    struct pl_presence *p = rq->owner->presence;
    const struct pl_query_mail *m = mail_of(rq);
    enum pl_store_reply reply;

    pl_pending_request_prepare(rq, pl_blob_span(m->channel), m->hash,
                               on_presence);
    if (m->kind == PL_QUERY_PRESENCE) {
        reply = p->ops->get(p, &rq->store.get);
    } else {
        rq->store.stats.looked = 0;
        reply = p->ops->stats(p, &rq->store.stats);
    }
    if (reply == PL_STORE_DONE)
        on_presence(&rq->store.op);
}

/* --- History --- */

static bool is_other_epoch(const struct pl_query_mail *m, const char *epoch)
{
    return m->has_since && m->epoch[0] != '\0' && strcmp(m->epoch, epoch) != 0;
}

static void answer_history(struct pl_pending_request *rq,
                           const struct pl_stream_top *top)
{
    struct pl_query_mail *m = mail_of(rq);
    bool is_lost = is_other_epoch(m, top->epoch);

    m->offset = top->offset;
    memcpy(m->epoch, top->epoch, sizeof m->epoch);
    answer(rq, is_lost ? PL_ERROR_UNRECOVERABLE : 0);
}

static void on_top(struct pl_store_op *op)
{
    struct pl_pending_request *rq = pl_pending_request_of(op);

    if (op->error != PL_OK)
        pl_pending_request_fail(rq, op->error);
    else
        answer_history(rq, &rq->store.top);
}

static void on_history(struct pl_pending_request *rq, enum pl_err err)
{
    struct pl_query_mail *m = mail_of(rq);

    if (err != PL_OK) {
        pl_pending_request_fail(rq, err);
        return;
    }
    m->pubs = pl_reading_take(&rq->store.reading, &m->count);
    spend(rq, m->count);
    answer_history(rq, &rq->store.reading.range.top);
}

static void read_history(struct pl_pending_request *rq)
{
    const struct pl_query_mail *m = mail_of(rq);
    struct pl_reading *r = &rq->store.reading;

    pl_pending_request_prepare(rq, pl_blob_span(m->channel), m->hash, NULL);
    r->done = on_history;
    r->since = m->offset;
    r->has_since = m->has_since;
    r->range.reverse = m->reverse;
    r->limit = m->limit < 0 ? UINT32_MAX : (uint32_t)m->limit;
    r->byte_budget = m->byte_budget;
    pl_reading_begin(rq);
}

static void ask_history(struct pl_pending_request *rq)
{
    struct pl_stream *s = rq->owner->stream;
    const struct pl_query_mail *m = mail_of(rq);

    if (m->limit != 0) {
        read_history(rq);
        return;
    }
    pl_pending_request_prepare_top(rq, pl_blob_span(m->channel), m->hash,
                                   on_top);
    if (s->ops->top(s, &rq->store.top) == PL_STORE_DONE)
        on_top(&rq->store.op);
}

static void on_forgotten(struct pl_store_op *op)
{
    struct pl_pending_request *rq = pl_pending_request_of(op);

    if (op->error != PL_OK)
        pl_pending_request_fail(rq, op->error);
    else
        answer(rq, 0);
}

static void ask_forget(struct pl_pending_request *rq)
{
    struct pl_stream *s = rq->owner->stream;
    const struct pl_query_mail *m = mail_of(rq);

    pl_pending_request_prepare(rq, pl_blob_span(m->channel), m->hash,
                               on_forgotten);
    if (s->ops->remove(s, &rq->store.op) == PL_STORE_DONE)
        on_forgotten(&rq->store.op);
}

/* --- The request --- */

static uint32_t check(struct pl_channels *c, const struct pl_query_mail *m)
{
    bool of_presence =
        m->kind == PL_QUERY_PRESENCE || m->kind == PL_QUERY_PRESENCE_STATS;

    struct pl_span name = pl_blob_span(m->channel);
    const struct pl_rules *r =
        pl_channel_rules(c, pl_channel_find(c, name, m->hash), name, m->hash);

    if (of_presence ? !pl_rules_have_presence(r) : !pl_rules_have_history(r))
        return PL_ERROR_NOT_AVAILABLE;
    if (m->kind == PL_QUERY_HISTORY && m->reverse && m->has_since &&
        m->offset == 0)
        return PL_ERROR_BAD_REQUEST;
    if (!has_time_for(c, m))
        return PL_ERROR_TOO_MANY_REQUESTS;
    return 0;
}

void pl_channels_query(struct pl_channels *c, struct pl_query_mail *m)
{
    if (m->kind == PL_QUERY_BARRIER) {
        pl_mail_answer(&c->actor, &m->msg);
        return;
    }
    if (pl_pending_requests_reject(c, &m->msg, 0))
        return;
    uint32_t code = check(c, m);
    struct pl_pending_request *rq =
        code != 0 ? NULL : pl_pending_request_create(c, NULL);

    if (rq == NULL) {
        pl_answer_error(c, &m->msg, code != 0 ? code : PL_ERROR_INTERNAL);
        return;
    }
    rq->msg = &m->msg;
    reserve(rq);
    if (m->kind == PL_QUERY_HISTORY)
        ask_history(rq);
    else if (m->kind == PL_QUERY_HISTORY_REMOVE)
        ask_forget(rq);
    else
        ask_presence(rq);
}
