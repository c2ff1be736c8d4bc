/* SPDX-License-Identifier: Apache-2.0 */
/* target.h - where the broker is, and as whom to go there. */
#ifndef PL_TOOL_TARGET_H
#define PL_TOOL_TARGET_H

#include "options.h"
#include "settings.h"

enum { TIMEOUT_DEFAULT_MS = 10000 };

/* Strings are of the command line, of the environment or of `config`. */
struct target {
    const char *socket;
    const char *url; /* instead of the socket */
    const char *key; /* for the url, http:// */
    const char *config_file;
    const char *token, *token_file, *ca_file; /* for the url, ws:// */
    struct opt_list headers;
    bool is_unverified, is_protobuf;
    bool is_client;             /* the url is ws:// or wss:// */
    struct pl_settings *config; /* of config_file, once loaded */
    int64_t timeout_ms;         /* 0: for ever */
    bool has_timeout;           /* it was given */
    bool is_chosen; /* the socket was named, it is not the default */
};

/* The options that fill it.  The program has one target. */
extern const struct opt target_admin_options[], target_options[],
    target_client_options[];

/* Find the values that were not given: from the environment, from the
 * configuration, then the default.  `c` says what it can reach.  The target
 * goes to *out.  EXIT_OK, or what to exit with; it has complained then. */
int target_complete(const struct command *c, struct target **out);
void target_fini(struct target *t);

/* What messages call the broker. */
const char *target_name(const struct target *t);

/* Load a configuration as parleyd would; its findings go to stderr.
 * NULL: it cannot be used. */
struct pl_settings *load_config(const char *file);

/* The same, and look into the files of TLS. */
struct pl_settings *check_config(const char *file);

/* The same of a file of Centrifugo. */
struct pl_settings *read_centrifugo(const char *file);

/* Translate such a file, as pl_settings_translate(). */
enum pl_err translate_centrifugo(struct pl_centrifugo_result *out,
                                 const char *file, struct pl_buf *report);

#endif
