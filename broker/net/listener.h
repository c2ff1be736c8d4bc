/* SPDX-License-Identifier: Apache-2.0 */
/* listener.h - one listening socket, which spreads connections over loops. */
#ifndef PL_LISTENER_H
#define PL_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "conns.h"
#include "doors.h"
#include "err.h"
#include "metrics.h"
#include "snapshot.h"

struct pl_listener; /* opaque */

struct pl_listener_options {
    const char *address; /* "127.0.0.1:8000"; port 0: any free one */
    bool is_tls;         /* what it accepts speaks TLS */
    bool only_six; /* [::] leaves IPv4 to others, who have the same port */
    struct pl_conns *local;         /* of the listener's own loop */
    const struct pl_address *conns; /* by loop; the first is local */
    /* What the loops published, to give each connection to the loop with the
     * fewest; PL_METRIC_COUNT numbers each. */
    struct pl_snapshot *const *snapshots;
    unsigned loops;
    uint64_t *given; /* by loop; connections ever handed to it, counted by all
                        listeners together, which share a loop */
    struct pl_doors *doors; /* of the same loop; NULL: none */
    struct pl_metrics *metrics;
    bool is_internal; /* no listener for clients: not in the gauge of those */
};

/* Bind and listen.  It closes with a pl_phase_mail LISTENERS or PL_MSG_STOP.
 * What the options point to outlives it.
 * Errors: PL_ENOMEM, PL_EIO (errno says what failed), PL_EINVAL (address). */
enum pl_err pl_listener_create(struct pl_listener **out, struct pl_loop *loop,
                               struct pl_reactor *reactor,
                               const struct pl_listener_options *options);

/* The same on a socket that listens already; the address is for the log.
 * Owner:  the listener, of `fd`, also on error. */
enum pl_err pl_listener_create_on(struct pl_listener **out,
                                  struct pl_loop *loop,
                                  struct pl_reactor *reactor,
                                  const struct pl_listener_options *options,
                                  int fd);

struct pl_address pl_listener_address(const struct pl_listener *l);

/* The port it listens on. */
uint16_t pl_listener_port(const struct pl_listener *l);

#endif
