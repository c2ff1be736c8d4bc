/* SPDX-License-Identifier: Apache-2.0 */
/* signals.h - signals as events of a poll loop. */
#ifndef PL_SIGNALS_H
#define PL_SIGNALS_H

/* Block the signals that a terminal program handles (INT, TERM, HUP, QUIT,
 * WINCH, TSTP, CONT) and return a descriptor that is readable while one is
 * pending; -1: there is none.  Call it before other threads start: they
 * inherit the blocking. */
int pl_signals_open(void);

/* Return the next pending signal, or 0. */
int pl_signals_next(int fd);

/* Stop this process as the signal TSTP does by itself; return when it goes on.
 * Restore the terminal first. */
void pl_signals_suspend(void);

/* End this process by signal `number`, so that its parent sees why.  Restore
 * the terminal and free everything first. */
void pl_signals_die(int number);

#endif
