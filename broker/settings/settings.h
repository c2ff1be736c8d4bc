/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - all settings of the broker as plain data, checked and complete.
 *
 * Each module declares its keys in its <module>_settings.h; this module puts
 * them together, adds those of the process, and compares them.
 * docs/configuration.md explains each key. */
#ifndef PL_SETTINGS_H
#define PL_SETTINGS_H

#include "admin_settings.h"
#include "centrifugo.h"
#include "channels_settings.h"
#include "config_read.h"
#include "log.h"
#include "net_settings.h"
#include "rules.h"
#include "rules_settings.h"
#include "session_settings.h"
#include "supervisor_settings.h"
#include "users_settings.h"

struct pl_process_settings {
    uint32_t loops; /* 0: one per core */
    struct {
        uint32_t connections; /* 0: as many as descriptors allow */
        struct pl_config_memory memory;
    } limits;
    struct {
        enum pl_log_level level;
    } log;
};

/* Owned by the caller of pl_settings_load(); constant, so any thread may read
 * it. */
struct pl_settings {
    struct pl_process_settings process;
    struct pl_net_settings net;
    struct pl_session_settings session;
    struct pl_users_settings users;
    struct pl_rules_settings rules; /* of names without a namespace */
    struct pl_naming_settings naming;
    struct pl_channels_settings channels;
    struct pl_supervisor_settings supervisor;
    struct pl_admin_settings admin;
    struct pl_rulebook *rulebook; /* own reference: made from `rules`
                                     and `naming` */
};

/* All keys. */
extern const struct pl_config_schema pl_settings_schema;

/* Read, convert and check everything, see pl_config_read().
 * Owner:  the caller destroys *out.
 * Thread: any; reads the file and the environment.
 * Errors: PL_EINVAL (see the report), PL_EIO (the file; also in the report),
 *         PL_ENOMEM. */
enum pl_err pl_settings_load(struct pl_settings **out,
                             const struct pl_config_source *src,
                             struct pl_buf *report);

/* Translate the file of a `src` that is Centrifugo's, and its variables, into
 * `out`, as pl_settings_load() does.  *can_others_read is set as by
 * pl_config_file_read().
 * Owner:  the caller calls pl_centrifugo_result_fini(), also after an error.
 * Thread: any; reads the file.
 * Errors: as pl_settings_load(). */
enum pl_err pl_settings_translate(struct pl_centrifugo_result *out,
                                  const struct pl_config_source *src,
                                  bool *can_others_read, struct pl_buf *report);

/* True if `text`, as "PARLEY_LOOPS=2", is an environment variable that may set
 * a key; of Centrifugo too. */
bool pl_settings_is_variable(const char *text);

/* The defaults, without the check that clients can authenticate: for tests and
 * tools.  Errors: PL_ENOMEM. */
enum pl_err pl_settings_create_default(struct pl_settings **out);

/* Check what no single value shows, as a pl_config_check. */
void pl_settings_check(struct pl_config_loading *l,
                       const struct pl_config_source *src);

/* Likewise, whether the TLS files can be used: see pl_tls_check().  For
 * pl_config_source.look. */
void pl_settings_check_tls(struct pl_config_loading *l);

/* Wipe the secrets and free everything.  NULL and incomplete settings are
 * allowed. */
void pl_settings_destroy(struct pl_settings *s);

#endif
