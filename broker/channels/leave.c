/* SPDX-License-Identifier: Apache-2.0 */
/* leave.c - detaches a subscriber.
 *
 * The member is removed at once; then the client is removed from presence, and
 * then the leave is published.  Removing the client must not fail for good,
 * because presence would list it forever: if allocation or the store fails, the
 * detach is kept and retried until the client is removed or has attached
 * again.  If the client attaches again before its leave is published, neither
 * that leave nor the new join is published.
 *
 * While the presence store fails, every detach is kept: once per client and
 * channel, and attaches count the kept ones (pending_request.c).  So there are
 * never more than in_flight_limit plus the members of that moment.  A map finds
 * them by client, because each attach looks there.  RETRIES of them are retried
 * at a time.
 *
 * If the rules say so, the leave is that of the user (joined_users.c), and it
 * is due if no other client of the user is there when it would be published.
 *
 * m->is_untold, once the membership is given back, says whether a leave is due:
 * true, none is. */
#include "leave.h"

#include <assert.h>

#include "attach.h"
#include "channel.h"
#include "channel_requests.h"
#include "channels_private.h"
#include "mail.h"
#include "pending_request.h"

enum { RETRIES = 4096 }; /* per run of the timer */

/* --- Detaches to retry --- */

struct leaving_key {
    struct pl_span channel;
    uint64_t hash;
    const struct pl_client *client;
};

