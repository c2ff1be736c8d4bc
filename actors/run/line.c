/* SPDX-License-Identifier: Apache-2.0 */
/* line.c - see line.h.
 *
 * A post is a push and, if the loop sleeps, a wake-up.  Between the two, the
 * loop could read the mail, end its thread and be destroyed with its reactor;
 * the wake-up would then write to a descriptor that has been reused.  So a post
 * does both inside the handle's guard, and pl_line_close() enters the same
 * guard.
 *
 * There is one handle per loop, so that a handler that replies at once, on its
 * own loop's thread, never waits for another loop.  Loops need no handles to
 * each other: all have ended before the first is destroyed.
 *
 * Rejected: counting the posts in progress, because nothing would wake a thread
 * that waits for the count to reach 0.
 *
 * Invariant: while the guard is held and `system` is not NULL, the system, its
 * loops and what wakes them exist. */
#include "line_private.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "guard.h"
#include "refs.h"
#include "system.h"

struct pl_line {
    struct pl_refs refs;
    struct pl_guard *guard;
    struct pl_system *system; /* guarded by `guard`; NULL: closed */
    atomic_uint_fast64_t refused;
};

struct pl_line *pl_line_create(struct pl_system *s)
{
    struct pl_line *l = calloc(1, sizeof *l);

    if (l == NULL || pl_guard_create(&l->guard) != PL_OK) {
        free(l);
        return NULL;
    }
    pl_refs_init(&l->refs);
    atomic_init(&l->refused, 0);
    l->system = s;
    return l;
}

struct pl_line *pl_line_hold(struct pl_line *l)
{
    pl_refs_hold(&l->refs);
    return l;
}

void pl_line_release(struct pl_line *l)
{
    if (l == NULL || !pl_refs_release(&l->refs))
        return;
    pl_guard_destroy(l->guard);
    free(l);
}

void pl_line_close(struct pl_line *l)
{
    if (l == NULL)
        return;
    pl_guard_enter(l->guard);
    l->system = NULL;
    pl_guard_leave(l->guard);
}

bool pl_line_try_post(struct pl_line *l, struct pl_address to,
                      struct pl_msg *msg)
{
    pl_guard_enter(l->guard);
    bool is_open = l->system != NULL;
    if (is_open)
        pl_system_post(l->system, to, msg);
    pl_guard_leave(l->guard);
    return is_open;
}

bool pl_line_post(struct pl_line *l, struct pl_address to, struct pl_msg *msg)
{
    if (pl_line_try_post(l, to, msg))
        return true;
    atomic_fetch_add_explicit(&l->refused, 1, memory_order_relaxed);
    msg->destroy(msg);
    return false;
}

uint64_t pl_line_refused(const struct pl_line *l)
{
    /* This only reads, but C has no const atomic load before C17. */
    return atomic_load_explicit(&((struct pl_line *)l)->refused,
                                memory_order_relaxed);
}
