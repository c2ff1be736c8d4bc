/* SPDX-License-Identifier: Apache-2.0 */
/* sockets.h - the network of real servers: names, TCP and TLS. */
#ifndef PLC_SOCKETS_H
#define PLC_SOCKETS_H

#include "err.h"
#include "network.h"

struct pl_reactor;

/* Owner:  the caller; plc_sockets_destroy() once the loop does not run and its
 *         actors are reaped.
 * Thread: any before the loop runs.
 * Errors: PL_ENOMEM, PL_EINVAL. */
enum pl_err plc_sockets_create(struct plc_network **out,
                               struct pl_reactor *reactor);
void plc_sockets_destroy(struct plc_network *n); /* NULL is allowed */

#endif
