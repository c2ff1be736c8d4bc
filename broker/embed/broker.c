/* SPDX-License-Identifier: Apache-2.0 */
/* broker.c - see parley.h: creates the actors of a broker and gives each the
 * addresses it needs.
 *
 * N worker loops have channels, a hub, a session manager and connections each;
 * the first also has the listeners.  One more loop, the control loop, has the
 * supervisor, the admin server and a hub of its own, so that status and
 * shutdown work while a handler blocks a worker.  Each loop publishes its
 * metrics at the end of a turn.
 *
 * All actors are created before a thread runs; they stop in the reverse
 * order. */
#include "broker_private.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "source.h"
#include "system.h"

enum { BACKLOG_LIMIT = 65536 }; /* most messages waiting for one loop */

/* --- Building --- */

static unsigned count_workers(const struct pl_config *c)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (c->loops > 0)
        return c->loops;
    if (cores > PL_CONFIG_LOOPS_MAX)
        return PL_CONFIG_LOOPS_MAX;
    return cores < 1 ? 1 : (unsigned)cores;
}

/* Divide a limit by the number of workers and round up: all workers get the
 * same limit, and their sum is at least `total`; 0 stays 0. */
static uint64_t per_worker(const struct pl_broker *b, uint64_t total)
{
    return total / b->workers + (total % b->workers != 0);
}

/* The options of every owner of channels, each with its part of the limits. */
static struct pl_channels_options channels_options(const struct pl_broker *b)
{
    struct pl_channels_options o = pl_channels_options_of(b->config);

    pl_broker_limit_history(b, &o);
    o.history_bytes = per_worker(b, o.history_bytes);
    o.client_history_bytes = per_worker(b, o.client_history_bytes);
    o.channel_limit = (uint32_t)per_worker(b, o.channel_limit);
    if (b->workers > 1) { /* the hash may give one owner more than its share */
        o.new_channels = (uint32_t)per_worker(b, o.new_channels);
        o.new_channels_burst = 2 * o.new_channels;
    }
    o.backlog_limit = BACKLOG_LIMIT;
    return o;
}

static enum pl_err build_channels(const struct pl_broker *b, struct pl_share *s,
                                  struct pl_channels_options o)
{
    o.metrics = &s->metrics;
    if (b->make_stores != NULL) {
        enum pl_err rc = b->make_stores(&o, s->loop, b->stores_arg);
        if (rc != PL_OK)
            return rc;
    }
    return pl_channels_create(&s->channels, s->loop, &o);
}

static enum pl_err build_hub(struct pl_broker *b, struct pl_share *s)
{
    struct pl_hub_options o = {
        .key = &b->key,
        .channels = b->owners,
        .channel_owners = b->workers,
        .backlog_limit = BACKLOG_LIMIT,
        .metrics = &s->metrics,
    };

    return pl_hub_create(&s->hub, s->loop, &o);
}

static enum pl_err build_keeper(struct pl_broker *b, struct pl_share *s)
{
    struct pl_keeper_options o = {
        .config = b->config,
        .hub = s->hub,
        .supervisor = b->supervisor_address,
        .metrics = &s->metrics,
        .handlers = b->handlers,
        .access = b->access,
        .connection_limit =
            (uint32_t)per_worker(b, pl_broker_connection_limit(b)),
        .version = "parley " PL_VERSION,
    };

    return pl_keeper_create(&s->keeper, s->loop, &o);
}

/* Runs on the thread of a loop, before its first turn: the thread logs with the
 * settings of this broker. */
static void take_log(void *broker)
{
    struct pl_broker *b = broker;

    pl_log_use(&b->log);
}

static enum pl_err build_loop(struct pl_broker *b, unsigned i)
{
    struct pl_share *s = &b->shares[i];

    s->loop = pl_system_loop(b->system, i);
    s->snapshot = b->snapshots[i];
    s->stalls = b->stalls;
    pl_loop_on_turn_end(s->loop, pl_broker_publish_numbers, s);
    enum pl_err rc = pl_reactor_create(&s->reactor, s->loop, NULL);
    if (rc == PL_OK)
        pl_reactor_on_begin(s->reactor, take_log, b);
    return rc;
}

