/* SPDX-License-Identifier: Apache-2.0 */
/* reactor.c - see reactor.h.
 *
 * libevent runs the callbacks of ready I/O in one pass.  The first of them
 * schedules a turn, which activates an event without a descriptor; libevent
 * appends it to the ready I/O, and its callback runs the turn.  If a turn
 * leaves work, the same event gets a timeout of zero: activating it from its
 * own callback would run it again in the same pass, and libevent would never
 * poll for new I/O.
 *
 * Other threads wake the loop by writing to an eventfd, which works on every
 * base, with libevent's locks or without.
 *
 * All timers of the loop share one event.  It is set again only if the next
 * time of the wheel has changed.  It may fire early, because libevent's clock
 * is coarser; it is then set again without a turn.
 *
 * Rejected: priorities, because under load they starve such an event.
 *
 * Invariant: between two callbacks either the turn event is pending, or the
 * loop sleeps, its inbox was empty, and its next timer is armed. */
#include "reactor.h"

#include <event2/event.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop_private.h"
#include "thread.h"

struct pl_reactor {
    /* Constant. */
    struct pl_loop *loop;
    struct event_base *base;
    bool owns_base;
    int wake_fd;
    struct event *turn_event;
    struct event *wake_event;
    struct event *timer_event;
    void (*begin)(void *);
    void *begin_arg;
    void (*turned)(void *);
    void *turned_arg;
    /* The loop's thread. */
    bool is_turn_pending;
    uint64_t armed_ms; /* when timer_event fires; UINT64_MAX: not set */
    /* The thread that calls start and join. */
    bool has_started;
    struct pl_thread *thread; /* NULL: not started, or joined */
    /* Any thread. */
    atomic_bool is_stopping;
    _Atomic(const char *) runs_on; /* the `mark` of the thread; NULL: none */
};

static _Thread_local char mark; /* its address names the thread */

static void set_turn(struct pl_reactor *r, bool at_once)
{
    static const struct timeval zero = {0, 0};

    if (r->is_turn_pending)
        return;
    r->is_turn_pending = true;
    if (at_once)
        event_active(r->turn_event, EV_TIMEOUT, 0);
    else
        event_add(r->turn_event, &zero);
}

/* Refresh the cached time of the base first: the delay would count from the
 * start of this pass of callbacks. */
static void arm_timer(struct pl_reactor *r)
{
    uint64_t due_ms = pl_loop_timer_due(r->loop);

    if (due_ms == r->armed_ms)
        return;
    r->armed_ms = due_ms;
    if (due_ms == UINT64_MAX) {
        event_del(r->timer_event);
        return;
    }
    uint64_t delay_ms = pl_loop_next_timer(r->loop);
    struct timeval delay = {.tv_sec = (time_t)(delay_ms / 1000u),
                            .tv_usec = (suseconds_t)(delay_ms % 1000u * 1000u)};
    event_base_update_cache_time(r->base);
    event_add(r->timer_event, &delay);
}

/* A lent base belongs to its owner, so its loop is not broken: without our
 * events it can end by itself. */
static void stop_now(struct pl_reactor *r)
{
    event_del(r->turn_event);
    event_del(r->wake_event);
    event_del(r->timer_event);
    r->armed_ms = UINT64_MAX;
    r->is_turn_pending = true; /* so that nothing sets it any more */
    if (r->owns_base)
        event_base_loopbreak(r->base);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    struct pl_reactor *r = arg;

    (void)fd, (void)what;
    r->is_turn_pending = false;
    bool is_more = pl_loop_turn(r->loop);
    if (atomic_load(&r->is_stopping))
        stop_now(r);
    else if (is_more || !pl_loop_sleep(r->loop))
        set_turn(r, false);
    else
        arm_timer(r);
    if (r->turned != NULL)
        r->turned(r->turned_arg);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct pl_reactor *r = arg;
    uint64_t count;

    (void)what;
    pl_reactor_schedule_turn(r);
    /* The only failure is EAGAIN: the count was read already. */
    ssize_t got = read(fd, &count, sizeof count);
    (void)got;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct pl_reactor *r = arg;

    (void)fd, (void)what;
    r->armed_ms = UINT64_MAX;
    if (pl_loop_next_timer(r->loop) == 0)
        pl_reactor_schedule_turn(r);
    else
        arm_timer(r);
}

static void wake(void *arg)
{
    struct pl_reactor *r = arg;
    uint64_t one = 1;

    /* This fails only while 2^64 - 2 wakes are unread; then a wake is
     * pending. */
    ssize_t put = write(r->wake_fd, &one, sizeof one);
    (void)put;
}

