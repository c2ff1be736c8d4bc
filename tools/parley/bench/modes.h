/* SPDX-License-Identifier: Apache-2.0 */
/* modes.h - what each mode measures. */
#ifndef BENCH_MODES_H
#define BENCH_MODES_H

#include "plan.h"
#include "report.h"

/* Measure one kind of connection once, and note its figures and faults.
 * Return false if it was interrupted before there was anything to note. */
bool bench_modes_measure(const struct bench_plan *plan,
                         const struct bench_kind *kind, struct bench_report *r);

#endif
