/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - see report.h. */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bench_report_note(struct bench_report *r, const char *name, double value)
{
    unsigned f = 0;

    while (f < r->figures && strcmp(r->names[f], name) != 0)
        f++;
    if (f == BENCH_FIGURES_MAX)
        abort();
    if (f == r->figures)
        r->names[r->figures++] = name;
    r->values[r->kind][f][r->round] = value;
}

void bench_report_latency(struct bench_report *r, const struct bench_hist *h)
{
    static const struct {
        const char *name;
        double q;
    } wanted[] = {
        {"latency: p50 us", 0.5},      {"latency: p90 us", 0.9},
        {"latency: p99 us", 0.99},     {"latency: p99.9 us", 0.999},
        {"latency: greatest us", 1.0},
    };

    for (size_t i = 0; h->count > 0 && i < sizeof wanted / sizeof *wanted; i++)
        bench_report_note(r, wanted[i].name,
                          (double)bench_hist_quantile(h, wanted[i].q) / 1000);
}

void bench_report_fault(struct bench_report *r, const char *what, double count)
{
    if (count == 0)
        return;
    fprintf(stderr, "parley bench: FAULT: %s: %.0f\n", what, count);
    r->faults++;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

struct spread {
    double low, median, high;
};

static struct spread spread_of(const double *values, unsigned rounds)
{
    double sorted[BENCH_ROUNDS_MAX];

    memcpy(sorted, values, rounds * sizeof *values);
    qsort(sorted, rounds, sizeof *sorted, compare);
    return (struct spread){sorted[0], sorted[rounds / 2], sorted[rounds - 1]};
}

static void print_figure(const struct bench_plan *plan, unsigned kind,
                         const char *name, struct spread s, double ratio)
{
    if (plan->output.json)
        printf("{\"mode\":\"%s\",\"kind\":\"%s\",\"figure\":\"%s\","
               "\"median\":%.6g,\"low\":%.6g,\"high\":%.6g,\"ratio\":%.4g}\n",
               bench_mode_name(plan->mode), plan->kinds[kind].name, name,
               s.median, s.low, s.high, ratio);
    else
        printf("%-11s %-34s %12.6g %12.6g %12.6g %7.3f\n",
               plan->kinds[kind].name, name, s.median, s.low, s.high, ratio);
}

static void print_figures(const struct bench_report *r,
                          const struct bench_plan *plan)
{
    if (!plan->output.json)
        printf("%-11s %-34s %12s %12s %12s %7s\n", "kind", "figure", "median",
               "low", "high", "ratio");
    for (unsigned f = 0; f < r->figures; f++) {
        double base = spread_of(r->values[0][f], r->rounds_done).median;

        for (unsigned k = 0; k < plan->kind_count; k++) {
            struct spread s = spread_of(r->values[k][f], r->rounds_done);

            print_figure(plan, k, r->names[f], s,
                         base == 0 ? 0 : s.median / base);
        }
    }
}

static void print_point(const struct bench_plan *plan, const char *kind,
                        const struct bench_point *p)
{
    if (plan->output.json)
        printf("{\"mode\":\"%s\",\"kind\":\"%s\",\"rate\":%.6g,"
               "\"done\":%.6g,\"unsent\":%.6g,\"p50_us\":%.6g,"
               "\"p90_us\":%.6g,\"p99_us\":%.6g,\"p999_us\":%.6g,"
               "\"max_us\":%.6g}\n",
               bench_mode_name(plan->mode), kind, p->rate, p->done, p->unsent,
               p->us[BENCH_P50], p->us[BENCH_P90], p->us[BENCH_P99],
               p->us[BENCH_P999], p->us[BENCH_MOST]);
    else
        printf("%-11s %10.6g %10.6g %8.6g %10.6g %10.6g %10.6g %10.6g "
               "%10.6g\n",
               kind, p->rate, p->done, p->unsent, p->us[BENCH_P50],
               p->us[BENCH_P90], p->us[BENCH_P99], p->us[BENCH_P999],
               p->us[BENCH_MOST]);
}

static void print_curves(const struct bench_report *r,
                         const struct bench_plan *plan)
{
    if (!plan->output.json)
        printf("%-11s %10s %10s %8s %10s %10s %10s %10s %10s\n", "kind", "rate",
               "done a s", "unsent", "p50 us", "p90 us", "p99 us", "p99.9 us",
               "max us");
    for (unsigned k = 0; k < plan->kind_count; k++)
        for (unsigned i = 0; i < r->curves[k].count; i++)
            print_point(plan, plan->kinds[k].name, &r->curves[k].points[i]);
}

void bench_report_print(const struct bench_report *r,
                        const struct bench_plan *plan)
{
    if (plan->rate_count > 0)
        print_curves(r, plan);
    else if (r->rounds_done > 0)
        print_figures(r, plan);
    fflush(stdout);
}
