/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_shutdown.c - parley shutdown: ask the broker to stop. */
#include <stdio.h>

#include "commands.h"
#include "request.h"

int cmd_shutdown(int argc, char **argv)
{
    static const struct option options[] = {
        TARGET_LONG, {"hurry", no_argument, NULL, 'H'}, {0}};
    struct target t = {0};
    struct pl_buf answer = {0};
    bool hurry = false;
    int option;

    while ((option = getopt_long(argc, argv, TARGET_SHORT, options, NULL)) !=
           -1) {
        if (option == 'h') {
            print_help();
            return EXIT_OK;
        }
        if (option == 'H')
            hurry = true;
        else if (!target_take(&t, option))
            return EXIT_USAGE;
    }
    if (optind != argc)
        return usage_error("shutdown", "it takes no arguments");
    int rc = target_complete(&t);
    if (rc == EXIT_OK)
        rc =
            request(&t, hurry ? "/shutdown?hurry=1" : "/shutdown", "", &answer);
    if (rc == EXIT_OK)
        puts("The broker stops.");
    pl_buf_fini(&answer);
    target_fini(&t);
    return rc;
}
