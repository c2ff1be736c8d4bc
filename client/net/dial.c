/* SPDX-License-Identifier: Apache-2.0 */
/* dial.c - see dial.h.
 *
 * The first address starts at once.  Each of the others starts when the one
 * before it has failed, or 250 ms after that began, so that a family that leads
 * nowhere costs a quarter of a second.  The first connection wins, and the
 * others are closed before a byte is sent on them.
 *
 * Rejected: all addresses at once, which lets a server see as many connections
 * as it has addresses.
 *
 * Invariant: while the dial exists, an address is being tried or its timer
 * runs. */
#include "dial.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "list.h"
#include "loop.h"
#include "reactor.h"
#include "timer.h"

enum { HEAD_START_MS = 250, WHY_SIZE = 160 };

struct attempt {
    struct plc_dial *dial;
    struct event *event; /* NULL: not tried, or over */
    int fd;
};

struct plc_dial {
    struct pl_reactor *reactor;
    struct pl_loop *loop;
    plc_dialled *dialled;
    void *user;
    struct plc_addresses addresses;
    struct attempt attempts[PLC_ADDRESSES_MAX];
    size_t next; /* address */
    size_t open; /* attempts that are tried */
    struct pl_task begin;
    struct pl_timer head_start;
    char why[WHY_SIZE]; /* of the newest failure */
};

static void close_attempt(struct attempt *a)
{
    event_free(a->event);
    a->event = NULL;
    a->dial->open--;
}

void plc_dial_cancel(struct plc_dial *d)
{
    for (size_t i = 0; i < d->next; i++) {
        struct attempt *a = &d->attempts[i];

        if (a->event == NULL)
            continue;
        close_attempt(a);
        close(a->fd);
    }
    pl_loop_cancel(d->loop, &d->begin);
    pl_timer_stop(d->loop, &d->head_start);
    free(d);
}

static void end(struct plc_dial *d, int fd)
{
    plc_dialled *dialled = d->dialled;
    void *user = d->user;
    char why[WHY_SIZE];

    memcpy(why, d->why, sizeof why);
    plc_dial_cancel(d);
    dialled(user, fd, fd < 0 ? why : NULL);
}

static void explain(struct plc_dial *d, size_t index, int error)
{
    char address[PLC_ADDRESS_TEXT], buffer[80];

    plc_address_text(&d->addresses.at[index], address);
    snprintf(d->why, sizeof d->why, "cannot connect to %s: %s", address,
             strerror_r(error, buffer, sizeof buffer));
}

/* Return a socket that is connecting, or -1. */
static int begin_connect(const union plc_address *a)
{
    int one = 1;
    bool v6 = a->any.sa_family == AF_INET6;
    int fd =
        socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, &a->any, v6 ? sizeof a->v6 : sizeof a->v4) == 0 ||
        errno == EINPROGRESS)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static void on_writable(evutil_socket_t fd, short what, void *arg);

static bool try_address(struct plc_dial *d, size_t index)
{
    struct attempt *a = &d->attempts[index];

    a->dial = d;
    a->fd = begin_connect(&d->addresses.at[index]);
    if (a->fd < 0) {
        explain(d, index, errno);
        return false;
    }
    a->event =
        event_new(pl_reactor_base(d->reactor), a->fd, EV_WRITE, on_writable, a);
    if (a->event == NULL || event_add(a->event, NULL) != 0) {
        explain(d, index, ENOMEM);
        if (a->event != NULL)
            event_free(a->event);
        a->event = NULL;
        close(a->fd);
        return false;
    }
    d->open++;
    return true;
}

/* Try the next addresses until one is under way; end if none is. */
static void go_on(struct plc_dial *d)
{
    while (d->next < d->addresses.count)
        if (try_address(d, d->next++))
            break;
    if (d->next < d->addresses.count)
        pl_timer_start(d->loop, &d->head_start, HEAD_START_MS);
    else if (d->open == 0)
        end(d, -1);
}

static void begin(struct pl_task *t)
{
    go_on(PL_CONTAINER(t, struct plc_dial, begin));
}

static void on_head_start(struct pl_timer *t)
{
    go_on(PL_CONTAINER(t, struct plc_dial, head_start));
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct attempt *a = arg;
    struct plc_dial *d = a->dial;
    socklen_t len = sizeof(int);
    int error = 0;

    (void)what;
    pl_reactor_schedule_turn(d->reactor);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    close_attempt(a);
    if (error == 0) {
        end(d, fd);
        return;
    }
    explain(d, (size_t)(a - d->attempts), error);
    close(fd);
    go_on(d);
}

enum pl_err plc_dial_start(struct plc_dial **out, struct pl_reactor *reactor,
                           const struct plc_addresses *addresses,
                           plc_dialled *dialled, void *user)
{
    struct plc_dial *d = calloc(1, sizeof *d);

    if (d == NULL)
        return PL_ENOMEM;
    d->reactor = reactor;
    d->loop = pl_reactor_loop(reactor);
    d->dialled = dialled;
    d->user = user;
    d->addresses = *addresses;
    d->head_start.fire = on_head_start;
    d->begin.run = begin;
    /* Not at once: dialled() must not be called before this returns. */
    pl_loop_defer(d->loop, PL_STAGE_READY, &d->begin);
    *out = d;
    return PL_OK;
}
