/* SPDX-License-Identifier: Apache-2.0 */
/* bench.c - see bench.h. */
#include "bench.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "crowd.h"
#include "modes.h"

/* Each connection is a descriptor here and one there. */
static void raise_limit(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
        r.rlim_cur = r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
    }
}

static bool measure_round(const struct bench_plan *p, struct bench_report *r)
{
    for (r->kind = 0; r->kind < p->kind_count; r->kind++)
        if (bench_was_interrupted() ||
            !bench_modes_measure(p, &p->kinds[r->kind], r))
            return false;
    return true;
}

static bool draw(const struct bench_plan *p, const struct bench_report *r)
{
    char title[256];
    FILE *f = fopen(p->output.svg, "we");

    snprintf(title, sizeof title, "%s: latency over load, %u clients, %u bytes",
             bench_mode_name(p->mode), p->clients, p->size);
    bool is_drawn =
        f != NULL && bench_curve_draw(f, title, r->curves, p->kind_count);
    if (f != NULL && fclose(f) != 0)
        is_drawn = false;
    if (!is_drawn) {
        fflush(stdout);
        perror(p->output.svg);
    }
    return is_drawn;
}

int bench_run(struct bench_plan *p)
{
    static struct bench_report r; /* large */
    bool is_drawn = true;

    raise_limit();
    bench_catch_interrupts();
    while (r.round < p->rounds && measure_round(p, &r))
        r.rounds_done = ++r.round;
    if (r.round == 0 && r.kind > 0) { /* interrupted */
        p->kind_count = r.kind;
        r.rounds_done = 1;
    }
    bench_report_print(&r, p);
    if (p->output.svg != NULL)
        is_drawn = draw(p, &r);
    return r.faults == 0 && is_drawn ? 0 : 1;
}
