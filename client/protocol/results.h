/* SPDX-License-Identifier: Apache-2.0 */
/* results.h - what a program learns from a reply. */
#ifndef PLC_RESULTS_H
#define PLC_RESULTS_H

#include <stdbool.h>

#include "arena.h"
#include "parley_client.h"
#include "received.h"

/* Copy `reply` to `r` and, with all that it points to, to `to`.  `scratch` is
 * an arena for elements of lists, which nothing else uses.  Return false if out
 * of memory. */
bool plc_result_read(struct plc_result *r, struct pl_arena *to,
                     struct pl_arena *scratch, const struct pl_received *reply);

#endif
