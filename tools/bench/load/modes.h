/* SPDX-License-Identifier: Apache-2.0 */
/* modes.h - what parley-load measures. */
#ifndef LOAD_MODES_H
#define LOAD_MODES_H

#include "plan.h"
#include "report.h"

/* Measure one kind of connection once, with a broker of its own. */
void modes_measure(const struct plan *plan, const struct plan_kind *kind,
                   struct report *r);

#endif
