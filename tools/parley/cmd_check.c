/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_check.c - parley check: is this a configuration that parleyd takes? */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "options.h"

int cmd_check(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        print_help();
        return EXIT_OK;
    }
    if (argc != 2 || argv[1][0] == '-')
        return usage_error("check", "give one file");
    struct pl_config *config = load_config(argv[1]);
    if (config == NULL) {
        complain("%s cannot be used", argv[1]);
        return EXIT_FAILED;
    }
    printf("%s: good\n", argv[1]);
    pl_config_destroy(config);
    return EXIT_OK;
}
