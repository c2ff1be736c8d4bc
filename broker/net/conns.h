/* SPDX-License-Identifier: Apache-2.0 */
/* conns.h - the connections of one loop: sockets on one side, sessions on the
 * other. */
#ifndef PL_CONNS_H
#define PL_CONNS_H

#include "address.h"
#include "err.h"
#include "metrics.h"

struct pl_conns; /* opaque */
struct pl_keeper;
struct pl_loop;
struct pl_reactor;

/* An actor that takes sockets which a listener hands over.  It ends with
 * PL_MSG_STOP, after its sessions.
 * Errors: PL_ENOMEM. */
enum pl_err pl_conns_create(struct pl_conns **out, struct pl_loop *loop,
                            struct pl_reactor *reactor,
                            struct pl_keeper *keeper,
                            struct pl_metrics *metrics);

struct pl_address pl_conns_address(const struct pl_conns *c);

/* Begin a session on the connected, non-blocking socket `fd`.
 * Owner:  the conns, also on error, when it closes it.
 * Thread: the loop's.
 * Errors: PL_ENOMEM. */
enum pl_err pl_conns_adopt(struct pl_conns *c, int fd);

#endif
