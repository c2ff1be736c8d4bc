/* SPDX-License-Identifier: Apache-2.0 */
/* listener.h - one listening socket that distributes connections to loops. */
#ifndef PL_LISTENER_H
#define PL_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "conns.h"
#include "address_limiter.h"
#include "err.h"
#include "metrics.h"
#include "snapshot.h"

struct pl_listener; /* opaque */

struct pl_listener_options {
    const char *address; /* "127.0.0.1:8000"; port 0: any free port */
    bool is_tls;         /* connections use TLS */
    bool only_six; /* [::] without IPv4, which another listener has on the same
                      port */
    struct pl_conns *local;         /* on the listener's loop */
    const struct pl_address *conns; /* by loop; the first is `local` */
    /* The published metrics of each loop (PL_METRIC_COUNT numbers), to choose
     * the loop with the fewest connections. */
    struct pl_snapshot *const *snapshots;
    unsigned loops;
    uint64_t loop_lag_ms; /* a loop with a longer turn gets no connection; 0: no
                             limit */
    uint64_t *given; /* by loop; connections ever handed over, by all listeners
                        together, which share one loop */
    struct pl_address_limiter *limiter; /* on the same loop, or NULL */
    struct pl_metrics *metrics;
    bool is_internal; /* not for clients; does not count as a listener in the
                         metrics */
};

/* Bind and listen.  The listener closes with a pl_phase_mail LISTENERS or
 * PL_MSG_STOP.  All objects in the options must outlive it.
 * Errors: PL_ENOMEM, PL_EIO (see errno), PL_EINVAL (address). */
enum pl_err pl_listener_create(struct pl_listener **out, struct pl_loop *loop,
                               struct pl_reactor *reactor,
                               const struct pl_listener_options *options);

/* Like pl_listener_create(), on a socket that listens already; the address is
 * for the log.
 * Owner:  takes `fd`, also on error. */
enum pl_err pl_listener_create_on(struct pl_listener **out,
                                  struct pl_loop *loop,
                                  struct pl_reactor *reactor,
                                  const struct pl_listener_options *options,
                                  int fd);

struct pl_address pl_listener_address(const struct pl_listener *l);

/* The port of the socket; 0: it is no TCP socket. */
uint16_t pl_listener_port(const struct pl_listener *l);

#endif
