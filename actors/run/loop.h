/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h - one thread's share of the actors: its inbox, its turn.
 *
 * A turn: what was left ready, mail, timers due, then everything touched is
 * sealed, posts leave for other loops, and all is flushed once.  So who has
 * read what a flush wrote, and then speaks through another loop, is behind
 * what the turn posted there.  Work a turn is bounded.  The loop itself knows
 * no file descriptor and no thread: a reactor (reactor.h) drives it with
 * libevent, a simulation (sim.h) with a seed. */
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

/* When in the turn a task runs. */
enum pl_stage {
    PL_STAGE_READY, /* at the start of the next turn, which then comes at once
                     */
    PL_STAGE_SEAL,  /* behind mail and timers: close what was gathered */
    PL_STAGE_FLUSH, /* last: hand it to the kernel */
    PL_STAGE_COUNT
};

/* Something to do once in a turn, embedded in its owner.  All zero but for
 * run is idle. */
struct pl_task {
    struct pl_task *next;
    struct pl_task *prev;
    void (*run)(struct pl_task *t);
    bool is_queued;
    uint8_t stage; /* while queued */
};

/* Queue `t` for `stage` of this turn (READY: of the next); nothing happens
 * when it is queued already.  Sealing may queue flushes; what a stage queues
 * for itself or for an earlier one waits for the next turn, which comes at
 * once.
 * Owner:  the caller, who cancels it before freeing it.
 * Thread: the loop's. */
void pl_loop_defer(struct pl_loop *loop, enum pl_stage stage,
                   struct pl_task *t);

/* Not queued afterwards.  Thread: the loop's. */
void pl_loop_cancel(struct pl_loop *loop, struct pl_task *t);

/* Its number in the system.  Thread: any. */
unsigned pl_loop_index(const struct pl_loop *loop);
struct pl_system *pl_loop_system(const struct pl_loop *loop);

/* When this turn began.  Thread: the loop's. */
uint64_t pl_loop_now_ms(const struct pl_loop *loop);  /* monotonic */
uint64_t pl_loop_wall_ms(const struct pl_loop *loop); /* since 1970 */

/* The loop's random numbers.  Thread: the loop's. */
struct pl_random *pl_loop_random(struct pl_loop *loop);

/* Counts since the start, and gauges; owned by the loop's thread. */
struct pl_loop_stats {
    uint64_t turns;
    uint64_t mail_enqueued; /* = handled + dead + queued, exactly */
    uint64_t mail_handled;
    uint64_t mail_dead[PL_DEAD_COUNT];
    uint64_t mail_queued;  /* gauge */
    uint64_t mail_deepest; /* gauge: the deepest mailbox seen since the start */
    uint64_t mail_wait_ns; /* of the newest sampled message: time in mailbox */
    uint64_t posts_sent;   /* to other loops; sum = sum taken + in transit */
    uint64_t posts_taken;  /* from other loops and threads */
    uint64_t posts_foreign; /* taken from threads without a loop */
    uint64_t wakes;         /* writes that woke another loop */
    uint64_t actors;        /* gauge */
    uint64_t timers;        /* gauge */
    uint64_t turn_ns_max;   /* longest turn since the start */
    uint64_t lag_ns;        /* length of the newest turn that did work, with
                               the driver's callbacks before it */
    uint64_t lag_recent_ns; /* a mean over about a second, at its end */
};

/* Thread: the loop's. */
const struct pl_loop_stats *pl_loop_stats(const struct pl_loop *loop);

/* How long what comes now must expect to wait: the length of turns, a mean over
 * about a second in which a long turn weighs as much as it lasted; half a
 * second of rest halves it.  Thread: the loop's. */
uint64_t pl_loop_lag_recent_ns(const struct pl_loop *loop);

/* Called at the end of each turn that did something, for publishing a
 * snapshot.  Set before the loop runs. */
void pl_loop_on_turn_end(struct pl_loop *loop, void (*call)(void *), void *arg);

/* Mail brought this many bytes of output more; once a turn has more than its
 * bound, the rest of its mail leads the next turn, so that what it has is
 * flushed first: nobody is sent in one turn what only several readers' time
 * could take.  Thread: the loop's. */
void pl_loop_add_output(struct pl_loop *loop, uint64_t bytes);

/* That bound; there is none at first.  At least one message is handled a turn.
 * Thread: the loop's, or any before it runs. */
void pl_loop_bound_output(struct pl_loop *loop, uint64_t bytes_a_turn);

/* Mail caused this much work that its number does not show (one message may be
 * delivered ten thousand times), in units of about 10 ns; a turn with more than
 * its bound ends its mail in the same way.  Counts while mail is handled.
 * Thread: the loop's. */
void pl_loop_add_work(struct pl_loop *loop, uint64_t units);
void pl_loop_bound_work(struct pl_loop *loop, uint64_t units_a_turn);

/* Say which foreign code runs now, and that it returned; shown while a
 * handler blocks.  `name` is constant or outlives the call. */
void pl_loop_enter(struct pl_loop *loop, const char *name);
void pl_loop_leave(struct pl_loop *loop);

/* What runs now, and the monotonic time since when; false when nothing does.
 * Thread: any. */
bool pl_loop_busy(const struct pl_loop *loop, const char **name,
                  uint64_t *since_ns);

/* Messages on their way to or waiting on this loop from other loops; at most
 * a turn old.  Reserve space by looking here first.  Thread: any. */
uint64_t pl_loop_backlog(const struct pl_loop *loop);

/* --- For drivers --- */

/* One turn.  True when there is more to do at once.  Thread: the loop's. */
bool pl_loop_turn(struct pl_loop *loop);

/* Bounds of the work of one turn; 0 keeps what is set (64 and 16384). */
void pl_loop_set_budget(struct pl_loop *loop, unsigned messages_an_actor,
                        unsigned messages_a_turn);

/* Whether a turn has something to do now.  Thread: the loop's. */
bool pl_loop_has_work(const struct pl_loop *loop);

/* Milliseconds to the next timer; 0 now; UINT64_MAX never. */
uint64_t pl_loop_next_timer(const struct pl_loop *loop);

/* About to sleep: true when the inbox is empty and posts will call `wake` from
 * now on; false: take another turn.  pl_loop_awake() ends it; every callback of
 * the driver calls it first. */
bool pl_loop_sleep(struct pl_loop *loop);
void pl_loop_awake(struct pl_loop *loop);

/* How a sleeping loop is woken.  `wake` may be called by any thread. */
void pl_loop_set_wake(struct pl_loop *loop, void (*wake)(void *), void *arg);

#endif
