/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_sub.c - parley sub: print what is published. */
#include "commands.h"
#include "help.h"
#include "output.h"
#include "request.h"

static int subscribe(const struct target *t, char **channels, int count)
{
    struct pl_buf path = {0};
    int rc = EXIT_FAILED;

    pl_buf_put_span(&path, PL_SPAN("/sub"));
    for (int i = 0; i < count; i++) {
        pl_buf_put_span(&path, pl_span_of(i == 0 ? "?channel=" : "&channel="));
        put_escaped(&path, channels[i]);
    }
    pl_buf_put_byte(&path, '\0');
    if (path.failed)
        complain("out of memory");
    else
        rc = request_lines(t, path.data, output_line);
    pl_buf_fini(&path);
    return rc;
}

int cmd_sub(int argc, char **argv)
{
    static const struct option options[] = {TARGET_LONG, {0}};
    struct target t = {0};
    int option;

    while ((option = getopt_long(argc, argv, TARGET_SHORT, options, NULL)) !=
           -1) {
        if (option == 'h') {
            print_command_help("sub");
            return EXIT_OK;
        }
        int rc = target_take(&t, "sub", option);
        if (rc != EXIT_OK)
            return rc;
    }
    if (optind == argc)
        return usage_error("sub", "give at least one channel");
    int rc = target_complete(&t);
    if (rc == EXIT_OK)
        rc = subscribe(&t, argv + optind, argc - optind);
    target_fini(&t);
    return rc;
}
