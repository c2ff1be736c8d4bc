/* SPDX-License-Identifier: Apache-2.0 */
/* loop_handle.c - see loop_handle.h.
 *
 * A post is a push and, if the loop sleeps, a wake-up.  Between the two, the
 * loop could read the mail, end its thread and be destroyed with its reactor;
 * the wake-up would then write to a descriptor that has been reused.  So a post
 * does both inside the handle's guard, and pl_loop_handle_close() enters the
 * same guard.
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
#include "loop_handle_private.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "guard.h"
#include "refs.h"
#include "system.h"

struct pl_loop_handle {
    struct pl_refs refs;
    struct pl_guard *guard;
    struct pl_system *system; /* guarded by `guard`; NULL: closed */
    atomic_uint_fast64_t refused;
};

struct pl_loop_handle *pl_loop_handle_create(struct pl_system *s)
{
    struct pl_loop_handle *handle = calloc(1, sizeof *handle);

    if (handle == NULL || pl_guard_create(&handle->guard) != PL_OK) {
        free(handle);
        return NULL;
    }
    pl_refs_init(&handle->refs);
    atomic_init(&handle->refused, 0);
    handle->system = s;
    return handle;
}

struct pl_loop_handle *pl_loop_handle_hold(struct pl_loop_handle *handle)
{
    pl_refs_hold(&handle->refs);
    return handle;
}

void pl_loop_handle_release(struct pl_loop_handle *handle)
{
    if (handle == NULL || !pl_refs_release(&handle->refs))
        return;
    pl_guard_destroy(handle->guard);
    free(handle);
}

void pl_loop_handle_close(struct pl_loop_handle *handle)
{
    if (handle == NULL)
        return;
    pl_guard_enter(handle->guard);
    handle->system = NULL;
    pl_guard_leave(handle->guard);
}

bool pl_loop_handle_try_post(struct pl_loop_handle *handle,
                             struct pl_address to, struct pl_msg *msg)
{
    pl_guard_enter(handle->guard);
    bool is_open = handle->system != NULL;
    if (is_open)
        pl_system_post(handle->system, to, msg);
    pl_guard_leave(handle->guard);
    return is_open;
}

bool pl_loop_handle_post(struct pl_loop_handle *handle, struct pl_address to,
                         struct pl_msg *msg)
{
    if (pl_loop_handle_try_post(handle, to, msg))
        return true;
    atomic_fetch_add_explicit(&handle->refused, 1, memory_order_relaxed);
    msg->destroy(msg);
    return false;
}

uint64_t pl_loop_handle_refused(const struct pl_loop_handle *handle)
{
    /* This only reads, but C has no const atomic load before C17. */
    return atomic_load_explicit(&((struct pl_loop_handle *)handle)->refused,
                                memory_order_relaxed);
}
