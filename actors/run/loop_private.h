/* SPDX-License-Identifier: Apache-2.0 */
/* loop_private.h - the structs of the loop and the system.  Private to
 * actors/run. */
#ifndef PL_LOOP_PRIVATE_H
#define PL_LOOP_PRIVATE_H

#include <stdatomic.h>

#include "inbox.h"
#include "loop_handle_private.h"
#include "loop.h"
#include "snapshot.h"
#include "system.h"

/* The slot of the loop itself, which handles mail to it: struct pl_loop_msg, or
 * with PL_MSG_KIND struct pl_kind_msg.  Actors have slots from 1 up. */
enum { PL_SLOT_LOOP = 0 };

/* A request to a loop, not to an actor: start or end a monitor.  Always set
 * PL_MSG_RESERVED.  The loop handles it on delivery: from another loop,
 * after delivering the sender's earlier mail; from the same loop, inside
 * pl_loop_send().  Replies go by mail to msg.from.  Only pl_loop_send() reaches
 * slot 0; the public calls treat it as no actor. */
struct pl_loop_msg {
    struct pl_msg msg;
    /* Owner:  the callee owns `m`.
     * Thread: the loop's. */
    void (*handle)(struct pl_loop *loop, struct pl_loop_msg *m);
};

struct pl_slot {
    struct pl_actor *actor; /* NULL while free */
    uint32_t generation;    /* of the actor, or of the next one */
    uint32_t next_free;     /* while free; 0 ends the list */
};

/* A queue of actors, linked by their `next`. */
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
    uint32_t budget_actor; /* messages per visit */
    uint32_t budget_turn;  /* messages per turn */
    uint64_t output_bound; /* bytes per turn */
    uint64_t work_bound;   /* units of work of mail per turn */
    void (*wake)(void *);
    void *wake_arg;
    void (*turn_end)(void *);
    void *turn_end_arg;
    pl_loop_tap *tap; /* NULL: nothing is tapped */
    void *tap_arg;
    struct pl_loop_handle *handle; /* reference */

    /* The loop's thread: time. */
    uint64_t now_ns;
    uint64_t wall_ms;
    bool is_fresh;  /* the time was read since the last turn ended */
    bool is_asleep; /* the loop's own copy of inbox.sleeping */
    bool is_let_in; /* this turn has emptied the inbox, or is emptying it */

    /* The loop's thread: actors. */
    struct pl_slot *slots;
    uint32_t slots_cap;
    uint32_t slots_used; /* slots ever used, with that of the loop */
    uint32_t slots_free; /* first of the free list; 0: none */
    struct pl_actor_queue ready;
    struct pl_actor_queue exited;
    uint32_t exited_ready; /* exited actors still in `ready` */

    /* The loop's thread: the rest of a turn. */
    struct pl_task stages[PL_STAGE_COUNT]; /* heads of rings */
    struct pl_wheel wheel;
    struct pl_random random;
    struct pl_batch *out; /* one per loop of the system */
    uint16_t *out_dirty;  /* indexes of those that are not empty */
    uint32_t out_dirty_count;
    uint64_t output;             /* bytes caused by mail of this turn, or
                                    output_bound to end its mail */
    uint64_t mail_work;          /* units caused by mail of this turn */
    uint64_t work;               /* actions since the start */
    uint64_t turn_end_ns;        /* of the newest turn that did work */
    const struct pl_msg *sample; /* its wait is measured */
    uint64_t sample_ns;          /* when it arrived */
    uint64_t sample_turn;        /* the turn of the last sample */
    struct pl_loop_stats stats;

    /* Any thread. */
    struct pl_inbox inbox;
    atomic_uint_fast64_t queued;        /* mail_queued as of the last turn */
    atomic_uint_fast64_t turn_begun_ns; /* while is_fresh, otherwise 0 */
    struct pl_snapshot *busy;           /* owned; see loop_seen.c */
    atomic_int cpu_clock;               /* of the thread; 0: none */
};

