/* SPDX-License-Identifier: Apache-2.0 */
/* poller.h - readiness of all sockets of one loop through one epoll set, which
 * costs a single libevent event.  Private to this module.
 *
 * Thread: the loop's, or any before the loop runs. */
#ifndef PL_POLLER_H
#define PL_POLLER_H

#include <stdint.h>

#include "err.h"

struct pl_poller; /* opaque */
struct pl_reactor;

/* Called when a socket is ready.  `events` are epoll flags; `what` is the
 * pointer given to pl_poller_add(). */
typedef void pl_poller_ready(void *what, uint32_t events);

/* Create a poller on the event base of `reactor`.
 * Errors: PL_ENOMEM, PL_EIO. */
enum pl_err pl_poller_create(struct pl_poller **out, struct pl_reactor *reactor,
                             pl_poller_ready *ready);

/* Free the poller.  Remove all its sockets first.  NULL is allowed. */
void pl_poller_destroy(struct pl_poller *p);

/* Watch `fd` until pl_poller_remove(): edge-triggered, for input, output and
 * the peer's FIN.
 * Errors: PL_ENOMEM. */
enum pl_err pl_poller_add(struct pl_poller *p, int fd, void *what);

/* Stop watching `fd`; call this before close(2).  Events that the poller has
 * already read from the kernel may still arrive within the same turn.  A
 * descriptor that was never added is allowed. */
void pl_poller_remove(struct pl_poller *p, int fd);

#endif
