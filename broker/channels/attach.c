/* SPDX-License-Identifier: Apache-2.0 */
/* attach.c - attaches a subscriber.
 *
 * The steps: (1) Add the member, so that the loop gets publications from now
 * on.  (2) Add the client to presence and attach the bus, at the same time.
 * (3) Read the position from the stream, and missed publications.  (4) Wait in
 * the outbox, then send the result.  The position is read last, because it is
 * the border in the channel's order: publications submitted before it are
 * included and reach the hub before the result, later ones after the result.
 *
 * A detach may arrive between any steps.  The attach then runs to its end and
 * gets its result, but causes no join. */
#include "attach.h"

#include <assert.h>
#include <stdlib.h>

#include "channel.h"
#include "channel_requests.h"
#include "channels_private.h"
#include "code.h"
#include "mail.h"
#include "pending_request.h"

static struct pl_attach_mail *mail_of(struct pl_pending_request *rq)
{
    return (struct pl_attach_mail *)rq->msg;
}

/* --- Pending attaches, by client ---
 *
 * A map, because each detach looks for its attach, and thousands may be pending
 * while the stores are slow. */

struct attach_key {
    const struct pl_channel *ch;
    const struct pl_client *client;
};

static uint64_t hash_of(const struct attach_key *k)
{
    uint64_t h = (uintptr_t)k->client ^ k->ch->node.hash;

    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

static bool match(const struct pl_map_node *n, const void *key)
{
    const struct attach_key *k = key;
    struct pl_pending_request *rq = PL_CONTAINER(
        (struct pl_map_node *)n, struct pl_pending_request, attaching);

    return rq->ch == k->ch && mail_of(rq)->client == k->client;
}

static enum pl_err enter_map(struct pl_pending_request *rq)
{
    struct attach_key key = {rq->ch, mail_of(rq)->client};
    enum pl_err rc;

    if (rq->owner->is_immediate)
        return PL_OK;
    rc = pl_map_add(&rq->owner->attaching, &rq->attaching, hash_of(&key));
    if (rc == PL_OK)
        rq->state = PL_WORK_ATTACHING;
    return rc;
}

static void leave_map(struct pl_pending_request *rq)
{
    if (rq->state != PL_WORK_ATTACHING)
        return;
    pl_map_remove(&rq->owner->attaching, &rq->attaching);
    rq->state = PL_WORK_BEGUN;
}

void pl_attach_cancel(struct pl_channel *ch, const struct pl_client *client)
{
    struct attach_key key = {ch, client};
    struct pl_map_node *n = pl_map_find(&pl_channel_owner(ch)->attaching,
                                        hash_of(&key), match, &key);

    if (n == NULL)
        return;
    struct pl_pending_request *rq =
        PL_CONTAINER(n, struct pl_pending_request, attaching);
    leave_map(rq); /* the client may attach again meanwhile */
    rq->state = PL_WORK_DETACHED;
}

/* --- The result --- */

/* Return true if the rules of the channel, or the request itself, ask for what
 * `rule` says; `no` and `yes` are the request's flags about it. */
static bool has(const struct pl_pending_request *rq,
                const struct pl_attach_mail *m, uint8_t rule, unsigned no,
                unsigned yes)
{
    if ((m->flags & (PL_ATTACH_HIDDEN | no)) != 0)
        return false;
    return (m->flags & yes) != 0 ||
           (rq->ch->rules->rules->sub.flags & rule) != 0;
}

static bool wants_join(const struct pl_pending_request *rq,
                       const struct pl_attach_mail *m)
{
    return rq->state != PL_WORK_DETACHED && !rq->is_back && m->error == 0 &&
           has(rq, m, PL_RULE_JOIN_LEAVE, PL_ATTACH_UNTOLD, PL_ATTACH_TOLD);
}

static bool is_by_user(const struct pl_pending_request *rq,
                       const struct pl_client *client)
{
    return (rq->ch->rules->rules->sub.flags & PL_RULE_JOINS_BY_USER) != 0 &&
           pl_client_user(client).len > 0;
}

/* Note that the client has joined.  Return true if the join is to be published.
 * Without memory the user is not counted, and neither the join nor the leave is
 * published. */
static bool enter(struct pl_pending_request *rq, const struct pl_client *client)
{
    struct pl_client_table *members = &rq->ch->members;
    bool is_due = true;

    if (!is_by_user(rq, client)) {
        pl_client_table_mark(members, client, PL_CLIENT_JOINED);
    } else if (pl_joined_users_enter(&rq->owner->joined, rq->ch, client,
                                     &is_due) == PL_OK) {
        pl_client_table_mark(members, client,
                             PL_CLIENT_JOINED | PL_CLIENT_COUNTED);
    } else {
        pl_channels_lose_event(rq->owner);
        return false;
    }
    return is_due;
}

/* Its turn in the outbox has come. */
static void answer(struct pl_pending_request *rq, enum pl_err err)
{
    struct pl_attach_mail *m = mail_of(rq);
    bool join = wants_join(rq, m) && enter(rq, m->client);

    (void)err;
    pl_order_begin(rq->ch, m->offset, m->epoch);
    if (join)
        rq->client = pl_client_hold(m->shown == NULL ? m->client : m->shown);
    leave_map(rq);
    rq->msg = NULL;
    pl_mail_answer(&rq->owner->actor, &m->msg);
    if (join)
        pl_pending_request_publish_event(rq, PL_BUS_JOIN);
    else
        pl_pending_request_destroy(rq);
}

static void in_turn(struct pl_pending_request *rq)
{
    pl_order_put(rq, answer);
    pl_outbox_ready(rq);
}

/* --- The position --- */

/* Return the missed publications if they are complete; otherwise free them. */
static void recover(struct pl_attach_mail *m, struct pl_reading *r)
{
    const struct pl_stream_top *top = &r->range.top;
    bool is_epoch = m->epoch[0] == '\0' || strcmp(m->epoch, top->epoch) == 0;

    m->recovered = is_epoch && !r->has_more && m->offset <= top->offset &&
                   r->count == top->offset - m->offset;
    if (m->recovered)
        m->pubs = pl_reading_take(r, &m->pub_count);
    else
        pl_reading_drop(r);
}

static void take_position(struct pl_pending_request *rq,
                          const struct pl_stream_top *top)
{
    struct pl_attach_mail *m = mail_of(rq);

    m->positioned = true;
    m->offset = top->offset;
    memcpy(m->epoch, top->epoch, sizeof m->epoch);
    in_turn(rq);
}

static void on_top(struct pl_store_op *op)
{
    struct pl_pending_request *rq = pl_pending_request_of(op);

    if (op->error != PL_OK)
        pl_pending_request_fail(rq, op->error);
    else
        take_position(rq, &rq->store.top);
}

static void on_missed(struct pl_pending_request *rq, enum pl_err err)
{
    struct pl_attach_mail *m = mail_of(rq);

    if (err != PL_OK) {
        pl_pending_request_fail(rq, err);
        return;
    }
    recover(m, &rq->store.reading);
    if ((m->flags & PL_ATTACH_REJECT) != 0 && !m->recovered)
        m->error = PL_ERROR_UNRECOVERABLE;
    take_position(rq, &rq->store.reading.range.top);
}

static void ask_missed(struct pl_pending_request *rq)
{
    struct pl_reading *r = &rq->store.reading;

    pl_pending_request_prepare(rq, pl_blob_span(rq->ch->name),
                               rq->ch->node.hash, NULL);
    r->done = on_missed;
    r->since = mail_of(rq)->offset;
    r->has_since = true;
    r->range.reverse = false;
    r->limit = UINT32_MAX;
    r->byte_budget = rq->owner->options.recover_bytes;
    pl_reading_begin(rq);
}

static void ask_top(struct pl_pending_request *rq)
{
    struct pl_stream *s = rq->owner->stream;

    pl_pending_request_prepare_top(rq, pl_blob_span(rq->ch->name),
                                   rq->ch->node.hash, on_top);
    if (s->ops->top(s, &rq->store.top) == PL_STORE_DONE)
        on_top(&rq->store.op);
}

static void ask_position(struct pl_pending_request *rq)
{
    struct pl_attach_mail *m = mail_of(rq);

    if (!pl_rules_have_history(rq->ch->rules->rules)) {
        m->epoch[0] = '\0';
        m->offset = 0;
        in_turn(rq);
    } else if ((m->flags & PL_ATTACH_RECOVER) != 0) {
        ask_missed(rq);
    } else {
        ask_top(rq);
    }
}

/* --- The steps before it --- */

static void step(struct pl_pending_request *rq, enum pl_err error)
{
    if (error != PL_OK)
        rq->error = error;
    if (--rq->outstanding > 0)
        return;
    if (rq->error != PL_OK)
        pl_pending_request_fail(rq, rq->error);
    else
        ask_position(rq);
}

static void on_presence(struct pl_store_op *op)
{
    step(pl_pending_request_of(op), op->error);
}

/* Return true if a step is pending. */
static bool ask_presence(struct pl_pending_request *rq, enum pl_err *error)
{
    struct pl_presence *p = rq->owner->presence;
    const struct pl_attach_mail *m = mail_of(rq);

    *error = PL_OK;
    if (!has(rq, m, PL_RULE_PRESENCE, PL_ATTACH_UNLISTED, PL_ATTACH_LISTED))
        return false;
    pl_pending_request_prepare(rq, pl_blob_span(rq->ch->name),
                               rq->ch->node.hash, on_presence);
    rq->store.change.client = m->client;
    rq->store.change.shown = m->shown;
    if (p->ops->add(p, &rq->store.change) == PL_STORE_LATER)
        return true;
    *error = rq->store.op.error;
    return false;
}

static void begin(struct pl_pending_request *rq)
{
    enum pl_err error;

    rq->outstanding = 3; /* presence, the bus, and the end of this function */
    if (!ask_presence(rq, &error))
        step(rq, error);
    if (!pl_channel_join_bus(rq->ch, rq, step, &error))
        step(rq, error);
    step(rq, PL_OK);
}

/* Without history the channels are limited here; with history the stream store
 * limits the streams. */
static bool is_over_limit(const struct pl_channels *c,
                          const struct pl_channel *ch)
{
    return !pl_rules_have_history(ch->rules->rules) &&
           c->options.channel_limit > 0 && ch->members.count == 0 &&
           c->map.count > c->options.channel_limit;
}

/* Without history a channel begins with its first subscriber. */
static bool is_begun_here(const struct pl_channel *ch)
{
    return !pl_rules_have_history(ch->rules->rules) && ch->members.count == 0;
}

static enum pl_err take_membership(struct pl_channels *c, struct pl_channel *ch,
                                   const struct pl_attach_mail *m)
{
    enum pl_err rc;

    if (is_over_limit(c, ch))
        return PL_ELIMIT;
    if (is_begun_here(ch) && !pl_channels_may_begin(c, &m->msg))
        return PL_EFULL;
    rc = pl_client_table_add(&ch->members, m->client);
    if (rc != PL_OK)
        return rc;
    if (ch->members.count == 1)
        pl_channel_note_first(ch);
    ch->at_loop[m->msg.from.loop]++;
    if ((m->flags & PL_ATTACH_JOIN_LEAVE) != 0)
        ch->join_leave_subs++;
    return PL_OK;
}

void pl_channels_attach(struct pl_channels *c, struct pl_attach_mail *m)
{
    assert(m->msg.from.loop < c->loop_count);
    if (pl_pending_requests_reject(c, &m->msg, pl_leaving_count(&c->leaving)))
        return;
    struct pl_channel *ch = pl_channel_pin(c, m->channel, m->hash, m->rules);
    struct pl_pending_request *rq =
        ch == NULL ? NULL : pl_pending_request_create(c, ch);

    m->error = 0;
    m->positioned = m->recovered = false;
    if (rq == NULL) {
        pl_answer_error(c, &m->msg, PL_ERROR_INTERNAL);
    } else {
        enum pl_err rc = take_membership(c, ch, m);

        rq->msg = &m->msg;
        if (rc == PL_OK) {
            rq->is_back = pl_leave_cancel(ch, m->client);
            rc = enter_map(rq);
        }
        if (rc == PL_OK)
            begin(rq);
        else
            pl_pending_request_fail(rq, rc);
    }
    if (ch != NULL)
        pl_channel_unpin(ch);
}
