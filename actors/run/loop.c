/* SPDX-License-Identifier: Apache-2.0 */
/* loop.c - see loop.h; mail.c says how mail travels.
 *
 * The cost of a broker is mostly its system calls, so a turn takes all that
 * came since the last and ends with one flush: READY tasks, mail, timers, SEAL
 * tasks, posts, FLUSH tasks, posts of these, reaping.  Work for an earlier part
 * waits for the next turn.  Mail is bounded per visit and per turn; what is
 * left leads the next turn.  Mail also ends once it has caused enough output:
 * after a pause its messages could otherwise fill the out-queue of a fast
 * reader, as nothing is flushed before.
 *
 * Cause precedes effect, also across sockets.  If a client reads what a turn
 * wrote and then acts through another loop, that loop has the posts of that
 * turn already: they are pushed before FLUSH, and what a callback sends is
 * delivered after the inbox (pl_loop_let_in()).  Two loops that a turn posts to
 * still get the posts one after the other.
 *
 * Rejected: emptying the inbox only on wake-up, because a ready socket may hold
 * younger bytes; handling mail in callbacks, because it may free their objects.
 *
 * Invariant: the ledger in mail.c, at the end of each turn. */
#include "loop.h"

#include <stdlib.h>
#include <string.h>

#include "loop_private.h"

#define NO_BOUND (UINT64_MAX / 2) /* adding to it must not wrap */

enum {
    BUDGET_ACTOR = 64,
    BUDGET_TURN = 16384,
    INBOX_LIMIT = 1 << 20,
    CACHE_LINE = 64,
    RECENT_NS = 1000000000, /* the recent lag is a mean over this time */
    HALF_NS = 500000000     /* an idle period of this length halves it */
};

/* --- Tasks: rings, so that each can be cancelled anywhere in them --- */

static void ring_init(struct pl_task *head)
{
    head->next = head->prev = head;
}

static bool ring_is_empty(const struct pl_task *head)
{
    return head->next == head;
}

static void ring_remove(struct pl_task *t)
{
    t->prev->next = t->next;
    t->next->prev = t->prev;
    t->next = t->prev = NULL;
    t->is_queued = false;
}

void pl_loop_defer(struct pl_loop *loop, enum pl_stage stage, struct pl_task *t)
{
    struct pl_task *head = &loop->stages[stage];

    if (t->is_queued)
        return;
    t->is_queued = true;
    t->stage = (uint8_t)stage;
    t->next = head;
    t->prev = head->prev;
    head->prev->next = t;
    head->prev = t;
}

void pl_loop_cancel(struct pl_loop *loop, struct pl_task *t)
{
    (void)loop;
    if (t->is_queued)
        ring_remove(t);
}

/* Run the tasks queued now; tasks that they queue for this stage wait. */
static void run_stage(struct pl_loop *loop, enum pl_stage stage)
{
    struct pl_task *head = &loop->stages[stage], now;

    if (ring_is_empty(head))
        return;
    now.next = head->next;
    now.prev = head->prev;
    now.next->prev = now.prev->next = &now;
    ring_init(head);
    while (!ring_is_empty(&now)) {
        struct pl_task *t = now.next;
        ring_remove(t);
        loop->work++;
        t->run(t);
    }
}

/* --- Mail --- */

static void end_sample(struct pl_loop *loop)
{
    loop->sample = NULL;
    loop->stats.mail_wait_ns =
        loop->clock->monotonic(loop->clock) - loop->sample_ns;
}

/* Deliver up to `most` messages to one actor.  Any of them may make it exit. */
static uint32_t visit(struct pl_loop *loop, struct pl_actor *a, uint32_t most)
{
    uint32_t done = 0;
    struct pl_msg *msg;

    while (done < most && !a->mailbox.is_exited &&
           loop->output < loop->output_bound &&
           (msg = pl_mailbox_pop(&a->mailbox)) != NULL) {
        done++;
        loop->stats.mail_queued--;
        loop->stats.mail_handled++;
        if (msg == loop->sample)
            end_sample(loop);
        if (__builtin_expect(loop->tap != NULL, 0))
            loop->tap(loop->tap_arg, a, msg, NULL);
        a->ops->receive(a, msg);
    }
    return done;
}

