/* SPDX-License-Identifier: Apache-2.0 */
/* order.c - the order of a channel: its outbox, and publications from several
 * owners.
 *
 * A bus between nodes brings what other owners published.  Such a publication
 * takes its place in the outbox by its offset: it waits for the results of
 * earlier own publications, and later own ones wait for it.  If offsets are
 * missing before it, it waits too for the appends that are pending when it
 * arrives, because one of them may have the missing offset.  It never waits for
 * later appends, so a busy channel cannot delay it forever.
 *
 * The owner keeps the newest offset that the hubs got, and drops what it has
 * seen: a bus may bring a publication twice, and may bring an own one before
 * its append completes.  Another epoch starts anew; hubs treat it as a gap.
 *
 * The outbox keeps a channel's order when stores reply late.  An own
 * publication enters it with its offset and becomes ready with its event or the
 * result of the bus; an attach enters it with its position.  Results are sent
 * from the head while it is ready.  With the memory stores, publications do not
 * use the outbox.
 *
 * Rejected: leaving all this to the hubs.  A hub cannot wait, so it
 * unsubscribes all its clients although the missing publication is in the
 * outbox.
 *
 * A bus that repeats publications names the middle of a long outbox, one entry
 * after the other, so a search begins at the entry that the last one found.
 *
 * Invariant: of one epoch, the offsets in the outbox are in ascending order and
 * greater than `seen`; `found` is an entry of the outbox.  A bus that completes
 * at once has one owner, so it brings no publications of others. */
#include "order.h"

#include "channel.h"
#include "channels_private.h"

#include "hub_mail.h"
#include "mail.h"
#include "pending_request.h"

/* --- What the hubs got --- */

static bool is_of(const struct pl_order *o, const char *epoch)
{
    return memcmp(o->epoch, epoch, sizeof o->epoch) == 0;
}

bool pl_order_has_seen(const struct pl_channel *ch, const struct pl_pub *pub)
{
    return pub->offset != 0 && is_of(&ch->late->order, pub->epoch) &&
           pub->offset <= ch->late->order.seen;
}

static void see(struct pl_order *o, uint64_t offset, const char *epoch)
{
    o->seen = offset;
    memcpy(o->epoch, epoch, sizeof o->epoch);
}

bool pl_order_pass(struct pl_channel *ch, const struct pl_pub *pub)
{
    if (pl_order_has_seen(ch, pub))
        return false;
    if (pub->offset != 0)
        see(&ch->late->order, pub->offset, pub->epoch);
    return true;
}

void pl_order_begin(struct pl_channel *ch, uint64_t offset, const char *epoch)
{
    if (ch->late != NULL && ch->late->order.epoch[0] == '\0' &&
        epoch[0] != '\0')
        see(&ch->late->order, offset, epoch);
}

/* --- Places in the outbox --- */

static struct pl_pending_request *work_at(struct pl_list *at)
{
    return PL_CONTAINER(at, struct pl_pending_request, out);
}

static bool is_one_epoch(const struct pl_place *a, const struct pl_place *b)
{
    return a->offset != 0 && b->offset != 0 &&
           memcmp(a->epoch, b->epoch, sizeof((struct pl_pub *)0)->epoch) == 0;
}

/* Only publications of other owners can be ahead of their turn. */
void pl_order_put(struct pl_pending_request *rq, pl_pending_request_step *go_on)
{
    struct pl_list *outbox = &rq->ch->outbox, *after = outbox;
    struct pl_place mine = pl_pending_request_place(rq);

    while (after->prev != outbox && work_at(after->prev)->msg == NULL) {
        struct pl_place other = pl_pending_request_place(work_at(after->prev));

        if (!is_one_epoch(&mine, &other) || other.offset <= mine.offset)
            break;
        after = after->prev;
    }
    rq->go_on = go_on;
    pl_list_append(after, &rq->out); /* before `after` */
}

/* How `at` is to `mine`: before it (< 0), not before it (> 0), or of another
 * epoch or without an offset (0). */
