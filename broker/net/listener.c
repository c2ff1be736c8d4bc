/* SPDX-License-Identifier: Apache-2.0 */
/* listener.c - see listener.h.
 *
 * One socket accepts for all loops and gives each connection to the loop with
 * the fewest, counted from what it handed over and what the loops published.
 * For a second it avoids a loop that refuses connections because it lags, or
 * that did not accept its mail: such a loop has the fewest, so it would get
 * every new connection.  A loop that hangs refuses nothing, so the listener
 * looks itself at how long the turn of each loop lasts.
 *
 * When the process or the machine is out of descriptors or memory, the listener
 * pauses instead of spinning; connections wait in the backlog.  The log reports
 * the start and the end of this, not each attempt.
 *
 * Rejected: SO_REUSEPORT with one socket per loop.  It distributes by a hash,
 * so 20 connections on four loops become nine, six, three and two, and closing
 * one socket resets the connections in its backlog. */
#include "listener.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/util.h>

#include "conns_mail.h"
#include "log.h"
#include "loop.h"
#include "mail.h"
#include "monitor.h"
#include "net_settings.h"
#include "phase_mail.h"
#include "reactor.h"
#include "system.h"

/* The kernel limits the backlog to net.core.somaxconn.  When thousands of
 * clients reconnect at once, they wait here for their handshake; a client that
 * finds the backlog full retries after 1, 2, 4, 8 s. */
enum {
    BACKLOG = 65535,
    BATCH = 64,
    PAUSE_MS = 100,
    AVOID_MS = 1000 /* for a loop that lags or refuses mail */
};

struct pl_listener {
    struct pl_actor actor; /* first member */
    struct pl_listener_options options;
    struct pl_reactor *reactor;
    struct event event;
    struct pl_timer pause;
    int fd; /* -1: closed */
    uint16_t port;
    uint64_t failed; /* consecutive failures, without transient errors */
    uint64_t load[PL_NET_LOOPS_MAX];     /* scratch: current connections of
                                               each loop */
    uint64_t refused[PL_NET_LOOPS_MAX];  /* by each loop, ever, because it
                                               lags */
    uint64_t avoid_ms[PL_NET_LOOPS_MAX]; /* loop time until which the loop is
                                               avoided */
};

static void stop_listening(struct pl_listener *l)
{
    if (l->fd < 0)
        return;
    event_del(&l->event);
    pl_timer_stop(l->actor.loop, &l->pause);
    close(l->fd);
    l->fd = -1;
    if (!l->options.is_internal)
        pl_gauge_drop(l->options.metrics, PL_METRIC_LISTENERS, 1);
}

static void avoid(struct pl_listener *l, unsigned loop)
{
    l->avoid_ms[loop] = pl_loop_now_ms(l->actor.loop) + AVOID_MS;
}

/* A lagging loop refuses connections, so it has the fewest; without this it
 * would be chosen every time. */
static void note_lag(struct pl_listener *l, unsigned loop, uint64_t refused)
{
    if (l->refused[loop] == refused)
        return;
    l->refused[loop] = refused;
    avoid(l, loop);
}

/* Return true while the turn of `loop` has lasted longer than loop_lag_ms. */
static bool is_stuck(const struct pl_listener *l, unsigned loop)
{
    struct pl_system *system = pl_loop_system(l->actor.loop);
    uint64_t begun_ns = pl_loop_turn_begun_ns(
        pl_system_loop(system, l->options.conns[loop].loop));

    return l->options.loop_lag_ms > 0 && begun_ns > 0 &&
           begun_ns / 1000000 + l->options.loop_lag_ms <
               pl_loop_now_ms(l->actor.loop);
}

/* Compute the load of each loop: what it published, and what is in transit to
 * it. */
static void look_at_loops(struct pl_listener *l)
{
    uint64_t v[PL_METRIC_COUNT];

    if (l->options.loops < 2)
        return;
    for (unsigned i = 0; i < l->options.loops; i++) {
        pl_snapshot_read(l->options.snapshots[i], v);
        l->load[i] = v[PL_METRIC_CONNECTIONS] + l->options.given[i] -
                     v[PL_METRIC_ACCEPTED];
        note_lag(l, i, v[PL_METRIC_REFUSED_LAG]);
        if (is_stuck(l, i))
            avoid(l, i);
    }
}

static unsigned least_loaded(const struct pl_listener *l)
{
    uint64_t now_ms = pl_loop_now_ms(l->actor.loop);
    unsigned best = 0;

    for (unsigned i = 1; i < l->options.loops; i++) {
        bool avoids = l->avoid_ms[i] > now_ms;
        bool avoids_best = l->avoid_ms[best] > now_ms;

        if (avoids != avoids_best ? avoids_best : l->load[i] < l->load[best])
            best = i;
    }
    return best;
}

