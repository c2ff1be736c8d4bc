/* SPDX-License-Identifier: Apache-2.0 */
/* config_load.h - the state shared by the steps of pl_config_load().  Private
 * to them. */
#ifndef PL_CONFIG_LOAD_H
#define PL_CONFIG_LOAD_H

#include "config.h"
#include "config_keys.h"

enum {
    PL_CONFIG_KEY_MAX = 64,
    PL_CONFIG_SECTION_MAX = 24,
    PL_CONFIG_FILE_MAX = 1 << 20 /* bytes */
};

/* Where a value was set. */
struct pl_config_place {
    const char *file; /* NULL: not in a file */
    unsigned line;    /* 0: unknown */
    const char *set;  /* argument of --set, of which only the part before '='
                         may be shown; NULL: not set by --set */
};

/* The text of one key, before conversion. */
struct pl_config_setting {
    const char *text; /* NULL: a list, or not set */
    char *const *list;
    size_t count;
    struct pl_config_place place;
    bool said;     /* set by anything, including the defaults */
    bool explicit; /* set by the file or by --set */
};

/* A load in progress. */
struct pl_config_loading {
    struct pl_config *config;
    struct pl_config_setting setting[PL_CONFIG_KEY_MAX]; /* by key */
    struct pl_buf *report;
    unsigned errors;
    bool is_incomplete;   /* a key was refused, so others may be missing */
    bool can_others_read; /* other users can read the file */
};

/* The setting of the existing key named `key`. */
const struct pl_config_setting *
pl_config_setting_of(const struct pl_config_loading *l, const char *key);

/* Add an error to the report.  `key` may hold any bytes; those that are not
 * printable ASCII become '?'. */
void pl_config_complain(struct pl_config_loading *l,
                        const struct pl_config_place *place, const char *key,
                        const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Add a warning to the report; it is no error. */
void pl_config_warn(struct pl_config_loading *l,
                    const struct pl_config_place *place, const char *key,
                    const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Convert the setting of `key` into its member.  Invalid values go into the
 * report.  Errors: PL_ENOMEM. */
enum pl_err pl_config_value_store(struct pl_config_loading *l,
                                  const struct pl_config_key *key);

/* Check what no single value shows: values that contradict each other or the
 * way of starting.  Fill in the values that depend on others. */
void pl_config_check(struct pl_config_loading *l,
                     const struct pl_config_source *src);

#endif
