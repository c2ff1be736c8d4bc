/* SPDX-License-Identifier: Apache-2.0 */
/* door.c - ways in: a listening socket, and a server of libevent's behind it.
 *
 * evhttp brings a listener of its own.  When the process or the machine has no
 * descriptors left, that one tries again at once, for ever, with a line on
 * stderr each time; and its error callback is given the server, from which
 * nobody finds the door.  So a second event looks at the same socket, the gate:
 * when somebody knocks again and nobody has come in since, the attempt has
 * failed, and the door waits for a moment.  Who waits in the backlog is served
 * later.  The log tells when that begins and when it is over.
 *
 * Rejected: to accept here, since evhttp takes over no sockets.
 *
 * Invariant: the gate is on, or the pause runs, or the door is closed. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <unistd.h>

#include "admin_private.h"

enum {
    HEADERS_MAX = 16 * 1024,
    BODY_MIN = 1024 * 1024, /* what a body may have at least */
    IDLE_S = 60,            /* a connection that asks nothing is closed */
    PAUSE_MS = 100
};

static const char *address_of(const struct pl_door *d)
{
    const struct pl_config *c = d->admin->options.config;

    return d->is_trusted ? c->admin.socket : c->admin.listen.text;
}

static void wait_a_moment(struct pl_door *d)
{
    pl_count(d->admin->options.metrics, PL_METRIC_ACCEPT_FAILED, 1);
    if (d->failed++ == 0)
        PL_LOG(PL_LOG_WARN, "admin cannot accept",
               pl_log_string("address", address_of(d)));
    event_del(d->gate); /* on_error() has disabled the listener */
    pl_timer_start(d->admin->actor.loop, &d->pause, PAUSE_MS);
}

static void on_pause_over(struct pl_timer *t)
{
    struct pl_door *d = PL_CONTAINER(t, struct pl_door, pause);

    d->has_tried = false;
    if (evconnlistener_enable(d->listener) != 0 ||
        event_add(d->gate, NULL) != 0)
        pl_timer_start(d->admin->actor.loop, &d->pause, PAUSE_MS);
}

/* Somebody knocks.  The listener hears it too, just before or just behind this;
 * so what counts is whether anybody came in from one knock to the next. */
static void on_knock(evutil_socket_t fd, short what, void *arg)
{
    struct pl_door *d = arg;
    bool has_failed = d->has_tried && d->entered == d->seen;

    (void)fd, (void)what;
    pl_reactor_touch(d->admin->options.reactor);
    d->has_tried = true;
    d->seen = d->entered;
    if (has_failed)
        wait_a_moment(d);
}

/* The listener tries no more; the gate finds out. */
static void on_error(struct evconnlistener *listener, void *http)
{
    (void)http;
    evconnlistener_disable(listener);
}

/* Somebody was let in. */
static struct bufferevent *on_entry(struct event_base *base, void *arg)
{
    struct pl_door *d = arg;

    d->entered++;
    if (d->failed > 0)
        PL_LOG(PL_LOG_INFO, "admin accepts again",
               pl_log_string("address", address_of(d)),
               pl_log_number("failed", (int64_t)d->failed));
    d->failed = 0;
    return bufferevent_socket_new(base, -1, 0);
}

static size_t body_max(const struct pl_admin *a)
{
    uint64_t max = a->options.config->websocket.max_message;

    return max > BODY_MIN ? (size_t)max : BODY_MIN;
}

static void set_up(struct pl_door *d)
{
    evconnlistener_set_error_cb(d->listener, on_error);
    evhttp_set_bevcb(d->http, on_entry, d);
    evhttp_set_allowed_methods(d->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
    evhttp_set_max_headers_size(d->http, HEADERS_MAX);
    evhttp_set_max_body_size(d->http, (ev_ssize_t)body_max(d->admin));
    evhttp_set_timeout(d->http, IDLE_S);
    evhttp_set_gencb(d->http, pl_http_on_request, d);
}

enum pl_err pl_door_open(struct pl_door *d, struct pl_admin *a, int fd,
                         bool is_trusted)
{
    const unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC;
    struct event_base *base = pl_reactor_base(a->options.reactor);

    *d = (struct pl_door){.admin = a, .is_trusted = is_trusted};
    d->pause.fire = on_pause_over;
    d->http = evhttp_new(base);
    d->listener = evconnlistener_new(base, NULL, NULL, flags, 0, fd);
    if (d->listener == NULL)
        close(fd);
    else if (d->http == NULL ||
             evhttp_bind_listener(d->http, d->listener) == NULL)
        evconnlistener_free(d->listener);
    else
        d->gate = event_new(base, fd, EV_READ | EV_PERSIST, on_knock, d);
    if (d->gate == NULL || event_add(d->gate, NULL) != 0) {
        pl_door_close(d);
        return PL_ENOMEM;
    }
    set_up(d);
    return PL_OK;
}

void pl_door_close(struct pl_door *d)
{
    if (d->gate != NULL)
        event_free(d->gate);
    if (d->pause.fire != NULL)
        pl_timer_stop(d->admin->actor.loop, &d->pause);
    if (d->http != NULL)
        evhttp_free(d->http); /* and the listener */
    *d = (struct pl_door){.http = NULL};
}
