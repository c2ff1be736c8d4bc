/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_import_config.c - parley import-config: a configuration of Centrifugo as
 * one of parley.
 *
 * The result is first read as parleyd would, so that what is printed works. */
#include "commands.h"
#include "output.h"

static int print_text(const char *file)
{
    struct pl_centrifugo_result result;
    struct pl_buf told = {0}; /* by read_centrifugo() before */
    enum pl_err rc = translate_centrifugo(&result, file, &told);

    if (rc == PL_OK)
        output_text("%.*s", (int)result.text.len, result.text.data);
    pl_centrifugo_result_fini(&result);
    pl_buf_fini(&told);
    return rc == PL_OK ? EXIT_OK : EXIT_FAILED;
}

static int run(struct target *t, int argc, char **argv)
{
    const char *file = argv[0];
    struct pl_settings *config = read_centrifugo(file);

    (void)t, (void)argc;
    if (config == NULL) {
        complain("%s cannot be imported", file);
        return EXIT_FAILED;
    }
    pl_settings_destroy(config);
    return print_text(file);
}

const struct command command_import_config = {
    .name = "import-config",
    .arguments = "FILE",
    .summary = "print a configuration of Centrifugo 6 as one of parley",
    .text = "FILE is JSON or YAML; variables CENTRIFUGO_* override it.  What "
            "parley has\n"
            "not is a warning, or an error where security hangs on it.\n"
            "`parleyd --centrifugo FILE` runs the same without this step.\n",
    .least = 1,
    .most = 1,
    .words = "FILE",
    .run = run,
};
