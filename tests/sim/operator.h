/* SPDX-License-Identifier: Apache-2.0 */
/* operator.h - stands in for the admin server: asks things of the supervisor
 * as a backend does through the server API. */
#ifndef OPERATOR_H
#define OPERATOR_H

#include "address.h"

struct operator;
struct pl_loop;

/* An actor on the control loop, which ends with PL_MSG_STOP. */
struct operator* operator_create(struct pl_loop *loop);
struct pl_address operator_address(const struct operator* o);

/* Disconnect the user's connections, or unsubscribe them from `channel`. */
void operator_kick(struct operator* o, struct pl_address supervisor,
                   const char *user, const char *channel);

#endif
