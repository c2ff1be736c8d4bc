/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_check.c - parley check: is this a configuration that parleyd takes? */
#include "commands.h"
#include "json_lines.h"
#include "output.h"

static int run(struct target *t, int argc, char **argv)
{
    const char *file = argv[0];
    struct pl_settings *config = check_config(file);
    struct pl_buf line = {0};

    (void)t, (void)argc;
    if (config == NULL) {
        complain("%s cannot be used", file);
        return EXIT_FAILED;
    }
    if (output_is_json) {
        put_member(&line, "{", "file", file);
        pl_buf_put_span(&line, PL_SPAN(",\"good\":true}"));
        output_buf(&line);
    } else {
        output_text("%s: good\n", file);
    }
    pl_buf_fini(&line);
    pl_settings_destroy(config);
    return EXIT_OK;
}

const struct command command_check = {
    .name = "check",
    .arguments = "FILE",
    .summary = "check a configuration",
    .text = "The files of TLS that it names as well; warnings leave the "
            "status at 0.\n",
    .least = 1,
    .most = 1,
    .words = "FILE",
    .run = run,
};
