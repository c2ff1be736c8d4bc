/* SPDX-License-Identifier: Apache-2.0 */
/* help.h - the help texts, on stdout. */
#ifndef PL_TOOL_HELP_H
#define PL_TOOL_HELP_H

struct command;

/* All commands, the options that they share, the exit statuses. */
void print_help(void);

void print_command_help(const struct command *c);

/* One command by its name, or with NULL the whole; what to exit with. */
int print_help_about(const char *name);

/* Complain; gives what to exit with. */
int complain_unknown_command(const char *name);

#endif
