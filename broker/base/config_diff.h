/* SPDX-License-Identifier: Apache-2.0 */
/* config_diff.h - which keys two configurations differ in. */
#ifndef PL_CONFIG_DIFF_H
#define PL_CONFIG_DIFF_H

#include <stdbool.h>

#include "config.h"
#include "config_keys.h"

/* Whether `key` has another value in `a` than in `b`.  Thread: any. */
bool pl_config_differs(const struct pl_config *a, const struct pl_config *b,
                       const struct pl_config_key *key);

/* Whether a running broker takes over a new value of `key`. */
bool pl_config_is_reloadable(const struct pl_config_key *key);

#endif
