/* SPDX-License-Identifier: Apache-2.0 */
/* leave.c - detaches a subscriber.
 *
 * The member is removed at once; then the client is removed from presence, and
 * then the leave is published.  Removing the client must not fail for good,
 * because presence would list it forever: if allocation or the store fails, the
 * detach is kept and retried until the client is removed or has attached again.
 * If the client attaches again before its leave is published, neither that
 * leave nor the new join is published.
 *
 * Once the member is removed, m->is_untold means that no leave is due. */
#include "channels_private.h"

#include <assert.h>

/* Prevent the join of a pending attach of `client`, if there is one. */
static void cancel_attach(struct pl_channel *ch, const struct pl_client *client)
{
    struct pl_list *at;

    for (at = ch->attaching.prev; at != &ch->attaching; at = at->prev) {
        struct pl_work *w = PL_CONTAINER(at, struct pl_work, attaching);

        if (((struct pl_attach_mail *)w->msg)->client == client) {
            w->is_detached = true;
            return;
        }
    }
}

/* Remove the member.  Return false if it was none. */
static bool give_membership(struct pl_channels *c, struct pl_channel *ch,
                            struct pl_detach_mail *m)
{
    bool has_joined;

    if (!pl_client_table_remove(&ch->members, m->client, &has_joined))
        return false;
    cancel_attach(ch, m->client);
    m->is_untold = !has_joined || !c->options.join_leave ||
                   (m->flags & PL_ATTACH_HIDDEN) != 0;
    assert(m->msg.from.loop < c->loop_count &&
           ch->at_loop[m->msg.from.loop] > 0);
    ch->at_loop[m->msg.from.loop]--;
    if ((m->flags & PL_ATTACH_JOIN_LEAVE) != 0) {
        assert(ch->takers > 0);
        ch->takers--;
    }
    if (ch->members.count > 0)
        return true;
    if (c->options.metrics != NULL)
        pl_gauge_drop(c->options.metrics, PL_METRIC_CHANNELS, 1);
    if (c->stream != NULL)
        c->stream->ops->idle(c->stream, pl_blob_span(ch->name), ch->node.hash);
    return true;
}

/* Keep the detach for a retry, and pin the channel until then. */
static void try_later(struct pl_channel *ch, struct pl_detach_mail *m)
{
    struct pl_channels *c = ch->owner;

    ch->users++;
    m->msg.next = c->leaving;
    c->leaving = &m->msg;
    pl_channels_try_later(c);
}

bool pl_leave_cancel(struct pl_channel *ch, const struct pl_client *client)
{
    struct pl_msg *at;

    for (at = ch->owner->leaving; at != NULL; at = at->next) {
        struct pl_detach_mail *m = (struct pl_detach_mail *)at;

        if (m->client == client && m->hash == ch->node.hash && !m->is_untold &&
            pl_span_equal(pl_blob_span(m->channel), pl_blob_span(ch->name))) {
            m->is_untold = true;
            return true;
        }
    }
    return false;
}

static void tell(struct pl_work *w)
{
    struct pl_detach_mail *m = (struct pl_detach_mail *)w->msg;

    if (m == NULL || m->is_untold) {
        pl_work_destroy(w);
        return;
    }
    w->client = pl_client_hold(m->client);
    pl_work_tell(w, PL_BUS_LEAVE);
}

static void on_removed(struct pl_store_op *op)
{
    struct pl_work *w = pl_work_of(op);
    struct pl_detach_mail *m = (struct pl_detach_mail *)w->msg;

    if (op->error == PL_OK) {
        tell(w);
        return;
    }
    w->msg = NULL; /* publish the leave now, retry the removal later */
    if (!m->is_untold)
        w->client = pl_client_hold(m->client);
    m->is_untold = true;
    try_later(w->ch, m);
    if (w->client != NULL)
        pl_work_tell(w, PL_BUS_LEAVE);
    else
        pl_work_destroy(w);
}

/* Remove the client from presence, then publish the leave. */
static void leave(struct pl_channel *ch, struct pl_detach_mail *m)
{
    struct pl_presence *p = ch->owner->presence;
    struct pl_work *w = pl_work_create(ch->owner, ch);

    if (w == NULL) {
        try_later(ch, m);
        return;
    }
    w->msg = &m->msg;
    if (p == NULL || (m->flags & PL_ATTACH_HIDDEN) != 0) {
        tell(w);
        return;
    }
    pl_work_prepare(w, pl_blob_span(ch->name), ch->node.hash, on_removed);
    w->store.change.client = m->client;
    if (p->ops->remove(p, &w->store.change) == PL_STORE_DONE)
        on_removed(&w->store.op);
}

void pl_leave_retry(struct pl_channels *c)
{
    struct pl_msg *at = c->leaving;

    c->leaving = NULL;
    while (at != NULL) {
        struct pl_detach_mail *m = (struct pl_detach_mail *)at;
        struct pl_channel *ch =
            pl_channel_find(c, pl_blob_span(m->channel), m->hash);

        at = at->next;
        m->msg.next = NULL;
        assert(ch != NULL);
        if (pl_client_table_has(&ch->members, m->client))
            pl_mail_destroy(&m->msg);
        else
            leave(ch, m);
        pl_channel_unpin(ch);
    }
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
