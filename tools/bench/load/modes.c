/* SPDX-License-Identifier: Apache-2.0 */
/* modes.c - see modes.h.
 *
 * Each measurement has a broker of its own, and the kinds of connections take
 * turns within a round, so that what else the machine does falls on all of
 * them.  CPU time is the broker's alone: on a shared machine it suffers least.
 * Memory is a difference between a quarter of the connections and all of them,
 * so what a broker needs without any is left out.
 *
 * Invariant: whatever is measured, everything that subscribers are owed came
 * once and in order, or the program says so and fails. */
#include "modes.h"

#include <string.h>
#include <time.h>

#include "crowd.h"
#include "server.h"

enum { WARM_UP_MS = 1000 };

struct stage {
    const struct plan *plan;
    const struct plan_kind *kind;
    struct server server;
    struct crowd crowd;
};

static void wait_s(double seconds)
{
    struct timespec t = {.tv_sec = (time_t)seconds};

    t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
    nanosleep(&t, NULL);
}

static void check(struct report *r, const struct worker_report *w)
{
    const struct check_tally *c = &w->tally.checked;

    report_fault(r, "messages lost", (double)(w->owed - c->received));
    report_fault(r, "messages that came twice", (double)c->doubled);
    report_fault(r, "messages damaged or without a subscription",
                 (double)c->damaged);
    report_fault(r, "answers that were errors, or unsubscribed",
                 (double)w->tally.refused);
}

/* --- idle --- */

static void note_memory(struct report *r, const struct server_memory *a,
                        const struct server_memory *b, double more)
{
    report_note(r, "broker: private B each",
                (b->private_bytes - a->private_bytes) / more);
    report_note(r, "broker: PSS B each", (b->pss - a->pss) / more);
    report_note(r, "broker: page tables B each",
                (b->page_tables - a->page_tables) / more);
    report_note(r, "kernel, both ends: slab B each",
                (b->slab - a->slab) / more);
    report_note(r, "kernel, both ends: buffers B each",
                (b->sockets - a->sockets) / more);
}

static void measure_idle(struct stage *s, struct report *r)
{
    unsigned few = s->plan->clients / 4, all = s->plan->clients;
    struct server_memory a, b;
    struct worker_report w;

    crowd_do(&s->crowd, WORKER_OPEN, few, &w);
    unsigned before = w.in;
    wait_s(s->plan->seconds);
    server_memory(&s->server, &a);
    crowd_do(&s->crowd, WORKER_OPEN, all, &w);
    wait_s(s->plan->seconds);
    server_memory(&s->server, &b);
    note_memory(r, &a, &b, (double)(w.in - before));
    report_fault(r, "clients that did not get in",
                 (double)all + s->crowd.count - w.in);
    crowd_do(&s->crowd, WORKER_PUBLISH, 1, &w); /* they are alive */
    check(r, &w);
}

/* --- return --- */

static void leave(struct stage *s, struct report *r)
{
    struct worker_report w;

    if (!s->plan->restart) {
        crowd_do(&s->crowd, WORKER_ABORT, 0, &w);
        wait_s(0.2); /* the broker sees the ends */
        crowd_do(&s->crowd, WORKER_PUBLISH, s->plan->missed, &w);
        return;
    }
    crowd_tell(&s->crowd, WORKER_ENDED, 0);
    double took = server_restart(&s->server, s->plan, s->kind);
    crowd_hear(&s->crowd, &w);
    report_note(r, "seconds: the stop", took);
    report_fault(r, "clients that the stop left", w.in);
}

/* Each asks to recover each of its channels, and its inbox; after a restart the
 * publishers come back as well. */
static void note_recovery(const struct stage *s, struct report *r,
                          const struct worker_report *before,
                          const struct worker_report *now)
{
    double asked = (double)s->plan->clients *
                   (s->plan->channels + (s->plan->token ? 1.0 : 0));
    double recovered = (double)(now->tally.recovered - before->tally.recovered);
    double told = (double)(now->tally.unrecovered - before->tally.unrecovered);

    report_note(r, "recovered subscriptions", recovered);
    report_note(r, "told that they cannot recover", told);
    if (s->plan->restart && s->plan->token)
        asked += s->crowd.count;
    if (s->plan->restart)
        report_fault(r, "without a notice that their history is lost",
                     asked - told);
    else
        report_fault(r, "subscriptions not recovered", asked - recovered);
}

