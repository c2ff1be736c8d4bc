/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - see options.h.
 *
 * The socket is what is named first of: the option, the configuration given by
 * -c, $PARLEY_SOCKET, the default.  An API key is better in $PARLEY_API_KEY
 * than on the command line, which others can see. */
#include "options.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool target_take(struct target *t, int option)
{
    switch (option) {
    case 'c':
        t->config_file = optarg;
        return true;
    case 's':
        t->socket = optarg;
        return true;
    case 'u':
        t->url = optarg;
        return true;
    case 'k':
        t->key = optarg;
        return true;
    default:
        return false;
    }
}

struct pl_config *load_config(const char *file)
{
    struct pl_config_source source = {.file = file};
    struct pl_config *config = NULL;
    struct pl_buf report = {0};

    if (pl_config_load(&config, &source, &report) != PL_OK)
        config = NULL;
    if (report.len > 0)
        fwrite(report.data, 1, report.len, stderr);
    pl_buf_fini(&report);
    return config;
}

static int complete_from_config(struct target *t)
{
    enum pl_err rc = PL_OK;

    if (t->config_file != NULL)
        t->config = load_config(t->config_file);
    else
        rc = pl_config_create_default(&t->config);
    if (t->config == NULL || rc != PL_OK) {
        complain("cannot use %s",
                 t->config_file != NULL ? t->config_file : "the defaults");
        return EXIT_FAILED;
    }
    if (t->socket == NULL && t->config_file == NULL)
        t->socket = getenv("PARLEY_SOCKET");
    if (t->socket == NULL)
        t->socket = t->config->admin.socket;
    if (t->socket == NULL) {
        complain("%s switches the admin socket off: use --socket or --url",
                 t->config_file);
        return EXIT_FAILED;
    }
    return EXIT_OK;
}

int target_complete(struct target *t)
{
    if (t->url != NULL) {
        if (t->key == NULL)
            t->key = getenv("PARLEY_API_KEY");
        return EXIT_OK;
    }
    return t->socket != NULL ? EXIT_OK : complete_from_config(t);
}

void target_fini(struct target *t)
{
    pl_config_destroy(t->config);
    t->config = NULL;
}

void complain(const char *format, ...)
{
    va_list args;

    fputs("parley: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

int usage_error(const char *command, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "parley %s: ", command);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputs("\nTry `parley help`.\n", stderr);
    return EXIT_USAGE;
}