static enum pl_err build_supervisor(struct pl_broker *b)
{
    struct pl_supervisor_options o = {
        .config = b->config,
        .key = &b->key,
        .metrics = &pl_broker_control(b)->metrics,
        .phases = b->phases,
        .on_stopped = pl_broker_on_stopped,
        .memory_used = pl_broker_memory_used,
        .channels = b->owners,
        .snapshots = b->snapshots,
        .arg = b,
    };
    enum pl_err rc = pl_broker_memory_limit(b, &o.memory_limit);

    if (rc == PL_OK)
        rc = pl_supervisor_create(&b->supervisor, pl_broker_control(b)->loop,
                                  &o);
    if (rc == PL_OK)
        b->supervisor_address = pl_supervisor_address(b->supervisor);
    return rc;
}

/* Create the channels and hubs of all loops and exchange their addresses. */
static enum pl_err build_routing(struct pl_broker *b)
{
    const struct pl_channels_options options = channels_options(b);
    enum pl_err rc = PL_OK;

    for (unsigned i = 0; i < b->workers && rc == PL_OK; i++) {
        rc = build_channels(b, &b->shares[i], options);
        if (rc == PL_OK)
            b->owners[i] = pl_channels_address(b->shares[i].channels);
    }
    for (unsigned i = 0; i <= b->workers && rc == PL_OK; i++) {
        rc = build_hub(b, &b->shares[i]);
        if (rc == PL_OK)
            b->hubs[i] = pl_hub_address(b->shares[i].hub);
    }
    for (unsigned i = 0; i < b->workers && rc == PL_OK; i++)
        pl_channels_set_hubs(b->shares[i].channels, b->hubs, b->workers + 1);
    return rc;
}

static enum pl_err build_doors(struct pl_broker *b)
{
    struct pl_share *s = &b->shares[0];

    b->doors = NULL;
    if (!pl_doors_are_needed(b->config))
        return PL_OK;
    return pl_doors_create(&b->doors, s->loop, b->config, &b->key, &s->metrics);
}

static enum pl_err build_sessions(struct pl_broker *b)
{
    enum pl_err rc = PL_OK;

    for (unsigned i = 0; i < b->workers && rc == PL_OK; i++) {
        struct pl_share *s = &b->shares[i];

        rc = build_keeper(b, s);
        if (rc == PL_OK)
            b->keepers[i] = pl_keeper_address(s->keeper);
        if (rc == PL_OK)
            rc = pl_conns_create(&s->conns, s->loop, s->reactor, s->keeper,
                                 &s->metrics);
        if (rc == PL_OK)
            b->conns[i] = pl_conns_address(s->conns);
        if (rc == PL_OK && b->doors != NULL)
            pl_conns_set_doors(s->conns, b->config);
    }
    return rc;
}

/* All loops start with the same seed, so each accepts session tickets of the
 * others. */
static enum pl_err build_tls(struct pl_broker *b)
{
    struct pl_tls_seed seed;

    if (b->config->listen_tls.count == 0)
        return PL_OK;
    enum pl_err rc = pl_tls_seed(&seed, b->config->tls.ticket_rotation_ms,
                                 pl_loop_now_ms(b->shares[0].loop));
    for (unsigned i = 0; i < b->workers && rc == PL_OK; i++)
        rc = pl_conns_set_tls(b->shares[i].conns, b->tls, &seed);
    pl_tls_seed_wipe(&seed);
    return rc;
}

static enum pl_err build_admin(struct pl_broker *b, struct pl_admin **out)
{
    struct pl_admin_options o = {
        .config = b->config,
        .access = b->access,
        .reactor = pl_broker_control(b)->reactor,
        .hub = pl_broker_control(b)->hub,
        .key = &b->key,
        .channels = b->owners,
        .channel_owners = b->workers,
        .supervisor = b->supervisor_address,
        .status = &b->status,
        .metrics = &pl_broker_control(b)->metrics,
        .connection_limit = pl_broker_admin_limit(b),
    };
    enum pl_err rc = pl_admin_create(out, &o);

    if (rc == PL_OK) {
        b->admin_port = pl_admin_port(*out);
        b->admin = pl_admin_address(*out);
    }
    return rc;
}

static size_t count_listeners(const struct pl_broker *b)
{
    return b->config->listen.count + b->config->listen_tls.count;
}

static bool has_four(const struct pl_config_endpoints *all, uint16_t port)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->at[i].port == port && all->at[i].text[0] != '[')
            return true;
    return false;
}

