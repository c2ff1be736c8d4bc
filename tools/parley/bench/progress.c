/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c - see progress.h.
 *
 * Rates and quantiles are those since the line before. */
#include "progress.h"

#include <stdio.h>

#include "clock.h"

void bench_progress_init(struct bench_progress *p,
                         const struct bench_plan *plan,
                         const struct bench_kind *kind)
{
    p->plan = plan;
    p->kind = kind;
    p->started_s = p->last_s = bench_now_s();
}

void bench_progress_rate(struct bench_progress *p, double rate)
{
    p->rate = rate;
}

/* All, if a measurement began anew since the line before. */
static struct bench_hist since_last(const struct bench_progress *p,
                                    const struct bench_report_mail *sum)
{
    struct bench_hist h = sum->latency;

    bench_hist_subtract(&h, &p->last.latency);
    return h;
}

void bench_progress_show(void *arg, const struct bench_report_mail *sum)
{
    struct bench_progress *p = arg;
    const struct bench_counts *now = &sum->counts, *then = &p->last.counts;
    struct bench_hist h = since_last(p, sum);
    double t = bench_now_s(), seconds = t - p->last_s;

    fprintf(stderr, "%4.0f s  %s %s", t - p->started_s,
            bench_mode_name(p->plan->mode), p->kind->name);
    if (p->rate > 0)
        fprintf(stderr, " at %.6g/s", p->rate);
    fprintf(stderr, "  in %u", sum->in);
    if (now->visits > 0)
        fprintf(stderr, "  logins %.0f/s",
                (double)(now->visits - then->visits) / seconds);
    fprintf(stderr, "  deliveries %.0f/s  due %llu",
            (double)(now->checked.received - then->checked.received) / seconds,
            (unsigned long long)(now->owed - now->checked.received));
    if (h.count > 0)
        fprintf(stderr, "  p50 %.0f us  p99 %.0f us",
                (double)bench_hist_quantile(&h, 0.5) / 1000,
                (double)bench_hist_quantile(&h, 0.99) / 1000);
    if (now->cut + now->failures > 0)
        fprintf(stderr, "  cut %llu  failed %llu  last code %u",
                (unsigned long long)now->cut, (unsigned long long)now->failures,
                now->last_code);
    fputc('\n', stderr);
    p->last = *sum;
    p->last_s = t;
}
