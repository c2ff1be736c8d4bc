/* SPDX-License-Identifier: Apache-2.0 */
/* broker_private.h - the state of a broker, for the files of this module. */
#ifndef PL_BROKER_PRIVATE_H
#define PL_BROKER_PRIVATE_H

#include "access.h"
#include "admin.h"
#include "broker.h"
#include "channels.h"
#include "settings.h"
#include "address_limiter.h"
#include "guard.h"
#include "handlers.h"
#include "session_manager.h"
#include "listener.h"
#include "log.h"
#include "patterns.h"
#include "pool.h"
#include "rules.h"
#include "share.h"
#include "status.h"
#include "supervisor.h"
#include "tls.h"

struct pl_broker {
    struct pl_settings *config;
    struct pl_broker_setup setup;   /* the pointers to settings are NULL */
    struct pl_events events;        /* all zero: none */
    struct pl_hooks hooks;          /* that notify of them */
    struct pl_config_source source; /* owned copies, for a reload */
    struct pl_log log; /* of its loops, and of threads during a call of
                          parley.h */
    bool has_log;      /* pl_log_start() was called, and pl_log_stop() not
                          yet */
    pl_broker_stores *make_stores;
    void *stores_arg;
    struct pl_handlers *handlers;   /* own reference to the newest table */
    struct pl_tls *tls;             /* own reference to the newest; NULL: no
                                       listen_tls */
    struct pl_access *access;       /* own reference to the newest */
    struct pl_rulebook *rules;      /* own reference to the newest */
    uint64_t rules_made;            /* the generation of `rules` */
    struct pl_rulebook *configured; /* own reference: of the configuration; with
                                       ... */
    struct pl_patterns patterns;    /* ... these it makes `rules` */
    struct pl_address admin;        /* on the control loop */
    struct pl_conns *api_conns;     /* the same */
    struct pl_hash_key key;
    struct pl_phase_trace *phases;
    struct pl_stalls *stalls;
    struct pl_snapshot **snapshots; /* by loop */
    struct pl_status_source status;
    struct pl_host *host;        /* of a run with a lent base; else NULL */
    struct pl_host_mail stopped; /* calls stopped() on the lent base */
    struct pl_system *system;    /* kept after a run, for the status */
    unsigned workers;
    struct pl_share *shares;            /* workers, then the control loop */
    struct pl_address *owners;          /* of channels, by worker */
    struct pl_address *desks;           /* by worker */
    struct pl_address *hubs;            /* by loop */
    struct pl_address *managers;        /* by worker */
    struct pl_address *conns;           /* by worker */
    uint64_t *given;                    /* connections, by worker */
    struct pl_address_limiter *limiter; /* on the first worker, or NULL */
    int *inherited;                     /* sockets of the setup, owned */
    struct pl_listener **listeners;     /* of `listen`, listen_tls, the setup */
    uint16_t *ports;
    uint16_t admin_port;
    struct pl_supervisor *supervisor; /* on the control loop */
    uint64_t memory_seen; /* bytes when last read; used by the control loop */
    struct pl_address supervisor_address;
    struct pl_pool *pool;         /* of a run */
    struct pl_address reloader;   /* on the control loop */
    struct pl_address keyring;    /* likewise */
    bool has_run;                 /* a new start needs a new system */
    struct pl_order_count orders; /* of the embedding program */
    /* Any thread may call.  The guard protects is_running and the replacement
     * of system, phases, stalls, status, handlers, tls, access, rules and
     * patterns. */
    struct pl_guard *guard;
    bool is_running;
    bool is_balanced; /* the audit of the last run that was joined */
    bool is_blocked;  /* a job of that run has not ended */
};

static inline struct pl_share *pl_broker_control(struct pl_broker *b)
{
    return &b->shares[b->workers];
}

/* broker.c.  Create the system and phase trace of a run; free the loops with
 * their actors. */
enum pl_err pl_broker_prepare(struct pl_broker *b);
void pl_broker_free_loops(struct pl_broker *b);

/* asks.c.  Register the judges of the events.
 * Errors: PL_ENOMEM. */
enum pl_err pl_broker_add_judges(struct pl_broker *b);

/* events.c.  What the sessions and the channels of a share call; NULL: the
 * program wants no events of clients. */
const struct pl_hooks *pl_broker_hooks(struct pl_broker *b, struct pl_share *s);
void pl_broker_watch_channels(struct pl_broker *b, struct pl_share *s,
                              struct pl_channels_options *o);

/* events.c.  Notify the program.  Thread: that on which its calls come. */
void pl_broker_tell_connected(struct pl_broker *b,
                              const struct pl_client *client);
void pl_broker_tell_disconnected(struct pl_broker *b,
                                 const struct pl_client *client, uint32_t code,
                                 struct pl_span reason);
void pl_broker_tell_subscription(struct pl_broker *b,
                                 const struct pl_client *client,
                                 struct pl_span channel, bool begins,
                                 uint32_t code);
void pl_broker_tell_channel(struct pl_broker *b, struct pl_span name,
                            bool is_first);

/* build.c.  Build all actors; start the threads.  On an error
 * pl_broker_free_loops() undoes either. */
enum pl_err pl_broker_build(struct pl_broker *b);
enum pl_err pl_broker_run_threads(struct pl_broker *b);

/* reloader.c.  Start the pool, and the actor that has it reload. */
enum { PL_BROKER_POOL_THREADS = 2, PL_BROKER_POOL_QUEUE = 64 };
enum pl_err pl_broker_build_reloader(struct pl_broker *b);

static inline size_t pl_broker_count_listeners(const struct pl_broker *b)
{
    return b->config->net.listen.count + b->config->net.listen_tls.count +
           b->setup.listener_count;
}

/* memory.c.  Return limits.memory in bytes (0: off), and the memory in use, for
 * the supervisor.
 * Errors: PL_EIO: the limit cannot be enforced; the log names the reason. */
enum pl_err pl_broker_memory_limit(const struct pl_broker *b, uint64_t *out);
uint64_t pl_broker_memory_used(void *broker, bool trim);

/* memory.c.  Set the limits of the histories of all owners together. */
void pl_broker_limit_history(const struct pl_broker *b,
                             struct pl_channels_options *o);

/* reload.c.  Log each line of `report` and empty it. */
void pl_broker_log_report(struct pl_buf *report, enum pl_log_level level);

/* run.c.  Called after the supervisor has stopped the internal actors. */
void pl_broker_on_stopped(void *arg);

/* run.c.  Stop the log thread, if it runs. */
void pl_broker_stop_log(struct pl_broker *b);

#endif