/* Create listener `i`; the listeners of listen_tls follow those of `listen`. */
static enum pl_err build_listener(struct pl_broker *b, size_t i)
{
    const struct pl_config *c = b->config;
    struct pl_share *s = &b->shares[0];
    bool is_tls = i >= c->listen.count;
    const struct pl_config_endpoint *e =
        is_tls ? &c->listen_tls.at[i - c->listen.count] : &c->listen.at[i];
    struct pl_listener_options o = {
        .address = e->text,
        .is_tls = is_tls,
        .only_six = e->port != 0 && (has_four(&c->listen, e->port) ||
                                     has_four(&c->listen_tls, e->port)),
        .local = s->conns,
        .conns = b->conns,
        .snapshots = b->snapshots,
        .loops = b->workers,
        .loop_lag_ms = c->limits.loop_lag_ms,
        .given = b->given,
        .doors = b->doors,
        .metrics = &s->metrics,
    };
    enum pl_err rc =
        pl_listener_create(&b->listeners[i], s->loop, s->reactor, &o);

    if (rc != PL_OK) {
        PL_LOG(PL_LOG_ERROR, "cannot listen",
               pl_log_string("address", o.address),
               pl_log_string("reason",
                             rc == PL_EIO ? strerror(errno) : pl_err_text(rc)));
        return rc;
    }
    b->ports[i] = pl_listener_port(b->listeners[i]);
    PL_LOG(PL_LOG_INFO, "listening", pl_log_string("address", o.address),
           pl_log_number("port", b->ports[i]));
    return PL_OK;
}

/* Register all actors that take part in the shutdown, in order of creation. */
static enum pl_err enlist(struct pl_broker *b, struct pl_admin *admin)
{
    struct pl_supervisor *v = b->supervisor;
    enum pl_err rc = PL_OK;

    for (unsigned i = 0; i < b->workers && rc == PL_OK; i++)
        rc = pl_supervisor_add_internal(v, b->owners[i], "channels");
    for (unsigned i = 0; i <= b->workers && rc == PL_OK; i++)
        rc = pl_supervisor_add_internal(v, b->hubs[i], "hub");
    if (rc == PL_OK)
        rc = pl_supervisor_add_internal(v, pl_admin_address(admin), "admin");
    if (rc == PL_OK && b->doors != NULL)
        rc = pl_supervisor_add_internal(v, pl_doors_address(b->doors), "doors");
    for (unsigned i = 0; i < b->workers && rc == PL_OK; i++) {
        rc = pl_supervisor_add_internal(v, b->keepers[i], "keeper");
        if (rc == PL_OK)
            rc = pl_supervisor_add_keeper(v, b->keepers[i]);
        if (rc == PL_OK)
            rc = pl_supervisor_add_internal(v, b->conns[i], "conns");
    }
    for (size_t i = 0; i < count_listeners(b) && rc == PL_OK; i++) {
        struct pl_address a = pl_listener_address(b->listeners[i]);

        rc = pl_supervisor_add_internal(v, a, "listener");
        if (rc == PL_OK)
            rc = pl_supervisor_add_listener(v, a);
    }
    return rc;
}

enum pl_err pl_broker_build(struct pl_broker *b)
{
    struct pl_admin *admin;
    enum pl_err rc = PL_OK;

    for (unsigned i = 0; i <= b->workers && rc == PL_OK; i++)
        rc = build_loop(b, i);
    if (rc == PL_OK)
        rc = build_supervisor(b);
    if (rc == PL_OK)
        rc = build_routing(b);
    if (rc == PL_OK)
        rc = build_admin(b, &admin);
    if (rc == PL_OK)
        rc = build_doors(b);
    if (rc == PL_OK)
        rc = build_sessions(b);
    if (rc == PL_OK)
        rc = build_tls(b);
    for (size_t i = 0; i < count_listeners(b) && rc == PL_OK; i++)
        rc = build_listener(b, i);
    if (rc == PL_OK)
        rc = enlist(b, admin);
    return rc;
}

enum pl_err pl_broker_run_threads(struct pl_broker *b)
{
    enum pl_err rc = pl_supervisor_start(b->supervisor);
    char name[32];

