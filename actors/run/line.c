/* SPDX-License-Identifier: Apache-2.0 */
/* line.c - see line.h.
 *
 * A post is a push and, when the loop sleeps, a wake.  Between the two the loop
 * may have seen the mail, ended its thread and gone with its reactor: the wake
 * would then write to a descriptor of somebody else.  So who posts is inside
 * the line's guard for both, and the end waits for it there.
 *
 * A guard and not a count of those inside: the end would have to wait for the
 * count without anybody to wake it.  One a loop and not one a system: a handler
 * that answers at once is on its loop's own thread and meets nobody else.
 * Loops need no line to each other: all have ended before the first one goes.
 *
 * Invariant: while `system` is not NULL, and the guard is held, the system, its
 * loops and what wakes them are there. */
#include "line_private.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "guard.h"
#include "refs.h"
#include "system.h"

struct pl_line {
    struct pl_refs refs;
    struct pl_guard *guard;
    struct pl_system *system; /* under the guard; NULL: closed */
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

bool pl_line_post(struct pl_line *l, struct pl_address to, struct pl_msg *msg)
{
    pl_guard_enter(l->guard);
    bool is_open = l->system != NULL;
    if (is_open)
        pl_system_post(l->system, to, msg);
    else
        atomic_fetch_add_explicit(&l->refused, 1, memory_order_relaxed);
    pl_guard_leave(l->guard);
    if (!is_open)
        msg->destroy(msg);
    return is_open;
}

uint64_t pl_line_refused(const struct pl_line *l)
{
    /* It is read only, but C has no const atomic load before C17. */
    return atomic_load_explicit(&((struct pl_line *)l)->refused,
                                memory_order_relaxed);
}
