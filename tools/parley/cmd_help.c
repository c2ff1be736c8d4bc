/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_help.c - parley help: all commands, or one. */
#include "commands.h"
#include "help.h"

static int run(struct target *t, int argc, char **argv)
{
    (void)t;
    return print_help_about(argc > 0 ? argv[0] : NULL);
}

const struct command command_help = {
    .name = "help",
    .arguments = "[COMMAND]",
    .summary = "print this text, or that of a command",
    .most = 1,
    .words = "COMMAND",
    .run = run,
};