static void run_mail(struct pl_loop *loop)
{
    uint32_t left = loop->budget_turn;
    struct pl_actor *a;

    loop->output = loop->mail_work = 0;
    while (left > 0 && loop->output < loop->output_bound &&
           (a = pl_actor_queue_pop(&loop->ready)) != NULL) {
        a->mailbox.is_queued = false;
        if (a->mailbox.is_exited) {
            loop->exited_ready--;
            pl_actor_queue_append(&loop->exited, a);
            continue;
        }
        left -= visit(loop, a,
                      left < loop->budget_actor ? left : loop->budget_actor);
        if (!a->mailbox.is_exited && !a->mailbox.is_queued &&
            a->mailbox.first != NULL) {
            a->mailbox.is_queued = true;
            pl_actor_queue_append(&loop->ready, a);
        }
    }
    loop->work += loop->budget_turn - left;
}

/* --- The turn --- */

/* Read the clocks.  The first reading after a turn is the start of the next
 * turn. */
static void take_time(struct pl_loop *loop)
{
    loop->now_ns = loop->clock->monotonic(loop->clock);
    loop->wall_ms = loop->clock->wall(loop->clock);
    if (!loop->is_fresh)
        atomic_store_explicit(&loop->turn_begun_ns, loop->now_ns,
                              memory_order_relaxed);
    loop->is_fresh = true;
}

static void forget_time(struct pl_loop *loop)
{
    loop->is_fresh = false;
    atomic_store_explicit(&loop->turn_begun_ns, 0, memory_order_relaxed);
}

static void end_sleep(struct pl_loop *loop)
{
    if (!loop->is_asleep)
        return;
    pl_inbox_awake(&loop->inbox);
    loop->is_asleep = false;
}

static void run_timers(struct pl_loop *loop)
{
    if (pl_wheel_next(&loop->wheel, pl_loop_now_ms(loop)) == 0)
        loop->work++;
    pl_wheel_run(&loop->wheel, pl_loop_now_ms(loop));
    loop->stats.timers = loop->wheel.count;
}

/* Halve `recent_ns` for each half second without a turn, almost linearly in
 * between.  The effect of a process stopped for an hour, or of a clock that
 * jumped, is thus forgotten in seconds. */
static uint64_t fade(uint64_t recent_ns, uint64_t rest_ns)
{
    if (rest_ns / HALF_NS >= 64)
        return 0;
    recent_ns >>= rest_ns / HALF_NS;
    return recent_ns - (uint64_t)((double)recent_ns / 2 *
                                  (double)(rest_ns % HALF_NS) / HALF_NS);
}

uint64_t pl_loop_lag_recent_ns(const struct pl_loop *loop)
{
    uint64_t now_ns = loop->now_ns, end_ns = loop->turn_end_ns;

    return fade(loop->stats.lag_recent_ns,
                now_ns > end_ns ? now_ns - end_ns : 0);
}

/* Record a turn that began at `begun_ns` and took `length`. */
static void measure(struct pl_loop *loop, uint64_t begun_ns, uint64_t length)
{
    struct pl_loop_stats *s = &loop->stats;
    double weight = length < RECENT_NS ? (double)length / RECENT_NS : 1;
    double before = (double)fade(
        s->lag_recent_ns,
        begun_ns > loop->turn_end_ns ? begun_ns - loop->turn_end_ns : 0);

    s->lag_ns = length;
    s->lag_recent_ns = (uint64_t)(before + ((double)length - before) * weight);
    if (length > s->turn_ns_max)
        s->turn_ns_max = length;
    loop->turn_end_ns = begun_ns + length;
}

static void end_turn(struct pl_loop *loop, uint64_t begun_ns, bool did_work)
{
    loop->stats.turns++;
    loop->is_let_in = false;
    forget_time(loop);
    pl_loop_publish_queued(loop);
    if (!did_work)
        return;
    measure(loop, begun_ns, loop->clock->monotonic(loop->clock) - begun_ns);
    if (loop->turn_end != NULL)
        loop->turn_end(loop->turn_end_arg);
}

