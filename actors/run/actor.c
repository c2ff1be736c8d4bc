/* SPDX-License-Identifier: Apache-2.0 */
/* actor.c - see actor.h.
 *
 * Each loop has a table of slots; an address names a slot and the generation of
 * the actor in it.  When an actor leaves its slot, the generation increases, so
 * an old address differs from the address of the next actor there.  No code
 * holds a pointer to an actor of another loop.  Freed slots are reused last in,
 * first out, because their memory is in the cache.
 *
 * An exit takes effect for all senders at once, but the memory stays until the
 * end of the turn: the actor may exit inside its own receive(), and the run
 * queue may still point to it.
 *
 * Invariant: an actor is in at most one queue of its loop, `ready` or `exited`.
 * A living actor with mail is in `ready` or is being visited. */
#include "actor.h"

#include <assert.h>
#include <stdlib.h>

#include "loop_private.h"

enum { FIRST_SLOTS = 64 };

static bool grow_slots(struct pl_loop *loop)
{
    uint32_t cap = loop->slots_cap > 0 ? loop->slots_cap * 2 : FIRST_SLOTS;

    if (loop->slots_cap > UINT32_MAX / 2)
        return false;
    struct pl_slot *slots = realloc(loop->slots, cap * sizeof *slots);
    if (slots == NULL)
        return false;
    loop->slots = slots;
    loop->slots_cap = cap;
    return true;
}

/* Return a free slot, or 0: out of memory. */
static uint32_t take_slot(struct pl_loop *loop)
{
    uint32_t slot = loop->slots_free;

    if (slot != 0) {
        loop->slots_free = loop->slots[slot].next_free;
        return slot;
    }
    if (loop->slots_used >= loop->slots_cap && !grow_slots(loop))
        return 0;
    slot = loop->slots_used++;
    loop->slots[slot] = (struct pl_slot){.generation = 1};
    return slot;
}

static void give_slot(struct pl_loop *loop, uint32_t slot)
{
    struct pl_slot *s = &loop->slots[slot];

    s->actor = NULL;
    if (++s->generation == 0)
        s->generation = 1; /* 0 means no actor */
    s->next_free = loop->slots_free;
    loop->slots_free = slot;
}

enum pl_err pl_actor_init(struct pl_actor *a, struct pl_loop *loop,
                          const struct pl_actor_ops *ops)
{
    assert(ops->mailbox_limit > 0);
    uint32_t slot = take_slot(loop);

    if (slot == 0)
        return PL_ENOMEM;
    *a = (struct pl_actor){.ops = ops,
                           .loop = loop,
                           .slot = slot,
                           .generation = loop->slots[slot].generation};
    loop->slots[slot].actor = a;
    loop->stats.actors++;
    return PL_OK;
}

struct pl_address pl_actor_address(const struct pl_actor *a)
{
    return (struct pl_address){.node = a->loop->node,
                               .loop = a->loop->index,
                               .slot = a->slot,
                               .generation = a->generation};
}

struct pl_actor *pl_actor_find(struct pl_loop *loop, struct pl_address address)
{
    if (address.node != loop->node || address.loop != loop->index ||
        address.slot == PL_SLOT_LOOP || address.slot >= loop->slots_used)
        return NULL;
    const struct pl_slot *s = &loop->slots[address.slot];
    return s->generation == address.generation ? s->actor : NULL;
}

/* Sending to a loop's own address is refused: the address may come from text
 * that an untrusted peer wrote. */
void pl_actor_send(struct pl_actor *from, struct pl_address to,
                   struct pl_msg *msg)
{
    if (to.slot == PL_SLOT_LOOP)
        to = (struct pl_address){0};
    pl_loop_send(from->loop, pl_actor_address(from), to, msg);
}

/* The message travels to slot 0 with its real slot inside; a caller's own slot
 * 0 is refused as above. */
void pl_actor_send_kind(struct pl_actor *from, struct pl_address to,
                        struct pl_kind_msg *m)
{
    if (to.slot == PL_SLOT_LOOP)
        to = (struct pl_address){0};
    m->slot = to.slot;
    m->msg.flags |= PL_MSG_KIND;
    to.slot = PL_SLOT_LOOP;
    pl_loop_send(from->loop, pl_actor_address(from), to, &m->msg);
}

void pl_actor_carry(struct pl_actor *gateway, struct pl_address from,
                    struct pl_address to, struct pl_msg *msg)
{
    if (from.node == gateway->loop->node || from.slot == PL_SLOT_LOOP)
        from = (struct pl_address){0};
    if (to.slot == PL_SLOT_LOOP)
        to = (struct pl_address){0};
    pl_loop_carry(gateway->loop, from, to, msg);
}

