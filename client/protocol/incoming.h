/* SPDX-License-Identifier: Apache-2.0 */
/* incoming.h - the replies and pushes that a client receives.
 * Thread: the loop's. */
#ifndef PLC_INCOMING_H
#define PLC_INCOMING_H

#include <stdbool.h>

#include "span.h"

struct plc_client;

/* Handle the payload of a message; return false if the attempt is over. */
bool plc_client_receive(struct plc_client *c, struct pl_span payload);

#endif
