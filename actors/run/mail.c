/* SPDX-License-Identifier: Apache-2.0 */
/* mail.c - the path of a message to a mailbox, or to the dead letters; see
 * loop_private.h.
 *
 * Mail to the same loop goes into the mailbox at once.  Mail to another loop is
 * collected per destination and pushed before the turn's flush, so a turn needs
 * one push and one wake-up per destination (FLUSH tasks that post cause
 * another).  Only the destination's loop decides between accepted, full and
 * stale, because only it can access the mailbox without a lock.  Mail for one
 * kind of actor travels like a request to the loop, to slot 0; its loop then
 * puts it into the mailbox.  So the check costs other mail nothing.
 *
 * Mail to another node enters the mailbox of the gateway, if the system has one
 * and the message may leave.  Its destination stays in `to`, where no local
 * actor has it, so only mail without a local receiver is looked at: the check
 * costs other mail nothing.
 *
 * Rejected: a field for the kind in struct pl_msg, because each delivery would
 * read it; an envelope around mail for the gateway, because it needs memory.
 *
 * Invariant (the ledger): each loop that receives a message counts it as
 * enqueued once, then as exactly one of handled, dead under one reason, or
 * queued.  A returned request is counted again as new mail. */
#include <assert.h>

#include "loop_private.h"

/* --- The inbox --- */

/* Count mail that threads without a loop could not push. */
static void count_lost(struct pl_loop *loop, atomic_uint_fast64_t *lost,
                       enum pl_dead reason)
{
    if (atomic_load_explicit(lost, memory_order_relaxed) == 0)
        return;
    uint64_t count = atomic_exchange(lost, 0);
    loop->stats.mail_enqueued += count;
    loop->stats.mail_dead[reason] += count;
    loop->work += count;
}

static void count_taken(struct pl_loop *loop, struct pl_msg *msg)
{
    loop->stats.posts_taken++;
    if (pl_address_is_none(msg->from) && msg->from.loop == PL_FROM_FOREIGN) {
        msg->from = (struct pl_address){0};
        loop->stats.posts_foreign++;
    }
}

void pl_loop_drain(struct pl_loop *loop)
{
    struct pl_msg *msg = pl_inbox_take(&loop->inbox);
    uint64_t before = loop->stats.posts_taken;

    loop->is_let_in = true; /* nothing may come between messages that arrived
                               together */
    count_lost(loop, &loop->inbox.lost_full, PL_DEAD_FULL);
    count_lost(loop, &loop->inbox.lost_unreachable, PL_DEAD_UNREACHABLE);
    if (msg == NULL)
        return;
    while (msg != NULL) {
        struct pl_msg *next = msg->next;
        msg->next = NULL;
        count_taken(loop, msg);
        pl_loop_deliver(loop, msg);
        msg = next;
    }
    uint64_t taken = loop->stats.posts_taken - before;
    loop->work += taken;
    pl_loop_publish_queued(loop);
    pl_inbox_taken(&loop->inbox, taken);
}

void pl_loop_let_in(struct pl_loop *loop)
{
    if (pl_inbox_is_empty(&loop->inbox))
        return;
    pl_loop_drain(loop);
    loop->is_let_in = false;
}

/* --- Sending --- */

static bool is_here(const struct pl_loop *loop, struct pl_address to)
{
    return to.loop == loop->index && to.node == loop->node;
}

/* True if the gateway gets `msg`.  A struct pl_kind_msg has a pointer. */
static bool is_leaving(const struct pl_system *s, const struct pl_msg *msg)
{
    return msg->to.node != s->node && !pl_address_is_none(msg->to) &&
           !pl_address_is_none(s->gateway) &&
           (msg->flags & (PL_MSG_MAY_LEAVE | PL_MSG_KIND)) == PL_MSG_MAY_LEAVE;
}

static void post(struct pl_loop *loop, uint16_t index, struct pl_msg *msg)
{
    if (loop->out[index].count == 0)
        loop->out_dirty[loop->out_dirty_count++] = index;
    pl_batch_add(&loop->out[index], msg);
}

