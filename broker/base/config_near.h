/* SPDX-License-Identifier: Apache-2.0 */
/* config_near.h - what a misspelt key may have meant. */
#ifndef PL_CONFIG_NEAR_H
#define PL_CONFIG_NEAR_H

#include "span.h"

/* The name of a key or a section that `path` becomes with one letter more, one
 * less, another one, or two neighbours changed over; absent: there is none.
 * Owner: the table of keys.  Thread: any. */
struct pl_span pl_config_near(const char *path);

#endif
