/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c - see worker.h.
 *
 * One thread and one event base carry the clients, the schedules and the
 * orders.  The group of the client library runs on that base.
 *
 * An order that makes no progress for the patience of the plan is answered as
 * far as it came; the process that gave it sees what is missing.
 *
 * Invariant: `is_busy` is set exactly while an order has no answer. */
#include "worker.h"

#include <event2/event.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "arrivals.h"
#include "clock.h"
#include "memory.h"
#include "parley_client.h"
#include "traffic.h"

enum { TICK_US = 2000, OPEN_AT_ONCE = 200, EVENT_QUEUE = 65536 };

struct worker {
    struct bench_crew crew;
    struct bench_traffic traffic;
    struct bench_arrivals arrivals;
    struct event_base *base;
    struct event *orders, *tick;
    int control;
    struct bench_say order; /* the newest, but for reports */
    bool is_busy;
    uint64_t progress; /* a sum that grows while an order gets on */
    uint64_t progress_ns;
    uint64_t stop_ns;       /* when BENCH_ORDER_STOP came */
    uint64_t private_bytes; /* of this process, after the newest opening */
};

static struct worker *worker_of(struct bench_crew *crew)
{
    return (struct worker *)((char *)crew - offsetof(struct worker, crew));
}

static void answer(struct worker *w, uint32_t number)
{
    static struct bench_report_mail r; /* large */
    struct plc_status s = {.size = sizeof s};

    plc_group_status(w->crew.group, &s);
    r.number = number;
    r.in = w->crew.in;
    r.counts = w->crew.counts;
    r.bytes_in = s.bytes_in;
    r.handshakes = s.tls_handshakes;
    r.resumed = s.tls_resumed;
    r.private_bytes = w->private_bytes;
    r.latency = w->crew.latency;
    r.lag = w->crew.lag;
    if (send(w->control, &r, sizeof r, MSG_NOSIGNAL) != (ssize_t)sizeof r)
        exit(1);
}

/* --- The crew --- */

static void on_came_in(struct bench_member *m)
{
    bench_arrivals_came_in(&worker_of(m->crew)->arrivals, m);
}

static void on_went_out(struct bench_member *m)
{
    bench_arrivals_went_out(&worker_of(m->crew)->arrivals, m);
}

static void on_message(struct bench_crew *crew, uint32_t source)
{
    bench_traffic_had_message(&worker_of(crew)->traffic, source);
}

static const struct bench_crew_calls crew_calls = {
    .came_in = on_came_in,
    .went_out = on_went_out,
    .had_message = on_message,
};

/* --- Orders --- */

/* Messages that came, or that will not come any more. */
static bool has_all(const struct worker *w)
{
    const struct bench_counts *c = &w->crew.counts;

    return c->checked.received + c->checked.damaged >= c->owed;
}

static uint32_t share_of(const struct worker *w, uint32_t count)
{
    return (uint32_t)((uint64_t)count * w->crew.count / w->crew.plan->clients);
}

static void start(struct worker *w, double rate)
{
    if (w->crew.plan->mode == BENCH_STORM)
        bench_arrivals_storm(&w->arrivals, rate);
    else
        bench_traffic_start(&w->traffic, rate);
}

static void stop(struct worker *w)
{
    w->stop_ns = bench_now_ns();
    bench_traffic_stop(&w->traffic);
    bench_arrivals_stop(&w->arrivals);
    if (w->crew.plan->mode == BENCH_STORM)
        bench_arrivals_leave(&w->arrivals);
}

static void measure(struct worker *w)
{
    memset(&w->crew.latency, 0, sizeof w->crew.latency);
    memset(&w->crew.lag, 0, sizeof w->crew.lag);
    w->crew.from_ns = bench_now_ns();
}

static void obey(struct worker *w, const struct bench_say *o)
{
    const struct bench_plan *plan = w->crew.plan;

    switch (o->order) {
    case BENCH_ORDER_OPEN:
        bench_arrivals_open(&w->arrivals, share_of(w, o->count), OPEN_AT_ONCE,
                            0);
        break;
    case BENCH_ORDER_RETURN:
        measure(w);
        w->crew.stays_away = false;
        bench_arrivals_open(&w->arrivals, w->crew.count, plan->at_once,
                            o->rate);
        break;
    case BENCH_ORDER_PUBLISH:
        bench_traffic_publish(&w->traffic, o->count);
        break;
    case BENCH_ORDER_LEAVE:
        bench_arrivals_leave(&w->arrivals);
        break;
    case BENCH_ORDER_ENDED:
        w->crew.stays_away = true;
        break;
    case BENCH_ORDER_START:
        start(w, o->rate);
        break;
    case BENCH_ORDER_MEASURE:
        measure(w);
        break;
    case BENCH_ORDER_STOP:
        stop(w);
        break;
    default:
        break;
    }
}

