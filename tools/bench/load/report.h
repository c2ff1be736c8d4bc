/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - figures of several rounds, as a table of medians. */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

#include <stdbool.h>

#include "plan.h"

enum { REPORT_FIGURES_MAX = 16, REPORT_ROUNDS_MAX = 31 };

/* The figures of each kind and round; all zero is an empty one. */
struct report {
    const char *names[REPORT_FIGURES_MAX];
    double values[PLAN_KINDS_MAX][REPORT_FIGURES_MAX][REPORT_ROUNDS_MAX];
    unsigned figures;
    unsigned faults;      /* messages lost and the like, of all rounds */
    unsigned kind, round; /* which is being measured */
};

/* Note a figure of the kind and round being measured.  `name` is constant. */
void report_note(struct report *r, const char *name, double value);

/* Note something that must not happen; 0 is nothing. */
void report_fault(struct report *r, const char *what, double count);

/* Print what the rounds up to now gave. */
void report_print(const struct report *r, const struct plan *plan);

#endif
