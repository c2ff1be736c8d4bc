/* SPDX-License-Identifier: Apache-2.0 */
/* config_yaml.h - converts a YAML text into settings, with the line of each. */
#ifndef PL_CONFIG_YAML_H
#define PL_CONFIG_YAML_H

#include "config_load.h"

struct pl_config_yaml; /* opaque */

/* Parse `text`, check it against the table of keys, and store its values in
 * l->setting.  `place` names the source; its line is ignored.  Errors go into
 * the report; an invalid key leaves its setting unchanged and sets
 * l->is_incomplete.
 * Owner:  the caller destroys *out, after the last use of the settings; *out is
 *         set only on success.
 * Errors: PL_EINVAL, PL_ENOMEM. */
enum pl_err pl_config_yaml_read(struct pl_config_yaml **out,
                                struct pl_config_loading *l,
                                const struct pl_config_place *place,
                                struct pl_span text);

/* Wipe and free.  NULL is allowed. */
void pl_config_yaml_destroy(struct pl_config_yaml *y);

#endif
