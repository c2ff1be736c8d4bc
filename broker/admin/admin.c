/* SPDX-License-Identifier: Apache-2.0 */
/* admin.c - the admin actor: listeners, mail, start and end.
 *
 * The HTTP server is broker/web on the sockets of broker/net.  http.c routes
 * requests, calls.c runs server API calls, stream.c runs the streams.
 *
 * The actor lives on the control loop, so that status and shutdown work while a
 * handler blocks a worker.  Health, status and metrics come from published
 * snapshots and need no reply from another actor.
 *
 * Invariant: the listeners are open while the actor lives; its end closes them,
 * also after a start that failed later.  The actor leaves the hub before it
 * exits, so that the hub can be stopped next. */
#include "admin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access_mail.h"
#include "admin_private.h"
#include "conns.h"
#include "listener.h"
#include "log.h"
#include "mail.h"
#include "rules_mail.h"
#include "tracer.h"
#include "monitor.h"

enum {
    WORK_TURN = 1 << 20 /* units of pl_loop_add_work() */
};

/* --- Listeners --- */

static enum pl_err open_listener(struct pl_admin *a, bool is_trusted, int fd,
                                 struct pl_conns *conns)
{
    const struct pl_admin_settings *c = a->options.config;
    struct pl_loop *loop = a->actor.loop;
    struct pl_listener_options o = {
        .address = is_trusted ? c->socket : c->listen.text,
        .local = conns,
        .loops = 1,
        .given = &a->listeners[is_trusted].given,
        .metrics = a->options.metrics,
        .is_internal = true,
    };
    struct pl_listener *l;
    enum pl_err rc =
        fd < 0 ? pl_listener_create(&l, loop, a->options.reactor, &o)
               : pl_listener_create_on(&l, loop, a->options.reactor, &o, fd);

    if (rc != PL_OK)
        return rc;
    a->listeners[is_trusted].listener = pl_listener_address(l);
    if (fd < 0)
        a->port = pl_listener_port(l);
    return PL_OK;
}

/* Listen on `fd`, or with -1 on admin.listen. */
static enum pl_err listen_on(struct pl_admin *a, int fd, bool is_trusted)
{
    struct pl_conns *conns;
    enum pl_err rc =
        pl_conns_create_web(&conns, a->options.reactor, a->web, is_trusted);

    if (rc != PL_OK) {
        if (fd >= 0)
            close(fd);
        return rc;
    }
    a->listeners[is_trusted].conns = pl_conns_address(conns);
    return open_listener(a, is_trusted, fd, conns);
}

enum pl_err pl_admin_open(struct pl_admin *a, int fd, bool is_trusted)
{
    return listen_on(a, fd, is_trusted);
}

/* End an actor of this loop, unless it has exited or never was. */
static void end_actor(struct pl_admin *a, struct pl_address address)
{
    struct pl_actor *actor = pl_address_is_none(address)
                                 ? NULL
                                 : pl_actor_find(a->actor.loop, address);

    if (actor != NULL)
        pl_actor_exit(actor, "stopped");
}

static void close_all(struct pl_admin *a)
{
    pl_streams_close(a);
    pl_traces_close(a);
    pl_http_abandon_all(a);
    if (a->web != NULL)
        pl_web_close(a->web);
    if (a->public != NULL)
        pl_web_close(a->public);
    for (int i = 0; i < PL_ADMIN_PLACES; i++) {
        end_actor(a, a->listeners[i].listener);
        end_actor(a, a->listeners[i].conns);
    }
    pl_unix_socket_remove(&a->socket);
}

static void stop(struct pl_admin *a)
{
    close_all(a);
    pl_actor_exit(&a->actor, "stopped");
}

static void on_access(struct pl_admin *a, struct pl_access_mail *m)
{
    pl_access_release(a->access);
    a->access = pl_access_hold(m->access);
    pl_mail_destroy(&m->msg);
}

static void on_rules(struct pl_admin *a, struct pl_rules_mail *m)
{
    pl_rule_cache_set(&a->calls.rules, m->book);
    pl_mail_destroy(&m->msg);
}

static void receive(struct pl_actor *actor, struct pl_msg *msg)
{
    struct pl_admin *a = (struct pl_admin *)actor;

    switch (msg->type) {
    case PL_MSG_STOP:
        pl_mail_destroy(msg);
        stop(a);
        return;
    case PL_MAIL_PUBLISH:
    case PL_MAIL_QUERY:
    case PL_MAIL_USER:
    case PL_MAIL_DENIAL:
    case PL_MAIL_USER_STATE:
    case PL_MAIL_LIST:
    case PL_MAIL_LOOK:
        pl_api_calls_receive(&a->calls, msg);
        return;
    case PL_MAIL_TRACE:
        pl_traces_receive(a, (struct pl_trace_mail *)msg);
        return;
    case PL_MAIL_ACCESS:
        on_access(a, (struct pl_access_mail *)msg);
        return;
    case PL_MAIL_RULES:
        on_rules(a, (struct pl_rules_mail *)msg);
        return;
    default:
        pl_actor_refuse(actor, msg);
    }
}

