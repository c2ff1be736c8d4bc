/* SPDX-License-Identifier: Apache-2.0 */
/* config_load.h - what the steps of pl_config_load() share; for them only. */
#ifndef PL_CONFIG_LOAD_H
#define PL_CONFIG_LOAD_H

#include "config.h"
#include "config_keys.h"

enum {
    PL_CONFIG_KEY_MAX = 64,
    PL_CONFIG_SECTION_MAX = 24,
    PL_CONFIG_FILE_MAX = 1 << 20 /* bytes */
};

/* Where a value was said. */
struct pl_config_place {
    const char *file; /* NULL: not in a file */
    unsigned line;    /* 0: unknown */
    const char *set;  /* argument of --set, of which only what stands before
                       * its '=' may be shown; NULL: not by --set */
};

/* The text of one key, not converted yet. */
struct pl_config_setting {
    const char *text; /* NULL: a list, or nothing said */
    char *const *list;
    size_t count;
    struct pl_config_place place;
    bool said;     /* by anything, the defaults included */
    bool explicit; /* by the file or by --set */
};

/* One load under way. */
struct pl_config_loading {
    struct pl_config *config;
    struct pl_config_setting setting[PL_CONFIG_KEY_MAX]; /* by key */
    struct pl_buf *report;
    unsigned errors;
    bool is_incomplete;   /* a key was refused, so others may be missed */
    bool can_others_read; /* the file, whoever they are */
};

/* The setting of the key with this name, which exists. */
const struct pl_config_setting *
pl_config_setting_of(const struct pl_config_loading *l, const char *key);

/* One line of the report, and one error more.  `key` may hold anything: what
 * is not printable ASCII becomes '?'. */
void pl_config_complain(struct pl_config_loading *l,
                        const struct pl_config_place *place, const char *key,
                        const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same, but no error. */
void pl_config_warn(struct pl_config_loading *l,
                    const struct pl_config_place *place, const char *key,
                    const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Convert the setting of `key` into its member.  What is wrong with it goes
 * into the report.  Errors: PL_ENOMEM. */
enum pl_err pl_config_value_store(struct pl_config_loading *l,
                                  const struct pl_config_key *key);

/* What no single value can show: values that contradict one another or the
 * way of starting.  Fills in the values that follow others. */
void pl_config_check(struct pl_config_loading *l,
                     const struct pl_config_source *src);

#endif
