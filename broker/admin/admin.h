/* SPDX-License-Identifier: Apache-2.0 */
/* admin.h - HTTP for those who run the broker and for backends.
 *
 * An actor on the control loop that listens on a Unix socket, where everything
 * is allowed, and on TCP, where all but /health and /ready needs the API key:
 *
 *   GET  /health    200 while the process lives
 *   GET  /ready     200 while the broker takes new work, else 503
 *   GET  /status    JSON, see status.h
 *   GET  /metrics   Prometheus text
 *   POST /api/...   the server API of Centrifugo: publish, broadcast,
 *                   presence, presence_stats, history, history_remove,
 *                   disconnect, unsubscribe, channels, info, batch
 *   POST /api       the same in its older form, {"method", "params"}
 *   GET  /sub?channel=...   publications as they come, a JSON push a line
 *   POST /shutdown  stops the broker; with ?hurry=1 as a second SIGTERM does;
 *                   Unix socket only */
#ifndef PL_ADMIN_H
#define PL_ADMIN_H

#include <stdint.h>

#include "access.h"
#include "address.h"
#include "config.h"
#include "err.h"
#include "hash.h"
#include "hub.h"
#include "reactor.h"
#include "status.h"

struct pl_admin; /* opaque */

struct pl_admin_options {
    const struct pl_config *config; /* admin, api, channels, limits */
    struct pl_access *access;   /* held by the admin; NULL: what config says */
    struct pl_reactor *reactor; /* of the control loop */
    struct pl_hub *hub;         /* of the control loop, for /sub */
    const struct pl_hash_key *key;     /* of the whole broker */
    const struct pl_address *channels; /* the owners; hash modulo count */
    unsigned channel_owners;
    struct pl_address supervisor;
    const struct pl_status_source *status;
    struct pl_metrics *metrics; /* of the control loop */
    uint32_t connection_limit;  /* 0: limits.admin_connections */
};

/* Listen on admin.socket and admin.listen, whichever are set.  What fails is
 * in the log, with the address.  It answers once the reactor runs and ends
 * with PL_MSG_STOP, or is reaped with its loop when a start failed further on;
 * then it closes and removes its socket file.  All that the options point to
 * outlives it.
 * Thread: the control loop's, or any before it runs.
 * Errors: PL_ENOMEM, PL_EIO (an address), PL_EEXIST (another broker answers on
 *         the Unix socket). */
enum pl_err pl_admin_create(struct pl_admin **out,
                            const struct pl_admin_options *options);

struct pl_address pl_admin_address(const struct pl_admin *a);

/* The TCP port it listens on, for a configured port 0; 0: none. */
uint16_t pl_admin_port(const struct pl_admin *a);

#endif
