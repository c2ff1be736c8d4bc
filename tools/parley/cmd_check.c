/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_check.c - parley check: is this a configuration that parleyd takes? */
#include <stdio.h>

#include "commands.h"
#include "help.h"
#include "options.h"

int cmd_check(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {0}};
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option != 'h')
            return usage_hint("check");
        print_command_help("check");
        return EXIT_OK;
    }
    if (argc - optind != 1)
        return usage_error("check", "give one file");
    const char *file = argv[optind];
    struct pl_settings *config = check_config(file);
    if (config == NULL) {
        complain("%s cannot be used", file);
        return EXIT_FAILED;
    }
    printf("%s: good\n", file);
    pl_settings_destroy(config);
    return EXIT_OK;
}
