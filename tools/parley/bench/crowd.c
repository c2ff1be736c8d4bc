/* SPDX-License-Identifier: Apache-2.0 */
/* crowd.c - see crowd.h.
 *
 * Processes, not threads: they share nothing, each may have as many descriptors
 * as the system lets a process have, and outside of actors/ this project has no
 * threads.
 *
 * Invariant: each order is answered once by each process, and an answer carries
 * the number of its order; answers to older orders are dropped. */
#include "crowd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "cpus.h"

enum { PROGRESS_MS = 1000 };

/* --- Ctrl-C --- */

static volatile sig_atomic_t was_interrupted;

static void on_interrupt(int signal)
{
    (void)signal;
    was_interrupted = 1;
}

void bench_catch_interrupts(void)
{
    struct sigaction a = {.sa_handler = on_interrupt,
                          .sa_flags = (int)SA_RESETHAND};

    was_interrupted = 0;
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
}

bool bench_was_interrupted(void)
{
    return was_interrupted != 0;
}

/* --- Life --- */

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "parley bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

static _Noreturn void become(struct bench_crowd *c,
                             const struct bench_kind *kind, const char *url,
                             int control)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN); /* the leading process stops us */
    signal(SIGTERM, SIG_DFL);
    for (unsigned i = 0; i < c->count; i++)
        close(c->control[i]);
    bench_cpus_use(c->plan->client_cpus);
    bench_worker_run(c->plan, kind, c->count, url, control);
    exit(0);
}

void bench_crowd_start(struct bench_crowd *c, const struct bench_plan *plan,
                       const struct bench_kind *kind, const char *url)
{
    memset(c, 0, sizeof *c);
    c->plan = plan;
    fflush(NULL);
    while (c->count < plan->processes) {
        int ends[2];

        must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0,
             "socketpair");
        pid_t pid = fork();
        must(pid >= 0, "fork");
        if (pid == 0) {
            close(ends[0]);
            become(c, kind, url, ends[1]);
        }
        close(ends[1]);
        c->control[c->count] = ends[0];
        c->pid[c->count++] = pid;
    }
}

void bench_crowd_stop(struct bench_crowd *c)
{
    for (unsigned i = 0; i < c->count; i++)
        close(c->control[i]);
    for (unsigned i = 0; i < c->count; i++)
        while (waitpid(c->pid[i], NULL, 0) < 0 && errno == EINTR)
            ;
    c->count = 0;
}

/* --- Sums --- */

static void add_counts(struct bench_counts *a, const struct bench_counts *b)
{
    a->checked.received += b->checked.received;
    a->checked.late += b->checked.late;
    a->checked.doubled += b->checked.doubled;
    a->checked.damaged += b->checked.damaged;
    a->owed += b->owed;
    a->unsent += b->unsent;
    a->answered += b->answered;
    a->refused += b->refused;
    a->failures += b->failures;
    a->cut += b->cut;
    a->visits += b->visits;
    a->recovered += b->recovered;
    a->unrecovered += b->unrecovered;
    if (b->last_code != 0)
        a->last_code = b->last_code;
}

static void add(struct bench_report_mail *sum,
                const struct bench_report_mail *r)
{
    sum->in += r->in;
    add_counts(&sum->counts, &r->counts);
    sum->bytes_in += r->bytes_in;
    sum->handshakes += r->handshakes;
    sum->resumed += r->resumed;
    sum->private_bytes += r->private_bytes;
    bench_hist_merge(&sum->latency, &r->latency);
    bench_hist_merge(&sum->lag, &r->lag);
}

/* --- Orders and answers --- */

void bench_crowd_tell(struct bench_crowd *c, enum bench_order order,
                      uint32_t count, double rate)
{
    struct bench_say say = {order, ++c->number, count, 0};

    for (unsigned i = 0; i < c->count; i++) {
        unsigned first = bench_plan_first(c->plan, i);
        unsigned mine = bench_plan_first(c->plan, i + 1) - first;

        say.rate = rate * mine / c->plan->clients;
        must(send(c->control[i], &say, sizeof say, MSG_NOSIGNAL) ==
                 (ssize_t)sizeof say,
             "a process of clients has ended");
    }
}

static void receive(struct bench_crowd *c, unsigned i,
                    struct bench_report_mail *r)
{
    ssize_t n;

    do
        n = recv(c->control[i], r, sizeof *r, 0);
    while (n < 0 && errno == EINTR);
    must(n == (ssize_t)sizeof *r, "a process of clients has ended");
}

/* What is waited for: the answers to the order `number`. */
struct answers {
    uint32_t number; /* 0: none */
    bool has[BENCH_PROCESSES_MAX];
    struct bench_report_mail *sum;
};

static void take(struct answers *a, unsigned i,
                 const struct bench_report_mail *r)
{
    if (a->number == 0 || r->number != a->number)
        return;
    add(a->sum, r);
    a->has[i] = true;
}

/* Sum up reports that are made now; answers may come before them. */
static void show_progress(struct bench_crowd *c, struct answers *a)
{
    static struct bench_report_mail sum, r; /* large */
    struct bench_say say = {.order = BENCH_ORDER_REPORT, .number = 0};

    if (c->progress == NULL)
        return;
    memset(&sum, 0, sizeof sum);
    for (unsigned i = 0; i < c->count; i++)
        must(send(c->control[i], &say, sizeof say, MSG_NOSIGNAL) ==
                 (ssize_t)sizeof say,
             "a process of clients has ended");
    for (unsigned i = 0; i < c->count; i++) {
        for (receive(c, i, &r); r.number != 0; receive(c, i, &r))
            take(a, i, &r);
        add(&sum, &r);
    }
    c->progress(c->arg, &sum);
}

static bool has_input(const struct bench_crowd *c, unsigned i)
{
    struct pollfd p = {.fd = c->control[i], .events = POLLIN};

    return poll(&p, 1, PROGRESS_MS) > 0;
}

bool bench_crowd_hear(struct bench_crowd *c, struct bench_report_mail *sum)
{
    static struct bench_report_mail r; /* large */
    struct answers a = {.number = c->number, .sum = sum};

    memset(sum, 0, sizeof *sum);
    for (unsigned i = 0; i < c->count; i++) {
        while (!a.has[i]) {
            if (has_input(c, i)) {
                receive(c, i, &r);
                take(&a, i, &r);
            } else if (bench_was_interrupted() && !c->is_stopping) {
                return false;
            } else {
                show_progress(c, &a);
            }
        }
    }
    return true;
}

bool bench_crowd_do(struct bench_crowd *c, enum bench_order order,
                    uint32_t count, double rate, struct bench_report_mail *sum)
{
    c->is_stopping = order == BENCH_ORDER_STOP || order == BENCH_ORDER_REPORT;
    if (bench_was_interrupted() && !c->is_stopping) {
        memset(sum, 0, sizeof *sum);
        return false;
    }
    bench_crowd_tell(c, order, count, rate);
    return bench_crowd_hear(c, sum);
}

void bench_crowd_wait(struct bench_crowd *c, double seconds)
{
    struct answers none = {0};
    double until = bench_now_s() + seconds, left;

    while (!bench_was_interrupted() && (left = until - bench_now_s()) > 0) {
        int ms = left < 1 ? (int)(left * 1000) + 1 : PROGRESS_MS;

        poll(NULL, 0, ms);
        if (left >= 1)
            show_progress(c, &none);
    }
}
