/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c - see worker.h.
 *
 * One loop: what is ready, then whatever the current order still has to do.
 * An order that makes no progress for STALL_MS is answered as far as it came;
 * whoever asked sees what is missing.
 *
 * In a fan-out the publisher keeps at most `window` messages under way,
 * counted in deliveries over all subscribers, and starts again when a quarter
 * of it is free, so that a broker meets bursts as from a busy publisher.
 *
 * Invariant: the numbers of messages count rounds over the channels of this
 * process, so one number says where every channel is. */
#include "worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS = 512,
    STALL_MS = 60000,
    RETRY_MS = 20,
    OPEN_AT_ONCE = 200,
    PUBLISH_AHEAD = 1024 /* commands not yet answered */
};

struct worker {
    const struct plan *plan;
    struct crew crew;
    struct client *clients; /* and, behind them, the publisher */
    struct client **again;  /* of a storm: to begin anew */
    int epoll, control;
    unsigned first, count;   /* of this process's clients */
    unsigned groups;         /* that share channels */
    struct worker_say order; /* the newest */
    bool is_busy;            /* it is not answered yet */
    enum worker_order goes;  /* WORKER_STORM or _FANOUT, until WORKER_STOP */
    uint64_t progress_ms;    /* when the order last got on */
    uint64_t progress;       /* a sum that grows as it does */
    /* opening */
    unsigned target, next, making, in;
    unsigned at_once; /* of those in the making */
    uint64_t retry_ms;
    /* publishing */
    uint64_t round;    /* number of the message that each channel gets next */
    unsigned cursor;   /* the channel whose turn it is in this round */
    uint64_t until;    /* publish: the round to stop before */
    uint64_t commands; /* publications sent */
    uint64_t owed, visits, failures;
    unsigned again_count;
};

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static struct client *publisher(struct worker *w)
{
    return &w->clients[w->count];
}

static struct worker *worker_of(struct crew *crew)
{
    return (struct worker *)((char *)crew - offsetof(struct worker, crew));
}

static void answer(struct worker *w)
{
    struct worker_report r = {.tally = w->crew.tally,
                              .owed = w->owed,
                              .visits = w->visits,
                              .failures = w->failures,
                              .handshakes = w->crew.net.handshakes,
                              .resumed = w->crew.net.resumed,
                              .deflated = w->crew.net.deflated,
                              .bytes_in = w->crew.net.bytes_in,
                              .in = w->in};

    w->is_busy = false;
    if (send(w->control, &r, sizeof r, MSG_NOSIGNAL) != (ssize_t)sizeof r)
        exit(1);
}

/* --- Coming and going --- */

static void on_settled(struct client *c, bool is_in)
{
    struct worker *w = worker_of(c->crew);

    w->making -= c->is_making;
    if (is_in)
        w->in++;
    else if (c->is_making)
        w->failures++;
    else
        w->in--;
    if (w->goes == WORKER_STORM && c->is_making)
        w->again[w->again_count++] = c;
}

static void begin(struct worker *w, struct client *c)
{
    w->making++;
    client_begin(c);
}

/* The next of those that are out.  A pass that left some out is repeated. */
static void open_more(struct worker *w)
{
    if (now_ms() < w->retry_ms)
        return;
    while (w->next < w->target && w->making < w->at_once) {
        struct client *c = &w->clients[w->next++];

        if (c->link.state == LINK_CLOSED)
            begin(w, c);
    }
    if (w->next < w->target || w->making > 0)
        return;
    if (publisher(w)->link.state == LINK_CLOSED) {
        begin(w, publisher(w));
    } else if (w->in == w->target + 1) {
        answer(w);
        return;
    }
    w->next = 0;
    w->retry_ms = now_ms() + RETRY_MS;
}

static void abort_all(struct worker *w)
{
    for (unsigned i = 0; i < w->count; i++) {
        struct client *c = &w->clients[i];

        if (c->link.state == LINK_CLOSED)
            continue;
        w->in -= c->is_in;
        w->making -= c->is_making;
        c->is_in = c->is_making = false;
        c->awaited = 0;
        link_abort(&c->link);
    }
}

/* Those of a storm that were in, or failed, come anew. */
static void storm_on(struct worker *w)
{
    unsigned count = w->again_count;

    w->again_count = 0;
    for (unsigned i = 0; i < count; i++) {
        struct client *c = w->again[i];

        if (c->is_in) {
            w->visits++;
            w->in--;
            c->is_in = false;
        }
        link_abort(&c->link);
        begin(w, c);
    }
}

/* --- Publishing --- */

static unsigned group_size(const struct worker *w, unsigned group)
{
    unsigned share = w->plan->share, left = w->count - group * share;

    return left < share ? left : share;
}

/* `count` messages to the channel whose turn it is. */
static void publish(struct worker *w, uint64_t count)
{
    unsigned channels = w->plan->channels, group = w->cursor / channels;
    char channel[PLAN_CHANNEL_MAX];

    plan_channel(w->plan, w->first + group * w->plan->share,
                 w->cursor % channels, channel);
    client_publish(publisher(w), channel, w->round, w->round + count);
    w->commands += count;
    w->owed += count * group_size(w, group);
    if (++w->cursor == w->groups * channels) {
        w->cursor = 0;
        w->round += count;
    }
}

/* Messages that came, or will not come any more. */
static uint64_t settled(const struct worker *w)
{
    const struct check_tally *t = &w->crew.tally.checked;

    return t->received + t->lost + t->doubled + t->damaged;
}

static void publish_on(struct worker *w)
{
    if (w->plan->channels == 0)
        w->round = w->until;
    while (w->round < w->until &&
           w->commands - w->crew.tally.published < PUBLISH_AHEAD)
        publish(w, 1);
    if (w->round == w->until && w->commands == w->crew.tally.published &&
        (w->in == 1 || settled(w) >= w->owed))
        answer(w);
}

