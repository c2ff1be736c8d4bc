/* SPDX-License-Identifier: Apache-2.0 */
/* origin.h - whether this process made a group, or is a fork() of one that did.
 *
 * A child has copies of the group's memory and descriptors, but not its thread,
 * and its locks may be taken for ever. */
#ifndef PLC_ORIGIN_H
#define PLC_ORIGIN_H

#include <stdbool.h>

#include "err.h"

struct plc_origin; /* opaque */

/* Owner:  the caller.
 * Errors: PL_ENOMEM. */
enum pl_err plc_origin_create(struct plc_origin **out);
void plc_origin_destroy(struct plc_origin *o); /* NULL is allowed */

/* False in a child.  NULL: there are no processes, in a simulation.
 * Thread: any. */
bool plc_origin_is_here(const struct plc_origin *o);

#endif
