/* SPDX-License-Identifier: Apache-2.0 */
/* admin.c - see admin.h: the actor and its life.  How requests come in is in
 * door.c, requests are in http.c, what becomes of them in calls.c and stream.c.
 *
 * It lives on the control loop, so that status and stop work while a handler
 * blocks a worker.  What it answers without asking anybody (health, status,
 * metrics) it reads from published snapshots.
 *
 * Invariant: while the actor lives its doors are open, and its end closes them,
 * also after a start that failed further on; it leaves the hub before it
 * exits, so that the hub may be stopped next. */
#include "admin.h"

#include <stdlib.h>

#include "admin_private.h"
#include "log.h"
#include "monitor.h"

static void close_all(struct pl_admin *a)
{
    pl_streams_close(a);
    pl_http_abandon_all(a);
    pl_door_close(&a->unix_door);
    pl_door_close(&a->tcp_door);
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
    case PL_MAIL_LIST:
        pl_api_calls_receive(&a->calls, msg);
        return;
    case PL_MAIL_ACCESS:
        on_access(a, (struct pl_access_mail *)msg);
        return;
    default:
        pl_mail_destroy(msg); /* a type that it ignores */
    }
}

static void reap(struct pl_actor *actor)
{
    struct pl_admin *a = (struct pl_admin *)actor;

    close_all(a); /* of one that never ran: nobody told it to stop */
    pl_api_calls_fini(&a->calls);
    pl_access_release(a->access);
    free(a);
}

static const struct pl_actor_ops ops = {
    .name = "admin",
    .mailbox = {.limit = 65536, .when_full = PL_FULL_REFUSE},
    .receive = receive,
    .reap = reap,
};

static enum pl_err open_doors(struct pl_admin *a)
{
    const struct pl_config *c = a->options.config;
    enum pl_err rc = PL_OK;
    int fd;

    if (c->admin.socket != NULL) {
        rc = pl_unix_socket_listen(&a->socket, &fd, c->admin.socket);
        if (rc == PL_OK)
            rc = pl_door_open(&a->unix_door, a, fd, true);
    }
    if (rc == PL_OK && c->admin.listen.text != NULL) {
        rc = pl_tcp_socket_listen(&fd, &a->port, &c->admin.listen);
        if (rc == PL_OK)
            rc = pl_door_open(&a->tcp_door, a, fd, false);
    }
    return rc;
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
    enum pl_err rc = pl_api_calls_init(&a->calls, &a->actor, &a->options);
    if (rc == PL_OK && options->access != NULL)
        a->access = pl_access_hold(options->access);
    else if (rc == PL_OK)
        rc = pl_access_create(&a->access, options->config);
    if (rc == PL_OK)
        rc = pl_actor_init(&a->actor, pl_reactor_loop(options->reactor), &ops);
    if (rc != PL_OK) {
        pl_api_calls_fini(&a->calls);
        pl_access_release(a->access);
        free(a);
        return rc;
    }
    rc = open_doors(a);
    if (rc != PL_OK) {
        stop(a); /* reaped with the turn, or with the system */
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
