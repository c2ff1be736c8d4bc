/* SPDX-License-Identifier: Apache-2.0 */
/* build.c - creates the actors of a run, gives each the addresses it needs, and
 * starts the threads.
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

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "descriptors.h"
#include "inherited.h"
#include "keyring.h"
#include "log.h"
#include "settings_options.h"

enum { BACKLOG_LIMIT = 65536 }; /* most messages waiting for one loop */

/* Divide a limit by the number of workers and round up: all workers get the
 * same limit, and their sum is at least `total`; 0 stays 0. */
static uint64_t per_worker(const struct pl_broker *b, uint64_t total)
{
    return total / b->workers + (total % b->workers != 0);
}

/* The options of every owner of channels, each with its part of the limits. */
static struct pl_channels_options channels_options(const struct pl_broker *b)
{
    struct pl_channels_options o = pl_settings_channels_options(b->config);

    o.rules = b->rules;
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

static enum pl_err build_channels(struct pl_broker *b, struct pl_share *s,
                                  struct pl_channels_options o)
{
    o.metrics = &s->metrics;
    o.tracer = &s->tracer;
    pl_broker_watch_channels(b, s, &o);
    if (b->make_stores != NULL) {
        enum pl_err rc = b->make_stores(&o, s->reactor, b->stores_arg);
        if (rc != PL_OK)
            return rc;
    }
    return pl_channels_create(&s->channels, s->loop, &o);
}

static enum pl_err build_desks(struct pl_broker *b)
{
    enum pl_err rc = PL_OK;

    for (unsigned i = 0; i < b->workers && rc == PL_OK; i++) {
        rc = pl_desk_create(&b->shares[i].desk, b->shares[i].loop);
        if (rc == PL_OK)
            b->desks[i] = pl_desk_address(b->shares[i].desk);
    }
    return rc;
}

static enum pl_err build_hub(struct pl_broker *b, struct pl_share *s)
{
    struct pl_hub_options o = {
        .key = &b->key,
        .channels = b->owners,
        .channel_owners = b->workers,
        .backlog_limit = BACKLOG_LIMIT,
        .metrics = &s->metrics,
        .tracer = &s->tracer,
    };

    return pl_hub_create(&s->hub, s->loop, &o);
}

static enum pl_err build_manager(struct pl_broker *b, struct pl_share *s)
{
    struct pl_session_manager_options o = {
        .hub = s->hub,
        .supervisor = b->supervisor_address,
        .keyring = b->keyring,
        .metrics = &s->metrics,
        .tracer = &s->tracer,
        .handlers = b->handlers,
        .hooks = pl_broker_hooks(b, s),
        .access = b->access,
        .connection_limit =
            (uint32_t)per_worker(b, pl_broker_connection_limit(b->config)),
        .answer_ms = b->setup.answer_ms,
        .version = "parley " PL_VERSION,
    };

    pl_settings_fill_session_manager(b->config, &o);
    o.rules = b->rules;
    return pl_session_manager_create(&s->manager, s->loop, &o);
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
    s->tracer = (struct pl_tracer){.loop = s->loop};
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
        .config = &b->config->supervisor,
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

static enum pl_err build_keyring(struct pl_broker *b)
{
    struct pl_keyring_options o = {.loop = pl_broker_control(b)->loop,
                                   .metrics = &pl_broker_control(b)->metrics,
                                   .ops = &pl_keyring_http};
    struct pl_keyring *k;
    enum pl_err rc =
        pl_keyring_http_create(&o.source, pl_broker_control(b)->reactor,
                               b->config->users.auth.jwks_ca);

    if (rc == PL_OK)
        rc = pl_keyring_create(&k, &o);
    if (rc == PL_OK)
        b->keyring = pl_keyring_address(k);
    return rc;
}

static enum pl_err build_limiter(struct pl_broker *b)
{
    struct pl_share *s = &b->shares[0];

    b->limiter = NULL;
    if (!pl_address_limiter_is_needed(&b->config->net))
        return PL_OK;
    return pl_address_limiter_create(&b->limiter, s->loop, &b->config->net,
                                     &b->key, &s->metrics);
}

static enum pl_err build_sessions(struct pl_broker *b)
{
    enum pl_err rc = PL_OK;

    for (unsigned i = 0; i < b->workers && rc == PL_OK; i++) {
        struct pl_share *s = &b->shares[i];

        rc = build_manager(b, s);
        if (rc == PL_OK)
            b->managers[i] = pl_session_manager_address(s->manager);
        if (rc == PL_OK)
            rc = pl_conns_create(&s->conns, s->loop, s->reactor, s->manager,
                                 &s->metrics);
        if (rc == PL_OK)
            b->conns[i] = pl_conns_address(s->conns);
        if (rc == PL_OK && b->limiter != NULL)
            pl_conns_set_limiter(s->conns, &b->config->net);
        if (rc == PL_OK)
            pl_conns_set_web(s->conns, pl_conns_address(b->api_conns));
    }
    return rc;
}

/* All loops start with the same seed, so each accepts session tickets of the
 * others. */
static enum pl_err build_tls(struct pl_broker *b)
{
    struct pl_tls_seed seed;

