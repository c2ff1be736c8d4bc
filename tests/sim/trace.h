/* SPDX-License-Identifier: Apache-2.0 */
/* trace.h - where the run is, what it did last, and how it fails. */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>
#include <stdint.h>

/* Of the run that runs now: it alone is needed to replay a failure. */
struct trace_place {
    uint64_t seed;     /* of this run */
    uint64_t step;     /* of the whole run */
    uint64_t run_step; /* step when this run began */
    bool is_late;      /* with the late store */
    bool fails_allocations;
    bool is_verbose;     /* tell each note as it comes */
    bool aborts;         /* to fail is to abort, for a fuzzer to notice */
    const char *planted; /* the bug that is to be found, or NULL */
    const char *program; /* its name; NULL: parley_sim */
};

extern struct trace_place trace_place;

/* Of all that was noted so far: the same run has the same, whatever the
 * compiler and the build.  Bytes are not in it: lists of presence are in an
 * order that addresses decide, and answers of HTTP have a date. */
uint64_t trace_hash(void);

/* Remember an event; `what` is constant. */
void trace_note(const char *what, int client, uint64_t a, uint64_t b);

/* The broker or a model is wrong: say where and what came before, and end the
 * process: status 1, or 0 when a bug was planted and so has been found. */
_Noreturn void trace_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Have assertions and crashes tell the same. */
void trace_catch_crashes(void);

#endif
