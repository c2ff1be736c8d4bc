/* SPDX-License-Identifier: Apache-2.0 */
/* config_near.h - suggestions for a misspelt key. */
#ifndef PL_CONFIG_NEAR_H
#define PL_CONFIG_NEAR_H

#include "span.h"

/* Return the name of a key or section that differs from `path` by one letter
 * added, removed, changed or swapped with its neighbour; absent: there is none.
 * Owner:  the table of keys.
 * Thread: any. */
struct pl_span pl_config_near(const char *path);

#endif
