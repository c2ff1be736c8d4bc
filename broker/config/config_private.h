/* SPDX-License-Identifier: Apache-2.0 */
/* config_private.h - the steps of pl_config_read(). */
#ifndef PL_CONFIG_PRIVATE_H
#define PL_CONFIG_PRIVATE_H

#include "config_load.h"

/* Make a setting for each key, with its member in `values`.
 * Owner:  the caller calls pl_config_settings_fini(), also after an error.
 * Errors: PL_ENOMEM. */
enum pl_err pl_config_settings_init(struct pl_config_settings *s,
                                    const struct pl_config_schema *schema,
                                    void *values);
void pl_config_settings_fini(struct pl_config_settings *s);

/* Set what nothing has set to its default, and put the findings about all
 * values into the report.  Errors: PL_ENOMEM. */
enum pl_err pl_config_settings_finish(struct pl_config_loading *l,
                                      struct pl_config_settings *s);

/* The setting of the key with this name, and the first of the section with this
 * name; NULL: there is none. */
struct pl_config_setting *
pl_config_settings_find(const struct pl_config_settings *s, const char *name);
struct pl_config_setting *
pl_config_settings_section(const struct pl_config_settings *s,
                           const char *name);

/* Return the name of a key or section that differs from `path` by one letter
 * added, removed, changed or swapped with its neighbour; absent: there is none.
 * Owner:  the table of keys. */
struct pl_span pl_config_near(const struct pl_config_settings *s,
                              const char *path);

/* True if `b` differs from `a` by one letter added, removed, changed or swapped
 * with its neighbour. */
bool pl_config_is_near(const char *a, const char *b, size_t b_len);

/* Set what `variable`, as "PARLEY_LOOPS=2", says: nothing if it is empty or
 * concerns other programs.
 * Errors: PL_EINVAL, as pl_config_walk(); PL_ENOMEM. */
enum pl_err pl_config_read_variable(struct pl_config_loading *l,
                                    const char *variable);

/* Parse a YAML text and set what it says.  `place` names the source; its line
 * is ignored.  Errors go into the report; an invalid key leaves its setting
 * unchanged and sets l->is_incomplete.
 * Errors: PL_EINVAL: this is no YAML, or of a kind that no configuration needs;
 *         PL_ENOMEM. */
enum pl_err pl_config_walk(struct pl_config_loading *l,
                           const struct pl_config_place *place,
                           struct pl_span text);

/* Likewise, but `value` is the text of the one key or section `path` of `to`.
 */
enum pl_err pl_config_walk_value(struct pl_config_loading *l,
                                 struct pl_config_settings *to,
                                 const struct pl_config_place *place,
                                 const char *path, const char *value);

#endif
