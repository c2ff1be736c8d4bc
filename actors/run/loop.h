/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h - an event loop: the actors of one thread, their inbox and their
 * turns.
 *
 * A turn runs READY tasks, mail and due timers, then SEAL tasks for everything
 * marked dirty, pushes posts to other loops, and flushes once.  A client that
 * reads a flush and then acts through another loop is thus handled there after
 * the posts of that turn.  Work per turn is bounded.  A loop knows no file
 * descriptors and no threads: a reactor (reactor.h) drives it with libevent, a
 * simulation (sim.h) with a seed. */
#ifndef PL_LOOP_H
#define PL_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "actor.h"
#include "clock.h"
#include "dead.h"
#include "random.h"
#include "timer.h"

struct pl_loop;   /* opaque */
struct pl_system; /* system.h */

/* The stage of a turn in which a task runs. */
enum pl_stage {
    PL_STAGE_READY, /* at the start of the next turn, which follows at once */
    PL_STAGE_SEAL,  /* after mail and timers: seal what was gathered */
    PL_STAGE_FLUSH, /* last: pass it to the kernel */
    PL_STAGE_COUNT
};

/* A callback that runs once in a turn, embedded in its owner.  Idle if all zero
 * except `run`. */
struct pl_task {
    struct pl_task *next;
    struct pl_task *prev;
    void (*run)(struct pl_task *t);
    bool is_queued;
    uint8_t stage; /* while queued */
};

/* Queue `t` for `stage` of this turn (READY: of the next), unless it is queued
 * already.  A SEAL task may queue FLUSH tasks; a task for the running stage or
 * an earlier one waits for the next turn, which follows at once.
 * Owner:  the caller; cancel the task before freeing it.
 * Thread: the loop's. */
void pl_loop_defer(struct pl_loop *loop, enum pl_stage stage,
                   struct pl_task *t);

/* Remove `t` from its queue, if it is queued.  Thread: the loop's. */
void pl_loop_cancel(struct pl_loop *loop, struct pl_task *t);

/* The number of the loop in its system.  Thread: any. */
unsigned pl_loop_index(const struct pl_loop *loop);
struct pl_system *pl_loop_system(const struct pl_loop *loop);

/* The time at which this turn began.  Thread: the loop's. */
uint64_t pl_loop_now_ms(const struct pl_loop *loop);  /* monotonic */
uint64_t pl_loop_wall_ms(const struct pl_loop *loop); /* since 1970 */

/* The loop's random numbers.  Thread: the loop's. */
struct pl_random *pl_loop_random(struct pl_loop *loop);

/* Counters since the start, and gauges; written by the loop's thread. */
struct pl_loop_stats {
    uint64_t turns;
    uint64_t mail_enqueued; /* = handled + dead + queued, exactly */
    uint64_t mail_handled;
    uint64_t mail_dead[PL_DEAD_COUNT];
    uint64_t mail_queued;   /* gauge */
    uint64_t mail_deepest;  /* gauge: the largest mailbox since the start */
    uint64_t mail_wait_ns;  /* time in the mailbox of the newest sampled
                               message */
    uint64_t posts_sent;    /* to other loops; sum = sum taken + in transit */
    uint64_t posts_taken;   /* from other loops and threads */
    uint64_t posts_foreign; /* taken from threads without a loop */
    uint64_t wakes;         /* writes that woke another loop */
    uint64_t actors;        /* gauge */
    uint64_t timers;        /* gauge */
    uint64_t turn_ns_max;   /* longest turn since the start */
    uint64_t lag_ns;        /* length of the newest turn that did work,
                               including the driver's callbacks before it */
    uint64_t lag_recent_ns; /* a mean over about a second, at the end of the
                               newest turn */
};

/* Thread: the loop's. */
const struct pl_loop_stats *pl_loop_stats(const struct pl_loop *loop);

/* How long new work must expect to wait: the mean length of turns over about a
 * second, each weighted by its length.  Half an idle second halves it.
 * Thread: the loop's. */
uint64_t pl_loop_lag_recent_ns(const struct pl_loop *loop);

/* Call `call` at the end of each turn that did work, to publish a snapshot.
 * Set it before the loop runs. */
void pl_loop_on_turn_end(struct pl_loop *loop, void (*call)(void *), void *arg);

