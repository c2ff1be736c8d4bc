/* SPDX-License-Identifier: Apache-2.0 */
/* poller.c - see poller.h.
 *
 * The loop has an epoll set, which libevent sees as one readable file.  A
 * libevent event per connection takes 128 bytes, and 40 in its tables: a third
 * of an idle connection.  Here the kernel keeps the pointer.  This costs one
 * more system call per batch of ready sockets, but each callback is cheaper,
 * which pays from the third socket of a batch on.
 *
 * The set is level-triggered for libevent, so sockets that do not fit into one
 * batch are reported in the next turn.
 *
 * Rejected: removing sockets by close(2).  The kernel keeps an open file in the
 * set until its last descriptor is closed, and a child of fork() has one.
 *
 * Invariant: nothing is freed between epoll_wait() and its callbacks, because
 * sessions are reaped at the end of a turn, never inside a callback. */
#include "poller.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <event2/event.h>

#include "reactor.h"

/* Sockets per epoll_wait().  A larger batch joins more output: with 2,000
 * publishers in chat rooms, a batch of 512 gave a quarter of the frames per
 * write and 0.8 times the deliveries. */
enum { BATCH = 4096 };

struct pl_poller {
    struct pl_reactor *reactor;
    pl_poller_ready *ready;
    struct event *event;
    int fd; /* the epoll set; -1: none */
    struct epoll_event batch[BATCH];
};

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    struct pl_poller *p = arg;

    (void)what;
    pl_reactor_schedule_turn(p->reactor);
    int n = epoll_wait(fd, p->batch, BATCH, 0);
    for (int i = 0; i < n; i++)
        p->ready(p->batch[i].data.ptr, p->batch[i].events);
}

enum pl_err pl_poller_create(struct pl_poller **out, struct pl_reactor *reactor,
                             pl_poller_ready *ready)
{
    struct pl_poller *p = calloc(1, sizeof *p);

    if (p == NULL)
        return PL_ENOMEM;
    p->reactor = reactor;
    p->ready = ready;
    p->fd = epoll_create1(EPOLL_CLOEXEC);
    if (p->fd >= 0)
        p->event = event_new(pl_reactor_base(reactor), p->fd,
                             EV_READ | EV_PERSIST, on_event, p);
    if (p->event == NULL || event_add(p->event, NULL) != 0) {
        pl_poller_destroy(p);
        return PL_EIO;
    }
    *out = p;
    return PL_OK;
}

void pl_poller_destroy(struct pl_poller *p)
{
    if (p == NULL)
        return;
    if (p->event != NULL)
        event_free(p->event);
    if (p->fd >= 0)
        close(p->fd);
    free(p);
}

enum pl_err pl_poller_add(struct pl_poller *p, int fd, void *what)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                            .data.ptr = what};

    return epoll_ctl(p->fd, EPOLL_CTL_ADD, fd, &e) == 0 ? PL_OK : PL_ENOMEM;
}

void pl_poller_remove(struct pl_poller *p, int fd)
{
    epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, NULL);
}
