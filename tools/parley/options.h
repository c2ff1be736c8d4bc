/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - what all commands share: where the broker is, how to complain.
 * The tool has one thread and one command a run. */
#ifndef PL_TOOL_OPTIONS_H
#define PL_TOOL_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "settings.h"

/* The help, the man page and the README say the same; a test compares. */
#define EXIT_STATUS_MAP(X)                                                     \
    X(EXIT_OK, 0, "done")                                                      \
    X(EXIT_FAILED, 1, "failed; standard error says why")                       \
    X(EXIT_USAGE, 2, "wrong usage")                                            \
    X(EXIT_NO_BROKER, 3, "no broker there, or one of another user")            \
    X(EXIT_TIMEOUT, 4, "the broker did not answer in time")                    \
    X(EXIT_ENDED, 5, "the broker ended the subscription")

enum exit_status {
#define X(name, value, text) name = value,
    EXIT_STATUS_MAP(X)
#undef X
};

enum { TIMEOUT_DEFAULT_MS = 10000 };

/* Where the broker is.  Strings are of the command line or of `config`. */
struct target {
    const char *socket;
    const char *url; /* instead of the socket */
    const char *key; /* for the url */
    const char *config_file;
    struct pl_settings *config; /* of config_file, once loaded */
    int64_t timeout_ms;         /* 0: for ever */
    bool has_timeout;           /* it was given */
    bool is_chosen; /* the socket was named, it is not the default */
};

/* The short and long options that lead to the broker, for getopt_long(). */
#define TARGET_SHORT "c:s:u:k:t:h"
#define TARGET_LONG                                                            \
    {"config", required_argument, NULL, 'c'},                                  \
        {"socket", required_argument, NULL, 's'},                              \
        {"url", required_argument, NULL, 'u'},                                 \
        {"key", required_argument, NULL, 'k'},                                 \
        {"timeout", required_argument, NULL, 't'},                             \
    {                                                                          \
        "help", no_argument, NULL, 'h'                                         \
    }

/* Take one option of `command` if it is of those above, --help aside.
 * EXIT_OK, or what to exit with; it has complained then. */
int target_take(struct target *t, const char *command, int option);

/* Find the values that were not given: from the configuration, then the
 * default. EXIT_OK, or what to exit with; it has complained then. */
int target_complete(struct target *t);
void target_fini(struct target *t);

/* What messages call the broker. */
const char *target_name(const struct target *t);

/* Load a configuration as parleyd would; its findings go to stderr.
 * NULL: it cannot be used. */
struct pl_settings *load_config(const char *file);

/* The same, and look into the files of TLS. */
struct pl_settings *check_config(const char *file);

/* "parley: " and a message on stderr. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Name the help, getopt having complained; gives EXIT_USAGE. */
int usage_hint(const char *command);

/* Complain and name the help; gives EXIT_USAGE. */
int usage_error(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
