/* SPDX-License-Identifier: Apache-2.0 */
/* broker.c - see parley.h: creates a broker from its options and frees it.
 *
 * What outlives a run (settings, log, the counts that the status reads after
 * the shutdown) is allocated here; build.c creates the actors of a run. */
#include "broker_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "setup.h"
#include "source.h"
#include "system.h"
#include "systemd.h"

static unsigned count_workers(const struct pl_settings *c)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (c->process.loops > 0)
        return c->process.loops;
    if (cores > PL_NET_LOOPS_MAX)
        return PL_NET_LOOPS_MAX;
    return cores < 1 ? 1 : (unsigned)cores;
}

static enum pl_err read_config(struct pl_broker *b)
{
    struct pl_buf report = {0};
    enum pl_err rc = pl_source_init(&b->source, &b->setup);

    if (rc == PL_OK)
        rc = pl_settings_load(&b->config, &b->source, &report);
    pl_broker_log_report(&report, rc == PL_OK ? PL_LOG_WARN : PL_LOG_ERROR);
    if (rc == PL_OK)
        rc = pl_access_create(&b->access, &b->config->users);
    if (rc != PL_OK)
        return rc;
    b->rules = pl_rulebook_hold(b->config->rulebook);
    b->rules_made = 1;
    b->configured = pl_rulebook_hold(b->config->rulebook);
    pl_log_change(&b->log, b->config->process.log.level);
    return PL_OK;
}

static enum pl_err read_tls(struct pl_broker *b)
{
    struct pl_tls_fault fault;

    if (b->config->net.listen_tls.count == 0)
        return PL_OK;
    enum pl_err rc = pl_broker_load_tls(&b->tls, b->config, &fault);
    if (fault.file != NULL)
        PL_LOG(PL_LOG_ERROR, "cannot use a TLS file",
               pl_log_string("file", pl_tls_name(fault.file)),
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
    size_t listeners = pl_broker_count_listeners(b);
    enum pl_err rc = PL_OK;

    b->shares = calloc(loops, sizeof *b->shares);
    b->owners = calloc(loops, sizeof *b->owners);
    b->desks = calloc(loops, sizeof *b->desks);
    b->hubs = calloc(loops, sizeof *b->hubs);
    b->managers = calloc(loops, sizeof *b->managers);
    b->conns = calloc(loops, sizeof *b->conns);
    b->given = calloc(loops, sizeof *b->given);
    b->snapshots = calloc(loops, sizeof(struct pl_snapshot *));
    b->inherited = calloc(listeners, sizeof *b->inherited);
    b->listeners = calloc(listeners, sizeof(struct pl_listener *));
    b->ports = calloc(listeners, sizeof *b->ports);
    b->handlers = pl_handlers_create();
    if (b->shares == NULL || b->owners == NULL || b->desks == NULL ||
        b->hubs == NULL || b->managers == NULL || b->conns == NULL ||
        b->given == NULL || b->snapshots == NULL || b->listeners == NULL ||
        b->ports == NULL || b->inherited == NULL || b->handlers == NULL)
        return PL_ENOMEM;
    if (b->setup.flags & PL_HANDLES_CONNECT)
        pl_handlers_set_judge(b->handlers);
    rc = pl_broker_add_judges(b);
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
                              b->config->session.limits.loop_lag_ms);
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

static enum pl_err fill(struct pl_broker *b)
{
    enum pl_err rc = read_config(b);

    if (rc != PL_OK)
        return rc;
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

/* Until the configuration is read, the log level of the process applies. */
static enum pl_err create(struct pl_broker **out,
                          const struct pl_broker_setup *setup,
                          const struct pl_events *events,
                          size_t given_listeners)
{
    struct pl_broker *b = calloc(1, sizeof *b);

    if (b == NULL)
        return PL_ENOMEM;
    b->setup = *setup;
    b->events = *events;
    if (events->may_connect != NULL)
        b->setup.flags |= PL_HANDLES_CONNECT;
    b->is_balanced = true;
    pl_log_change(&b->log, pl_log_level(&pl_log_default));
    pl_log_call(&b->log, setup->log, setup->arg);
    pl_log_use(&b->log);
    make_key(b);
    enum pl_err rc = fill(b);
    if (rc != PL_OK) {
        b->setup.release = NULL; /* the broker has accepted nothing */
        b->events.release = NULL;
        pl_broker_destroy(b); /* allows a half-built broker */
        return rc;
    }
    b->setup.config_file = NULL; /* valid only during this call */
    b->setup.sets = NULL;
    b->setup.events = NULL;
    for (size_t i = 0; i < setup->listener_count; i++) {
        b->inherited[i] = setup->listeners[i];
        if (i >= given_listeners)
            pl_systemd_take(b->inherited[i]);
    }
    b->setup.listeners = b->inherited; /* they are the broker's now */
    *out = b;
    return PL_OK;
}

enum pl_err pl_broker_open(struct pl_broker **out,
                           const struct pl_broker_setup *setup)
{
    const struct pl_log *before = pl_log_use(NULL);
    struct pl_broker_setup read;
    struct pl_events events;
    struct pl_sockets sockets;
    enum pl_err rc = pl_setup_read(&read, &events, &sockets, setup);

    if (rc == PL_OK)
        rc = create(out, &read, &events, sockets.given);
    pl_log_use(before);
    return rc;
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
    pl_pool_destroy(b->pool); /* no loop asks it any more */
    b->pool = NULL;
    if (b->shares != NULL)
        pl_broker_control(b)->pool = NULL;
    if (b->system != NULL) {
        pl_system_close(b->system); /* before the reactors that a post wakes are
                                       freed */
        pl_system_reap(b->system);  /* before the event bases of the actors'
                                       sockets are freed */
    }
    for (unsigned i = 0; b->shares != NULL && i <= b->workers; i++) {
        pl_reactor_destroy(b->shares[i].reactor);
        b->shares[i].reactor = NULL;
        pl_relay_fini(&b->shares[i].relay);
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
    pl_rulebook_release(b->rules);
    pl_rulebook_release(b->configured);
    pl_patterns_fini(&b->patterns);
    pl_guard_destroy(b->guard);
    free(b->snapshots);
    free(b->shares);
    free(b->owners);
    free(b->desks);
    free(b->hubs);
    free(b->managers);
    free(b->conns);
    free(b->given);
    if (b->setup.listeners == b->inherited)
        for (size_t i = 0; i < b->setup.listener_count; i++)
            close(b->inherited[i]);
    free(b->inherited);
    free(b->listeners);
    free(b->ports);
    pl_settings_destroy(b->config);
    pl_source_fini(&b->source);
    pl_log_use(before == &b->log ? NULL : before);
    pl_broker_stop_log(b);
    const struct pl_broker_setup setup = b->setup;
    const struct pl_events events = b->events;
    free(b);
    if (events.release != NULL)
        events.release(events.arg);
    if (setup.release != NULL)
        setup.release(setup.arg);
}
