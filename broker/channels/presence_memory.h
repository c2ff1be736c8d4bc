/* SPDX-License-Identifier: Apache-2.0 */
/* presence_memory.h - a presence store in the memory of this process. */
#ifndef PL_PRESENCE_MEMORY_H
#define PL_PRESENCE_MEMORY_H

#include "presence.h"

struct pl_random;

/* Create a presence store; `random` gives the key of its tables.
 * Owner:  the caller, until ops->destroy().
 * Errors: PL_ENOMEM. */
enum pl_err pl_presence_memory_create(struct pl_presence **out,
                                      struct pl_random *random);

#endif