/* Send mail to another node, or to a loop that does not exist. */
static void send_away(struct pl_loop *loop, struct pl_msg *msg)
{
    uint16_t index = loop->system->gateway.loop;

    if (!is_leaving(loop->system, msg)) {
        loop->stats.mail_enqueued++;
        pl_loop_bury(loop, msg, PL_DEAD_UNREACHABLE);
    } else if (index != loop->index) {
        post(loop, index, msg);
    } else {
        if (!loop->is_let_in)
            pl_loop_let_in(loop);
        pl_loop_deliver(loop, msg);
    }
}

static void route(struct pl_loop *loop, struct pl_msg *msg)
{
    if (is_here(loop, msg->to)) {
        pl_loop_deliver(loop, msg);
    } else if (pl_address_is_none(msg->to)) {
        loop->stats.mail_enqueued++;
        pl_loop_bury(loop, msg, PL_DEAD_STALE);
    } else if (msg->to.node == loop->node &&
               msg->to.loop < loop->system->loop_count) {
        post(loop, msg->to.loop, msg);
    } else {
        send_away(loop, msg);
    }
}

void pl_loop_send(struct pl_loop *loop, struct pl_address from,
                  struct pl_address to, struct pl_msg *msg)
{
    msg->next = NULL;
    msg->from = from;
    msg->to = to;
    msg->returned = false;
    msg->status = PL_OK;
    if (!loop->is_let_in && is_here(loop, to))
        pl_loop_let_in(loop);
    route(loop, msg);
}

void pl_loop_carry(struct pl_loop *loop, struct pl_address from,
                   struct pl_address to, struct pl_msg *msg)
{
    msg->next = NULL;
    msg->from = from;
    msg->to = to;
    if (!loop->is_let_in && is_here(loop, to))
        pl_loop_let_in(loop);
    if (to.node == loop->node || pl_address_is_none(to)) {
        route(loop, msg);
    } else { /* it came from another node, and does not go on to a third */
        loop->stats.mail_enqueued++;
        pl_loop_bury(loop, msg, PL_DEAD_UNREACHABLE);
    }
}

/* Restore the slot that pl_actor_send_kind() replaced by 0. */
static void restore_slot(struct pl_msg *msg)
{
    msg->to.slot = PL_CONTAINER(msg, struct pl_kind_msg, msg)->slot;
    msg->flags &= (uint8_t)~PL_MSG_KIND;
}

/* Send `msg` back, as reserved mail, so that a full mailbox cannot refuse
 * it. */
static void hand_back(struct pl_loop *loop, struct pl_msg *msg,
                      enum pl_dead reason)
{
    if (msg->flags & PL_MSG_KIND)
        restore_slot(msg);
    struct pl_address failed = msg->to;

    msg->next = NULL;
    msg->to = msg->from;
    msg->from = failed;
    msg->flags |= PL_MSG_RESERVED;
    msg->returned = true;
    msg->status = (int16_t)pl_dead_status(reason);
    route(loop, msg);
}

void pl_loop_bury(struct pl_loop *loop, struct pl_msg *msg, enum pl_dead reason)
{
    loop->stats.mail_dead[reason]++;
    loop->work++;
    if (loop->sample == msg)
        loop->sample = NULL;
    if (loop->tap != NULL)
        loop->tap(loop->tap_arg, NULL, msg, pl_dead_text(reason));
    if ((msg->flags & PL_MSG_RETURN) != 0 && !msg->returned &&
        !pl_address_is_none(msg->from))
        hand_back(loop, msg, reason);
    else
        msg->destroy(msg);
}

static void count_queued(struct pl_loop *loop, struct pl_actor *a,
                         const struct pl_msg *msg)
{
    loop->stats.mail_queued++;
    if (a->mailbox.count > loop->stats.mail_deepest)
        loop->stats.mail_deepest = a->mailbox.count;
    if (loop->sample == NULL && loop->sample_turn != loop->stats.turns) {
        loop->sample = msg;
        loop->sample_turn = loop->stats.turns;
        loop->sample_ns = loop->clock->monotonic(loop->clock);
    }
    if (!a->mailbox.is_queued) {
        a->mailbox.is_queued = true;
        pl_actor_queue_append(&loop->ready, a);
    }
}

