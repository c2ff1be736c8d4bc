/* SPDX-License-Identifier: Apache-2.0 */
/* admin.h - the HTTP server for operators and backends.
 *
 * One actor on the control loop.  It listens on a Unix socket, where everything
 * is allowed, and on TCP, where all paths but /health and /ready need the API
 * key:
 *
 *   GET  /health    200 while the process runs
 *   GET  /ready     200 while the broker accepts new work, else 503
 *   GET  /status    JSON, see status.h
 *   GET  /metrics   Prometheus text
 *   POST /api/...   the server API of Centrifugo: publish, broadcast,
 *                   presence, presence_stats, history, history_remove,
 *                   disconnect, unsubscribe, channels, info, batch; and
 *                   connections, users, top, of parley alone
 *   POST /api       the same API in its older form, {"method", "params"}
 *   GET  /sub?channel=...   live publications, one JSON push per line
 *   GET  /trace?channel=..., user, client or actor: what happens to it, one
 *                   JSON object per line
 *   POST /shutdown  stops the broker; with ?hurry=1 like a second SIGTERM;
 *                   Unix socket only */
#ifndef PL_ADMIN_H
#define PL_ADMIN_H

#include <stdint.h>

#include "access.h"
#include "address.h"
#include "admin_settings.h"
#include "err.h"
#include "hash.h"
#include "hub.h"
#include "reactor.h"
#include "status.h"

struct pl_admin;    /* opaque */
struct pl_conns;    /* conns.h */
struct pl_rulebook; /* rules.h */

struct pl_admin_options {
    const struct pl_admin_settings *config;
    const struct pl_users_settings *users;
    size_t message_max;  /* of a client; requests may be as large */
    size_t stream_max;   /* bytes that may wait for the reader of a stream */
    uint64_t timeout_ms; /* for a request */
    struct pl_access *access;   /* the admin takes its own reference; NULL: made
                                   from `users` */
    struct pl_rulebook *rules;  /* the admin takes its own reference */
    struct pl_reactor *reactor; /* of the control loop */
    struct pl_hub *hub;         /* of the control loop, for /sub */
    const struct pl_address *hubs; /* by loop, for /trace */
    unsigned hub_count;
    const struct pl_hash_key *key;     /* of the whole broker */
    const struct pl_address *channels; /* channel owners, by hash % count */
    unsigned channel_owners;
    const struct pl_address *managers; /* session managers, by loop */
    unsigned manager_count;
    struct pl_address supervisor;
    const struct pl_status_source *status;
    struct pl_metrics *metrics; /* of the control loop */
    uint32_t connection_limit;  /* 0: limits.admin_connections */
    uint32_t api_limit;         /* 0: limits.api_connections */
};

/* Create the admin server and listen on admin.socket and admin.listen, if they
 * are set.  Failures are logged with the address.  The server serves requests
 * while the reactor runs, and ends with PL_MSG_STOP, or when its loop is freed
 * after a failed start.  At its end it closes all connections and removes the
 * socket file.  All objects in the options must outlive it.
 *
 * Thread: the control loop, or any thread before that loop runs.
 * Errors: PL_ENOMEM, PL_EIO (an address), PL_EEXIST (another broker listens on
 *         the Unix socket). */
enum pl_err pl_admin_create(struct pl_admin **out,
                            const struct pl_admin_options *options);

struct pl_address pl_admin_address(const struct pl_admin *a);

/* The TCP port that the server listens on, to learn it if port 0 is configured.
 * 0: no TCP listener. */
uint16_t pl_admin_port(const struct pl_admin *a);

/* The pl_conns that takes over connections of clients which ask for the server
 * API (pl_conns_set_web()), until the admin actor ends. */
struct pl_conns *pl_admin_public(const struct pl_admin *a);

#endif