static int compare(struct pl_list *at, const struct pl_place *mine)
{
    struct pl_place other = pl_pending_request_place(work_at(at));

    if (!is_one_epoch(mine, &other))
        return 0;
    return other.offset < mine->offset ? -1 : 1;
}

/* The first entry from `at` on that is not before `mine`. */
static struct pl_list *find_forwards(struct pl_list *outbox, struct pl_list *at,
                                     const struct pl_place *mine)
{
    while (at != outbox && compare(at, mine) <= 0)
        at = at->next;
    return at;
}

/* The same up to `at`, which is not before `mine`. */
static struct pl_list *find_backwards(struct pl_list *outbox,
                                      struct pl_list *at,
                                      const struct pl_place *mine)
{
    struct pl_list *first = at;
    int is;

    for (at = at->prev; at != outbox && (is = compare(at, mine)) >= 0;
         at = at->prev)
        if (is > 0)
            first = at;
    return first;
}

/* Return the first entry that belongs after `pub` or is `pub` itself; the
 * outbox if there is none.  A bus brings publications in order, so the entry is
 * at the end, or near the one that was found last. */
static struct pl_list *find_place(struct pl_channel *ch,
                                  const struct pl_pub *pub)
{
    struct pl_list *outbox = &ch->outbox, *found = ch->late->order.found;
    struct pl_place mine = {pub->offset, pub->epoch};

    if (pub->offset == 0 || pl_list_is_empty(outbox) ||
        compare(outbox->prev, &mine) < 0)
        return outbox;
    int is = found == NULL ? 0 : compare(found, &mine);
    if (is > 0)
        found = find_backwards(outbox, found, &mine);
    else
        found = find_forwards(outbox, is < 0 ? found : outbox->next, &mine);
    if (found != outbox)
        ch->late->order.found = found;
    return found;
}

void pl_outbox_remove(struct pl_pending_request *rq)
{
    if (rq->ch != NULL && rq->ch->late != NULL &&
        rq->ch->late->order.found == &rq->out)
        rq->ch->late->order.found = NULL;
    pl_list_remove(&rq->out);
}

/* --- The outbox --- */

static bool is_after_hole(const struct pl_channel *ch, const struct pl_pub *pub)
{
    return pub->offset != 0 && is_of(&ch->late->order, pub->epoch) &&
           pub->offset > ch->late->order.seen + 1;
}

static bool waits(const struct pl_pending_request *rq)
{
    return rq->msg == NULL && is_after_hole(rq->ch, rq->pub) &&
           (int32_t)(rq->ch->late->order.answered - rq->awaits) < 0;
}

void pl_outbox_flush(struct pl_channel *ch)
{
    ch->users++; /* the last request may free the channel */
    while (!pl_list_is_empty(&ch->outbox)) {
        struct pl_pending_request *rq =
            PL_CONTAINER(ch->outbox.next, struct pl_pending_request, out);

        if (!rq->is_ready || waits(rq))
            break;
        pl_outbox_remove(rq);
        rq->go_on(rq, PL_OK);
    }
    pl_channel_unpin(ch);
}

void pl_outbox_ready(struct pl_pending_request *rq)
{
    rq->is_ready = true;
    if (rq->ch->outbox.next == &rq->out)
        pl_outbox_flush(rq->ch);
}

void pl_outbox_fail(struct pl_pending_request *rq, enum pl_err err)
{
    struct pl_channel *ch = rq->ch;

    ch->users++;
    pl_pending_request_fail(rq, err);
    pl_outbox_flush(ch);
    pl_channel_unpin(ch);
}

/* --- Gaps --- */

/* Return false if allocation fails. */
static bool tell_gap(struct pl_channel *ch, unsigned loop)
{
    struct pl_gap_mail *m = pl_gap_mail_create();

    if (m == NULL)
        return false;
    m->channel = pl_blob_hold(ch->name);
    m->hash = ch->node.hash;
    pl_actor_send(&pl_channel_owner(ch)->actor,
                  pl_channel_owner(ch)->hubs[loop], &m->msg);
    return true;
}

/* A gap must not be lost, because that loses publications silently; a gap
 * reported twice costs a recovery. */
