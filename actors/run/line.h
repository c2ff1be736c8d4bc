/* SPDX-License-Identifier: Apache-2.0 */
/* line.h - how a thread without a loop reaches one that may end before it.
 *
 * pl_system_post() needs a system that is there.  Who was asked something and
 * answers whenever it likes cannot know that, and holds a line instead. */
#ifndef PL_LINE_H
#define PL_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "msg.h"

struct pl_line; /* opaque; counts its holders */
struct pl_loop;

/* The line of a loop, which the loop holds; who keeps it holds it, too.
 * Thread: any, while the loop is there. */
struct pl_line *pl_loop_line(const struct pl_loop *loop);

/* NULL is allowed for release.  Thread: any. */
struct pl_line *pl_line_hold(struct pl_line *l);
void pl_line_release(struct pl_line *l);

/* As pl_system_post(); but once the system was closed (pl_system_close()) the
 * message is destroyed, and counted here.  False: that happened.
 * Owner:  the runtime, in any case.
 * Thread: any that holds the line. */
bool pl_line_post(struct pl_line *l, struct pl_address to, struct pl_msg *msg);

/* How many were destroyed so.  Thread: any that holds the line. */
uint64_t pl_line_refused(const struct pl_line *l);

#endif
