/* SPDX-License-Identifier: Apache-2.0 */
/* traffic.c - see traffic.h.
 *
 * A publisher of a closed loop counts its window in deliveries, over all
 * subscribers, and starts again when a quarter of it is free, so that a server
 * meets bursts as from a busy publisher.  In an open loop a message that has no
 * place in the queue of its client stays due, and all after it wait.
 *
 * Invariant: a message that a client has accepted is owed to all subscribers of
 * its channel, until the server refuses it. */
#include "traffic.h"

#include <stdio.h>
#include <stdlib.h>

#include "alarm.h"
#include "parley_client.h"

enum {
    BURST_MAX = 512,      /* messages of an open loop between two turns */
    RETRY_NS = 1000000,   /* after a full queue */
    COUNTED_AHEAD = 1024, /* commands without an answer */
    NUMBER_FIRST = 1
};

/* A publisher's way to a group of clients that share channels. */
struct lane {
    struct bench_source *source;
    uint32_t group;
    uint32_t fan; /* subscribers of each channel */
};

struct bench_source {
    struct bench_traffic *traffic;
    struct bench_member *member;
    struct lane *lanes; /* owned */
    uint32_t lane_count;
    uint32_t id;
    uint32_t cursor;    /* the channel whose turn it is, of all lanes */
    uint64_t number;    /* of the next message to that channel */
    uint64_t under_way; /* deliveries that are owed */
};

/* --- One message --- */

struct call {
    struct lane *lane;
    uint64_t due_ns;
};

static void count_answer(struct lane *lane, const struct plc_result *r)
{
    struct bench_source *s = lane->source;
    struct bench_counts *counts = &s->traffic->crew->counts;

    counts->answered++;
    if (r->outcome == PLC_DONE)
        return;
    counts->refused++;
    counts->last_code = r->code;
    counts->owed -= lane->fan;
    s->under_way -= s->under_way < lane->fan ? s->under_way : lane->fan;
}

static void on_published(const struct plc_result *r, void *arg)
{
    struct lane *lane = arg;
    struct bench_traffic *t = lane->source->traffic;

    count_answer(lane, r);
    if (t->pace == BENCH_COUNTED)
        bench_traffic_tick(t);
}

static void on_called(const struct plc_result *r, void *arg)
{
    struct call call = *(struct call *)arg;
    struct bench_source *s = call.lane->source;
    struct bench_crew *crew = s->traffic->crew;

    free(arg);
    count_answer(call.lane, r);
    if (r->outcome != PLC_DONE)
        return;
    crew->counts.checked.received++;
    bench_crew_record(crew, call.due_ns);
    bench_traffic_had_message(s->traffic, s->id);
}

static enum pl_err call(struct bench_source *s, struct lane *lane,
                        uint64_t due_ns, struct pl_span data)
{
    struct call *c = malloc(sizeof *c);

    if (c == NULL)
        return PL_ENOMEM;
    *c = (struct call){lane, due_ns};
    enum pl_err rc = plc_rpc(s->member->client, s->traffic->crew->plan->method,
                             data.at, data.len, on_called, c);
    if (rc != PL_OK)
        free(c);
    return rc;
}

static enum pl_err send_message(struct bench_source *s, uint64_t due_ns)
{
    struct bench_crew *crew = s->traffic->crew;
    unsigned channels = crew->plan->channels;
    struct lane *lane = &s->lanes[s->cursor / channels];
    struct bench_message m = {s->id, s->number, due_ns};
    char channel[BENCH_CHANNEL_SIZE];

    bench_plan_channel(crew->plan,
                       crew->first + lane->group * crew->plan->share,
                       s->cursor % channels, channel);
    struct pl_span data =
        bench_text_write(&crew->text, bench_text_seed(channel), &m);
    return crew->plan->method != NULL
               ? call(s, lane, due_ns, data)
               : plc_publish(s->member->client, channel, data.at, data.len,
                             on_published, lane);
}

/* Return false if the queue of the client is full. */
static bool publish(struct bench_source *s, uint64_t due_ns)
{
    struct bench_traffic *t = s->traffic;
    unsigned channels = t->crew->plan->channels;
    uint32_t fan = s->lanes[s->cursor / channels].fan;
    enum pl_err rc = send_message(s, due_ns);

    if (rc == PL_EFULL) {
        t->was_full = true;
        return false;
    }
    if (rc != PL_OK) {
        fprintf(stderr, "parley bench: cannot publish: %s\n", pl_err_text(rc));
        exit(1);
    }
    t->commands++;
    t->crew->counts.owed += fan;
    s->under_way += fan;
    if (++s->cursor == s->lane_count * channels) {
        s->cursor = 0;
        s->number++;
    }
    return true;
}

/* --- Closed loop --- */

static void fill_window(struct bench_source *s)
{
    const struct bench_plan *plan = s->traffic->crew->plan;
    uint64_t window = (uint64_t)plan->window * plan->share;
    uint64_t room = s->under_way < window ? window - s->under_way : 0;
    uint64_t messages = room / plan->share;

    if (messages * 4 < plan->window)
        return;
    while (messages-- > 0 && publish(s, bench_now_ns()))
        ;
}

/* --- Open loop --- */

