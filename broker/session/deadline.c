/* SPDX-License-Identifier: Apache-2.0 */
/* deadline.c - the one timer of a session: it runs to the next deadline of any
 * kind, and is lent to the link before the session opens and after it closes.
 * What a deadline does is in session.c. */
#include "session_private.h"

#include "expiring.h"
#include "throttle.h"

static uint64_t next_ms(const struct pl_session *s)
{
    uint64_t next = s->ping_ms;

    if (s->expires_ms != 0 && (next == 0 || s->expires_ms < next))
        next = s->expires_ms;
    if (s->elsewhere & PL_ELSEWHERE_EXPIRING &&
        (next == 0 || pl_expiring_due_ms(s) < next))
        next = pl_expiring_due_ms(s);
    if (s->holds & PL_HOLD_RATE && (next == 0 || pl_throttle_due_ms(s) < next))
        next = pl_throttle_due_ms(s);
    return next;
}

void pl_session_schedule(struct pl_session *s)
{
    uint64_t next = next_ms(s), now = pl_loop_now_ms(s->actor.loop);

    if (s->holds & PL_HOLD_ENDING)
        return;
    if (s->holds & PL_HOLD_BACKLOG)
        pl_timer_start(s->actor.loop, &s->timer, PL_BACKLOG_WAIT_MS);
    else if (next == 0)
        pl_timer_stop(s->actor.loop, &s->timer);
    else
        pl_timer_start(s->actor.loop, &s->timer, next > now ? next - now : 0);
}

uint64_t pl_session_due_ms(const struct pl_session *s, int64_t expires_at_s,
                           uint32_t *left_s)
{
    int64_t now_s = (int64_t)(pl_loop_wall_ms(s->actor.loop) / 1000);
    int64_t left = expires_at_s - now_s;

    if (left < 1)
        left = 1;
    if (left > UINT32_MAX)
        left = UINT32_MAX;
    *left_s = (uint32_t)left;
    return pl_loop_now_ms(s->actor.loop) + (uint64_t)left * 1000 +
           PL_EXPIRE_GRACE_MS;
}

uint32_t pl_session_set_expiry(struct pl_session *s, int64_t expires_at_s)
{
    uint32_t left_s = 0;

    s->expires_ms =
        expires_at_s == 0 ? 0 : pl_session_due_ms(s, expires_at_s, &left_s);
    return left_s;
}

void pl_session_take_expiry(struct pl_session *s, int64_t expires_at_s)
{
    if (!pl_session_is_connected(s))
        return;
    pl_session_set_expiry(s, expires_at_s);
    pl_session_schedule(s);
}

struct pl_session *pl_session_of_timer(struct pl_timer *t)
{
    return PL_CONTAINER(t, struct pl_session, timer);
}

void pl_session_lend_timer(struct pl_session *s,
                           void (*fire)(struct pl_timer *t), uint64_t ms)
{
    s->timer.fire = fire;
    if (ms == 0)
        pl_timer_stop(s->actor.loop, &s->timer);
    else
        pl_timer_start(s->actor.loop, &s->timer, ms);
}
