/* SPDX-License-Identifier: Apache-2.0 */
/* tui.h - the chat on a whole terminal. */
#ifndef PL_CHAT_TUI_H
#define PL_CHAT_TUI_H

#include "line_mode.h"

/* Run until the user quits, the terminal is gone, or a signal comes, by which
 * the process then ends.  Return false, and do nothing, if curses does not know
 * the terminal.  Call setlocale() first. */
bool pl_chat_tui(const struct pl_chat_options *o,
                 void (*complain)(const char *format, ...),
                 enum pl_chat_end *end);

#endif
