/* SPDX-License-Identifier: Apache-2.0 */
/* pace.c - input that waits: for limits.commands_per_second, or for a turn of
 * the loop that has time for it.
 *
 * A connection has a burst of commands to spend, which fills up again at the
 * configured rate; it is a token bucket of one number (bucket.h).  A
 * connection that has spent it is read no further.  What was read already (the
 * rest of a message with many commands, and the bytes after it) is kept as it
 * is and goes on when the timer says so: nothing is dropped, refused or
 * reordered, and TCP tells the client to wait.
 *
 * The same holds for a visit that has used its budget (budget.h): 64 KiB of
 * commands, or 4 KiB that inflate to 4 MiB, go on in later turns.  These
 * sessions stand in one queue and are served from its front.
 *
 * A pong costs nothing, since it was asked for, but it waits behind the
 * commands that were sent before it.  So while a connection is held back its
 * pings go on (SDKs end a connection that they hear no ping on) and a missing
 * pong is no reason to close it; a ping that finds it reading freely is.
 *
 * Rejected: reading on and letting the burst go below zero: one message may
 * have thousands of commands, and as many could come in one turn.  Waking for
 * each single command.  Copying what is still kept at each wake: a message of
 * 16 MiB with a million commands was copied a thousand times.
 *
 * Invariant: a session has at most one of the holds PACE and CARRY.  With CARRY
 * the session is in keeper->carried; with PACE it goes on at due_ms.  What is
 * kept is at most one message and one read of the transport; after a login, the
 * messages that waited for it. */
#include "session_private.h"

#include <stdlib.h>

#include "bucket.h"

enum { NS_PER_MS = 1000000, WAKES_PER_SECOND = 10 };

struct kept {
    struct pl_buf held;  /* messages: a length and so many bytes each */
    size_t held_at;      /* where the first of them begins */
    struct pl_buf bytes; /* after them, not decoded yet */
    size_t bytes_at;
};

struct pl_pace {
    uint64_t full_ns;       /* loop time: when the whole burst is there again */
    uint64_t due_ms;        /* loop time: when to go on */
    struct pl_list carried; /* of keeper->carried */
    struct pl_session *session;
    struct kept kept;
};

/* What is kept is on the stack while it is given again, since the session may
 * close and its `pace` go meanwhile. */
struct pl_replay {
    struct kept kept;
};

static void fini(struct kept *k)
{
    pl_buf_fini(&k->held);
    pl_buf_fini(&k->bytes);
    k->held_at = k->bytes_at = 0;
}

void pl_pace_init(struct pl_keeper *k)
{
    uint32_t rate = k->options.config->limits.commands_per_second;
    uint64_t burst = k->options.config->limits.commands_burst;

    if (rate == 0)
        return;
    k->command_ns = (uint64_t)1000 * NS_PER_MS / rate;
    k->burst_ns = (burst == 0 ? rate : burst) * k->command_ns;
}

/* NULL: out of memory, and the session is to end. */
static struct pl_pace *need(struct pl_session *s)
{
    if (s->pace == NULL)
        s->pace = calloc(1, sizeof *s->pace);
    if (s->pace == NULL)
        pl_session_doom(s, PL_DISCONNECT_SERVER_ERROR);
    else
        s->pace->session = s;
    return s->pace;
}

bool pl_pace_take(struct pl_session *s)
{
    const struct pl_keeper *k = s->keeper;
    uint64_t now_ns = pl_loop_now_ms(s->actor.loop) * NS_PER_MS;
    struct pl_pace *p = need(s);

    if (p == NULL)
        return true;
    return pl_bucket_take(&p->full_ns, now_ns, k->command_ns, k->burst_ns);
}

