/* SPDX-License-Identifier: Apache-2.0 */
/* phases.h - what the status tells of the phases of a stop, asserted.  A test
 * includes it behind cmocka.h. */
#ifndef PHASES_H
#define PHASES_H

#include <stdio.h>

#include "box.h"

/* Far more than any phase needs beyond its deadline, even under a sanitizer on
 * a busy machine, and far less than deadlines that add up. */
enum { SLACK_MS = 20000 };

/* By index of "phases". */
enum { SIGNAL, GRACE, DISCONNECT, LISTENERS, CANCEL, RESET, PHASES };

static inline int64_t phase_number(const struct box *b, int phase,
                                   const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "phases.%d.%s", phase, name);
    return box_number(b, path);
}

static inline void await_phase_over(const struct box *b, int phase)
{
    char path[64];

    snprintf(path, sizeof path, "phases.%d.state", phase);
    box_await_text(b, path, "over");
}

/* Nothing of the phase had to be forced. */
static inline void assert_unforced(const struct box *b, int phase)
{
    assert_int_equal(phase_number(b, phase, "forced"), 0);
}

static inline void assert_within(const struct box *b, int phase,
                                 int64_t deadline_ms)
{
    int64_t ms = phase_number(b, phase, "elapsed_ms");

    assert_true(ms <= deadline_ms + SLACK_MS);
}

#endif