    for (unsigned i = 0; i <= b->workers && rc == PL_OK; i++) {
        if (i < b->workers)
            snprintf(name, sizeof name, "parley-%u", i);
        else
            snprintf(name, sizeof name, "parley-control");
        rc = pl_reactor_start(b->shares[i].reactor, name);
    }
    return rc;
}

void pl_broker_log_report(struct pl_buf *report, enum pl_log_level level)
{
    struct pl_span rest = pl_buf_span(report);

    while (rest.len > 0) {
        const char *end = memchr(rest.at, '\n', rest.len);
        size_t len = end == NULL ? rest.len : (size_t)(end - rest.at);

        PL_LOG(level, "configuration",
               pl_log_text("finding", (struct pl_span){rest.at, len}));
        rest.at += len + (end != NULL);
        rest.len -= len + (end != NULL);
    }
    pl_buf_fini(report);
}

static enum pl_err read_config(struct pl_broker *b)
{
    struct pl_buf report = {0};
    enum pl_err rc = pl_source_init(&b->source, &b->options);

    if (rc == PL_OK)
        rc = pl_config_load(&b->config, &b->source, &report);
    pl_broker_log_report(&report, rc == PL_OK ? PL_LOG_WARN : PL_LOG_ERROR);
    if (rc == PL_OK)
        rc = pl_access_create(&b->access, b->config);
    if (rc == PL_OK)
        pl_log_change(&b->log, b->config->log.level);
    return rc;
}

static enum pl_err read_tls(struct pl_broker *b)
{
    struct pl_tls_fault fault;

    if (b->config->listen_tls.count == 0)
        return PL_OK;
    enum pl_err rc = pl_broker_load_tls(&b->tls, b->config, &fault);
    if (fault.file != NULL)
        PL_LOG(PL_LOG_ERROR, "cannot use a TLS file",
               pl_log_string("file", fault.file),
               pl_log_string("reason", fault.reason));
    return rc;
}

static void make_key(struct pl_broker *b)
{
    struct pl_random random;

    pl_random_init(&random);
    pl_random_bytes(&random, &b->key, sizeof b->key);
}

/* Allocate what outlives a run, because the status reads it after the
 * shutdown. */
static enum pl_err allocate(struct pl_broker *b)
{
    unsigned loops = b->workers + 1;
    size_t listeners = count_listeners(b);
    enum pl_err rc = PL_OK;

    b->shares = calloc(loops, sizeof *b->shares);
    b->owners = calloc(loops, sizeof *b->owners);
    b->hubs = calloc(loops, sizeof *b->hubs);
    b->keepers = calloc(loops, sizeof *b->keepers);
    b->conns = calloc(loops, sizeof *b->conns);
    b->given = calloc(loops, sizeof *b->given);
    b->snapshots = calloc(loops, sizeof(struct pl_snapshot *));
    b->listeners = calloc(listeners, sizeof(struct pl_listener *));
    b->ports = calloc(listeners, sizeof *b->ports);
    b->handlers = pl_handlers_create();
    if (b->shares == NULL || b->owners == NULL || b->hubs == NULL ||
        b->keepers == NULL || b->conns == NULL || b->given == NULL ||
        b->snapshots == NULL || b->listeners == NULL || b->ports == NULL ||
        b->handlers == NULL)
        return PL_ENOMEM;
    if (b->options.handles_connect)
        pl_handlers_set_judge(b->handlers);
    for (unsigned i = 0; i < loops && rc == PL_OK; i++)
        rc = pl_snapshot_create(&b->snapshots[i], PL_METRIC_COUNT);
    return rc;
}

enum pl_err pl_broker_prepare(struct pl_broker *b)
{
    struct pl_system_options o = {.loops = b->workers + 1};
    struct pl_phase_trace *phases = NULL;
    struct pl_stalls *stalls = NULL;
    struct pl_system *system = NULL;
    enum pl_err rc = pl_phase_trace_create(&phases, &pl_clock_system);

