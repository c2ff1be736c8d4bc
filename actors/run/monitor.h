/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.h - notification that another actor has exited. */
#ifndef PL_MONITOR_H
#define PL_MONITOR_H

#include <stdint.h>

#include "actor.h"

/* Message types of the runtime itself begin here; users count from 1 up. */
enum { PL_MSG_DOWN = 0xff00, PL_MSG_STOP = 0xff01 };

/* Sent once to the watcher, as reserved mail: `of` has exited. */
struct pl_down_msg {
    struct pl_msg msg; /* type PL_MSG_DOWN */
    struct pl_address of;
    uint32_t ref;       /* as given to pl_monitor_start() */
    const char *reason; /* constant; "stale" if it had exited before */
};

/* Notify `watcher` when the actor `of`, on any loop, exits.  `ref` is a number
 * that the watcher chooses for it.
 * Thread: the watcher's loop.
 * Errors: PL_ENOMEM. */
enum pl_err pl_monitor_start(struct pl_actor *watcher, struct pl_address of,
                             uint32_t ref);

/* Request an actor to stop: it receives PL_MSG_STOP, reserved, and exits when
 * it can.
 * Thread: the sender's loop.
 * Errors: PL_ENOMEM. */
enum pl_err pl_stop_send(struct pl_actor *from, struct pl_address to);

#endif
