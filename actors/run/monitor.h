/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.h - being told when another actor has gone. */
#ifndef PL_MONITOR_H
#define PL_MONITOR_H

#include <stdint.h>

#include "actor.h"

/* Message types that the runtime itself sends begin here; users count from 1
 * up. */
enum { PL_MSG_DOWN = 0xff00, PL_MSG_STOP = 0xff01 };

/* What a monitor gets, once, reserved: `of` has gone. */
struct pl_down_msg {
    struct pl_msg msg; /* type PL_MSG_DOWN */
    struct pl_address of;
    uint32_t ref;       /* as given to pl_monitor_start() */
    const char *reason; /* constant; "stale" when it had gone before */
};

/* Tell `watcher` when the actor `of`, on whichever loop, has gone.  `ref` is
 * the watcher's own number for it. Thread: the watcher's loop.  Errors:
 * PL_ENOMEM. */
enum pl_err pl_monitor_start(struct pl_actor *watcher, struct pl_address of,
                             uint32_t ref);

/* Ask to be told no longer; a message already in the mailbox still comes.
 * Thread: the watcher's loop. */
void pl_monitor_stop(struct pl_actor *watcher, struct pl_address of,
                     uint32_t ref);

/* Ask an actor to stop: it gets PL_MSG_STOP, reserved, and exits when it can.
 * Thread: the sender's loop.  Errors: PL_ENOMEM. */
enum pl_err pl_stop_send(struct pl_actor *from, struct pl_address to);

#endif
