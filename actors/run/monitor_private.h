/* SPDX-License-Identifier: Apache-2.0 */
/* monitor_private.h - monitors of actors that do not exist yet.  Private to
 * actors/run. */
#ifndef PL_MONITOR_PRIVATE_H
#define PL_MONITOR_PRIVATE_H

#include <stdbool.h>

#include "loop_private.h"
#include "monitor.h"

/* Types of the runtime's own mail, after those of monitor.h. */
enum { PL_MSG_CHILD_STARTED = 0xff02, PL_MSG_CHILD_DOWN = 0xff03 };

struct pl_watch; /* one monitor, see monitor.c */

/* Create a monitor of an actor that will live on loop number `loop`.  It
 * notifies `watcher` with mail of `type`.  `tag` and `ref` identify it.
 * Owner:  the watcher's list and, until pl_watch_begin() or pl_watch_drop(),
 *         the caller.
 * Thread: the watcher's loop.
 * Errors: NULL: out of memory. */
struct pl_watch *pl_watch_create(struct pl_actor *watcher, unsigned loop,
                                 uint16_t type, const void *tag, uint32_t ref);

/* Watch `of`, which lives on `loop`; if it is stale, report that at once.
 * Owner:  the runtime.
 * Thread: that of `loop`. */
void pl_watch_begin(struct pl_loop *loop, struct pl_watch *w,
                    struct pl_address of);

/* Drop the reference to a monitor that never began.  NULL is allowed.
 * Thread: any. */
void pl_watch_drop(struct pl_watch *w);

/* Cancel the monitor with this tag and `ref`, or all with this tag.
 * Thread: the watcher's loop. */
void pl_watch_stop(struct pl_actor *watcher, const void *tag, uint32_t ref);
void pl_watch_stop_all(struct pl_actor *watcher, const void *tag);

/* The tag that pl_watch_create() got for the monitor of this message. */
const void *pl_watch_tag(const struct pl_msg *down);

#endif
