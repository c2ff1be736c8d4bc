/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - the commands of the tool; each gets its own arguments, its name
 * first, and returns what to exit with. */
#ifndef PL_TOOL_COMMANDS_H
#define PL_TOOL_COMMANDS_H

#include <stdbool.h>

int cmd_check(int argc, char **argv);
int cmd_pub(int argc, char **argv);
int cmd_shutdown(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_sub(int argc, char **argv);
int cmd_token(int argc, char **argv);

#endif
