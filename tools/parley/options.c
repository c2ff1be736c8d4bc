/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - see options.h.
 *
 * The socket is what is named first of: the option, the configuration given by
 * -c, $PARLEY_SOCKET, the default.  An API key is better in $PARLEY_API_KEY
 * than on the command line, which others can see. */
#include "options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "500ms", "5s", "5", "1m", "1h" in milliseconds; false: not a time. */
static bool read_timeout(const char *text, int64_t *out)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {
        {"ms", 1}, {"", 1000}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (errno != 0 || n > INT32_MAX)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(end, units[i].unit) == 0) {
            *out = n * units[i].ms;
            return true;
        }
    }
    return false;
}

int target_take(struct target *t, const char *command, int option)
{
    switch (option) {
    case 'c':
        t->config_file = optarg;
        return EXIT_OK;
    case 's':
        t->socket = optarg;
        return EXIT_OK;
    case 'u':
        t->url = optarg;
        return EXIT_OK;
    case 'k':
        t->key = optarg;
        return EXIT_OK;
    case 't':
        t->has_timeout = true;
        if (read_timeout(optarg, &t->timeout_ms))
            return EXIT_OK;
        return usage_error(command, "not a time: %s (500ms, 5s, 1m)", optarg);
    default:
        return usage_hint(command);
    }
}

static struct pl_settings *load(const struct pl_config_source *source)
{
    struct pl_settings *config = NULL;
    struct pl_buf report = {0};

    if (pl_settings_load(&config, source, &report) != PL_OK)
        config = NULL;
    if (report.len > 0)
        fwrite(report.data, 1, report.len, stderr);
    pl_buf_fini(&report);
    return config;
}

struct pl_settings *load_config(const char *file)
{
    return load(&(struct pl_config_source){.file = file});
}

struct pl_settings *check_config(const char *file)
{
    return load(&(struct pl_config_source){.file = file,
                                           .has_listeners =
                                               true, /* as `parleyd --check` */
                                           .look = pl_settings_check_tls});
}

static int complete_from_config(struct target *t)
{
    enum pl_err rc = PL_OK;

    if (t->config_file != NULL)
        t->config = load_config(t->config_file);
    else
        rc = pl_settings_create_default(&t->config);
    if (t->config == NULL || rc != PL_OK) {
        complain("cannot use %s",
                 t->config_file != NULL ? t->config_file : "the defaults");
        return EXIT_FAILED;
    }
    if (t->config_file == NULL)
        t->socket = getenv("PARLEY_SOCKET");
    t->is_chosen = t->socket != NULL || t->config_file != NULL;
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
    if (!t->has_timeout)
        t->timeout_ms = TIMEOUT_DEFAULT_MS;
    if (t->url != NULL) {
        if (t->key == NULL)
            t->key = getenv("PARLEY_API_KEY");
        return EXIT_OK;
    }
    t->is_chosen = true;
    return t->socket != NULL ? EXIT_OK : complete_from_config(t);
}

const char *target_name(const struct target *t)
{
    return t->url != NULL ? t->url : t->socket;
}

void target_fini(struct target *t)
{
    pl_settings_destroy(t->config);
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

int usage_hint(const char *command)
{
    fprintf(stderr, "Try `parley %s --help`.\n", command);
    return EXIT_USAGE;
}

int usage_error(const char *command, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "parley %s: ", command);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return usage_hint(command);
}
