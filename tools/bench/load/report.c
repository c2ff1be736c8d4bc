/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - see report.h. */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void report_note(struct report *r, const char *name, double value)
{
    unsigned f = 0;

    while (f < r->figures && strcmp(r->names[f], name) != 0)
        f++;
    if (f == REPORT_FIGURES_MAX)
        abort();
    if (f == r->figures)
        r->names[r->figures++] = name;
    r->values[r->kind][f][r->round] = value;
}

void report_fault(struct report *r, const char *what, double count)
{
    if (count == 0)
        return;
    fprintf(stderr, "parley-load: FAULT: %s: %.0f\n", what, count);
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
    double sorted[REPORT_ROUNDS_MAX];

    memcpy(sorted, values, rounds * sizeof *values);
    qsort(sorted, rounds, sizeof *sorted, compare);
    return (struct spread){sorted[0], sorted[rounds / 2], sorted[rounds - 1]};
}

static void print_json(const struct plan_kind *kind, const char *name,
                       struct spread s, double ratio)
{
    printf("{\"kind\":\"%s\",\"figure\":\"%s\",\"median\":%.6g,\"low\":%.6g,"
           "\"high\":%.6g,\"ratio\":%.4g}\n",
           kind->name, name, s.median, s.low, s.high, ratio);
}

void report_print(const struct report *r, const struct plan *plan)
{
    if (!plan->json)
        printf("%-8s %-34s %12s %12s %12s %7s\n", "kind", "figure", "median",
               "low", "high", "ratio");
    for (unsigned f = 0; f < r->figures; f++) {
        double base = spread_of(r->values[0][f], plan->rounds).median;

        for (unsigned k = 0; k < plan->kind_count; k++) {
            struct spread s = spread_of(r->values[k][f], plan->rounds);
            double ratio = base == 0 ? 0 : s.median / base;

            if (plan->json)
                print_json(&plan->kinds[k], r->names[f], s, ratio);
            else
                printf("%-8s %-34s %12.6g %12.6g %12.6g %7.3f\n",
                       plan->kinds[k].name, r->names[f], s.median, s.low,
                       s.high, ratio);
        }
    }
    fflush(stdout);
}
