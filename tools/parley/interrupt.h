/* SPDX-License-Identifier: Apache-2.0 */
/* interrupt.h - Ctrl-C and SIGTERM. */
#ifndef PL_TOOL_INTERRUPT_H
#define PL_TOOL_INTERRUPT_H

#include <stdbool.h>

/* From here on a signal ends the program at once, with 128 and its number,
 * unless it was ignored before. */
void interrupt_watch(void);

/* From here on the first signal only makes the descriptor readable; another
 * one ends the program.  -1: no descriptor; nothing has changed. */
int interrupt_defer(void);

/* The signal that came since; 0: none.  After one was taken, the next ends the
 * program. */
int interrupt_take(void);

/* Around a call that may wait without end, as a write to stdout: a signal ends
 * the program there. */
void interrupt_enter_wait(void);
void interrupt_leave_wait(void);

#endif