    if (rc == PL_OK)
        rc = pl_system_create(&system, &o);
    if (rc == PL_OK)
        rc = pl_stalls_create(&stalls, system, phases,
                              b->config->limits.loop_lag_ms);
    if (rc != PL_OK) {
        pl_system_destroy(system);
        pl_phase_trace_destroy(phases);
        return rc;
    }
    struct pl_system *old_system = b->system;
    struct pl_phase_trace *old_phases = b->phases;
    struct pl_stalls *old_stalls = b->stalls;
    pl_guard_enter(b->guard);
    b->system = system;
    b->phases = phases;
    b->stalls = stalls;
    b->status = (struct pl_status_source){
        .version = PL_VERSION,
        .system = system,
        .snapshots = b->snapshots,
        .phases = phases,
        .stalls = stalls,
    };
    pl_guard_leave(b->guard);
    pl_system_destroy(old_system); /* pl_broker_status() reads the new system
                                      now */
    pl_stalls_destroy(old_stalls);
    pl_phase_trace_destroy(old_phases);
    memset(b->shares, 0, (b->workers + 1) * sizeof *b->shares);
    memset(b->given, 0, b->workers * sizeof *b->given);
    return PL_OK;
}

/* Until the configuration is read, the log level of the process applies. */
static enum pl_err fill(struct pl_broker *b)
{
    enum pl_err rc = read_config(b);

    if (rc != PL_OK)
        return rc;
    pl_log_use(&b->log);
    b->workers = count_workers(b->config);
    rc = read_tls(b);
    if (rc == PL_OK)
        rc = pl_guard_create(&b->guard);
    if (rc == PL_OK)
        rc = allocate(b);
    if (rc == PL_OK)
        rc = pl_broker_prepare(b);
    return rc;
}

enum pl_err pl_broker_create(struct pl_broker **out,
                             const struct pl_broker_options *options)
{
    const struct pl_log *before = pl_log_use(NULL);
    struct pl_broker *b = calloc(1, sizeof *b);
    enum pl_err rc = PL_ENOMEM;

    if (b != NULL) {
        b->options = *options;
        b->is_settled = true;
        pl_log_change(&b->log, PL_LOG_INFO);
        make_key(b);
        rc = fill(b);
    }
    pl_log_use(before);
    if (rc != PL_OK) {
        pl_broker_destroy(b); /* allows a half-built broker */
        return rc;
    }
    b->options.config_file = NULL; /* valid only during this call */
    b->options.sets = NULL;
    *out = b;
    return PL_OK;
}

struct pl_log *pl_broker_log(struct pl_broker *b)
{
    return &b->log;
}

void pl_broker_set_stores(struct pl_broker *b, pl_broker_stores *make,
                          void *arg)
{
    b->make_stores = make;
    b->stores_arg = arg;
}

/* Stop and free all loops.  The system reaps the actors. */
void pl_broker_free_loops(struct pl_broker *b)
{
    for (unsigned i = 0; b->shares != NULL && i <= b->workers; i++) {
        struct pl_share *s = &b->shares[i];

        if (s->reactor != NULL)
            pl_reactor_stop(s->reactor);
    }
    for (unsigned i = 0; b->shares != NULL && i <= b->workers; i++) {
        if (b->shares[i].reactor != NULL)
            pl_reactor_join(b->shares[i].reactor, PL_JOIN_FOREVER);
    }
    if (b->system != NULL) {
        pl_system_close(b->system); /* before the reactors that a post wakes are
                                       freed */
        pl_system_reap(b->system);  /* before the event bases of the actors'
                                       sockets are freed */
    }
    for (unsigned i = 0; b->shares != NULL && i <= b->workers; i++) {
        pl_reactor_destroy(b->shares[i].reactor);
        b->shares[i].reactor = NULL;
    }
}

void pl_broker_destroy(struct pl_broker *b)
{
    if (b == NULL)
        return;
    const struct pl_log *before = pl_log_use(&b->log);

    assert(!b->is_running);
    pl_broker_free_loops(b);
    pl_system_destroy(b->system);
    for (unsigned i = 0; b->snapshots != NULL && i <= b->workers; i++)
        pl_snapshot_destroy(b->snapshots[i]);
    pl_stalls_destroy(b->stalls);
    pl_phase_trace_destroy(b->phases);
    pl_handlers_release(b->handlers);
    pl_tls_release(b->tls);
    pl_access_release(b->access);
    pl_guard_destroy(b->guard);
    free(b->snapshots);
    free(b->shares);
    free(b->owners);
    free(b->hubs);
    free(b->keepers);
    free(b->conns);
    free(b->given);
    free(b->listeners);
    free(b->ports);
    pl_config_destroy(b->config);
    pl_source_fini(&b->source);
    pl_log_use(before == &b->log ? NULL : before);
    pl_broker_stop_log(b);
    free(b);
}