static struct event_base *create_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config == NULL)
        return NULL;
    if (event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
        base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static enum pl_err create_events(struct pl_reactor *r)
{
    r->turn_event = event_new(r->base, -1, 0, on_turn, r);
    r->timer_event = event_new(r->base, -1, 0, on_timer, r);
    r->wake_event =
        event_new(r->base, r->wake_fd, EV_READ | EV_PERSIST, on_wake, r);
    if (r->turn_event == NULL || r->timer_event == NULL ||
        r->wake_event == NULL)
        return PL_ENOMEM;
    return event_add(r->wake_event, NULL) == 0 ? PL_OK : PL_EIO;
}

enum pl_err pl_reactor_create(struct pl_reactor **out, struct pl_loop *loop,
                              struct event_base *lent)
{
    struct pl_reactor *r = calloc(1, sizeof *r);
    enum pl_err rc;

    if (r == NULL)
        return PL_ENOMEM;
    atomic_init(&r->is_stopping, false);
    atomic_init(&r->runs_on, lent == NULL ? NULL : &mark);
    r->loop = loop;
    r->armed_ms = UINT64_MAX;
    r->owns_base = lent == NULL;
    r->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    r->base = lent != NULL ? lent : create_base();
    rc = r->base == NULL ? PL_ENOMEM : r->wake_fd < 0 ? PL_EIO : PL_OK;
    if (rc == PL_OK)
        rc = create_events(r);
    if (rc != PL_OK) {
        pl_reactor_destroy(r);
        return rc;
    }
    pl_loop_set_wake(loop, wake, r);
    set_turn(r, true); /* for what was sent and started before */
    *out = r;
    return PL_OK;
}

struct event_base *pl_reactor_base(struct pl_reactor *r)
{
    return r->base;
}

struct pl_loop *pl_reactor_loop(struct pl_reactor *r)
{
    return r->loop;
}

bool pl_reactor_is_current(const struct pl_reactor *r)
{
    /* This only reads, but C has no const atomic load before C17. */
    return atomic_load(&((struct pl_reactor *)r)->runs_on) == &mark;
}

void pl_reactor_schedule_turn(struct pl_reactor *r)
{
    pl_loop_awake(r->loop);
    set_turn(r, true);
}

static void run(void *arg)
{
    struct pl_reactor *r = arg;

    atomic_store(&r->runs_on, &mark);
    pl_loop_take_thread(r->loop);
    if (r->begin != NULL)
        r->begin(r->begin_arg);
    event_base_loop(r->base, EVLOOP_NO_EXIT_ON_EMPTY);
    pl_loop_leave_thread(r->loop);
    pl_loop_retire(r->loop); /* stop asking for wake-ups */
}

static void (*complain)(const char *text);

static void on_complaint(int severity, const char *text)
{
    if (severity >= EVENT_LOG_WARN)
        complain(text);
}

void pl_reactor_on_complaint(void (*call)(const char *text))
{
    complain = call;
    event_set_log_callback(call == NULL ? NULL : on_complaint);
}

void pl_reactor_on_begin(struct pl_reactor *r, void (*call)(void *), void *arg)
{
    r->begin = call;
    r->begin_arg = arg;
}

void pl_reactor_on_turn(struct pl_reactor *r, void (*call)(void *), void *arg)
{
    r->turned = call;
    r->turned_arg = arg;
}

enum pl_err pl_reactor_start(struct pl_reactor *r, const char *name)
{
    if (!r->owns_base || r->has_started)
        return PL_EIO;
    enum pl_err rc = pl_thread_start(&r->thread, name, run, r);
    r->has_started = rc == PL_OK;
    return rc;
}

void pl_reactor_stop(struct pl_reactor *r)
{
    atomic_store(&r->is_stopping, true);
    wake(r);
}

enum pl_err pl_reactor_join(struct pl_reactor *r, uint64_t timeout_ms)
{
    enum pl_err rc = pl_thread_join(r->thread, timeout_ms);

    if (rc == PL_OK)
        r->thread = NULL;
    return rc;
}

static void destroy_event(struct event *e)
{
    if (e != NULL)
        event_free(e);
}

void pl_reactor_destroy(struct pl_reactor *r)
{
    if (r == NULL)
        return;
    pl_loop_retire(r->loop); /* `wake` must not be called after this */
    destroy_event(r->turn_event);
    destroy_event(r->wake_event);
    destroy_event(r->timer_event);
    if (r->owns_base && r->base != NULL)
        event_base_free(r->base);
    if (r->wake_fd >= 0)
        close(r->wake_fd);
    free(r);
}