/* Close a socket that was not handed over. */
static void give_up(struct pl_listener *l, int fd,
                    struct pl_admission_record *record)
{
    close(fd);
    if (record != NULL)
        pl_address_limiter_release(l->options.limiter, record);
}

static void hand_over(struct pl_listener *l, int fd,
                      struct pl_admission_record *record)
{
    unsigned to = least_loaded(l);

    l->load[to]++;
    l->options.given[to]++;
    if (to == 0) {
        enum pl_err rc =
            pl_conns_adopt(l->options.local, fd, l->options.is_tls, record);

        if (rc != PL_OK && rc != PL_EFULL) /* web.c counts PL_EFULL */
            pl_count(l->options.metrics, PL_METRIC_ACCEPT_FAILED, 1);
        return;
    }
    struct pl_fd_mail *m = pl_fd_mail_create(fd, l->options.is_tls, record);
    if (m == NULL) {
        l->options.given[to]--;
        give_up(l, fd, record);
        pl_count(l->options.metrics, PL_METRIC_ACCEPT_FAILED, 1);
        return;
    }
    m->loop = to;
    pl_actor_send(&l->actor, l->options.conns[to], &m->msg);
}

/* Accept with an address limiter: create the record, and close the socket if
 * its address has far too many connections. */
static void meet(struct pl_listener *l, int fd, const struct sockaddr *sa)
{
    struct pl_ip ip = pl_ip_of_socket(sa);
    struct pl_admission_record *record =
        pl_address_limiter_acquire(l->options.limiter, &ip);

    if (record == NULL)
        pl_count(l->options.metrics, PL_METRIC_ACCEPT_FAILED, 1);
    if (record == NULL || record->is_far_over)
        give_up(l, fd, record);
    else
        hand_over(l, fd, record);
}

static int accept_one(struct pl_listener *l)
{
    const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof sa;

    if (l->options.limiter == NULL) {
        int fd = accept4(l->fd, NULL, NULL, flags);

        if (fd >= 0)
            hand_over(l, fd, NULL);
        return fd;
    }
    int fd = accept4(l->fd, (struct sockaddr *)&sa, &len, flags);
    if (fd >= 0)
        meet(l, fd, (struct sockaddr *)&sa);
    return fd;
}

static void pause_listening(struct pl_listener *l)
{
    pl_count(l->options.metrics, PL_METRIC_ACCEPT_FAILED, 1);
    if (l->failed++ == 0)
        PL_LOG_LIMITED(PL_LOG_KIND_ACCEPT, PL_LOG_WARN,
                       "accept failed, pausing",
                       pl_log_string("address", l->options.address),
                       pl_log_string("reason", strerror(errno)),
                       pl_log_number("retry_ms", PAUSE_MS));
    event_del(&l->event);
    pl_timer_start(l->actor.loop, &l->pause, PAUSE_MS);
}

static void on_pause_over(struct pl_timer *t)
{
    struct pl_listener *l = PL_CONTAINER(t, struct pl_listener, pause);

    if (event_add(&l->event, NULL) != 0)
        pl_timer_start(l->actor.loop, &l->pause, PAUSE_MS);
}

static void note_accepted(struct pl_listener *l)
{
    if (l->failed == 0)
        return;
    PL_LOG_LIMITED(PL_LOG_KIND_ACCEPT_AGAIN, PL_LOG_INFO,
                   "accepting connections again",
                   pl_log_string("address", l->options.address),
                   pl_log_number("failed_attempts", (int64_t)l->failed));
    l->failed = 0;
}

static bool is_transient(int error)
{
    return error == EINTR || error == ECONNABORTED || error == EPROTO ||
           error == EPERM;
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    struct pl_listener *l = arg;

    (void)fd;
    (void)what;
    pl_reactor_schedule_turn(l->reactor);
    look_at_loops(l);
    for (int i = 0; i < BATCH; i++) {
        if (accept_one(l) >= 0) {
            note_accepted(l);
        } else if (errno == EAGAIN) {
            return;
        } else if (!is_transient(errno)) {
            pause_listening(l);
            return;
        }
    }
}

static void on_phase(struct pl_listener *l, struct pl_phase_mail *m)
{
    if (m->phase >= PL_PHASE_LISTENERS)
        stop_listening(l);
    pl_mail_answer(&l->actor, &m->msg);
}

/* A loop did not accept the socket. */
static void on_returned(struct pl_listener *l, struct pl_fd_mail *m)
{
    l->options.given[m->loop]--;
    avoid(l, m->loop);
    pl_count(l->options.metrics, PL_METRIC_ACCEPT_FAILED, 1);
    if (m->record != NULL)
        pl_address_limiter_release(l->options.limiter, m->record);
    m->record = NULL;
    m->msg.destroy(&m->msg);
}

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct pl_listener *l = (struct pl_listener *)a;

    switch (msg->type) {
    case PL_MAIL_PHASE:
        on_phase(l, (struct pl_phase_mail *)msg);
        return;
    case PL_MAIL_FD:
        on_returned(l, (struct pl_fd_mail *)msg);
        return;
    case PL_MSG_STOP:
        msg->destroy(msg);
        pl_actor_exit(a, "stopped");
        return;
    default:
        pl_actor_refuse(a, msg);
    }
}