static void measure_return(struct stage *s, struct report *r)
{
    struct worker_report before, w;

    crowd_do(&s->crowd, WORKER_OPEN, s->plan->clients, &before);
    crowd_do(&s->crowd, WORKER_PUBLISH, 1, &before);
    leave(s, r);
    double cpu = s->plan->restart ? 0 : server_cpu(&s->server);
    double from = server_now();
    crowd_do(&s->crowd, WORKER_RETURN, 0, &w);
    double took = server_now() - from;
    cpu = server_cpu(&s->server) - cpu;
    report_note(r, "seconds until all are back", took);
    report_note(r, "broker: CPU seconds", cpu);
    report_note(r, "broker: returns a CPU second", s->plan->clients / cpu);
    report_note(r, "resumed TLS sessions",
                (double)(w.resumed - before.resumed));
    report_fault(r, "clients that did not come back",
                 (double)s->plan->clients + s->crowd.count - w.in);
    note_recovery(s, r, &before, &w);
    crowd_do(&s->crowd, WORKER_PUBLISH, 1, &w); /* and receive what is new */
    check(r, &w);
}

/* --- storm and fanout --- */

struct window {
    double seconds, cpu;
    struct worker_report a, b; /* at its ends */
    struct worker_report last; /* when all has come */
};

/* What happens in a while after a warm-up, then stop. */
static void measure_window(struct stage *s, enum worker_order order,
                           struct window *out)
{
    crowd_do(&s->crowd, order, 0, &out->last);
    wait_s(WARM_UP_MS / 1000.0);
    crowd_do(&s->crowd, WORKER_REPORT, 0, &out->a);
    double cpu = server_cpu(&s->server), from = server_now();
    wait_s(s->plan->seconds);
    crowd_do(&s->crowd, WORKER_REPORT, 0, &out->b);
    out->cpu = server_cpu(&s->server) - cpu;
    out->seconds = server_now() - from;
    crowd_do(&s->crowd, WORKER_STOP, 0, &out->last);
}

static void measure_storm(struct stage *s, struct report *r)
{
    struct window w;

    measure_window(s, WORKER_STORM, &w);
    double visits = (double)(w.b.visits - w.a.visits);
    double shaken = (double)(w.b.handshakes - w.a.handshakes);
    report_note(r, "logins a second", visits / w.seconds);
    report_note(r, "logins a CPU second", visits / w.cpu);
    report_note(r, "share of resumed TLS sessions",
                (double)(w.b.resumed - w.a.resumed) / shaken);
    report_note(r, "share with compression",
                (double)(w.b.deflated - w.a.deflated) / shaken);
    report_note(r, "broker: cores used", w.cpu / w.seconds);
    report_fault(r, "connections that failed", (double)w.last.failures);
}

static void measure_fanout(struct stage *s, struct report *r)
{
    struct worker_report in;
    struct window w;

    crowd_do(&s->crowd, WORKER_OPEN, s->plan->clients, &in);
    measure_window(s, WORKER_FANOUT, &w);
    double came =
        (double)(w.b.tally.checked.received - w.a.tally.checked.received);
    report_note(r, "deliveries a second", came / w.seconds);
    report_note(r, "deliveries a CPU second", came / w.cpu);
    report_note(r, "bytes a delivery",
                (double)(w.b.bytes_in - w.a.bytes_in) / came);
    report_note(r, "broker: cores used", w.cpu / w.seconds);
    check(r, &w.last);
}

void modes_measure(const struct plan *plan, const struct plan_kind *kind,
                   struct report *r)
{
    static void (*const modes[])(struct stage *, struct report *) = {
        [PLAN_IDLE] = measure_idle,
        [PLAN_RETURN] = measure_return,
        [PLAN_STORM] = measure_storm,
        [PLAN_FANOUT] = measure_fanout,
    };
    struct stage s = {.plan = plan, .kind = kind};

    server_start(&s.server, plan, kind);
    crowd_start(&s.crowd, plan, kind, s.server.port);
    modes[plan->mode](&s, r);
    crowd_stop(&s.crowd);
    server_stop(&s.server);
}
