/* SPDX-License-Identifier: Apache-2.0 */
/* interrupt.c - see interrupt.h.
 *
 * A command that has a connection closes it in order, so its signals wait for
 * its loop.  But a write to a pipe that nothing reads never returns to the
 * loop: there the handler ends the program, and a signal that came just before
 * is found by interrupt_enter_wait().
 *
 * Invariant: no signal is lost between the handler and a call that waits. */
#include "interrupt.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t got, is_waiting, is_taken;
static int ends[2] = {-1, -1};

static void on_signal(int signal)
{
    bool is_deferred =
        ends[1] >= 0 && got == 0 && is_waiting == 0 && is_taken == 0;

    if (!is_deferred)
        _exit(128 + signal);
    got = signal;
    ssize_t written = write(ends[1], "", 1);
    (void)written;
}

void interrupt_watch(void)
{
    static const int signals[] = {SIGINT, SIGTERM};
    struct sigaction action = {.sa_handler = on_signal}, before;

    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        if (sigaction(signals[i], NULL, &before) == 0 &&
            before.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
}

int interrupt_defer(void)
{
    int made[2];

    if (ends[0] < 0 && pipe2(made, O_CLOEXEC | O_NONBLOCK) == 0) {
        ends[0] = made[0];
        ends[1] = made[1];
    }
    return ends[0];
}

int interrupt_take(void)
{
    int signal = got;

    if (signal != 0)
        is_taken = 1;
    got = 0;
    return signal;
}

void interrupt_enter_wait(void)
{
    is_waiting = 1;
    if (got != 0)
        _exit(128 + got);
}

void interrupt_leave_wait(void)
{
    is_waiting = 0;
}