static bool is_busy(struct pl_loop *loop)
{
    return loop->ready.first != NULL || loop->exited.first != NULL ||
           loop->out_dirty_count > 0 ||
           !ring_is_empty(&loop->stages[PL_STAGE_READY]) ||
           !ring_is_empty(&loop->stages[PL_STAGE_SEAL]) ||
           !ring_is_empty(&loop->stages[PL_STAGE_FLUSH]) ||
           !pl_inbox_is_empty(&loop->inbox);
}

bool pl_loop_turn(struct pl_loop *loop)
{
    uint64_t work = loop->work;
    /* A callback of the driver ran before this turn; its work counts too. */
    bool was_fresh = loop->is_fresh;
    uint64_t begun_ns = loop->now_ns;

    end_sleep(loop);
    take_time(loop);
    if (!was_fresh)
        begun_ns = loop->now_ns;
    run_stage(loop, PL_STAGE_READY);
    pl_loop_drain(loop);
    run_mail(loop);
    run_timers(loop);
    run_stage(loop, PL_STAGE_SEAL);
    pl_loop_push_out(loop); /* before any reader outside can see the output */
    run_stage(loop, PL_STAGE_FLUSH);
    pl_loop_push_out(loop);
    pl_actor_reap_all(loop);
    end_turn(loop, begun_ns, was_fresh || loop->work != work);
    return is_busy(loop);
}

bool pl_loop_has_work(const struct pl_loop *loop)
{
    /* This only reads, but C has no const atomic load before C17. */
    return is_busy((struct pl_loop *)loop) || pl_loop_next_timer(loop) == 0;
}

uint64_t pl_loop_timer_due(const struct pl_loop *loop)
{
    return pl_wheel_next(&loop->wheel, 0);
}

uint64_t pl_loop_next_timer(const struct pl_loop *loop)
{
    if (loop->wheel.count == 0)
        return UINT64_MAX;
    uint64_t now_ns = loop->clock->monotonic(loop->clock);
    return pl_wheel_next(&loop->wheel, now_ns / 1000000u);
}

bool pl_loop_sleep(struct pl_loop *loop)
{
    loop->is_asleep = pl_inbox_sleep(&loop->inbox);
    return loop->is_asleep;
}

void pl_loop_awake(struct pl_loop *loop)
{
    end_sleep(loop);
    if (!loop->is_fresh)
        take_time(loop);
}

void pl_loop_retire(struct pl_loop *loop)
{
    end_sleep(loop);
    forget_time(loop);
}

/* --- Accessors --- */

unsigned pl_loop_index(const struct pl_loop *loop)
{
    return loop->index;
}

struct pl_system *pl_loop_system(const struct pl_loop *loop)
{
    return loop->system;
}

uint64_t pl_loop_now_ms(const struct pl_loop *loop)
{
    return loop->now_ns / 1000000u;
}

uint64_t pl_loop_wall_ms(const struct pl_loop *loop)
{
    return loop->wall_ms;
}

struct pl_loop_handle *pl_loop_handle_of(const struct pl_loop *loop)
{
    return loop->handle;
}

struct pl_random *pl_loop_random(struct pl_loop *loop)
{
    return &loop->random;
}

const struct pl_loop_stats *pl_loop_stats(const struct pl_loop *loop)
{
    return &loop->stats;
}

void pl_loop_on_turn_end(struct pl_loop *loop, void (*call)(void *), void *arg)
{
    loop->turn_end = call;
    loop->turn_end_arg = arg;
}

void pl_loop_set_budget(struct pl_loop *loop, unsigned messages_an_actor,
                        unsigned messages_a_turn)
{
    if (messages_an_actor > 0)
        loop->budget_actor = messages_an_actor;
    if (messages_a_turn > 0)
        loop->budget_turn = messages_a_turn;
}

void pl_loop_add_output(struct pl_loop *loop, uint64_t bytes)
{
    loop->output += bytes;
}