static bool is_done(const struct worker *w)
{
    const struct bench_crew *crew = &w->crew;

    switch (w->order.order) {
    case BENCH_ORDER_OPEN:
    case BENCH_ORDER_RETURN:
        return bench_arrivals_are_over(&w->arrivals);
    case BENCH_ORDER_PUBLISH:
        return bench_traffic_is_answered(&w->traffic) &&
               (crew->in <= 1 || has_all(w));
    case BENCH_ORDER_LEAVE:
        return crew->in <= 1;
    case BENCH_ORDER_ENDED:
        return crew->in == 0;
    case BENCH_ORDER_STOP:
        return crew->plan->mode == BENCH_STORM
                   ? crew->in == 0 && w->arrivals.making == 0
                   : bench_traffic_is_answered(&w->traffic) && has_all(w);
    default:
        return true;
    }
}

static void look(struct worker *w)
{
    if (!w->is_busy || !is_done(w))
        return;
    w->is_busy = false;
    if (w->order.order == BENCH_ORDER_OPEN)
        w->private_bytes = bench_memory_private(); /* it takes milliseconds */
    answer(w, w->order.number);
}

static void on_order(evutil_socket_t fd, short what, void *arg)
{
    struct worker *w = arg;
    struct bench_say o;

    (void)what;
    if (recv(fd, &o, sizeof o, 0) != (ssize_t)sizeof o) {
        event_base_loopbreak(w->base);
        return;
    }
    if (o.order == BENCH_ORDER_REPORT) {
        answer(w, o.number);
        return;
    }
    w->order = o;
    w->is_busy = true;
    w->progress_ns = bench_now_ns();
    obey(w, &o);
    look(w);
}

/* --- Time --- */

static uint64_t progress_of(const struct worker *w)
{
    const struct bench_counts *c = &w->crew.counts;

    return w->crew.in + c->visits + c->answered + c->checked.received +
           c->checked.damaged + c->checked.doubled;
}

static bool has_waited(const struct worker *w, uint64_t since_ns)
{
    return (double)(bench_now_ns() - since_ns) * 1e-9 > w->crew.plan->patience;
}

static void give_up_when_stalled(struct worker *w)
{
    uint64_t now = progress_of(w);

    if (w->order.order == BENCH_ORDER_STOP && has_waited(w, w->stop_ns))
        bench_traffic_give_up(&w->traffic);
    if (now != w->progress) {
        w->progress = now;
        w->progress_ns = bench_now_ns();
    } else if (has_waited(w, w->progress_ns)) {
        w->is_busy = false;
        answer(w, w->order.number);
    }
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct worker *w = arg;

    (void)fd, (void)what;
    bench_traffic_tick(&w->traffic);
    look(w);
    if (w->is_busy)
        give_up_when_stalled(w);
}

/* --- Life --- */

static void init_members(struct worker *w, unsigned process)
{
    struct bench_crew *c = &w->crew;

    c->members = calloc(c->count + 1u, sizeof *c->members);
    if (c->members == NULL)
        abort();
    for (uint32_t i = 0; i <= c->count; i++) {
        c->members[i].crew = c;
        c->members[i].index =
            i < c->count ? c->first + i : c->plan->clients + process;
        c->members[i].is_publisher = i == c->count;
    }
}

static void init_base(struct worker *w)
{
    struct event_config *config = event_config_new();
    struct plc_group_options o = {.size = sizeof o, .event_queue = EVENT_QUEUE};
    struct timeval tick = {0, TICK_US};

    if (config == NULL)
        abort();
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    w->base = event_base_new_with_config(config);
    event_config_free(config);
    if (w->base == NULL)
        abort();
    o.base = w->base;
    w->orders =
        event_new(w->base, w->control, EV_READ | EV_PERSIST, on_order, w);
    w->tick = event_new(w->base, -1, EV_PERSIST, on_tick, w);
    if (w->orders == NULL || w->tick == NULL ||
        event_add(w->orders, NULL) != 0 || event_add(w->tick, &tick) != 0 ||
        plc_group_create(&w->crew.group, &o) != PL_OK)
        abort();
}

static void init(struct worker *w, unsigned process)
{
    struct bench_crew *c = &w->crew;

    c->calls = &crew_calls;
    c->first = bench_plan_first(c->plan, process);
    c->count = bench_plan_first(c->plan, process + 1) - c->first;
    c->groups = (c->count + c->plan->share - 1) / c->plan->share;
    bench_text_init(&c->text, c->plan->size);
    init_members(w, process);
    init_base(w);
    bench_traffic_init(&w->traffic, c, w->base);
    bench_arrivals_init(&w->arrivals, c, w->base);
}

static void fini(struct worker *w)
{
    plc_group_destroy(w->crew.group);
    bench_traffic_fini(&w->traffic);
    bench_arrivals_fini(&w->arrivals);
    for (uint32_t i = 0; i <= w->crew.count; i++)
        bench_member_fini(&w->crew.members[i]);
    free(w->crew.members);
    bench_text_fini(&w->crew.text);
    event_free(w->orders);
    event_free(w->tick);
    event_base_free(w->base);
}

void bench_worker_run(const struct bench_plan *plan,
                      const struct bench_kind *kind, unsigned process,
                      const char *url, int control)
{
    static struct worker w; /* large */

    w.control = control;
    w.crew.plan = plan;
    w.crew.kind = kind;
    snprintf(w.crew.url, sizeof w.crew.url, "%s", url);
    init(&w, process);
    event_base_dispatch(w.base);
    fini(&w);
}
