/* SPDX-License-Identifier: Apache-2.0 */
/* modes.c - see modes.h.
 *
 * Each measurement has a broker of its own, and the kinds of connections take
 * turns within a round, so that what else the machine does falls on all of
 * them.  CPU time is the server's alone: on a shared machine it suffers least.
 * Memory is a difference between a quarter of the connections and all of them,
 * so what a server needs without any is left out.
 *
 * Invariant: whatever is measured, everything that subscribers are owed came
 * once and in order, or a fault says that it did not. */
#include "modes.h"

#include <string.h>

#include "clock.h"
#include "crowd.h"
#include "progress.h"
#include "server.h"

struct stage {
    const struct bench_plan *plan;
    const struct bench_kind *kind;
    struct bench_server server;
    struct bench_crowd crowd;
    struct bench_progress progress;
};

static bool tell(struct stage *s, enum bench_order order, uint32_t count,
                 double rate, struct bench_report_mail *sum)
{
    return bench_crowd_do(&s->crowd, order, count, rate, sum);
}

static void check(struct bench_report *r, const struct bench_report_mail *m)
{
    const struct bench_counts *c = &m->counts;
    uint64_t lost =
        c->owed > c->checked.received ? c->owed - c->checked.received : 0;

    bench_report_fault(r, "messages lost", (double)lost);
    bench_report_fault(r, "messages that came twice",
                       (double)c->checked.doubled);
    bench_report_fault(r, "messages out of order", (double)c->checked.late);
    bench_report_fault(r, "messages damaged, or of another channel",
                       (double)c->checked.damaged);
    bench_report_fault(r, "answers that were errors, or unsubscribed",
                       (double)c->refused);
}

/* CPU time of the server; nothing is noted if it is unknown. */
static void note_cpu(struct stage *s, struct bench_report *r, double cpu,
                     const char *rate, double count, double seconds)
{
    if (s->server.pid == 0 || cpu <= 0)
        return;
    bench_report_note(r, rate, count / cpu);
    bench_report_note(r, "server: cores used", cpu / seconds);
}

/* --- idle --- */

static void note_memory(struct bench_report *r, const struct bench_memory *a,
                        const struct bench_memory *b, double more)
{
    bench_report_note(r, "server: private B each",
                      (b->private_bytes - a->private_bytes) / more);
    bench_report_note(r, "server: PSS B each", (b->pss - a->pss) / more);
    bench_report_note(r, "server: page tables B each",
                      (b->page_tables - a->page_tables) / more);
    bench_report_note(r, "kernel, both ends: slab B each",
                      (b->slab - a->slab) / more);
    bench_report_note(r, "kernel, both ends: buffers B each",
                      (b->sockets - a->sockets) / more);
}

static bool measure_idle(struct stage *s, struct bench_report *r)
{
    static struct bench_report_mail few, all; /* large */
    unsigned clients = s->plan->clients;
    struct bench_memory a, b;

    if (!tell(s, BENCH_ORDER_OPEN, clients / 4, 0, &few))
        return false;
    bench_crowd_wait(&s->crowd, s->plan->seconds);
    bool has_memory = bench_server_memory(&s->server, &a);
    if (!tell(s, BENCH_ORDER_OPEN, clients, 0, &all))
        return false;
    bench_crowd_wait(&s->crowd, s->plan->seconds);
    double more = (double)all.in - few.in;
    if (has_memory && bench_server_memory(&s->server, &b))
        note_memory(r, &a, &b, more);
    bench_report_note(r, "clients: private B each",
                      ((double)all.private_bytes - (double)few.private_bytes) /
                          more);
    bench_report_fault(r, "clients that did not get in",
                       (double)clients + s->crowd.count - all.in);
    if (tell(s, BENCH_ORDER_PUBLISH, 1, 0, &all)) /* they are alive */
        check(r, &all);
    return true;
}

/* --- return --- */

static bool leave(struct stage *s, struct bench_report *r)
{
    static struct bench_report_mail m; /* large */

    if (!s->plan->restart) {
        if (!tell(s, BENCH_ORDER_LEAVE, 0, 0, &m))
            return false;
        bench_crowd_wait(&s->crowd, 0.2); /* the server sees the ends */
        return tell(s, BENCH_ORDER_PUBLISH, s->plan->missed, 0, &m);
    }
    bench_crowd_tell(&s->crowd, BENCH_ORDER_ENDED, 0, 0);
    double took = bench_server_restart(&s->server, s->plan, s->kind);
    if (!bench_crowd_hear(&s->crowd, &m))
        return false;
    bench_report_note(r, "seconds: the stop", took);
    bench_report_fault(r, "clients that the stop left", m.in);
    return true;
}

