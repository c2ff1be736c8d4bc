/* SPDX-License-Identifier: Apache-2.0 */
/* trace.c - see trace.h.
 *
 * Notes are numbers in a ring, made into text only when something fails, since
 * there are millions of them.  Each run of the broker has a seed of its own,
 * so a failure after hours replays in the length of one run. */
#include "trace.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NOTES = 48 };

struct note {
    const char *what;
    uint64_t step;
    uint64_t a, b;
    int client;
};

struct trace_place trace_place;
static struct note notes[NOTES];
static uint64_t note_count;
static uint64_t hash = 14695981039346656037u; /* FNV-1a, 64 bits */
static bool has_failed;

static void tell(const struct note *n)
{
    fprintf(stderr, "  %8" PRIu64 " %-12s client %2d %" PRIu64 " %" PRIu64 "\n",
            n->step, n->what, n->client, n->a, n->b);
}

static void mix_number(uint64_t n)
{
    hash = (hash ^ n) * 1099511628211u;
}

uint64_t trace_hash(void)
{
    return hash;
}

void trace_note(const char *what, int client, uint64_t a, uint64_t b)
{
    struct note *n = &notes[note_count++ % NOTES];

    *n = (struct note){what, trace_place.step - trace_place.run_step, a, b,
                       client};
    for (const char *at = what; *at != '\0'; at++)
        mix_number((unsigned char)*at);
    mix_number(n->step);
    mix_number(a);
    mix_number(b);
    mix_number((uint64_t)client);
    if (trace_place.is_verbose)
        tell(n);
}

static const char *program(void)
{
    return trace_place.program == NULL ? "parley_sim" : trace_place.program;
}

static void report(void)
{
    uint64_t first = note_count < NOTES ? 0 : note_count - NOTES;
    uint64_t steps = trace_place.step - trace_place.run_step;

    fprintf(stderr, "what came before%s (step, event):\n",
            trace_place.fails_allocations ? ", with failing allocations" : "");
    for (uint64_t i = first; i < note_count; i++)
        tell(&notes[i % NOTES]);
    fprintf(stderr,
            "step %" PRIu64 "; replay: %s --seed %" PRIu64 " --steps %" PRIu64
            "%s%s%s\n",
            trace_place.step, program(), trace_place.seed, steps + 1,
            trace_place.is_late ? " --late" : "",
            trace_place.planted == NULL ? "" : " --plant ",
            trace_place.planted == NULL ? "" : trace_place.planted);
}

_Noreturn static void end(void)
{
    if (trace_place.planted != NULL)
        printf("%s: found after %" PRIu64 " steps\n", trace_place.planted,
               trace_place.step);
    fflush(NULL);
    _exit(trace_place.planted != NULL ? 0 : 1);
}

_Noreturn void trace_fail(const char *format, ...)
{
    va_list args;

    has_failed = true;
    va_start(args, format);
    fprintf(stderr, "%s: ", program());
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    if (trace_place.aborts)
        abort(); /* the input replays it, and no seed */
    report();
    end();
}

/* Nothing can be harmed any more by calling what a handler should not. */
static void on_signal(int number)
{
    if (has_failed)
        _exit(1);
    has_failed = true;
    fprintf(stderr, "%s: signal %d\n", program(), number);
    report();
    end();
}

#ifdef __SANITIZE_ADDRESS__
void __sanitizer_set_death_callback(void (*call)(void));

static void on_death(void)
{
    if (!has_failed)
        report();
}
#endif

void trace_catch_crashes(void)
{
    signal(SIGABRT, on_signal);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_set_death_callback(on_death);
#else
    signal(SIGSEGV, on_signal);
#endif
}