static void reap(struct pl_actor *actor)
{
    struct pl_admin *a = (struct pl_admin *)actor;

    close_all(a); /* if the actor never ran, it received no PL_MSG_STOP */
    pl_api_calls_fini(&a->calls);
    pl_access_release(a->access);
    pl_web_destroy(a->web);
    pl_web_destroy(a->public);
    free(a);
}

static const struct pl_actor_ops ops = {
    .name = "admin",
    .mailbox_limit = 65536,
    .receive = receive,
    .reap = reap,
};

static enum pl_err listen_all(struct pl_admin *a)
{
    const struct pl_admin_settings *c = a->options.config;
    enum pl_err rc = PL_OK;
    int fd;

    if (c->socket != NULL) {
        rc = pl_unix_socket_listen(&a->socket, &fd, c->socket);
        if (rc == PL_OK)
            rc = listen_on(a, fd, true);
    }
    if (rc == PL_OK && c->listen.text != NULL) {
        rc = listen_on(a, -1, false);
        if (rc != PL_OK)
            PL_LOG(PL_LOG_ERROR, "admin cannot listen",
                   pl_log_string("address", c->listen.text),
                   pl_log_string("error", rc == PL_EIO ? strerror(errno)
                                                       : pl_err_text(rc)));
    }
    return rc;
}

/* --- Life --- */

static struct pl_web_options web_options(struct pl_admin *a)
{
    size_t body_max = a->options.config->api.max_body;

    return (struct pl_web_options){
        .loop = pl_reactor_loop(a->options.reactor),
        .site = &pl_admin_site,
        .arg = a,
        .limit = a->options.connection_limit,
        .limit_key = "limits.admin_connections",
        .timeout_ms = a->options.timeout_ms,
        .body_max = body_max > a->options.message_max ? body_max
                                                      : a->options.message_max,
        .stream_max = a->options.stream_max,
        .metrics = a->options.metrics,
    };
}

/* Half of the limit of a server is for clients that have shown a key, and no
 * other comes to the public one. */
static enum pl_err create_public(struct pl_admin *a)
{
    struct pl_web_options o = web_options(a);

    o.site = &pl_public_site;
    o.limit = 2 * (a->options.api_limit > 0
                       ? a->options.api_limit
                       : a->options.config->limits.api_connections);
    o.limit_key = "limits.api_connections";
    enum pl_err rc = pl_web_create(&a->public, &o);
    if (rc == PL_OK)
        rc = pl_conns_create_web(&a->public_conns, a->options.reactor,
                                 a->public, false);
    if (rc == PL_OK)
        a->listeners[PL_ADMIN_PUBLIC].conns = pl_conns_address(a->public_conns);
    return rc;
}

static enum pl_err create_web(struct pl_admin *a)
{
    struct pl_web_options o = web_options(a);

    if (o.limit == 0)
        o.limit = a->options.config->limits.admin_connections;
    return pl_web_create(&a->web, &o);
}

/* Bound the turns of the control loop like those of the workers (see
 * session/session_manager.c): streams deliver publications of clients, and
 * without a bound one turn handles as many as the mailbox takes. */
static void bound_turns(const struct pl_admin *a)
{
    struct pl_loop *loop = pl_reactor_loop(a->options.reactor);

    pl_loop_bound_output(loop, a->options.stream_max / 4);
    pl_loop_bound_work(loop, WORK_TURN);
}

enum pl_err pl_admin_create(struct pl_admin **out,
                            const struct pl_admin_options *options)
{
    struct pl_admin *a = calloc(1, sizeof *a);

    if (a == NULL)
        return PL_ENOMEM;
    a->options = *options;
    pl_list_init(&a->waiting);
    pl_list_init(&a->streams);
    pl_list_init(&a->traces);
    pl_http_init(a);
    enum pl_err rc = create_web(a);
    if (rc == PL_OK)
        rc = pl_api_calls_init(&a->calls, &a->actor, &a->options);
    if (rc == PL_OK && options->access != NULL)
        a->access = pl_access_hold(options->access);
    else if (rc == PL_OK)
        rc = pl_access_create(&a->access, options->users);
    if (rc == PL_OK)
        rc = pl_actor_init(&a->actor, pl_reactor_loop(options->reactor), &ops);
    if (rc != PL_OK) {
        pl_api_calls_fini(&a->calls);
        pl_access_release(a->access);
        pl_web_destroy(a->web);
        free(a);
        return rc;
    }
    bound_turns(a);
    rc = create_public(a);
    if (rc == PL_OK)
        rc = listen_all(a);
    if (rc != PL_OK) {
        stop(a); /* reaped at the end of the turn, or with the system */
        return rc;
    }
    *out = a;
    return PL_OK;
}

struct pl_address pl_admin_address(const struct pl_admin *a)
{
    return pl_actor_address(&a->actor);
}

uint16_t pl_admin_port(const struct pl_admin *a)
{
    return a->port;
}

struct pl_conns *pl_admin_public(const struct pl_admin *a)
{
    return a->public_conns;
}
