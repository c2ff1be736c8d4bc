/* SPDX-License-Identifier: Apache-2.0 */
/* help.h - the help texts, on stdout. */
#ifndef PL_TOOL_HELP_H
#define PL_TOOL_HELP_H

#include <stdbool.h>

/* All commands, the options that they share, the exit statuses. */
void print_help(void);

/* One command.  False: there is no such command, and nothing is printed. */
bool print_command_help(const char *name);

#endif
