/* SPDX-License-Identifier: Apache-2.0 */
/* broker_private.h - what broker.c and life.c share. */
#ifndef PL_BROKER_PRIVATE_H
#define PL_BROKER_PRIVATE_H

#include "access.h"
#include "admin.h"
#include "broker.h"
#include "channels.h"
#include "config.h"
#include "conns.h"
#include "doors.h"
#include "guard.h"
#include "handlers.h"
#include "hub.h"
#include "keeper.h"
#include "listener.h"
#include "log.h"
#include "reactor.h"
#include "status.h"
#include "supervisor.h"
#include "tls.h"

/* One loop's share of the broker; the last one is the control loop's.  The
 * actors are their loop's. */
struct pl_share {
    struct pl_loop *loop;
    struct pl_reactor *reactor;
    struct pl_snapshot *snapshot; /* the broker's */
    struct pl_metrics metrics;
    struct pl_channels *channels;
    struct pl_hub *hub;
    struct pl_keeper *keeper;
    struct pl_conns *conns;
};

struct pl_broker {
    struct pl_config *config;
    struct pl_broker_options options; /* without its pointers to settings */
    struct pl_config_source source;   /* owned copies, for a reload */
    struct pl_log log; /* of its loops, and of calls while they last */
    bool has_log;      /* pl_log_start(), from start to stop */
    pl_broker_stores *make_stores;
    void *stores_arg;
    struct pl_handlers *handlers; /* held; the newest table */
    struct pl_tls *tls;           /* held; the newest; NULL: no listen_tls */
    struct pl_access *access;     /* held; the newest */
    struct pl_address admin;      /* of the control loop */
    struct pl_hash_key key;
    struct pl_phase_trace *phases;
    struct pl_snapshot **snapshots; /* by loop */
    struct pl_status_source status;
    struct pl_system *system; /* kept after a run, for the status */
    unsigned workers;
    struct pl_share *shares;    /* workers, then the control loop */
    struct pl_address *owners;  /* of channels, by worker */
    struct pl_address *hubs;    /* by loop */
    struct pl_address *keepers; /* by worker */
    struct pl_address *conns;   /* by worker */
    uint64_t *given;            /* connections, by worker */
    struct pl_doors *doors;     /* the first worker's; NULL: none are needed */
    struct pl_listener **listeners;
    uint16_t *ports;
    uint16_t admin_port;
    struct pl_supervisor *supervisor; /* the control loop's */
    uint64_t memory_seen; /* the control loop's: bytes when last read */
    struct pl_address supervisor_address;
    bool has_run; /* a new start needs a new system */
    /* Calls come from any thread: under the guard are is_running, and the
     * replacing of system, phases, status, handlers, tls and access. */
    struct pl_guard *guard;
    bool is_running;
    bool is_settled; /* the newest life that was awaited */
};

static inline struct pl_share *pl_broker_control(struct pl_broker *b)
{
    return &b->shares[b->workers];
}

/* broker.c: a new system and trace for a run; the rooms; their threads; and
 * the way back, from any of these. */
enum pl_err pl_broker_prepare(struct pl_broker *b);
enum pl_err pl_broker_build(struct pl_broker *b);
enum pl_err pl_broker_run_threads(struct pl_broker *b);
void pl_broker_free_loops(struct pl_broker *b);

/* numbers.c.  Put the loop's own numbers among the others; and publish all, at
 * the end of a turn. */
void pl_broker_copy_stats(struct pl_share *s);
void pl_broker_publish_numbers(void *share);

/* descriptors.c: how many connections the admin server, and all clients, may
 * have; the latter 0: any number. */
uint32_t pl_broker_admin_limit(const struct pl_broker *b);
uint32_t pl_broker_connection_limit(const struct pl_broker *b);

/* memory.c: limits.memory in bytes, 0: off; and what the supervisor asks.
 * Errors: PL_EIO: it cannot be kept, and the log says why. */
enum pl_err pl_broker_memory_limit(const struct pl_broker *b, uint64_t *out);
uint64_t pl_broker_memory_used(void *broker, bool trim);

/* memory.c: what the histories of one loop may take. */
void pl_broker_limit_history(const struct pl_broker *b,
                             struct pl_channels_options *o);

/* broker.c: put what was found into the log, a line each.  Empties `report`. */
void pl_broker_log_report(struct pl_buf *report, enum pl_log_level level);

/* life.c: the supervisor has stopped the internal actors. */
void pl_broker_on_stopped(void *arg);

/* life.c: end the queue of lines, if it runs. */
void pl_broker_stop_log(struct pl_broker *b);

#endif
