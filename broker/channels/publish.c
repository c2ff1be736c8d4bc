/* SPDX-License-Identifier: Apache-2.0 */
/* publish.c - a publication, from the request to the hubs.
 *
 * Everything that can fail is done before the stream gives the offset: the
 * check for backlogged loops, and the allocation of the mails to the hubs.
 * From then on the publication reaches every loop.  Mails are created for loops
 * with subscribers at this moment; a subscriber that attaches later gets the
 * publication, if it is stored, through the position in its attach result.
 *
 * The publisher's own loop needs no mail: the result serves as one (fan_out).
 *
 * Few publications have terms (pub_terms.h); the others only find that they
 * have none.  The stream looks at the terms of what it stores.  For what no
 * stream keeps, the owner remembers ids itself; a version has a meaning only in
 * a stream.  An id has one result, with skip_history and without: the owner
 * looks at its own ids first, and what skips a history asks the stream too.
 *
 * If all stores complete at once, a channel without subscribers needs no
 * struct; otherwise it does, because the outbox keeps the order. */

#include "channel.h"
#include "channel_requests.h"
#include "channels_private.h"
#include "channels_trace.h"
#include "code.h"
#include "hub_mail.h"
#include "mail.h"
#include "pending_request.h"
#include "request_rules.h"
#include "system.h"

static bool is_backlogged(const struct pl_channels *c,
                          const struct pl_channel *ch)
{
    struct pl_system *s = pl_loop_system(c->actor.loop);

    if (c->options.backlog_limit == 0)
        return false;
    for (unsigned l = 0; l < c->loop_count; l++)
        if (ch->at_loop[l] > 0 &&
            pl_loop_backlog(pl_system_loop(s, l)) >= c->options.backlog_limit)
            return true;
    return false;
}

/* Return the loop of the hub that sent `msg`, or loop_count if no hub did. */
static unsigned hub_loop(const struct pl_channels *c, const struct pl_msg *msg)
{
    unsigned l = msg->from.loop;

    return l < c->loop_count && pl_address_equal(msg->from, c->hubs[l])
               ? l
               : c->loop_count;
}

/* Create one mail for each loop with subscribers but the publisher's.  Its
 * address has the loop. */
static enum pl_err make_mails(struct pl_pending_request *rq)
{
    const struct pl_channels *c = rq->owner;
    struct pl_publish_mail *m = (struct pl_publish_mail *)rq->msg;
    unsigned own = hub_loop(c, rq->msg);

    for (unsigned l = 0; l < c->loop_count; l++) {
        if (rq->ch->at_loop[l] == 0)
            continue;
        if (l == own) {
            rq->fan_out = true;
            continue;
        }
        struct pl_publication_mail *p = pl_publication_mail_create();
        if (p == NULL)
            return PL_ENOMEM;
        p->pub = pl_pub_hold(m->pub);
        p->msg.to = c->hubs[l];
        p->msg.next = rq->mails;
        rq->mails = &p->msg;
    }
    return PL_OK;
}

static void send_mails(struct pl_pending_request *rq)
{
    while (rq->mails != NULL) {
        struct pl_msg *m = rq->mails;

        rq->mails = m->next;
        m->next = NULL;
        if (rq->ch->at_loop[m->to.loop] > 0)
            pl_actor_send(&rq->owner->actor, m->to, m);
        else
            pl_mail_destroy(m);
    }
}

/* The hubs do not get the publication: they got it when it was sent first, or
 * it is stale. */
static void deliver_repeat(struct pl_pending_request *rq)
{
    struct pl_publish_mail *m = (struct pl_publish_mail *)rq->msg;
    bool is_stale = m->stored && rq->store.append.outcome == PL_APPEND_STALE;

    rq->msg = NULL;
    m->error = 0;
    if (rq->owner->options.metrics != NULL)
        pl_count(rq->owner->options.metrics,
                 is_stale ? PL_METRIC_PUBLICATIONS_STALE
                          : PL_METRIC_PUBLICATIONS_KNOWN,
                 1);
    pl_mail_answer(&rq->owner->actor, &m->msg);
}

static void count(struct pl_channel *ch, const struct pl_pub *pub)
{
    ch->publications.count++;
    ch->bytes.count += (uint32_t)pl_pub_data(pub).len;
}