static void publish_due(struct bench_traffic *t)
{
    struct bench_schedule *s = &t->schedule;
    uint64_t now = bench_now_ns(), due = bench_schedule_next_ns(s);
    unsigned burst = 0;

    while (due <= now && burst++ < BURST_MAX) {
        if (!publish(&t->sources[s->done % t->source_count], due)) {
            due = now + RETRY_NS;
            break;
        }
        if (due >= t->crew->from_ns)
            bench_hist_add(&t->crew->lag, now - due, 1);
        s->done++;
        due = bench_schedule_next_ns(s);
    }
    if (due == UINT64_MAX)
        t->pace = BENCH_SILENT;
    else
        bench_alarm_set(t->alarm, due);
}

static void on_alarm(evutil_socket_t fd, short what, void *arg)
{
    struct bench_traffic *t = arg;

    (void)fd, (void)what;
    if (t->pace == BENCH_OPEN)
        publish_due(t);
}

void bench_traffic_give_up(struct bench_traffic *t)
{
    struct bench_schedule *s = &t->schedule;
    uint64_t now = bench_now_ns(), due;

    if (t->pace != BENCH_OPEN)
        return;
    while ((due = bench_schedule_next_ns(s)) <= now) {
        uint32_t fan = t->sources[s->done % t->source_count].lanes[0].fan;

        t->crew->counts.unsent += fan;
        if (due >= t->crew->from_ns)
            bench_hist_add(&t->crew->latency, now - due, fan);
        s->done++;
    }
    t->pace = BENCH_SILENT;
}

/* --- Counted --- */

static void publish_counted(struct bench_traffic *t)
{
    struct bench_source *s = t->sources;

    while (s->number <= t->last_number &&
           t->commands - t->crew->counts.answered < COUNTED_AHEAD)
        if (!publish(s, bench_now_ns()))
            return;
    if (s->number > t->last_number)
        t->pace = BENCH_SILENT;
}

void bench_traffic_publish(struct bench_traffic *t, unsigned count)
{
    if (t->crew->plan->channels == 0)
        return;
    t->pace = BENCH_COUNTED;
    t->last_number = t->sources[0].number + count - 1;
    publish_counted(t);
}

/* --- All --- */

void bench_traffic_start(struct bench_traffic *t, double rate)
{
    if (t->source_count == 0)
        return;
    if (rate > 0) {
        t->pace = BENCH_OPEN;
        bench_schedule_start(&t->schedule, rate);
        publish_due(t);
        return;
    }
    t->pace = BENCH_CLOSED;
    for (uint32_t i = 0; i < t->source_count; i++)
        fill_window(&t->sources[i]);
}

void bench_traffic_stop(struct bench_traffic *t)
{
    if (t->pace != BENCH_OPEN) {
        t->pace = BENCH_SILENT;
        return;
    }
    bench_schedule_stop(&t->schedule);
    publish_due(t);
}

void bench_traffic_had_message(struct bench_traffic *t, uint32_t source)
{
    struct bench_source *s = &t->sources[source];

    s->under_way -= s->under_way > 0;
    if (t->pace == BENCH_CLOSED)
        fill_window(s);
}

void bench_traffic_tick(struct bench_traffic *t)
{
    bool was_full = t->was_full;

    t->was_full = false;
    if (t->pace == BENCH_COUNTED)
        publish_counted(t);
    if (!was_full || t->pace != BENCH_CLOSED)
        return;
    for (uint32_t i = 0; i < t->source_count; i++)
        fill_window(&t->sources[i]);
}

bool bench_traffic_is_answered(const struct bench_traffic *t)
{
    return t->pace == BENCH_SILENT && t->commands == t->crew->counts.answered;
}

/* --- Life --- */

static void init_source(struct bench_traffic *t, uint32_t id, uint32_t first,
                        uint32_t lanes)
{
    struct bench_source *s = &t->sources[id];
    struct bench_crew *crew = t->crew;
    bool all = bench_plan_all_publish(crew->plan);

    s->traffic = t;
    s->id = id;
    s->member = &crew->members[all ? id : crew->count];
    s->number = NUMBER_FIRST;
    s->lanes = calloc(lanes, sizeof *s->lanes);
    if (s->lanes == NULL)
        abort();
    s->lane_count = lanes;
    for (uint32_t i = 0; i < lanes; i++) {
        uint32_t fan = bench_crew_group_size(crew, first + i);

        s->lanes[i] =
            (struct lane){s, first + i, crew->plan->method != NULL ? 1 : fan};
    }
}

void bench_traffic_init(struct bench_traffic *t, struct bench_crew *crew,
                        struct event_base *base)
{
    bool all = bench_plan_all_publish(crew->plan);

    t->crew = crew;
    t->source_count = all ? crew->count : crew->count > 0;
    t->sources = calloc(t->source_count + 1u, sizeof *t->sources);
    t->alarm = event_new(base, -1, 0, on_alarm, t);
    if (t->sources == NULL || t->alarm == NULL)
        abort();
    for (uint32_t i = 0; i < t->source_count; i++)
        init_source(t, i, all ? i / crew->plan->share : 0,
                    all ? 1 : crew->groups);
}

void bench_traffic_fini(struct bench_traffic *t)
{
    for (uint32_t i = 0; i < t->source_count; i++)
        free(t->sources[i].lanes);
    free(t->sources);
    event_free(t->alarm);
}
