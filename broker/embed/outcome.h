/* SPDX-License-Identifier: Apache-2.0 */
/* outcome.h - from the result of a request to what the program gets.
 * Private to this module. */
#ifndef PL_BROKER_OUTCOME_H
#define PL_BROKER_OUTCOME_H

#include "msg.h"
#include "parley.h"

/* Fill in *out from a request that came back; it is valid as long as `result`
 * and the returned items, which the caller frees with free() (NULL: none).
 * Without memory for the items, out->err is PL_ENOMEM. */
struct pl_item *pl_outcome_read(struct pl_outcome *out,
                                const struct pl_msg *result);

#endif
