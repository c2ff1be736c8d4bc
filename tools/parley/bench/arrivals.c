/* SPDX-License-Identifier: Apache-2.0 */
/* arrivals.c - see arrivals.h.
 *
 * A member that fails to connect tries again by itself, as the library does; it
 * counts as begun until it is in or refused for good.
 *
 * Invariant: `making` is the number of members whose is_making is set. */
#include "arrivals.h"

#include <stdlib.h>

#include "alarm.h"

static void begin(struct bench_arrivals *a, struct bench_member *m,
                  uint64_t due_ns)
{
    a->making++;
    bench_member_begin(m, due_ns);
}

/* The next member that is out; NULL: there is none. */
static struct bench_member *next_out(struct bench_arrivals *a)
{
    if (a->is_storm)
        return a->idle_count > 0 ? a->idle[--a->idle_count] : NULL;
    while (a->next < a->target) {
        struct bench_member *m = &a->crew->members[a->next++];

        if (m->where == BENCH_OUT)
            return m;
    }
    return NULL;
}

static void begin_due(struct bench_arrivals *a)
{
    uint64_t now = bench_now_ns(), due;

    while ((due = bench_schedule_next_ns(&a->schedule)) <= now) {
        struct bench_member *m = next_out(a);

        if (m == NULL)
            return; /* a member that leaves goes on */
        begin(a, m, due);
        a->schedule.done++;
    }
    if (due != UINT64_MAX)
        bench_alarm_set(a->alarm, due);
}

static void go_on(struct bench_arrivals *a)
{
    struct bench_member *m;

    if (a->is_paced) {
        begin_due(a);
        return;
    }
    while (a->making < a->at_once && (m = next_out(a)) != NULL)
        begin(a, m, bench_now_ns());
}

static void on_alarm(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    go_on(arg);
}

static void pace(struct bench_arrivals *a, double rate)
{
    a->is_paced = rate > 0;
    if (a->is_paced)
        bench_schedule_start(&a->schedule, rate);
}

void bench_arrivals_open(struct bench_arrivals *a, uint32_t target,
                         uint32_t at_once, double rate)
{
    struct bench_member *publisher = &a->crew->members[a->crew->count];

    a->is_storm = false;
    a->next = 0;
    a->target = target;
    a->at_once = at_once;
    pace(a, rate);
    if (publisher->where == BENCH_OUT)
        begin(a, publisher, bench_now_ns());
    go_on(a);
}

bool bench_arrivals_are_over(const struct bench_arrivals *a)
{
    return a->next >= a->target && a->making == 0;
}

void bench_arrivals_storm(struct bench_arrivals *a, double rate)
{
    a->is_storm = true;
    a->at_once = a->crew->count;
    a->idle_count = 0;
    for (uint32_t i = a->crew->count; i-- > 0;)
        if (a->crew->members[i].where == BENCH_OUT)
            a->idle[a->idle_count++] = &a->crew->members[i];
    pace(a, rate);
    go_on(a);
}

static void record_lateness(struct bench_crew *crew, uint64_t due, uint64_t now)
{
    if (due >= crew->from_ns && due <= now)
        bench_hist_add(&crew->latency, now - due, 1);
}

/* What was due in an open loop, and has found no member or is not in yet, is as
 * late as it is now. */
static void give_up(struct bench_arrivals *a)
{
    uint64_t now = bench_now_ns(), due;

    for (uint32_t i = 0; i < a->crew->count; i++)
        if (a->crew->members[i].is_making)
            record_lateness(a->crew, a->crew->members[i].due_ns, now);
    while ((due = bench_schedule_next_ns(&a->schedule)) <= now) {
        a->crew->counts.unsent++;
        record_lateness(a->crew, due, now);
        a->schedule.done++;
    }
}

void bench_arrivals_stop(struct bench_arrivals *a)
{
    if (a->is_storm && a->is_paced)
        give_up(a);
    event_del(a->alarm);
    a->is_storm = a->is_paced = false;
    a->next = a->target = 0;
}

void bench_arrivals_leave(struct bench_arrivals *a)
{
    for (uint32_t i = 0; i < a->crew->count; i++)
        if (a->crew->members[i].where != BENCH_OUT)
            bench_member_leave(&a->crew->members[i]);
}

void bench_arrivals_came_in(struct bench_arrivals *a, struct bench_member *m)
{
    a->making -= m->is_making;
    m->is_making = false;
    if (!m->is_publisher &&
        (a->is_storm || a->crew->plan->mode == BENCH_RETURN))
        bench_crew_record(a->crew, m->due_ns);
    if (a->is_storm) {
        a->crew->counts.visits++;
        bench_member_leave(m);
    } else {
        go_on(a);
    }
}

void bench_arrivals_went_out(struct bench_arrivals *a, struct bench_member *m)
{
    a->making -= m->is_making;
    m->is_making = false;
    if (a->is_storm)
        a->idle[a->idle_count++] = m;
    go_on(a);
}

void bench_arrivals_init(struct bench_arrivals *a, struct bench_crew *crew,
                         struct event_base *base)
{
    a->crew = crew;
    a->idle = calloc(crew->count + 1u, sizeof(struct bench_member *));
    a->alarm = event_new(base, -1, 0, on_alarm, a);
    if (a->idle == NULL || a->alarm == NULL)
        abort();
}

void bench_arrivals_fini(struct bench_arrivals *a)
{
    free(a->idle);
    event_free(a->alarm);
}
