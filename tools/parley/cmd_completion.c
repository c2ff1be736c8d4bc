/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_completion.c - parley completion: what a shell reads to complete the
 * tool's commands. */
#include <string.h>

#include "commands.h"
#include "completion.h"

static int run(struct target *t, int argc, char **argv)
{
    static const struct {
        const char *shell;
        void (*print)(void);
    } shells[] = {{"bash", print_bash_completion},
                  {"zsh", print_zsh_completion},
                  {"fish", print_fish_completion}};

    (void)t, (void)argc;
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        if (strcmp(argv[0], shells[i].shell) == 0) {
            shells[i].print();
            return EXIT_OK;
        }
    }
    return usage_error("completion", "unknown shell: %s", argv[0]);
}

const struct command command_completion = {
    .name = "completion",
    .arguments = "SHELL",
    .summary = "print the completion for bash, zsh or fish",
    .text = "What is installed beside the tool is this output; for bash also:\n"
            "source <(parley completion bash)\n",
    .least = 1,
    .most = 1,
    .words = "bash zsh fish",
    .run = run,
};