    if (b->config->net.listen_tls.count == 0)
        return PL_OK;
    enum pl_err rc = pl_tls_seed(&seed, b->config->net.tls.ticket_rotation_ms,
                                 pl_loop_now_ms(b->shares[0].loop));
    for (unsigned i = 0; i < b->workers && rc == PL_OK; i++)
        rc = pl_conns_set_tls(b->shares[i].conns, b->tls, &seed);
    if (rc == PL_OK)
        rc = pl_conns_set_tls(b->api_conns, b->tls, &seed);
    pl_tls_seed_wipe(&seed);
    return rc;
}

static enum pl_err build_admin(struct pl_broker *b, struct pl_admin **out)
{
    struct pl_admin_options o = {
        .access = b->access,
        .reactor = pl_broker_control(b)->reactor,
        .hub = pl_broker_control(b)->hub,
        .hubs = b->hubs,
        .hub_count = b->workers + 1,
        .key = &b->key,
        .channels = b->owners,
        .channel_owners = b->workers,
        .managers = b->managers,
        .manager_count = b->workers,
        .supervisor = b->supervisor_address,
        .status = &b->status,
        .metrics = &pl_broker_control(b)->metrics,
        .connection_limit = pl_broker_admin_limit(b->config),
        .api_limit = pl_broker_api_limit(b->config),
    };
    enum pl_err rc;

    pl_settings_fill_admin(b->config, &o);
    o.rules = b->rules;
    rc = pl_admin_create(out, &o);
    if (rc == PL_OK) {
        b->admin_port = pl_admin_port(*out);
        b->admin = pl_admin_address(*out);
        b->api_conns = pl_admin_public(*out);
    }
    return rc;
}

static bool has_four(const struct pl_config_endpoints *all, uint16_t port)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->at[i].port == port && all->at[i].text[0] != '[')
            return true;
    return false;
}

/* Open listener `i`: of `listen`, then of listen_tls, then of the setup. */
static enum pl_err open_listener(struct pl_broker *b, size_t i,
                                 struct pl_listener_options *o)
{
    const struct pl_net_settings *c = &b->config->net;
    struct pl_share *s = &b->shares[0];
    size_t own = c->listen.count + c->listen_tls.count;

    if (i >= own) {
        int fd = pl_inherited_dup(b->inherited[i - own]);

        o->address = "inherited";
        return fd < 0 ? PL_EIO
                      : pl_listener_create_on(&b->listeners[i], s->loop,
                                              s->reactor, o, fd);
    }
    o->is_tls = i >= c->listen.count;
    const struct pl_config_endpoint *e =
        o->is_tls ? &c->listen_tls.at[i - c->listen.count] : &c->listen.at[i];
    o->address = e->text;
    o->only_six = e->port != 0 && (has_four(&c->listen, e->port) ||
                                   has_four(&c->listen_tls, e->port));
    return pl_listener_create(&b->listeners[i], s->loop, s->reactor, o);
}

static enum pl_err build_listener(struct pl_broker *b, size_t i)
{
    struct pl_share *s = &b->shares[0];
    struct pl_listener_options o = {
        .local = s->conns,
        .conns = b->conns,
        .snapshots = b->snapshots,
        .loops = b->workers,
        .loop_lag_ms = b->config->session.limits.loop_lag_ms,
        .given = b->given,
        .limiter = b->limiter,
        .metrics = &s->metrics,
    };
    enum pl_err rc = open_listener(b, i, &o);

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
    for (unsigned i = 0; i < b->workers && rc == PL_OK; i++)
        rc = pl_supervisor_add_internal(v, b->desks[i], "desk");
    for (unsigned i = 0; i <= b->workers && rc == PL_OK; i++)
        rc = pl_supervisor_add_internal(v, b->hubs[i], "hub");
    if (rc == PL_OK)
        rc = pl_supervisor_add_internal(v, pl_admin_address(admin), "admin");
    if (rc == PL_OK)
        rc = pl_supervisor_add_internal(v, b->reloader, "reloader");
    if (rc == PL_OK)
        rc = pl_supervisor_add_internal(v, b->keyring, "keyring");
    if (rc == PL_OK && b->limiter != NULL)
        rc = pl_supervisor_add_internal(
            v, pl_address_limiter_address(b->limiter), "address_limiter");
    for (unsigned i = 0; i < b->workers && rc == PL_OK; i++) {
        rc = pl_supervisor_add_internal(v, b->managers[i], "session_manager");
        if (rc == PL_OK)
            rc = pl_supervisor_add_session_manager(v, b->managers[i]);
        if (rc == PL_OK)
            rc = pl_supervisor_add_internal(v, b->conns[i], "conns");
    }
    for (size_t i = 0; i < pl_broker_count_listeners(b) && rc == PL_OK; i++) {
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
        rc = build_desks(b);
    if (rc == PL_OK)
        rc = build_admin(b, &admin);
    if (rc == PL_OK)
        rc = pl_broker_build_reloader(b);
    if (rc == PL_OK)
        rc = build_keyring(b);
    if (rc == PL_OK)
        rc = build_limiter(b);
    if (rc == PL_OK)
        rc = build_sessions(b);
    if (rc == PL_OK)
        rc = build_tls(b);
    for (size_t i = 0; i < pl_broker_count_listeners(b) && rc == PL_OK; i++)
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