struct pl_system {
    const struct pl_clock *clock;
    uint16_t node;
    struct pl_address gateway; /* for mail to other nodes; none: no gateway */
    unsigned loop_count;
    struct pl_loop **loops;
};

/* Errors: PL_ENOMEM.  Before the first loop is destroyed, the actors of all
 *         loops must be reaped. */
enum pl_err pl_loop_create(struct pl_loop **out, struct pl_system *s,
                           unsigned index,
                           const struct pl_system_options *options);
void pl_loop_destroy(struct pl_loop *loop);

/* loop_seen.c: create loop->busy, which pl_loop_destroy() frees.
 * Errors: PL_ENOMEM. */
enum pl_err pl_loop_busy_create(struct pl_loop *loop);

/* Like pl_actor_send(); `from` may be no actor.
 * Thread: the loop's. */
void pl_loop_send(struct pl_loop *loop, struct pl_address from,
                  struct pl_address to, struct pl_msg *msg);

/* Send `msg` with its `returned` and `status`; see pl_actor_carry().
 * Thread: the loop's. */
void pl_loop_carry(struct pl_loop *loop, struct pl_address from,
                   struct pl_address to, struct pl_msg *msg);

/* Deliver one message to this loop: put it into its actor's mailbox, handle it
 * as a request to the loop, or dead-letter it.
 * Owner:  the runtime.
 * Thread: the loop's. */
void pl_loop_deliver(struct pl_loop *loop, struct pl_msg *msg);

/* Dead-letter `msg`, which was counted as enqueued: count it, then return it to
 * its sender or destroy it.
 * Owner:  the runtime.
 * Thread: the loop's. */
void pl_loop_bury(struct pl_loop *loop, struct pl_msg *msg,
                  enum pl_dead reason);

/* The status of a message returned because of `reason`. */
enum pl_err pl_dead_status(enum pl_dead reason);

/* The next time at which the wheel has work, in monotonic ms; UINT64_MAX:
 * never. */
uint64_t pl_loop_timer_due(const struct pl_loop *loop);

/* Reap the exited actors.  pl_actor_reap_left() makes the living exit first. */
void pl_actor_reap_all(struct pl_loop *loop);
void pl_actor_reap_left(struct pl_loop *loop);

void pl_actor_queue_append(struct pl_actor_queue *q, struct pl_actor *a);
struct pl_actor *pl_actor_queue_pop(struct pl_actor_queue *q); /* or NULL */

/* Deliver the inbox, so that mail from elsewhere precedes what is sent next;
 * see loop.c.  is_let_in stays false.
 * Thread: the loop's, while is_let_in is false. */
void pl_loop_let_in(struct pl_loop *loop);

/* Deliver the inbox, and set is_let_in.  Thread: the loop's. */
void pl_loop_drain(struct pl_loop *loop);

/* For readers elsewhere, mail moves from the inbox's count to this one.
 * Publishing in this order lets them count a message twice, but never miss
 * it. */
static inline void pl_loop_publish_queued(struct pl_loop *loop)
{
    atomic_store_explicit(&loop->queued, loop->stats.mail_queued,
                          memory_order_release);
}

/* Push the posts to other loops.  Thread: the loop's. */
void pl_loop_push_out(struct pl_loop *loop);

/* How count_taken() recognises mail of threads without a loop; see
 * pl_system_post(). */
enum { PL_FROM_FOREIGN = 0xffff }; /* in from.loop, with generation 0 */

/* monitor.c: report the exit of `gone` to all its monitors and free them.
 * pl_actor_exit() calls it once, when the address is stale already. */
void pl_monitor_tell(struct pl_actor *gone, const char *reason);

/* monitor.c: free the monitors of `a` without reporting, because the system
 * ends. */
void pl_monitor_forget(struct pl_actor *a);

#endif
