/* SPDX-License-Identifier: Apache-2.0 */
/* operator.h - stands in for the admin server: the server API without HTTP. */
#ifndef OPERATOR_H
#define OPERATOR_H

#include <stdbool.h>

#include "address.h"
#include "calls.h"

struct operator;
struct world;

/* What the admin server, or who stands in for it, needs of this world, but for
 * a reactor; `status` is filled in too and outlives it. */
struct pl_admin_options operator_options(struct world *w,
                                         struct pl_status_source *status);

/* An actor on the control loop, which ends with PL_MSG_STOP. */
struct operator* operator_create(struct world *w);
struct pl_address operator_address(const struct operator* o);

/* One call, as the body of a POST to /api/<method>; `done` gets the answer's
 * body, unless the broker stops before.  False: it could not begin. */
bool operator_ask(struct operator* o, enum pl_api_method method,
                  struct pl_span params, pl_api_call_done *done, void *arg);

#endif