/* Go on when some commands may run, so that a wake is worth it. */
static uint64_t due_ms(const struct pl_keeper *k, const struct pl_pace *p)
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
    if (s->holds & PL_HOLDS_DECODING)
        return;
    s->pace->due_ms = due_ms(s->keeper, s->pace);
    pl_count(metrics(s), PL_METRIC_READS_PAUSED_RATE, 1);
    pl_session_hold(s, PL_HOLD_PACE);
    pl_session_put_off_end(s);
    pl_session_schedule(s);
}

/* Whether `bytes` are of what is being given again.  Then `buf` has them, and
 * they need no copy. */
static bool is_inside(const struct pl_buf *buf, struct pl_span bytes)
{
    return buf->len > 0 && bytes.at >= buf->data &&
           bytes.at <= buf->data + buf->len;
}

/* Before the rest of a message there are its own first bytes and its length,
 * so there is room for the new length. */
static void hold_again(struct pl_replay *r, struct pl_span message)
{
    char *at = r->kept.held.data + (message.at - r->kept.held.data);
    uint32_t len = (uint32_t)message.len;

    memcpy(at - sizeof len, &len, sizeof len);
    r->kept.held_at = (size_t)(at - r->kept.held.data) - sizeof len;
}

static void hold(struct pl_session *s, struct pl_span message)
{
    struct pl_replay *r = s->keeper->replaying;
    struct pl_buf *held = &s->pace->kept.held;
    uint32_t len = (uint32_t)message.len;

    if (r != NULL && is_inside(&r->kept.held, message)) {
        hold_again(r, message);
        return;
    }
    pl_buf_put(held, &len, sizeof len);
    pl_buf_put_span(held, message);
    if (held->failed)
        pl_session_doom(s, PL_DISCONNECT_SERVER_ERROR);
}

void pl_pace_hold(struct pl_session *s, struct pl_span message)
{
    hold(s, message);
    begin(s);
}

void pl_pace_hold_bytes(struct pl_session *s, struct pl_span bytes)
{
    struct pl_replay *r = s->keeper->replaying;
    struct pl_buf *kept = &s->pace->kept.bytes;

    if (r != NULL && is_inside(&r->kept.bytes, bytes)) {
        r->kept.bytes_at = (size_t)(bytes.at - r->kept.bytes.data);
        return;
    }
    pl_buf_put_span(kept, bytes);
    if (kept->failed)
        pl_session_doom(s, PL_DISCONNECT_SERVER_ERROR);
}

/* --- For another turn --- */

/* False: out of memory. */
static bool begin_carry(struct pl_session *s)
{
    struct pl_keeper *k = s->keeper;

    if (s->holds & PL_HOLDS_DECODING)
        return true;
    if (need(s) == NULL)
        return false;
    pl_session_hold(s, PL_HOLD_CARRY);
    pl_session_put_off_end(s);
    pl_count(metrics(s), PL_METRIC_INPUT_CARRIED, 1);
    pl_list_append(&k->carried, &s->pace->carried);
    pl_loop_defer(s->actor.loop, PL_STAGE_READY, &k->carry);
    return true;
}

void pl_pace_carry(struct pl_session *s, struct pl_span message)
{
    if (begin_carry(s))
        hold(s, message);
}

void pl_pace_carry_bytes(struct pl_session *s, struct pl_span bytes)
{
    if (begin_carry(s))
        pl_pace_hold_bytes(s, bytes);
}

/* These have a budget of their own, so that they and fresh input do not starve
 * each other. */
void pl_pace_run_carried(struct pl_task *t)
{
    struct pl_keeper *k = PL_CONTAINER(t, struct pl_keeper, carry);
    uint64_t turn = pl_loop_stats(k->actor.loop)->turns;
    struct pl_budget fresh = k->budget;
    struct pl_list *first;

    pl_budget_init(&k->budget, (uint64_t)fresh.units / 2 + 1);
    while (pl_budget_has_turn(&k->budget, turn) &&
           (first = pl_list_pop(&k->carried)) != NULL)
        pl_pace_go_on(PL_CONTAINER(first, struct pl_pace, carried)->session);
    k->budget = fresh;
    if (!pl_list_is_empty(&k->carried))
        pl_loop_defer(k->actor.loop, PL_STAGE_READY, &k->carry);
}

