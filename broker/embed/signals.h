/* SPDX-License-Identifier: Apache-2.0 */
/* signals.h - the signals of parleyd, taken on a thread that does nothing else.
 */
#ifndef PL_SIGNALS_H
#define PL_SIGNALS_H

#include "err.h"

struct pl_signals; /* opaque */

/* What the main thread is to do. */
enum pl_signals_order {
    PL_SIGNALS_STOPPED, /* pl_signals_stopped() was called */
    PL_SIGNALS_STOP,    /* SIGTERM or SIGINT */
    PL_SIGNALS_HURRY,   /* a second one */
    PL_SIGNALS_RELOAD,  /* SIGHUP; never after a stop, nor during a reload */
    PL_SIGNALS_RELOADED /* pl_signals_reloaded() was called */
};

/* Take signals from now on, for the whole process.  A third SIGTERM or SIGINT
 * ends the process with status 1, whatever its other threads do.  SIGPIPE and
 * SIGUSR1, which scripts that rotate logs send, do nothing.  A crash waits a
 * moment for the log.
 * Owner:  the caller.
 * Thread: the program's only one.
 * Errors: PL_ENOMEM, PL_EIO. */
enum pl_err pl_signals_create(struct pl_signals **out);
void pl_signals_destroy(struct pl_signals *s); /* NULL is allowed */

/* Wait for the next order.  Several SIGHUPs may be one.
 * Thread: the main thread. */
enum pl_signals_order pl_signals_wait(struct pl_signals *s);

/* Give PL_SIGNALS_STOPPED.  Thread: any. */
void pl_signals_stopped(void *signals);

/* Give PL_SIGNALS_RELOADED: the reload that was ordered has ended, another one
 * may be.  Thread: any. */
void pl_signals_reloaded(struct pl_signals *s);

#endif