static void reap(struct pl_actor *a)
{
    struct pl_listener *l = (struct pl_listener *)a;

    stop_listening(l);
    free(l);
}

static const struct pl_actor_ops ops = {
    .name = "listener",
    .mailbox_limit = 64,
    .receive = receive,
    .reap = reap,
};

/* Bytes that the kernel accepts from a connection beyond what it has sent.  The
 * rest stays in the out-queue, where channels.slow applies. */
enum { UNSENT_MAX = 128 * 1024 };

/* Accepted sockets inherit these options. */
static void set_options(int fd)
{
    int on = 1, unsent = UNSENT_MAX;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
}

static int open_socket(const struct sockaddr *sa, int len, int only_six)
{
    int on = 1;
    int fd =
        socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    set_options(fd);
    if (sa->sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_six, sizeof only_six);
    if (bind(fd, sa, (socklen_t)len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static uint16_t port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } sa = {0};
    socklen_t len = sizeof sa;

    if (getsockname(fd, &sa.any, &len) != 0 ||
        (sa.any.sa_family != AF_INET && sa.any.sa_family != AF_INET6))
        return 0;
    return ntohs(sa.any.sa_family == AF_INET6 ? sa.v6.sin6_port
                                              : sa.v4.sin_port);
}

/* libevent rejects port 0, but an address without a port has port 0. */
static bool parse(const char *text, struct sockaddr *out, int *len)
{
    char host[64];
    size_t end = strlen(text);

    if (end < sizeof host && end > 2 && strcmp(text + end - 2, ":0") == 0) {
        memcpy(host, text, end - 2);
        host[end - 2] = '\0';
        text = host;
    }
    return evutil_parse_sockaddr_port(text, out, len) == 0;
}

static enum pl_err bind_address(struct pl_listener *l)
{
    struct sockaddr_storage sa;
    int len = sizeof sa;

    if (!parse(l->options.address, (struct sockaddr *)&sa, &len))
        return PL_EINVAL;
    l->fd = open_socket((struct sockaddr *)&sa, len, l->options.only_six);
    if (l->fd < 0)
        return PL_EIO;
    l->port = port_of(l->fd);
    return PL_OK;
}

static enum pl_err start_listening(struct pl_listener *l)
{
    if (!l->options.is_internal)
        pl_count(l->options.metrics, PL_METRIC_LISTENERS, 1);
    event_assign(&l->event, pl_reactor_base(l->reactor), l->fd,
                 EV_READ | EV_PERSIST, on_event, l);
    return event_add(&l->event, NULL) == 0 ? PL_OK : PL_ENOMEM;
}

/* Create a listener that does not listen yet; it ends with its loop. */
static struct pl_listener *create(struct pl_loop *loop,
                                  struct pl_reactor *reactor,
                                  const struct pl_listener_options *options)
{
    struct pl_listener *l = calloc(1, sizeof *l);

    assert(options->loops <= PL_NET_LOOPS_MAX);
    if (l == NULL)
        return NULL;
    l->options = *options;
    l->reactor = reactor;
    l->pause.fire = on_pause_over;
    l->fd = -1;
    if (pl_actor_init(&l->actor, loop, &ops) != PL_OK) {
        free(l);
        return NULL;
    }
    return l;
}

static enum pl_err start(struct pl_listener **out, struct pl_listener *l,
                         enum pl_err rc)
{
    if (rc == PL_OK)
        rc = start_listening(l);
    if (rc == PL_OK)
        *out = l;
    else
        pl_actor_exit(&l->actor, "not listening"); /* reaped by the loop */
    return rc;
}

enum pl_err pl_listener_create(struct pl_listener **out, struct pl_loop *loop,
                               struct pl_reactor *reactor,
                               const struct pl_listener_options *options)
{
    struct pl_listener *l = create(loop, reactor, options);

    return l == NULL ? PL_ENOMEM : start(out, l, bind_address(l));
}

enum pl_err pl_listener_create_on(struct pl_listener **out,
                                  struct pl_loop *loop,
                                  struct pl_reactor *reactor,
                                  const struct pl_listener_options *options,
                                  int fd)
{
    struct pl_listener *l = create(loop, reactor, options);

    if (l == NULL) {
        close(fd);
        return PL_ENOMEM;
    }
    l->fd = fd;
    l->port = port_of(fd);
    if (l->port != 0)
        set_options(fd);
    return start(out, l, PL_OK);
}

struct pl_address pl_listener_address(const struct pl_listener *l)
{
    return pl_actor_address(&l->actor);
}

uint16_t pl_listener_port(const struct pl_listener *l)
{
    return l->port;
}