/* Each asks to recover each of its channels, and its inbox; after a restart the
 * publishers come back as well. */
static void note_recovery(const struct stage *s, struct bench_report *r,
                          const struct bench_counts *before,
                          const struct bench_counts *now)
{
    const struct bench_plan *plan = s->plan;
    bool has_inbox = plan->users && plan->parleyd != NULL;
    double asked =
        (double)plan->clients * (plan->channels + (has_inbox ? 1.0 : 0));
    double recovered = (double)(now->recovered - before->recovered);
    double told = (double)(now->unrecovered - before->unrecovered);

    bench_report_note(r, "recovered subscriptions", recovered);
    bench_report_note(r, "told that they cannot recover", told);
    if (plan->restart && has_inbox)
        asked += s->crowd.count;
    if (plan->restart)
        bench_report_fault(r, "without a notice that their history is lost",
                           asked - told);
    else
        bench_report_fault(r, "subscriptions not recovered", asked - recovered);
}

static bool measure_return(struct stage *s, struct bench_report *r)
{
    static struct bench_report_mail before, m; /* large */

    if (!tell(s, BENCH_ORDER_OPEN, s->plan->clients, 0, &before) ||
        !tell(s, BENCH_ORDER_PUBLISH, 1, 0, &before) || !leave(s, r))
        return false;
    double cpu = s->plan->restart ? 0 : bench_server_cpu(&s->server);
    double from = bench_now_s();
    if (!tell(s, BENCH_ORDER_RETURN, 0, s->plan->rate, &m))
        return false;
    double took = bench_now_s() - from;
    cpu = bench_server_cpu(&s->server) - cpu;
    bench_report_note(r, "seconds until all are back", took);
    note_cpu(s, r, cpu, "server: returns a CPU second", s->plan->clients, took);
    bench_report_latency(r, &m.latency);
    bench_report_note(r, "resumed TLS sessions",
                      (double)(m.resumed - before.resumed));
    bench_report_fault(r, "clients that did not come back",
                       (double)s->plan->clients + s->crowd.count - m.in);
    note_recovery(s, r, &before.counts, &m.counts);
    if (tell(s, BENCH_ORDER_PUBLISH, 1, 0, &m)) /* and receive what is new */
        check(r, &m);
    return true;
}

/* --- A load for a while --- */

struct window {
    double seconds, cpu;
    struct bench_report_mail a, b; /* at its ends */
    struct bench_report_mail last; /* when all has come */
};

/* What happens after a warm-up, then stop.  An interrupt ends it early. */
static void measure_window(struct stage *s, double rate, struct window *out)
{
    const struct bench_plan *plan = s->plan;

    tell(s, BENCH_ORDER_START, 0, rate, &out->last);
    bench_crowd_wait(&s->crowd, plan->seconds < 1 ? plan->seconds : 1);
    tell(s, BENCH_ORDER_MEASURE, 0, 0, &out->last);
    tell(s, BENCH_ORDER_REPORT, 0, 0, &out->a);
    double cpu = bench_server_cpu(&s->server), from = bench_now_s();
    bench_crowd_wait(&s->crowd, plan->seconds);
    tell(s, BENCH_ORDER_REPORT, 0, 0, &out->b);
    out->cpu = bench_server_cpu(&s->server) - cpu;
    out->seconds = bench_now_s() - from;
    tell(s, BENCH_ORDER_STOP, 0, 0, &out->last);
}

static double came_in(const struct window *w)
{
    return (double)(w->b.counts.checked.received -
                    w->a.counts.checked.received);
}

static void note_generator(struct bench_report *r, const struct window *w)
{
    if (w->last.lag.count > 0)
        bench_report_note(r, "generator: p99 us late",
                          (double)bench_hist_quantile(&w->last.lag, 0.99) /
                              1000);
    if (w->last.counts.unsent > 0)
        bench_report_note(r, "due and never sent",
                          (double)w->last.counts.unsent);
}

