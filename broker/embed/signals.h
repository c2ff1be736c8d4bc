/* SPDX-License-Identifier: Apache-2.0 */
/* signals.h - receives the signals of parleyd on a thread of their own. */
#ifndef PL_SIGNALS_H
#define PL_SIGNALS_H

#include "err.h"

struct pl_signals; /* opaque */

/* An order to the main thread. */
enum pl_signals_order {
    PL_SIGNALS_STOPPED, /* pl_signals_stopped() was called */
    PL_SIGNALS_STOP,    /* SIGTERM or SIGINT */
    PL_SIGNALS_HURRY,   /* a second SIGTERM or SIGINT */
    PL_SIGNALS_RELOAD,  /* SIGHUP; never after a stop, nor during a reload */
    PL_SIGNALS_RELOADED /* pl_signals_reloaded() was called */
};

/* Receive all signals of the process from now on.  A third SIGTERM or SIGINT
 * ends the process with status 1, even if its other threads block.  SIGPIPE and
 * SIGUSR1, which log rotation scripts send, are ignored.  A crash waits up to
 * 250 ms for the log.
 * Owner:  the caller.
 * Thread: the program's only thread.
 * Errors: PL_ENOMEM, PL_EIO. */
enum pl_err pl_signals_create(struct pl_signals **out);
void pl_signals_destroy(struct pl_signals *s); /* NULL is allowed */

/* Wait for the next order.  Several SIGHUPs may be merged into one.
 * Thread: the main thread. */
enum pl_signals_order pl_signals_wait(struct pl_signals *s);

/* Cause the order PL_SIGNALS_STOPPED.
 * Thread: any. */
void pl_signals_stopped(void *signals);

/* Cause the order PL_SIGNALS_RELOADED: the reload has ended, and another one
 * may be ordered.
 * Thread: any. */
void pl_signals_reloaded(void *signals);

#endif