/* Apart from the code that nearly all publications run. */
PL_TRACE_COLD static void trace(const struct pl_channels *c,
                                const struct pl_channel *ch,
                                const struct pl_publish_mail *m, uint32_t error)
{
    pl_channels_trace(c->tracer, m, error, ch != NULL ? ch->at_loop : NULL,
                      c->loop_count);
}

/* Send the publication to the hubs, and the result to the publisher. */
static void deliver(struct pl_pending_request *rq)
{
    struct pl_publish_mail *m = (struct pl_publish_mail *)rq->msg;
    struct pl_channel *ch = rq->ch;

    rq->msg = NULL;
    if (ch != NULL && !rq->owner->is_immediate && !pl_order_pass(ch, m->pub)) {
        m->accepted = pl_channel_subscribers(ch); /* the bus was faster */
    } else if (ch != NULL) {
        count(ch, m->pub);
        m->accepted = pl_channel_subscribers(ch);
        m->fan_out = rq->fan_out && ch->at_loop[m->msg.from.loop] > 0;
        send_mails(rq);
    }
    m->error = 0;
    if (pl_tracer_is_on(rq->owner->tracer))
        trace(rq->owner, rq->ch, m, 0);
    if (rq->owner->options.metrics != NULL)
        pl_count(rq->owner->options.metrics, PL_METRIC_PUBLICATIONS, 1);
    pl_mail_answer(&rq->owner->actor, &m->msg);
}

/* With late stores an event may come out of turn, if the event of an earlier
 * publication was lost or the bus refused that publication. */
void pl_channels_on_publication(void *owner, struct pl_pub *pub,
                                struct pl_bus_publish *own)
{
    struct pl_pending_request *rq =
        own == NULL ? NULL : pl_pending_request_of(&own->op);

    if (rq == NULL)
        pl_order_bring(owner, pub);
    else if (!pl_list_is_linked(&rq->out))
        deliver(rq);
    else
        pl_outbox_ready(rq);
}

/* Its turn in the outbox has come.  Frees `rq`, or on_bus() does if the bus
 * request is still pending. */
static void answer(struct pl_pending_request *rq, enum pl_err err)
{
    (void)err;
    if (rq->state == PL_WORK_REPEAT)
        deliver_repeat(rq);
    else
        deliver(rq);
    if (rq->state != PL_WORK_ON_BUS)
        pl_pending_request_destroy(rq);
}

static void fail(struct pl_pending_request *rq, enum pl_err err)
{
    if (pl_list_is_linked(&rq->out))
        pl_outbox_fail(rq, err);
    else
        pl_pending_request_fail(rq, err);
}

/* --- What no stream keeps --- */

static struct pl_id id_of(const struct pl_publish_mail *m)
{
    return (struct pl_id){.scope = pl_pub_channel(m->pub),
                          .hash = m->pub->hash,
                          .id = m->terms->id};
}

/* Its bus refused it: the backend may send it again. */
static void forget_id(struct pl_pending_request *rq)
{
    const struct pl_publish_mail *m = (struct pl_publish_mail *)rq->msg;

    if (m->terms == NULL || m->terms->id.len == 0)
        return;
    const struct pl_id id = id_of(m);
    pl_id_table_remove(&rq->owner->ids, &id);
}

static void fail_on_bus(struct pl_pending_request *rq, enum pl_err err)
{
    forget_id(rq);
    fail(rq, err);
}

/* The bus completed the request.  A stored publication counts as published even
 * if the bus failed; otherwise the publisher sends it again, and it is stored
 * twice.  It waits for its turn, because a refusal may overtake earlier
 * publications. */
static void on_bus(struct pl_store_op *op)
{
    struct pl_pending_request *rq = pl_pending_request_of(op);
    struct pl_publish_mail *m = (struct pl_publish_mail *)rq->msg;
    bool has_failed = op->error != PL_OK && !rq->is_ready;

    rq->state = PL_WORK_BEGUN;
    if (m == NULL)
        pl_pending_request_destroy(
            rq); /* deliver() ran already, with the event */
    else if (has_failed && !m->stored)
        fail_on_bus(rq, op->error);
    else if (pl_list_is_linked(&rq->out))
        pl_outbox_ready(rq);
    else
        answer(rq, PL_OK);
}

