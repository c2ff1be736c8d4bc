/* SPDX-License-Identifier: Apache-2.0 */
/* loop_handle.h - a loop handle: lets a thread without a loop post to a loop
 * that may end first.
 *
 * pl_system_post() requires a living system.  A thread that replies later
 * cannot know whether the system still exists; it keeps a loop handle. */
#ifndef PL_LOOP_HANDLE_H
#define PL_LOOP_HANDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "msg.h"

struct pl_loop_handle; /* opaque, reference-counted */
struct pl_loop;

/* The handle of a loop, which owns a reference.  Hold it to keep it longer.
 * Thread: any, while the loop exists. */
struct pl_loop_handle *pl_loop_handle_of(const struct pl_loop *loop);

/* pl_loop_handle_release() allows NULL.  Thread: any. */
struct pl_loop_handle *pl_loop_handle_hold(struct pl_loop_handle *handle);
void pl_loop_handle_release(struct pl_loop_handle *handle);

/* Like pl_system_post(); but after pl_system_close() the message is destroyed,
 * counted, and the result is false.
 * Owner:  the runtime, also if the result is false.
 * Thread: any that holds a reference. */
bool pl_loop_handle_post(struct pl_loop_handle *handle, struct pl_address to,
                         struct pl_msg *msg);

/* Like pl_loop_handle_post(), but if the result is false, the message is not
 * counted and the caller keeps it. */
bool pl_loop_handle_try_post(struct pl_loop_handle *handle,
                             struct pl_address to, struct pl_msg *msg);

/* The number of messages destroyed by pl_loop_handle_post().  Thread: any that
 * holds a reference. */
uint64_t pl_loop_handle_refused(const struct pl_loop_handle *handle);

#endif