static void put(struct pl_loop *loop, struct pl_actor *a, struct pl_msg *msg)
{
    if (pl_mailbox_push(&a->mailbox, a->ops->mailbox_limit, msg))
        count_queued(loop, a, msg);
    else
        pl_loop_bury(loop, msg, PL_DEAD_FULL);
}

/* Return the actor of `msg`, or NULL if it is stale or of another kind.  Only
 * the actor's loop may check this. */
static struct pl_actor *find_of_kind(struct pl_loop *loop, struct pl_msg *msg)
{
    restore_slot(msg);
    struct pl_actor *a = pl_actor_find(loop, msg->to);
    if (a == NULL || a->ops != PL_CONTAINER(msg, struct pl_kind_msg, msg)->kind)
        return NULL;
    return a;
}

static void handle_request(struct pl_loop *loop, struct pl_msg *msg)
{
    struct pl_loop_msg *m = PL_CONTAINER(msg, struct pl_loop_msg, msg);

    assert((msg->flags & PL_MSG_RESERVED) != 0 && !msg->returned);
    loop->stats.mail_handled++;
    loop->work++;
    m->handle(loop, m);
}

void pl_loop_deliver(struct pl_loop *loop, struct pl_msg *msg)
{
    struct pl_actor *a;

    loop->stats.mail_enqueued++;
    if (msg->to.slot != PL_SLOT_LOOP || pl_address_is_none(msg->to)) {
        a = pl_actor_find(loop, msg->to);
    } else if (msg->flags & PL_MSG_KIND) {
        a = find_of_kind(loop, msg);
    } else {
        handle_request(loop, msg);
        return;
    }
    if (a == NULL && is_leaving(loop->system, msg))
        a = pl_actor_find(loop, loop->system->gateway);
    if (a == NULL)
        pl_loop_bury(loop, msg, PL_DEAD_STALE);
    else
        put(loop, a, msg); /* the only call, so that it is inlined */
}

static void push_to(struct pl_loop *loop, struct pl_loop *to)
{
    struct pl_batch *b = &loop->out[to->index];
    struct pl_msg *refused;
    uint32_t count = b->count;

    if (pl_inbox_push(&to->inbox, b, &refused)) {
        loop->stats.wakes++;
        to->wake(to->wake_arg);
    }
    while (refused != NULL) {
        struct pl_msg *msg = refused;
        refused = msg->next;
        count--;
        loop->stats.mail_enqueued++;
        pl_loop_bury(loop, msg, PL_DEAD_FULL);
    }
    loop->stats.posts_sent += count;
    loop->work += count;
}

void pl_loop_push_out(struct pl_loop *loop)
{
    while (loop->out_dirty_count > 0) {
        uint16_t index = loop->out_dirty[--loop->out_dirty_count];
        push_to(loop, loop->system->loops[index]);
    }
}

void pl_system_post(struct pl_system *s, struct pl_address to,
                    struct pl_msg *msg)
{
    struct pl_batch b = {0};
    struct pl_msg *refused;

    msg->from = (struct pl_address){.loop = PL_FROM_FOREIGN};
    msg->to = to;
    msg->returned = false;
    msg->status = PL_OK;
    if (to.slot == PL_SLOT_LOOP)
        msg->to.generation = 0; /* see pl_actor_send() */
    unsigned index = is_leaving(s, msg) ? s->gateway.loop : to.loop;
    if ((to.node != s->node && !is_leaving(s, msg)) || index >= s->loop_count) {
        atomic_fetch_add(&s->loops[0]->inbox.lost_unreachable, 1);
        msg->destroy(msg);
        return;
    }
    struct pl_loop *loop = s->loops[index];
    pl_batch_add(&b, msg);
    if (pl_inbox_push(&loop->inbox, &b, &refused))
        loop->wake(loop->wake_arg);
    if (refused != NULL) {
        atomic_fetch_add(&loop->inbox.lost_full, 1);
        refused->destroy(refused);
    }
}