/* The message was counted as handled when the actor received it. */
void pl_actor_refuse(struct pl_actor *a, struct pl_msg *msg)
{
    a->loop->stats.mail_handled--;
    pl_loop_bury(a->loop, msg, PL_DEAD_REFUSED);
}

/* Remove `a` from the address table and append it to `exited`.  If it is in
 * `ready`, it moves when the run queue reaches it, at the latest at the end of
 * the turn. */
static void detach(struct pl_actor *a)
{
    struct pl_loop *loop = a->loop;

    a->mailbox.is_exited = true;
    give_slot(loop, a->slot);
    loop->stats.actors--;
    if (a->mailbox.is_queued)
        loop->exited_ready++;
    else
        pl_actor_queue_append(&loop->exited, a);
}

void pl_actor_exit(struct pl_actor *a, const char *reason)
{
    struct pl_loop *loop = a->loop;
    struct pl_msg *msg;

    if (a->mailbox.is_exited)
        return;
    detach(a);
    while ((msg = pl_mailbox_pop(&a->mailbox)) != NULL) {
        loop->stats.mail_queued--;
        pl_loop_bury(loop, msg, PL_DEAD_CLOSING);
    }
    pl_monitor_tell(a, reason);
}

void pl_actor_queue_append(struct pl_actor_queue *q, struct pl_actor *a)
{
    a->next = NULL;
    if (q->last == NULL)
        q->first = a;
    else
        q->last->next = a;
    q->last = a;
}

struct pl_actor *pl_actor_queue_pop(struct pl_actor_queue *q)
{
    struct pl_actor *a = q->first;

    if (a == NULL)
        return NULL;
    q->first = a->next;
    if (q->first == NULL)
        q->last = NULL;
    a->next = NULL;
    return a;
}

/* Move exited actors that an exhausted budget left in the run queue. */
static void sort_out_exited(struct pl_loop *loop)
{
    struct pl_actor_queue kept = {NULL, NULL};
    struct pl_actor *a;

    while ((a = pl_actor_queue_pop(&loop->ready)) != NULL)
        pl_actor_queue_append(a->mailbox.is_exited ? &loop->exited : &kept, a);
    loop->ready = kept;
    loop->exited_ready = 0;
}

/* reap() may make further actors exit: repeat until none is left. */
void pl_actor_reap_all(struct pl_loop *loop)
{
    struct pl_actor *a;

    do {
        if (loop->exited_ready > 0)
            sort_out_exited(loop);
        while ((a = pl_actor_queue_pop(&loop->exited)) != NULL) {
            loop->work++;
            a->ops->reap(a);
        }
    } while (loop->exited_ready > 0);
}

/* Exit without notifying monitors or returning mail, because their receivers
 * exit too. */
static void end(struct pl_actor *a)
{
    struct pl_loop *loop = a->loop;
    struct pl_msg *msg;

    detach(a);
    while ((msg = pl_mailbox_pop(&a->mailbox)) != NULL) {
        loop->stats.mail_queued--;
        loop->stats.mail_dead[PL_DEAD_CLOSING]++;
        msg->destroy(msg);
    }
    pl_monitor_forget(a);
}

void pl_actor_reap_left(struct pl_loop *loop)
{
    for (uint32_t slot = 1; slot < loop->slots_used; slot++) {
        if (loop->slots[slot].actor != NULL)
            end(loop->slots[slot].actor);
    }
    pl_actor_reap_all(loop);
}

void pl_actor_each(struct pl_loop *loop, const struct pl_actor_ops *ops,
                   void (*visit)(struct pl_actor *a, void *arg), void *arg)
{
    for (uint32_t slot = 1; slot < loop->slots_used; slot++) {
        struct pl_actor *a = loop->slots[slot].actor;

        if (a != NULL && a->ops == ops)
            visit(a, arg);
    }
}

uint32_t pl_actor_each_from(struct pl_loop *loop, uint32_t from, uint32_t slots,
                            const struct pl_actor_ops *ops,
                            bool (*visit)(struct pl_actor *a, void *arg),
                            void *arg)
{
    uint32_t slot = from > PL_SLOT_LOOP ? from : PL_SLOT_LOOP + 1;

    for (uint32_t n = 0; n < slots && slot < loop->slots_used; n++) {
        struct pl_actor *a = loop->slots[slot++].actor;

        if (a != NULL && (ops == NULL || a->ops == ops) && !visit(a, arg))
            break;
    }
    return slot < loop->slots_used ? slot : 0;
}