static void fan_out(struct worker *w)
{
    uint64_t window = (uint64_t)w->plan->window * w->plan->share;
    uint64_t under_way = w->owed - settled(w);
    uint64_t room = under_way < window ? window - under_way : 0;
    uint64_t messages = w->plan->channels == 0 ? 0 : room / w->plan->share;

    if (messages == 0 || messages * 4 < w->plan->window)
        return;
    if (w->groups * w->plan->channels == 1) {
        publish(w, messages);
        return;
    }
    while (messages-- > 0)
        publish(w, 1);
}

/* --- Orders --- */

static void start_storm(struct worker *w)
{
    w->goes = WORKER_STORM;
    for (unsigned i = 0; i < w->count; i++)
        begin(w, &w->clients[i]);
}

static void stop(struct worker *w)
{
    if (w->goes == WORKER_STORM) {
        w->again_count = 0;
        abort_all(w);
    }
    w->goes = WORKER_STOP;
}

/* What is this process's of so many of all clients. */
static unsigned share_of(const struct worker *w, unsigned count)
{
    return (unsigned)((uint64_t)count * w->count / w->plan->clients);
}

static void start_opening(struct worker *w, unsigned target, unsigned at_once)
{
    w->target = target;
    w->at_once = at_once;
    w->next = 0;
    w->retry_ms = 0;
}

/* Return false if the parent has closed the socket. */
static bool take_order(struct worker *w)
{
    ssize_t n = recv(w->control, &w->order, sizeof w->order, 0);

    if (n != (ssize_t)sizeof w->order)
        return false;
    w->is_busy = true;
    w->progress_ms = now_ms();
    switch (w->order.order) {
    case WORKER_OPEN:
        start_opening(w, share_of(w, w->order.count), OPEN_AT_ONCE);
        break;
    case WORKER_RETURN:
        start_opening(w, w->count, w->plan->at_once);
        break;
    case WORKER_PUBLISH:
        w->until = w->round + w->order.count;
        break;
    case WORKER_ABORT:
        abort_all(w);
        break;
    case WORKER_STORM:
        start_storm(w);
        break;
    case WORKER_FANOUT:
        w->goes = WORKER_FANOUT;
        break;
    case WORKER_STOP:
        stop(w);
        break;
    default:
        break;
    }
    return true;
}

/* Whatever the order still has to do. */
static void work_on(struct worker *w)
{
    switch (w->order.order) {
    case WORKER_OPEN:
    case WORKER_RETURN:
        open_more(w);
        break;
    case WORKER_PUBLISH:
        publish_on(w);
        break;
    case WORKER_ENDED:
        if (w->in == 0)
            answer(w);
        break;
    case WORKER_STOP:
        if (settled(w) >= w->owed)
            answer(w);
        break;
    default:
        answer(w);
        break;
    }
}

static void give_up_when_stalled(struct worker *w)
{
    uint64_t sum = w->in + w->visits + settled(w) + w->crew.tally.published;

    if (sum != w->progress) {
        w->progress = sum;
        w->progress_ms = now_ms();
    } else if (now_ms() - w->progress_ms > STALL_MS) {
        fprintf(stderr,
                "parley-load: nothing went on for %d s: %u in, %llu of %llu "
                "messages, last close code %u\n",
                STALL_MS / 1000, w->in, (unsigned long long)settled(w),
                (unsigned long long)w->owed, w->crew.tally.last_code);
        answer(w);
    }
}

static void go_on(struct worker *w)
{
    if (w->goes == WORKER_STORM)
        storm_on(w);
    else if (w->goes == WORKER_FANOUT)
        fan_out(w);
    if (w->is_busy)
        work_on(w);
    if (w->is_busy)
        give_up_when_stalled(w);
}

/* --- Life --- */

static void init(struct worker *w, unsigned process)
{
    struct epoll_event e = {.events = EPOLLIN};

    w->first = plan_first(w->plan, process);
    w->count = plan_first(w->plan, process + 1) - w->first;
    w->groups = (w->count + w->plan->share - 1) / w->plan->share;
    w->round = 1;
    w->goes = WORKER_STOP;
    w->clients = calloc(w->count + 1, sizeof *w->clients);
    w->again = calloc(w->count + 1, sizeof(struct client *));
    if (w->clients == NULL || w->again == NULL ||
        epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->control, &e) != 0)
        abort();
    for (unsigned i = 0; i < w->count; i++)
        client_init(&w->clients[i], &w->crew, w->first + i, false);
    client_init(publisher(w), &w->crew, w->plan->clients + process, true);
}

static void fini(struct worker *w)
{
    for (unsigned i = 0; i <= w->count; i++)
        client_fini(&w->clients[i]);
    free(w->clients);
    free(w->again);
    crew_fini(&w->crew);
    close(w->epoll);
}

void worker_run(const struct plan *plan, const struct plan_kind *kind,
                unsigned process, uint16_t port, int control)
{
    struct worker w = {.plan = plan, .control = control};
    struct epoll_event events[EVENTS];
    bool is_over = false;

    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to sockets that are over */
    w.epoll = epoll_create1(EPOLL_CLOEXEC);
    crew_init(&w.crew, plan, kind, w.epoll, port);
    w.crew.settled = on_settled;
    init(&w, process);
    while (!is_over) {
        bool has_work = w.is_busy || w.goes != WORKER_STOP;
        int n = epoll_wait(w.epoll, events, EVENTS, has_work ? 5 : -1);

        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr != NULL)
                link_run(events[i].data.ptr);
            else
                is_over = !take_order(&w);
        }
        go_on(&w);
    }
    fini(&w);
}