static void to_bus(struct pl_pending_request *rq)
{
    struct pl_bus *bus = rq->owner->bus;
    struct pl_pub *pub = ((struct pl_publish_mail *)rq->msg)->pub;

    rq->state = PL_WORK_ON_BUS;
    if (!rq->owner->is_immediate) {
        rq->pub = pl_pub_hold(pub);
        pl_order_put(rq, answer);
    }
    pl_pending_request_prepare(rq, pl_pub_channel(pub), pub->hash, on_bus);
    rq->store.bus.kind = PL_BUS_PUBLICATION;
    rq->store.bus.pub = pub;
    rq->store.bus.client = NULL;
    if (bus->ops->publish(bus, &rq->store.bus) == PL_STORE_DONE)
        on_bus(&rq->store.op);
}

/* The result waits for its turn, because the first may still be on the bus. */
static void repeat(struct pl_pending_request *rq)
{
    rq->state = PL_WORK_REPEAT;
    if (rq->owner->is_immediate) {
        answer(rq, PL_OK);
        return;
    }
    pl_order_put(rq, answer);
    pl_outbox_ready(rq);
}

/* The stream has not stored the publication.  Its ids are then those of what it
 * stored; the owner has the others. */
__attribute__((noinline, cold)) static void
on_unstored(struct pl_pending_request *rq)
{
    struct pl_publish_mail *m = (struct pl_publish_mail *)rq->msg;
    bool is_repeat = rq->store.append.outcome != PL_APPEND_SKIPPED;

    if (is_repeat && m->terms->skips_history)
        forget_id(rq);
    if (is_repeat) {
        repeat(rq);
        return;
    }
    m->stored = false;
    memset(m->epoch, 0, sizeof m->epoch);
    to_bus(rq);
}

/* The backend may send it again. */
__attribute__((noinline, cold)) static void
on_append_failed(struct pl_pending_request *rq, enum pl_err err)
{
    const struct pl_publish_mail *m = (struct pl_publish_mail *)rq->msg;

    if (m->terms != NULL && m->terms->skips_history)
        forget_id(rq);
    pl_pending_request_fail(rq, err);
}

static void on_append(struct pl_store_op *op)
{
    struct pl_pending_request *rq = pl_pending_request_of(op);
    struct pl_publish_mail *m = (struct pl_publish_mail *)rq->msg;

    if (op->error != PL_OK) {
        on_append_failed(rq, op->error);
        return;
    }
    m->stored = true;
    memcpy(m->epoch, rq->store.append.epoch, sizeof m->epoch);
    if (rq->store.append.outcome != PL_APPEND_STORED)
        on_unstored(rq);
    else
        to_bus(rq);
}

/* Publications of other owners may wait for this append. */
static void on_late_append(struct pl_store_op *op)
{
    struct pl_channel *ch = pl_pending_request_of(op)->ch;

    ch->users++;
    ch->late->order.answered++;
    on_append(op);
    pl_outbox_flush(ch);
    pl_channel_unpin(ch);
}

static inline __attribute__((always_inline)) void
append(struct pl_pending_request *rq)
{
    struct pl_stream *s = rq->owner->stream;

    if (s->ops->append(s, &rq->store.append) == PL_STORE_DONE)
        on_append(&rq->store.op);
    else
        rq->ch->late->order.asked++; /* no append completes inside its call */
}

/* Publish what has terms, unless the owner knows the id. */
__attribute__((noinline, cold)) static void
begin_with_terms(struct pl_pending_request *rq, bool has_history)
{
    static const struct pl_id_position nowhere;
    const struct pl_publish_mail *m = (struct pl_publish_mail *)rq->msg;
    struct pl_id_table *ids = &rq->owner->ids;
    const struct pl_id id = id_of(m);
    bool is_unstored = !has_history || m->terms->skips_history;
    bool is_known = id.id.len > 0 && pl_id_table_find(ids, &id) != NULL;
    enum pl_err rc = PL_OK;

    if (!is_known && is_unstored && id.id.len > 0)
        rc = pl_id_table_add(ids, &id, &nowhere);
    if (rc != PL_OK)
        pl_pending_request_fail(rq, rc);
    else if (is_known)
        repeat(rq);
    else if (has_history && (!is_unstored || id.id.len > 0))
        append(rq);
    else
        to_bus(rq);
}

