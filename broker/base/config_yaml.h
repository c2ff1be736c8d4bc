/* SPDX-License-Identifier: Apache-2.0 */
/* config_yaml.h - YAML text to the texts of keys, with the line of each. */
#ifndef PL_CONFIG_YAML_H
#define PL_CONFIG_YAML_H

#include "config_load.h"

struct pl_config_yaml; /* opaque */

/* Parse `text`, check it against the schema that the table of keys makes, and
 * put what it says into l->setting.  `place` names the source; its line is
 * ignored.  What is wrong goes into the report; a key that is wrong leaves its
 * setting as it was and l->is_incomplete. Owner:  the caller destroys *out,
 * after the settings were used; *out is set only when there is something to
 * destroy. Errors: PL_EINVAL, PL_ENOMEM. */
enum pl_err pl_config_yaml_read(struct pl_config_yaml **out,
                                struct pl_config_loading *l,
                                const struct pl_config_place *place,
                                struct pl_span text);

/* Wipe and free.  Takes NULL. */
void pl_config_yaml_destroy(struct pl_config_yaml *y);

#endif
