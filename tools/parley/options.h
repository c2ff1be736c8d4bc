/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - what all commands share: where the broker is, how to complain.
 * The tool has one thread and one command a run. */
#ifndef PL_TOOL_OPTIONS_H
#define PL_TOOL_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>

#include "config.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Where the broker is.  Strings are of the command line or of `config`. */
struct target {
    const char *socket;
    const char *url; /* instead of the socket */
    const char *key; /* for the url */
    const char *config_file;
    struct pl_config *config; /* of config_file, once loaded */
};

/* The short and long options that lead to the broker, for getopt_long(). */
#define TARGET_SHORT "c:s:u:k:h"
#define TARGET_LONG                                                            \
    {"config", required_argument, NULL, 'c'},                                  \
        {"socket", required_argument, NULL, 's'},                              \
        {"url", required_argument, NULL, 'u'},                                 \
        {"key", required_argument, NULL, 'k'},                                 \
    {                                                                          \
        "help", no_argument, NULL, 'h'                                         \
    }

/* Take one option if it is of those above. */
bool target_take(struct target *t, int option);

/* Find out what was not said: from the configuration, then the default.
 * EXIT_OK, or what to exit with; it has complained then. */
int target_complete(struct target *t);
void target_fini(struct target *t);

/* Load a configuration as parleyd would; its findings go to stderr.
 * NULL: it cannot be used. */
struct pl_config *load_config(const char *file);

/* "parley: " and a message on stderr. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Complain and name the help; gives EXIT_USAGE. */
int usage_error(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