static void note_traffic(struct stage *s, struct bench_report *r,
                         const struct window *w)
{
    double came = came_in(w);

    bench_report_note(r, "deliveries a second", came / w->seconds);
    note_cpu(s, r, w->cpu, "deliveries a CPU second", came, w->seconds);
    bench_report_note(r, "bytes a delivery",
                      (double)(w->b.bytes_in - w->a.bytes_in) / came);
    bench_report_latency(r, &w->last.latency);
    note_generator(r, w);
}

static void note_storm(struct stage *s, struct bench_report *r,
                       const struct window *w)
{
    double visits = (double)(w->b.counts.visits - w->a.counts.visits);
    double shaken = (double)(w->b.handshakes - w->a.handshakes);

    bench_report_note(r, "logins a second", visits / w->seconds);
    note_cpu(s, r, w->cpu, "logins a CPU second", visits, w->seconds);
    bench_report_note(
        r, "share of resumed TLS sessions",
        shaken == 0 ? 0 : (double)(w->b.resumed - w->a.resumed) / shaken);
    bench_report_latency(r, &w->last.latency);
    note_generator(r, w);
}

static void add_point(struct stage *s, struct bench_report *r,
                      const struct window *w, double rate)
{
    struct bench_curve *c = &r->curves[r->kind];
    double done = s->plan->mode == BENCH_STORM
                      ? (double)(w->b.counts.visits - w->a.counts.visits)
                      : came_in(w);

    c->name = s->kind->name;
    bench_curve_add(
        c,
        (struct bench_point){
            .rate = rate,
            .done = done / w->seconds,
            .unsent = (double)(w->last.counts.unsent - w->a.counts.unsent),
        },
        &w->last.latency);
}

static void note_faults(struct stage *s, struct bench_report *r,
                        const struct window *w)
{
    check(r, &w->last);
    bench_report_fault(r, "connections that were cut",
                       (double)w->last.counts.cut);
    if (s->plan->mode == BENCH_STORM)
        bench_report_fault(r, "connections that failed",
                           (double)w->last.counts.failures);
}

static bool sweep(struct stage *s, struct bench_report *r)
{
    static struct window w; /* large */

    for (unsigned i = 0; i < s->plan->rate_count && !bench_was_interrupted();
         i++) {
        bench_progress_rate(&s->progress, s->plan->rates[i]);
        measure_window(s, s->plan->rates[i], &w);
        add_point(s, r, &w, s->plan->rates[i]);
    }
    if (r->curves[r->kind].count == 0)
        return false;
    note_faults(s, r, &w);
    return true;
}

static bool measure_load(struct stage *s, struct bench_report *r)
{
    static struct bench_report_mail in; /* large */
    static struct window w;             /* large */
    const struct bench_plan *plan = s->plan;

    if (plan->mode != BENCH_STORM) {
        if (!tell(s, BENCH_ORDER_OPEN, plan->clients, 0, &in))
            return false;
        bench_report_fault(r, "clients that did not get in",
                           (double)plan->clients + s->crowd.count - in.in);
    }
    if (plan->rate_count > 0)
        return sweep(s, r);
    measure_window(s, plan->rate, &w);
    if (plan->mode == BENCH_STORM)
        note_storm(s, r, &w);
    else
        note_traffic(s, r, &w);
    note_faults(s, r, &w);
    return true;
}

bool bench_modes_measure(const struct bench_plan *plan,
                         const struct bench_kind *kind, struct bench_report *r)
{
    static bool (*const modes[])(struct stage *, struct bench_report *) = {
        [BENCH_IDLE] = measure_idle,  [BENCH_FANOUT] = measure_load,
        [BENCH_ROOMS] = measure_load, [BENCH_ROUNDTRIP] = measure_load,
        [BENCH_STORM] = measure_load, [BENCH_RETURN] = measure_return,
    };
    static struct stage s; /* large */

    memset(&s, 0, sizeof s);
    s.plan = plan;
    s.kind = kind;
    bench_server_start(&s.server, plan, kind);
    bench_crowd_start(&s.crowd, plan, kind, s.server.url);
    if (plan->output.shows_progress) {
        bench_progress_init(&s.progress, plan, kind);
        s.crowd.progress = bench_progress_show;
        s.crowd.arg = &s.progress;
    }
    bool is_done = modes[plan->mode](&s, r);
    bench_crowd_stop(&s.crowd);
    bench_server_stop(&s.server);
    return is_done;
}
