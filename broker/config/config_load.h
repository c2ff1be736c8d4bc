/* SPDX-License-Identifier: Apache-2.0 */
/* config_load.h - the state of a load in progress, for checks and for the steps
 * of pl_config_read(). */
#ifndef PL_CONFIG_LOAD_H
#define PL_CONFIG_LOAD_H

#include "config_read.h"

/* Where a value was set. */
struct pl_config_place {
    const char *file; /* NULL: not in a file */
    unsigned line;    /* 0: unknown */
    const char *set;  /* argument of --set, of which only the part before '='
                         may be shown; NULL: not set by --set */
    const char *variable; /* the environment variable, of which only the part
                             before '=' may be shown; NULL: none */
    const char *list;     /* the key of PL_KIND_SECTIONS that it is below; NULL:
                             none */
    size_t item;          /* of `list`, from 1 */
};

/* Where a line of a translated configuration comes from. */
struct pl_config_origin {
    struct pl_config_place place;
    const char *key; /* as it is called there; NULL: the line has no origin */
};

/* One key of a load. */
struct pl_config_setting {
    const struct pl_config_key *key;
    void *member; /* has the newest value */
    struct pl_config_place place;
    size_t count; /* of the items that a list was given */
    bool said;    /* set by anything, including the defaults */
    /* The last text that names the key, and its section if this is the
     * section's first key; 0: none. */
    unsigned named_in, section_named_in;
    struct pl_buf findings; /* about the newest value */
};

/* A setting for each key of a schema, in the order of the tables. */
struct pl_config_settings {
    struct pl_config_setting *at; /* owned */
    size_t count;
};

/* A load in progress. */
struct pl_config_loading {
    void *values; /* the struct of the schema */
    struct pl_config_settings settings;
    struct pl_buf *report;
    unsigned errors;
    unsigned texts; /* that were begun */
    bool insecure;
    bool is_incomplete;   /* a key was refused, so others may be missing */
    bool can_others_read; /* other users can read the file */
    /* By line of the file, from 0; NULL: the file is no translation. */
    const struct pl_config_origin *origins;
    size_t origin_count;
};

/* The setting of the existing key named `key`. */
const struct pl_config_setting *
pl_config_setting_of(const struct pl_config_loading *l, const char *key);

/* True if the file, the environment or --set says the value of `key`, and not a
 * default. */
bool pl_config_is_explicit(const struct pl_config_loading *l, const char *key);

/* True if the file has the value of this place; of a translation: the file that
 * was translated. */
bool pl_config_is_in_file(const struct pl_config_loading *l,
                          const struct pl_config_place *place);

enum pl_config_severity { PL_CONFIG_ERROR, PL_CONFIG_WARNING };

/* Add a finding to the report.  `key` may hold any bytes; those that are not
 * printable ASCII become '?'. */
void pl_config_report(struct pl_config_loading *l, enum pl_config_severity how,
                      const struct pl_config_place *place, const char *key,
                      const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The same about the value of an existing key. */
#define PL_CONFIG_COMPLAIN(l, key, ...)                                        \
    pl_config_report(l, PL_CONFIG_ERROR, &pl_config_setting_of(l, key)->place, \
                     key, __VA_ARGS__)
#define PL_CONFIG_WARN(l, key, ...)                                            \
    pl_config_report(l, PL_CONFIG_WARNING,                                     \
                     &pl_config_setting_of(l, key)->place, key, __VA_ARGS__)

#endif
