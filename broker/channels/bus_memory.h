/* SPDX-License-Identifier: Apache-2.0 */
/* bus_memory.h - the bus of a broker with one node: events stay in the
 * owner. */
#ifndef PL_BUS_MEMORY_H
#define PL_BUS_MEMORY_H

#include "bus.h"

/* Owner: the caller, until ops->destroy().
 * Errors: PL_ENOMEM. */
enum pl_err pl_bus_memory_create(struct pl_bus **out);

#endif