/* --- Going on --- */

uint64_t pl_pace_due_ms(const struct pl_session *s)
{
    return s->pace->due_ms;
}

/* Decoding may go on; reading not yet, until what was kept has run. */
static void unlock(struct pl_session *s)
{
    if (!(s->holds & PL_HOLDS_DECODING))
        return;
    pl_session_hold(s, PL_HOLD_REPLAY);
    pl_session_release(s, PL_HOLDS_DECODING);
}

/* Free `pace`; what it kept is the caller's. */
static struct kept take(struct pl_session *s)
{
    struct kept kept = s->pace->kept;

    unlock(s);
    pl_list_remove(&s->pace->carried);
    free(s->pace);
    s->pace = NULL;
    return kept;
}

/* The same, but a burst that was spent stays so; in other states none was, and
 * a login needs the place. */
static struct kept take_kept(struct pl_session *s)
{
    struct pl_pace *p = s->pace;
    struct kept kept = p->kept;

    if (s->keeper->command_ns == 0 || s->state != PL_SESSION_CONNECTED)
        return take(s);
    unlock(s);
    p->kept = (struct kept){0};
    pl_list_remove(&p->carried);
    return kept;
}

static void run_held(struct pl_session *s, struct kept *k)
{
    uint32_t len;

    while (k->held_at < k->held.len && pl_session_runs_commands(s)) {
        char *at = k->held.data + k->held_at;

        memcpy(&len, at, sizeof len);
        k->held_at += sizeof len + len;
        pl_session_commands(s, (struct pl_span){at + sizeof len, len});
        if (s->holds & PL_HOLDS_DECODING)
            return; /* held_at is back at what did not run */
    }
    pl_buf_fini(&k->held);
}

static void run_kept(struct pl_session *s, struct kept *k)
{
    run_held(s, k);
    if (s->holds & PL_HOLDS_DECODING)
        return;
    if (k->bytes_at < k->bytes.len)
        pl_session_decode(s, (struct pl_span){k->bytes.data + k->bytes_at,
                                              k->bytes.len - k->bytes_at});
}

/* What did not run waits anew.  A message that was decoded meanwhile, and could
 * not run whole, is in `pace` already; then nothing is left of the older ones.
 */
static void keep_again(struct pl_session *s, struct kept *k)
{
    struct kept *to = &s->pace->kept;

    if (!pl_session_runs_commands(s))
        pl_buf_fini(&k->held);
    if (k->held.len > 0) {
        to->held = k->held;
        to->held_at = k->held_at;
    }
    to->bytes = k->bytes;
    to->bytes_at = k->bytes_at;
}

void pl_pace_go_on(struct pl_session *s)
{
    struct pl_replay r = {.kept = take_kept(s)}, *before;

    before = s->keeper->replaying;
    s->keeper->replaying = &r;
    pl_session_visit(s);
    run_kept(s, &r.kept);
    s->keeper->replaying = before;
    if (s->holds & PL_HOLDS_DECODING)
        keep_again(s, &r.kept);
    else
        fini(&r.kept);
    pl_session_end_in_turn(s);
    pl_session_release(s, PL_HOLD_REPLAY);
}

struct pl_buf pl_pace_end(struct pl_session *s)
{
    struct pl_buf bytes = {0};

    if (s->state == PL_SESSION_LOGIN || s->pace == NULL)
        return bytes;
    struct kept kept = take(s);
    bytes = kept.bytes;
    if (kept.bytes_at > 0) {
        bytes.len -= kept.bytes_at;
        memmove(bytes.data, bytes.data + kept.bytes_at, bytes.len);
    }
    pl_buf_fini(&kept.held);
    return bytes;
}

void pl_pace_drop(struct pl_session *s)
{
    struct pl_buf bytes = pl_pace_end(s);

    pl_buf_fini(&bytes);
}
