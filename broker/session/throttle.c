/* SPDX-License-Identifier: Apache-2.0 */
/* throttle.c - commands that wait: for limits.commands_per_second, or for a
 * turn of the loop that has time for them.
 *
 * A connection has a burst of commands to spend, which fills up again at the
 * configured rate; it is a token bucket of one number (bucket.h).  The loop
 * stops reading a connection that has spent its burst.  The rest of a message
 * with many commands is kept (kept.c) and runs when the timer fires.  TCP makes
 * the client wait.
 *
 * The same applies to a visit that has used its budget (budget.h): 64 KiB of
 * commands, or 4 KiB that inflate to 4 MiB, continue in later turns.  These
 * sessions are in one queue, which is served from its front.
 *
 * A pong costs nothing, since the broker requested it, but it waits after the
 * commands that the client sent before it.  So while commands wait, pings
 * continue (SDKs close a connection without pings), and a missing pong closes a
 * connection only if it was not throttled since the previous ping.
 *
 * Rejected: reading on and letting the burst go below zero.  One message may
 * have thousands of commands, and one turn may bring as many.  Rejected: waking
 * for each single command.
 *
 * Invariant: a session has at most one of the holds RATE and CARRY.  With CARRY
 * the session is in manager->carried; with RATE it continues at due_ms.  At
 * most one message is kept; after a login, the messages that waited for it. */
#include "throttle.h"

#include <stdlib.h>

#include "bucket.h"
#include "ending.h"
#include "session_manager_private.h"
#include "kept.h"
#include "session_private.h"

enum { NS_PER_MS = 1000000, WAKES_PER_SECOND = 10 };

struct pl_throttle {
    uint64_t full_ns;       /* loop time: when the burst is full again */
    uint64_t due_ms;        /* loop time: when to continue */
    struct pl_list carried; /* in manager->carried */
    struct pl_session *session;
    struct pl_kept kept;
};

struct pl_kept *pl_throttle_kept(struct pl_throttle *p)
{
    return &p->kept;
}

void pl_throttle_init(struct pl_session_manager *k)
{
    uint32_t rate = k->options.config->limits.commands_per_second;
    uint64_t burst = k->options.config->limits.commands_burst;

    if (rate == 0)
        return;
    k->command_ns = (uint64_t)1000 * NS_PER_MS / rate;
    k->burst_ns = (burst == 0 ? rate : burst) * k->command_ns;
}

/* Return s->throttle, created if there is none; NULL: out of memory, and the
 * session closes at the end of the turn. */
static struct pl_throttle *need(struct pl_session *s)
{
    if (s->throttle == NULL)
        s->throttle = calloc(1, sizeof *s->throttle);
    if (s->throttle == NULL)
        pl_session_schedule_close(s, PL_DISCONNECT_SERVER_ERROR);
    else
        s->throttle->session = s;
    return s->throttle;
}

bool pl_throttle_take(struct pl_session *s)
{
    const struct pl_session_manager *k = s->manager;
    uint64_t now_ns = pl_loop_now_ms(s->actor.loop) * NS_PER_MS;
    struct pl_throttle *p = k->waits.parked != NULL ? NULL : need(s);

    if (p == NULL) /* out of memory, or it was counted before it waited */
        return true;
    return pl_bucket_take(&p->full_ns, now_ns, k->command_ns, k->burst_ns);
}

/* Return when enough commands may run to be worth a wake. */
static uint64_t due_ms(const struct pl_session_manager *k,
                       const struct pl_throttle *p)
{
    uint64_t some_ns = (uint64_t)1000 * NS_PER_MS / WAKES_PER_SECOND;

    if (some_ns < k->command_ns)
        some_ns = k->command_ns;
    if (some_ns > k->burst_ns)
        some_ns = k->burst_ns;
    return (p->full_ns + some_ns - k->burst_ns) / NS_PER_MS + 1;
}

static void begin(struct pl_session *s)
{
    if (s->holds & PL_HOLDS_MESSAGES)
        return;
    s->throttle->due_ms = due_ms(s->manager, s->throttle);
    pl_count(metrics(s), PL_METRIC_READS_PAUSED_RATE, 1);
    pl_session_hold(s, PL_HOLD_RATE);
    pl_session_put_off_end(s);
    pl_session_schedule(s);
}

static void keep(struct pl_session *s, struct pl_span message)
{
    if (!pl_kept_put(&s->throttle->kept, s->manager->running, message))
        pl_session_schedule_close(s, PL_DISCONNECT_SERVER_ERROR);
}

void pl_throttle_hold(struct pl_session *s, struct pl_span message)
{
    keep(s, message);
    begin(s);
}

/* --- For another turn --- */

bool pl_throttle_carry_on(struct pl_session *s)
{
    struct pl_session_manager *k = s->manager;

    if (s->holds & PL_HOLDS_MESSAGES)
        return true;
    if (need(s) == NULL)
        return false;
    pl_session_hold(s, PL_HOLD_CARRY);
    pl_session_put_off_end(s);
    pl_count(metrics(s), PL_METRIC_INPUT_CARRIED, 1);
    pl_list_append(&k->carried, &s->throttle->carried);
    pl_loop_defer(s->actor.loop, PL_STAGE_READY, &k->carry);
    return true;
}

void pl_throttle_carry(struct pl_session *s, struct pl_span message)
{
    if (pl_throttle_carry_on(s))
        keep(s, message);
}

struct pl_session *pl_throttle_carried(struct pl_session_manager *k)
{
    struct pl_list *first = pl_list_pop(&k->carried);

    return first == NULL
               ? NULL
               : PL_CONTAINER(first, struct pl_throttle, carried)->session;
}

/* --- Continuing --- */

uint64_t pl_throttle_due_ms(const struct pl_session *s)
{
    return s->throttle->due_ms;
}

/* Allow decoding again, but no reading until the kept messages have run. */
static void unlock(struct pl_session *s)
{
    if (!(s->holds & PL_HOLDS_MESSAGES))
        return;
    pl_session_hold(s, PL_HOLD_REPLAY);
    pl_session_release(s, PL_HOLDS_MESSAGES);
}

static void drop(struct pl_session *s)
{
    free(s->throttle);
    s->throttle = NULL;
}

static struct pl_kept take(struct pl_session *s)
{
    struct pl_kept kept = s->throttle->kept;

    unlock(s);
    s->throttle->kept = (struct pl_kept){0};
    pl_list_remove(&s->throttle->carried);
    return kept;
}

/* A spent burst stays spent.  In other states no burst was spent, and a login
 * needs the place of s->throttle. */
struct pl_kept pl_throttle_take_kept(struct pl_session *s)
{
    struct pl_kept kept = take(s);

    if (s->manager->command_ns == 0 || s->state != PL_SESSION_CONNECTED)
        drop(s);
    return kept;
}

void pl_throttle_end(struct pl_session *s)
{
    if (s->state == PL_SESSION_LOGIN || s->throttle == NULL)
        return;
    struct pl_kept kept = take(s);
    pl_kept_fini(&kept);
    drop(s);
}
