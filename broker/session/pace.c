/* SPDX-License-Identifier: Apache-2.0 */
/* pace.c - limits.commands_per_second: a client that asks faster is read
 * slower.
 *
 * A connection has a burst of commands to spend, which fills up again at the
 * configured rate; it is one number, the time at which it will be full.  Who
 * has spent it is read no further.  What was read already (the rest of a
 * message with many commands, and the bytes behind it) is kept as it is and
 * goes on when the timer says so: nothing is dropped, refused or reordered,
 * and TCP tells the client to wait.
 *
 * A pong costs nothing, since it was asked for, but it waits behind the
 * commands that were sent before it.  So while a connection is held back its
 * pings go on (SDKs end a connection that they hear no ping on) and a missing
 * pong is no reason to close it; a ping that finds it reading freely is.
 *
 * Rejected: reading on and letting the burst go below zero: one message may
 * have thousands of commands, and as many could come in one turn.  Waking for
 * each single command: each wake copies what is still kept.
 *
 * Invariant: while is_pacing reading is paused, and due_ms is when it goes on.
 * What is kept is at most one message and one read of the transport. */
#include "session_private.h"

#include <stdlib.h>

enum { NS_PER_MS = 1000000, WAKES_PER_SECOND = 10 };

struct pl_pace {
    uint64_t full_ns;    /* loop time: when the whole burst is there again */
    uint64_t due_ms;     /* loop time: when to go on */
    struct pl_buf held;  /* messages: a length and so many bytes each */
    struct pl_buf bytes; /* behind them, not decoded yet */
};

void pl_pace_init(struct pl_keeper *k)
{
    uint32_t rate = k->options.config->limits.commands_per_second;
    uint64_t burst = k->options.config->limits.commands_burst;

    if (rate == 0)
        return;
    k->command_ns = (uint64_t)1000 * NS_PER_MS / rate;
    k->burst_ns = (burst == 0 ? rate : burst) * k->command_ns;
}

bool pl_pace_take(struct pl_session *s)
{
    const struct pl_keeper *k = s->keeper;
    uint64_t now_ns = pl_loop_now_ms(s->actor.loop) * NS_PER_MS;
    struct pl_pace *p = s->pace;

    if (p == NULL)
        p = s->pace = calloc(1, sizeof *p);
    if (p == NULL) {
        pl_session_doom(s, PL_DISCONNECT_SERVER_ERROR);
        return true;
    }
    if (p->full_ns < now_ns)
        p->full_ns = now_ns;
    if (p->full_ns - now_ns + k->command_ns > k->burst_ns)
        return false;
    p->full_ns += k->command_ns;
    return true;
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
    if (s->is_pacing)
        return;
    s->pace->due_ms = due_ms(s->keeper, s->pace);
    s->is_ending = false; /* seen during the login: it has its turn behind */
    s->is_pacing = s->was_held = true;
    pl_count(metrics(s), PL_METRIC_READS_PAUSED_RATE, 1);
    pl_session_pause(s);
    pl_session_schedule(s);
}

void pl_pace_hold(struct pl_session *s, struct pl_span message)
{
    struct pl_pace *p = s->pace;
    uint32_t len = (uint32_t)message.len;

    pl_buf_put(&p->held, &len, sizeof len);
    pl_buf_put_span(&p->held, message);
    if (p->held.failed)
        pl_session_doom(s, PL_DISCONNECT_SERVER_ERROR);
    begin(s);
}

void pl_pace_hold_bytes(struct pl_session *s, struct pl_span bytes)
{
    pl_buf_put_span(&s->pace->bytes, bytes);
    if (s->pace->bytes.failed)
        pl_session_doom(s, PL_DISCONNECT_SERVER_ERROR);
}

uint64_t pl_pace_due_ms(const struct pl_session *s)
{
    return s->pace->due_ms;
}

static void run_held(struct pl_session *s, const struct pl_buf *held)
{
    uint32_t len;

    for (size_t at = 0; at < held->len && pl_session_runs_commands(s);) {
        memcpy(&len, held->data + at, sizeof len);
        at += sizeof len;
        pl_session_commands(s, (struct pl_span){held->data + at, len});
        at += len;
    }
}

/* What cannot run yet is kept anew by those that are called here. */
void pl_pace_go_on(struct pl_session *s)
{
    struct pl_buf held = s->pace->held, bytes = s->pace->bytes;

    s->pace->held = s->pace->bytes = (struct pl_buf){0};
    s->is_pacing = false;
    run_held(s, &held);
    if (bytes.len > 0)
        pl_session_decode(s, (struct pl_span){bytes.data, bytes.len});
    pl_buf_fini(&held);
    pl_buf_fini(&bytes);
    pl_session_end_in_turn(s);
    if (s->pending <= PL_PENDING_RESUME)
        pl_session_read_on(s);
}

struct pl_buf pl_pace_end(struct pl_session *s)
{
    struct pl_pace *p = s->pace;
    struct pl_buf bytes = {0};

    if (s->state == PL_SESSION_LOGIN || p == NULL)
        return bytes;
    bytes = p->bytes;
    pl_buf_fini(&p->held);
    free(p);
    s->pace = NULL;
    s->is_pacing = false;
    return bytes;
}