static uint64_t hash_of(const struct leaving_key *k)
{
    uint64_t h = (uintptr_t)k->client ^ k->hash;

    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

static struct pl_detach_mail *mail_of(const struct pl_map_node *n)
{
    return PL_CONTAINER(n, struct pl_detach_mail, node);
}

static bool match(const struct pl_map_node *n, const void *key)
{
    const struct leaving_key *k = key;
    const struct pl_detach_mail *m = mail_of(n);

    return m->client == k->client && m->hash == k->hash &&
           pl_span_equal(pl_blob_span(m->channel), k->channel);
}

static struct pl_detach_mail *find(const struct pl_channel *ch,
                                   const struct pl_client *client)
{
    struct leaving_key key = {pl_blob_span(ch->name), ch->node.hash, client};
    struct pl_map_node *n = pl_map_find(&pl_channel_owner(ch)->leaving.map,
                                        hash_of(&key), match, &key);

    return n == NULL ? NULL : mail_of(n);
}

static void count(struct pl_channels *c, uint64_t by)
{
    if (c->options.metrics != NULL)
        pl_count(c->options.metrics, PL_METRIC_LEAVING, by);
}

static void put(struct pl_channel *ch, struct pl_detach_mail *m)
{
    struct pl_leaving *l = &pl_channel_owner(ch)->leaving;
    struct leaving_key key = {pl_blob_span(ch->name), ch->node.hash, m->client};

    pl_map_add(&l->map, &m->node,
               hash_of(&key)); /* cannot fail: the table has space */
    m->msg.next = NULL;
    if (l->first == NULL)
        l->first = &m->msg;
    else
        l->last->next = &m->msg;
    l->last = &m->msg;
    count(pl_channel_owner(ch), 1);
}

static struct pl_detach_mail *take(struct pl_channels *c)
{
    struct pl_detach_mail *m = (struct pl_detach_mail *)c->leaving.first;

    c->leaving.first = m->msg.next;
    m->msg.next = NULL;
    pl_map_remove(&c->leaving.map, &m->node);
    count(c, UINT64_MAX);
    return m;
}

enum pl_err pl_leaving_init(struct pl_leaving *l)
{
    return pl_map_add(&l->map, &l->placeholder.node, 0);
}

void pl_leaving_fini(struct pl_channels *c)
{
    while (c->leaving.first != NULL)
        pl_mail_destroy(&take(c)->msg);
    pl_map_fini(&c->leaving.map);
}

/* --- A detach --- */

/* Remove the member.  Return false if it was none. */
static bool give_membership(struct pl_channels *c, struct pl_channel *ch,
                            struct pl_detach_mail *m)
{
    unsigned marks;

    if (!pl_client_table_remove(&ch->members, m->client, &marks))
        return false;
    pl_attach_cancel(ch, m->client);
    m->is_untold = (marks & PL_CLIENT_JOINED) == 0;
    m->is_counted = (marks & PL_CLIENT_COUNTED) != 0;
    if (m->is_counted)
        pl_joined_users_leave(&c->joined, ch, m->client);
    assert(m->msg.from.loop < c->loop_count &&
           ch->at_loop[m->msg.from.loop] > 0);
    ch->at_loop[m->msg.from.loop]--;
    if ((m->flags & PL_ATTACH_JOIN_LEAVE) != 0) {
        assert(ch->join_leave_subs > 0);
        ch->join_leave_subs--;
    }
    if (ch->members.count > 0)
        return true;
    pl_channel_note_last(ch);
    c->stream->ops->idle(c->stream, pl_blob_span(ch->name), ch->node.hash);
    return true;
}

/* A client is kept once, however often it detached meanwhile. */
static void merge(struct pl_detach_mail *into, struct pl_detach_mail *m)
{
    if (!m->is_untold)
        into->is_counted = m->is_counted;
    into->is_untold = into->is_untold && m->is_untold;
    if ((m->flags & PL_ATTACH_HIDDEN) == 0)
        into->flags &= (uint16_t)~PL_ATTACH_HIDDEN;
    pl_mail_destroy(&m->msg);
}

/* Keep the detach for a retry, and pin the channel until then. */
static void try_later(struct pl_channel *ch, struct pl_detach_mail *m)
{
    struct pl_detach_mail *other = find(ch, m->client);

    if (other != NULL) {
        merge(other, m);
        return;
    }
    ch->users++;
    put(ch, m);
    pl_channels_try_later(pl_channel_owner(ch));
}

/* Other clients see the client, or its user, as present all the time. */
static void rejoin(struct pl_channel *ch, const struct pl_detach_mail *m)
{
    unsigned marks = PL_CLIENT_JOINED;
    bool is_due;

    if (m->is_counted && pl_joined_users_enter(&pl_channel_owner(ch)->joined,
                                               ch, m->client, &is_due) == PL_OK)
        marks |= PL_CLIENT_COUNTED;
    pl_client_table_mark(&ch->members, m->client, marks);
}

bool pl_leave_cancel(struct pl_channel *ch, const struct pl_client *client)
{
    struct pl_detach_mail *m = find(ch, client);

    if (m == NULL || m->is_untold)
        return false;
    m->is_untold = true;
    rejoin(ch, m);
    return true;
}

/* Return a reference to the client as others see it. */
static struct pl_client *shown_of(const struct pl_detach_mail *m)
{
    return pl_client_hold(m->shown == NULL ? m->client : m->shown);
}

/* Return true if the leave is to be published.  Call this once. */
static bool is_due(struct pl_channel *ch, const struct pl_detach_mail *m)
{
    return !m->is_untold && (!m->is_counted ||
                             pl_joined_users_told_leave(
                                 &pl_channel_owner(ch)->joined, ch, m->client));
}

static void tell(struct pl_pending_request *rq)
{
    struct pl_detach_mail *m = (struct pl_detach_mail *)rq->msg;

    if (m == NULL || !is_due(rq->ch, m)) {
        pl_pending_request_destroy(rq);
        return;
    }
    rq->client = shown_of(m);
    pl_pending_request_publish_event(rq, PL_BUS_LEAVE);
}

static void on_removed(struct pl_store_op *op)
{
    struct pl_pending_request *rq = pl_pending_request_of(op);
    struct pl_detach_mail *m = (struct pl_detach_mail *)rq->msg;

    if (op->error == PL_OK) {
        tell(rq);
        return;
    }
    rq->msg = NULL; /* publish the leave now, retry the removal later */
    if (is_due(rq->ch, m))
        rq->client = shown_of(m);
    m->is_untold = true;
    try_later(rq->ch, m);
    if (rq->client != NULL)
        pl_pending_request_publish_event(rq, PL_BUS_LEAVE);
    else
        pl_pending_request_destroy(rq);
}

/* Remove the client from presence, then publish the leave.  It is removed
 * whatever the rules say: they may have been others when it came. */
static void leave(struct pl_channel *ch, struct pl_detach_mail *m)
{
    struct pl_presence *p = pl_channel_owner(ch)->presence;
    struct pl_pending_request *rq =
        pl_pending_requests_are_full(pl_channel_owner(ch), 0)
            ? NULL
            : pl_pending_request_create(pl_channel_owner(ch), ch);

    if (rq == NULL) {
        try_later(ch, m);
        return;
    }
    rq->msg = &m->msg;
    if ((m->flags & PL_ATTACH_HIDDEN) != 0) {
        tell(rq);
        return;
    }
    pl_pending_request_prepare(rq, pl_blob_span(ch->name), ch->node.hash,
                               on_removed);
    rq->store.change.client = m->client;
    if (p->ops->remove(p, &rq->store.change) == PL_STORE_DONE)
        on_removed(&rq->store.op);
}

static void retry(struct pl_channels *c)
{
    struct pl_detach_mail *m = take(c);
    struct pl_channel *ch =
        pl_channel_find(c, pl_blob_span(m->channel), m->hash);

    assert(ch != NULL);
    if (pl_client_table_has(&ch->members, m->client))
        pl_mail_destroy(&m->msg);
    else
        leave(ch, m);
    pl_channel_unpin(ch);
}

void pl_leave_retry(struct pl_channels *c)
{
    size_t most = pl_leaving_count(&c->leaving);

    if (most > RETRIES)
        most = RETRIES;
    while (most-- > 0 && !pl_pending_requests_are_full(c, 0))
        retry(c);
    if (c->leaving.first != NULL)
        pl_channels_try_later(c);
}

void pl_channels_detach(struct pl_channels *c, struct pl_detach_mail *m)
{
    struct pl_channel *ch =
        pl_channel_find(c, pl_blob_span(m->channel), m->hash);

    if (ch == NULL) {
        pl_mail_destroy(&m->msg);
        return;
    }
    ch->users++;
    if (give_membership(c, ch, m))
        leave(ch, m);
    else
        pl_mail_destroy(&m->msg);
    pl_channel_unpin(ch);
}
