/* SPDX-License-Identifier: Apache-2.0 */
/* line.h - a loop handle: lets a thread without a loop post to a loop that may
 * end first.
 *
 * pl_system_post() requires a living system.  A thread that replies later
 * cannot know whether the system still exists; it keeps a loop handle. */
#ifndef PL_LINE_H
#define PL_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "msg.h"

struct pl_line; /* opaque, reference-counted */
struct pl_loop;

/* The handle of a loop, which owns a reference.  Hold it to keep it longer.
 * Thread: any, while the loop exists. */
struct pl_line *pl_loop_line(const struct pl_loop *loop);

/* pl_line_release() allows NULL.  Thread: any. */
struct pl_line *pl_line_hold(struct pl_line *l);
void pl_line_release(struct pl_line *l);

/* Like pl_system_post(); but after pl_system_close() the message is destroyed,
 * counted, and the result is false.
 * Owner:  the runtime, also if the result is false.
 * Thread: any that holds a reference. */
bool pl_line_post(struct pl_line *l, struct pl_address to, struct pl_msg *msg);

/* Like pl_line_post(), but if the result is false, the message is not counted
 * and the caller keeps it. */
bool pl_line_try_post(struct pl_line *l, struct pl_address to,
                      struct pl_msg *msg);

/* The number of messages destroyed by pl_line_post().  Thread: any that holds a
 * reference. */
uint64_t pl_line_refused(const struct pl_line *l);

#endif