/* One comparison per message checks both bounds. */
void pl_loop_add_work(struct pl_loop *loop, uint64_t units)
{
    loop->mail_work += units;
    if (loop->mail_work >= loop->work_bound)
        loop->output = loop->output_bound;
}

void pl_loop_bound_work(struct pl_loop *loop, uint64_t units_a_turn)
{
    loop->work_bound = units_a_turn;
}

void pl_loop_bound_output(struct pl_loop *loop, uint64_t bytes_a_turn)
{
    loop->output_bound = bytes_a_turn;
}

void pl_loop_set_wake(struct pl_loop *loop, void (*wake)(void *), void *arg)
{
    loop->wake = wake;
    loop->wake_arg = arg;
}

/* --- Create and destroy --- */

static void init_random(struct pl_loop *loop, uint64_t seed)
{
    struct pl_random mix;

    if (seed == 0) {
        pl_random_init(&loop->random);
        return;
    }
    /* Each loop gets its own stream, all derived from one seed. */
    pl_random_init_seeded(&mix, seed);
    for (unsigned i = 0; i < loop->index; i++)
        (void)pl_random_u64(&mix);
    pl_random_init_seeded(&loop->random, pl_random_u64(&mix));
}

static void init(struct pl_loop *loop, struct pl_system *s, unsigned index,
                 const struct pl_system_options *options)
{
    memset(loop, 0, sizeof *loop);
    loop->system = s;
    loop->clock = s->clock;
    loop->node = s->node;
    loop->index = (uint16_t)index;
    loop->budget_actor = BUDGET_ACTOR;
    loop->budget_turn = BUDGET_TURN;
    loop->output_bound = loop->work_bound = NO_BOUND;
    loop->slots_used = 1; /* slot 0 is the loop's own and is never used */
    loop->sample_turn = UINT64_MAX;
    for (unsigned i = 0; i < PL_STAGE_COUNT; i++)
        ring_init(&loop->stages[i]);
    pl_inbox_init(&loop->inbox, options->inbox_limit > 0 ? options->inbox_limit
                                                         : INBOX_LIMIT);
    atomic_init(&loop->queued, 0);
    init_random(loop, options->seed);
    atomic_init(&loop->turn_begun_ns, 0);
    take_time(loop);
    forget_time(loop);
    pl_wheel_init(&loop->wheel, pl_loop_now_ms(loop));
}

enum pl_err pl_loop_create(struct pl_loop **out, struct pl_system *s,
                           unsigned index,
                           const struct pl_system_options *options)
{
    struct pl_loop *loop = aligned_alloc(CACHE_LINE, sizeof *loop);

    if (loop == NULL)
        return PL_ENOMEM;
    init(loop, s, index, options);
    loop->out = calloc(s->loop_count, sizeof *loop->out);
    loop->out_dirty = calloc(s->loop_count, sizeof *loop->out_dirty);
    loop->handle = pl_loop_handle_create(s);
    if (loop->out == NULL || loop->out_dirty == NULL || loop->handle == NULL ||
        pl_loop_busy_create(loop) != PL_OK) {
        pl_loop_destroy(loop);
        return PL_ENOMEM;
    }
    *out = loop;
    return PL_OK;
}

static void destroy_list(struct pl_msg *msg)
{
    while (msg != NULL) {
        struct pl_msg *next = msg->next;
        msg->destroy(msg);
        msg = next;
    }
}

void pl_loop_destroy(struct pl_loop *loop)
{
    if (loop == NULL)
        return;
    bool is_whole = loop->out != NULL && loop->out_dirty != NULL;
    for (uint32_t i = 0; is_whole && i < loop->out_dirty_count; i++)
        destroy_list(loop->out[loop->out_dirty[i]].newest);
    destroy_list(pl_inbox_take(&loop->inbox));
    pl_loop_handle_close(loop->handle);
    pl_loop_handle_release(loop->handle);
    pl_snapshot_destroy(loop->busy);
    free(loop->out);
    free(loop->out_dirty);
    free(loop->slots);
    free(loop);
}
