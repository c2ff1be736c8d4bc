/* SPDX-License-Identifier: Apache-2.0 */
/* loop_private.h - inside of the loop and the system, for the files of
 * actors/run alone. */
#ifndef PL_LOOP_PRIVATE_H
#define PL_LOOP_PRIVATE_H

#include <stdatomic.h>

#include "inbox.h"
#include "line_private.h"
#include "loop.h"
#include "system.h"

/* The slot of the loop itself: mail to it is struct pl_loop_msg, and the loop
 * handles it.  Actors have slots from 1 up. */
enum { PL_SLOT_LOOP = 0 };

/* A request to a loop, not to an actor: start a monitor, start a child.
 * Always set PL_MSG_RESERVED.  It is handled in the moment it is delivered:
 * when it comes from another loop, behind the earlier mail of that sender;
 * on the same loop inside pl_loop_send().  Answers go by mail to msg.from.
 * Only pl_loop_send() reaches slot 0; the public calls take it for nobody. */
struct pl_loop_msg {
    struct pl_msg msg;
    /* Owner: the callee has `m` now.  Thread: the loop's. */
    void (*handle)(struct pl_loop *loop, struct pl_loop_msg *m);
};

struct pl_slot {
    struct pl_actor *actor; /* NULL while free */
    uint32_t generation;    /* of the actor, or of the next one */
    uint32_t next_free;     /* while free; 0 ends the list */
};

/* A queue of actors through their `next`. */
struct pl_actor_queue {
    struct pl_actor *first;
    struct pl_actor *last;
};

struct pl_loop {
    /* Constant once the loop runs. */
    struct pl_system *system;
    const struct pl_clock *clock;
    uint16_t node;
    uint16_t index;
    uint32_t budget_actor; /* messages a visit */
    uint32_t budget_turn;  /* messages a turn */
    uint64_t output_bound; /* bytes a turn */
    uint64_t work_bound;   /* units of mail's work a turn */
    void (*wake)(void *);
    void *wake_arg;
    void (*turn_end)(void *);
    void *turn_end_arg;
    struct pl_line *line; /* held */

    /* The loop's thread: time. */
    uint64_t now_ns;
    uint64_t wall_ms;
    bool is_fresh;  /* the time was taken since the last turn ended */
    bool is_asleep; /* its own view of inbox.sleeping */
    bool is_let_in; /* the inbox was emptied in this turn, or is being */

    /* The loop's thread: actors. */
    struct pl_slot *slots;
    uint32_t slots_cap;
    uint32_t slots_used; /* slots ever given, that of the loop included */
    uint32_t slots_free; /* first of the free list, 0 is none */
    struct pl_actor_queue ready;
    struct pl_actor_queue exited;
    uint32_t exited_ready; /* exited actors still in `ready` */

    /* The loop's thread: the rest of a turn. */
    struct pl_task stages[PL_STAGE_COUNT]; /* heads of rings */
    struct pl_wheel wheel;
    struct pl_random random;
    struct pl_batch *out; /* one for each loop of the system */
    uint16_t *out_dirty;  /* those that are not empty */
    uint32_t out_dirty_count;
    uint64_t output;             /* bytes that this turn's mail brought, or
                                    output_bound when it is to end */
    uint64_t mail_work;          /* units that it has caused */
    uint64_t work;               /* things done since the start */
    uint64_t turn_end_ns;        /* of the newest turn that did some */
    const struct pl_msg *sample; /* the message whose wait is measured */
    uint64_t sample_ns;          /* when it came */
    uint64_t sample_turn;        /* the turn of the last sample */
    struct pl_loop_stats stats;

    /* Any thread. */
    struct pl_inbox inbox;
    atomic_uint_fast64_t queued; /* mail_queued, as of the last turn */
    _Atomic(const char *) busy_name;
    atomic_uint_fast64_t busy_since;
};

struct pl_system {
    const struct pl_clock *clock;
    uint16_t node;
    unsigned loop_count;
    struct pl_loop **loops;
};

/* Errors: PL_ENOMEM.  All loops have their actors reaped before the first is
 * destroyed. */
enum pl_err pl_loop_create(struct pl_loop **out, struct pl_system *s,
                           unsigned index,
                           const struct pl_system_options *options);
void pl_loop_destroy(struct pl_loop *loop);

/* The address of loop number `index` itself, see struct pl_loop_msg. */
struct pl_address pl_system_loop_address(const struct pl_system *s,
                                         unsigned index);

/* Send in the name of `from`, which may be nobody; as pl_actor_send().
 * Thread: the loop's. */
void pl_loop_send(struct pl_loop *loop, struct pl_address from,
                  struct pl_address to, struct pl_msg *msg);

/* Settle one message whose `to` is on this loop: put it into its actor's
 * mailbox, or let the loop handle it, or count it as dead.
 * Owner: the runtime.  Thread: the loop's. */
void pl_loop_deliver(struct pl_loop *loop, struct pl_msg *msg);

/* Count `msg`, which was counted as enqueued, as dead here; return it to its
 * sender or destroy it.  Owner: the runtime.  Thread: the loop's. */
void pl_loop_bury(struct pl_loop *loop, struct pl_msg *msg,
                  enum pl_dead reason);

/* What a returned message says about `reason`. */
enum pl_err pl_dead_status(enum pl_dead reason);

/* When the wheel has work next, in monotonic ms; UINT64_MAX never. */
uint64_t pl_loop_timer_due(const struct pl_loop *loop);

/* Reap the exited actors; the other call, at the end, the living too. */
void pl_actor_reap_all(struct pl_loop *loop);
void pl_actor_reap_left(struct pl_loop *loop);

void pl_actor_queue_append(struct pl_actor_queue *q, struct pl_actor *a);
struct pl_actor *pl_actor_queue_pop(struct pl_actor_queue *q); /* or NULL */

/* Outside of a turn, mail from elsewhere takes its place before what is sent
 * next; see loop.c.  Thread: the loop's, while is_let_in is not set. */
void pl_loop_let_in(struct pl_loop *loop);

/* Push what was sent to other loops.  Thread: the loop's. */
void pl_loop_push_out(struct pl_loop *loop);

/* Where the mail of threads without a loop comes in; see pl_system_post(). */
enum { PL_FROM_FOREIGN = 0xffff }; /* as from.loop, with generation 0 */

/* monitor.c.  Tell all monitors of `gone` why it exited and free them; called
 * once, by pl_actor_exit(), when its address is stale already. */
void pl_monitor_tell(struct pl_actor *gone, const char *reason);

/* monitor.c.  Free the monitors of `a` without telling; the system ends. */
void pl_monitor_forget(struct pl_actor *a);

#endif