void pl_order_tell_gaps(struct pl_channel *ch)
{
    struct pl_channels *c = pl_channel_owner(ch);

    ch->gap_is_due = false;
    for (unsigned l = 0; l < c->loop_count; l++)
        if (ch->at_loop[l] > 0 && !tell_gap(ch, l))
            ch->gap_is_due = true;
    if (!ch->gap_is_due)
        return;
    c->gaps_are_due = true;
    pl_channels_try_later(c);
}

static void retry_gap(struct pl_map_node *n, void *arg)
{
    struct pl_channel *ch = (struct pl_channel *)n;

    (void)arg;
    if (ch->gap_is_due)
        pl_order_tell_gaps(ch);
}

void pl_order_retry_gaps(struct pl_channels *c)
{
    if (!c->gaps_are_due)
        return;
    c->gaps_are_due = false;
    pl_map_each(&c->map, retry_gap, NULL);
}

/* --- Publications of other owners --- */

static void relay_to(struct pl_channels *c, unsigned loop, struct pl_pub *pub)
{
    struct pl_publication_mail *p = pl_publication_mail_create();

    if (p == NULL) { /* with history the hub detects a gap in the offsets */
        pl_channels_lose_event(c);
        return;
    }
    p->pub = pl_pub_hold(pub);
    pl_actor_send(&c->actor, c->hubs[loop], &p->msg);
}

static void relay(struct pl_channel *ch, struct pl_pub *pub)
{
    struct pl_channels *c = pl_channel_owner(ch);

    if (!pl_order_pass(ch, pub))
        return;
    for (unsigned l = 0; l < c->loop_count; l++)
        if (ch->at_loop[l] > 0)
            relay_to(c, l, pub);
}

/* Send a publication that has reached its turn. */
static void answer(struct pl_pending_request *rq, enum pl_err err)
{
    (void)err;
    relay(rq->ch, rq->pub);
    pl_pending_request_destroy(rq);
}

static void keep(struct pl_channel *ch, struct pl_pub *pub, struct pl_list *at)
{
    struct pl_channels *c = pl_channel_owner(ch);
    struct pl_pending_request *rq = pl_pending_requests_are_full(c, 0)
                                        ? NULL
                                        : pl_pending_request_create(c, ch);

    if (rq == NULL) {
        pl_channels_lose_event(c);
        pl_order_tell_gaps(ch);
        return;
    }
    rq->pub = pl_pub_hold(pub);
    rq->go_on = answer;
    rq->is_ready = true;
    rq->awaits = ch->late->order.asked;
    pl_pending_request_charge(rq, sizeof *rq + sizeof *pub + pub->space);
    pl_list_append(at, &rq->out);
}

static void bring(struct pl_channel *ch, struct pl_pub *pub)
{
    struct pl_list *at = find_place(ch, pub);
    struct pl_place mine = {pub->offset, pub->epoch}, other;
    bool may_wait = is_after_hole(ch, pub) &&
                    ch->late->order.asked != ch->late->order.answered;

    if (at != &ch->outbox) {
        struct pl_pending_request *rq = work_at(at);

        other = pl_pending_request_place(rq);
        if (pl_pending_request_pub(rq) != NULL && is_one_epoch(&mine, &other) &&
            other.offset == mine.offset) {
            pl_outbox_ready(rq); /* an own one, or again */
            return;
        }
    }
    if (at == ch->outbox.next && !may_wait)
        relay(ch, pub);
    else
        keep(ch, pub, at);
    pl_outbox_flush(ch);
}

void pl_order_bring(struct pl_channels *c, struct pl_pub *pub)
{
    struct pl_channel *ch = pl_channel_find(c, pl_pub_channel(pub), pub->hash);

    if (ch == NULL)
        return;
    if (pl_order_has_seen(ch, pub)) {
        if (c->options.metrics != NULL)
            pl_count(c->options.metrics, PL_METRIC_PUBLICATIONS_REPEATED, 1);
        return;
    }
    ch->users++; /* what it lets pass may free the channel */
    bring(ch, pub);
    pl_channel_unpin(ch);
}
