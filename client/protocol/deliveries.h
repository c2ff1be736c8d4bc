/* SPDX-License-Identifier: Apache-2.0 */
/* deliveries.h - publications for the program, and the position that moves with
 * them.
 * Thread: the loop's. */
#ifndef PLC_DELIVERIES_H
#define PLC_DELIVERIES_H

#include <stdbool.h>

#include "parley_client.h"
#include "positions.h"
#include "received.h"

/* Report a publication and move the position; `s` NULL: of the server's
 * subscription to `channel`.  Without memory for the event the position stays,
 * and what the connection brings counts as lost. */
bool plc_deliver(struct plc_client *c, struct plc_sub *s,
                 struct pl_span channel, struct plc_position *p,
                 const struct pl_received_publication *pub, bool recovered);
/* Begin with the position of the subscribe reply `r`, report the change that it
 * is, and deliver what it has recovered, in this order. */
void plc_deliver_begin(struct plc_position *p,
                       const struct pl_received_subscribe *r);
struct plc_change plc_deliver_change(const struct plc_position *p,
                                     const struct pl_received_subscribe *r);
void plc_deliver_recovered(struct plc_client *c, struct plc_sub *s,
                           struct pl_span channel, struct plc_position *p,
                           const struct pl_received_subscribe *r);

#endif