/* Its channel has had as many publications as its rules allow. */
__attribute__((noinline, cold)) static void
refuse_for_rate(struct pl_pending_request *rq)
{
    if (rq->owner->options.metrics != NULL)
        pl_count(rq->owner->options.metrics, PL_METRIC_REFUSED_PUBLISH_RATE, 1);
    pl_pending_request_fail(rq, PL_EFULL);
}

static void begin(struct pl_pending_request *rq, struct pl_pub *pub)
{
    struct pl_publish_mail *m = (struct pl_publish_mail *)rq->msg;

    pub->offset = 0;
    memset(pub->epoch, 0, sizeof pub->epoch);
    pub->time_ms = pl_loop_wall_ms(rq->owner->actor.loop);
    struct pl_rules *rules =
        pl_pending_request_rules(rq, pl_pub_channel(pub), pub->hash);
    if (__builtin_expect(rules->publish_rate > 0, 0) &&
        !pl_publish_rate_allows(&rq->owner->publish_rate, rules, pub->hash,
                                pl_loop_now_ms(rq->owner->actor.loop))) {
        refuse_for_rate(rq);
        return;
    }
    if (!pl_rules_have_history(rules)) {
        if (m->terms == NULL)
            to_bus(rq);
        else
            begin_with_terms(rq, false);
        return;
    }
    pl_pending_request_prepare(rq, pl_pub_channel(pub), pub->hash,
                               on_late_append);
    rq->store.append.rules = rules;
    rq->store.append.pub = pub;
    rq->store.append.terms = m->terms;
    rq->store.append.outcome = PL_APPEND_STORED;
    rq->store.append.unused = rq->owner->is_immediate ? &m->unused : NULL;
    if (m->terms != NULL)
        begin_with_terms(rq, true);
    else
        append(rq);
}

/* The memory of a pending publication. */
static uint64_t cost_of(const struct pl_pending_request *rq)
{
    const struct pl_publish_mail *m = (struct pl_publish_mail *)rq->msg;
    uint64_t cost = sizeof *rq + sizeof *m + sizeof *m->pub + m->pub->space;

    for (const struct pl_msg *at = rq->mails; at != NULL; at = at->next)
        cost += sizeof(struct pl_publication_mail);
    return cost;
}

/* Publish in `ch`, which may be NULL. */
static void publish(struct pl_channels *c, struct pl_channel *ch,
                    struct pl_publish_mail *m)
{
    if (ch != NULL && is_backlogged(c, ch)) {
        if (pl_tracer_is_on(c->tracer))
            trace(c, ch, m, PL_ERROR_TOO_MANY_REQUESTS);
        pl_answer_error(c, &m->msg, PL_ERROR_TOO_MANY_REQUESTS);
        return;
    }
    struct pl_pending_request *rq = pl_pending_request_create(c, ch);
    if (rq == NULL) {
        pl_answer_error(c, &m->msg, PL_ERROR_INTERNAL);
        return;
    }
    rq->msg = &m->msg;
    if (ch != NULL && make_mails(rq) != PL_OK) {
        pl_pending_request_fail(rq, PL_ENOMEM);
        return;
    }
    if (!c->is_immediate)
        pl_pending_request_charge(rq, cost_of(rq));
    begin(rq, m->pub);
}

void pl_channels_publish(struct pl_channels *c, struct pl_publish_mail *m)
{
    struct pl_span name = pl_pub_channel(m->pub);

    m->accepted = 0;
    m->stored = m->fan_out = false;
    m->epoch[0] = '\0';
    if (pl_pending_requests_reject(c, &m->msg, 0))
        return;
    if (c->is_immediate) {
        publish(c, pl_channel_find(c, name, m->pub->hash), m);
        return;
    }
    struct pl_channel *ch = pl_channel_pin_named(c, name, m->pub->hash);
    if (ch == NULL) {
        pl_answer_error(c, &m->msg, PL_ERROR_INTERNAL);
        return;
    }
    publish(c, ch, m);
    pl_channel_unpin(ch);
}