/* Report that mail caused `bytes` more of output.  Once a turn exceeds its
 * bound, the rest of its mail leads the next turn, so that the output is
 * flushed first.  This limits what one turn queues for a client, so that a
 * normal reader is not taken for a slow one.
 * Thread: the loop's. */
void pl_loop_add_output(struct pl_loop *loop, uint64_t bytes);

/* Set the bound of pl_loop_add_output(); there is none at first.  Each turn
 * handles at least one message.
 * Thread: the loop's, or any before it runs. */
void pl_loop_bound_output(struct pl_loop *loop, uint64_t bytes_a_turn);

/* Report work that the number of messages does not show, such as one message
 * delivered ten thousand times, in units of about 10 ns.  A turn that exceeds
 * its bound ends its mail as above.  Counts only while mail is handled.
 * Thread: the loop's. */
void pl_loop_add_work(struct pl_loop *loop, uint64_t units);
void pl_loop_bound_work(struct pl_loop *loop, uint64_t units_a_turn);

/* Return the monotonic time at which the current turn began, with the driver's
 * callbacks before it; 0 if no turn runs.  The turn of a loop that hangs began
 * long ago.
 * Thread: any. */
uint64_t pl_loop_turn_begun_ns(const struct pl_loop *loop);

/* Bytes of a name that other threads see, with its terminating zero.  A longer
 * name is truncated between two characters of UTF-8. */
enum { PL_LOOP_NAME_SIZE = 64 };

/* Record that application code named `name` runs now, and that it has returned.
 * Reported while a handler blocks.
 * Owner:  the loop copies `name`; "" is no name.
 * Thread: the loop's. */
void pl_loop_enter(struct pl_loop *loop, const char *name);
void pl_loop_leave(struct pl_loop *loop);

/* Return true if application code runs now, with its name and the monotonic
 * time at which it started.  On false both are unchanged.
 * Owner:  the caller has a copy of the name.
 * Thread: any. */
bool pl_loop_busy(const struct pl_loop *loop, char name[PL_LOOP_NAME_SIZE],
                  uint64_t *since_ns);

/* Return the CPU time of the thread that drives the loop, or 0 if none does or
 * the system does not report it.
 * Thread: any. */
uint64_t pl_loop_cpu_ns(const struct pl_loop *loop);

/* For drivers: this thread drives the loop from now on; it no longer does. */
void pl_loop_take_thread(struct pl_loop *loop);
void pl_loop_leave_thread(struct pl_loop *loop);

/* Call `tap` for each message of the loop: with the actor that is about to
 * handle it, or with the reason for which it becomes a dead letter.  NULL: no
 * longer.
 * Thread: the loop's. */
typedef void pl_loop_tap(void *arg, const struct pl_actor *a,
                         const struct pl_msg *msg, const char *dead);
void pl_loop_set_tap(struct pl_loop *loop, pl_loop_tap *tap, void *arg);

/* The number of messages posted to this loop and not handled yet; at most a
 * turn old.  Check it before sending reserved mail, which no queue limit
 * bounds.
 * Thread: any. */
uint64_t pl_loop_backlog(const struct pl_loop *loop);

/* --- For drivers --- */

/* Run one turn.  Return true if the next should follow at once.  Thread: the
 * loop's. */
bool pl_loop_turn(struct pl_loop *loop);

/* Bound the work of one turn; 0 keeps the value set before (at first 64 and
 * 16384). */
void pl_loop_set_budget(struct pl_loop *loop, unsigned messages_an_actor,
                        unsigned messages_a_turn);

/* True if a turn has something to do now.  Thread: the loop's. */
bool pl_loop_has_work(const struct pl_loop *loop);

/* Milliseconds to the next timer; 0: now; UINT64_MAX: never. */
uint64_t pl_loop_next_timer(const struct pl_loop *loop);

/* Prepare to sleep.  True: the inbox is empty, and posts call `wake` from now
 * on.  False: run another turn.  pl_loop_awake() ends the sleep; each callback
 * of the driver calls it first. */
bool pl_loop_sleep(struct pl_loop *loop);
void pl_loop_awake(struct pl_loop *loop);

/* Declare that the driver takes no more turns: posts stop calling `wake`, and
 * another driver may take over the loop.
 * Thread: the loop's, or any after that one has ended. */
void pl_loop_retire(struct pl_loop *loop);

/* Set how to wake a sleeping loop.  Any thread may call `wake`. */
void pl_loop_set_wake(struct pl_loop *loop, void (*wake)(void *), void *arg);

#endif
