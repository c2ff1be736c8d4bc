/* SPDX-License-Identifier: Apache-2.0 */
/* config_diff.h - the differences between two configurations. */
#ifndef PL_CONFIG_DIFF_H
#define PL_CONFIG_DIFF_H

#include <stdbool.h>

#include "config.h"
#include "config_keys.h"

/* True if `key` has different values in `a` and `b`.  Thread: any. */
bool pl_config_differs(const struct pl_config *a, const struct pl_config *b,
                       const struct pl_config_key *key);

/* True if a running broker can adopt a new value of `key`. */
bool pl_config_is_reloadable(const struct pl_config_key *key);

#endif
