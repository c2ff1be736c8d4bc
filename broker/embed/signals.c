/* SPDX-License-Identifier: Apache-2.0 */
/* signals.c - see signals.h.
 *
 * All signals are blocked before a thread starts, and one thread reads them
 * from two signalfds: no handler runs, so no code must be async-signal-safe.
 * That thread never blocks on anything else, so it counts to three even while a
 * start or join hangs.  The main thread does the work.  It reads its orders
 * from eventfds, which add up and are never full.
 *
 * The kernel delivers the pending signal with the lowest number first, which is
 * SIGHUP: a fast sequence of SIGHUPs could postpone a shutdown.  So SIGTERM and
 * SIGINT have their own descriptor, which is read first; and after a stop no
 * reload is ordered.
 *
 * Crashes (abort, a bad address) do have a handler, because the log lines
 * before a crash matter most: it waits for the log thread, then the default
 * action follows.  An existing handler, such as a sanitizer's, is kept.
 *
 * Rejected: calling pl_broker_stop() on this thread, because it takes a
 * lock. */
#include "signals.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "log.h"
#include "thread.h"

enum { STOPPED, STOPS, RELOADED, RELOADS, QUIT, ORDERS };
enum { THIRD = 3, JOIN_MS = 1000 };

struct pl_signals {
    /* Constant. */
    int ends, others;   /* signalfds */
    int orders[ORDERS]; /* eventfds */
    struct pl_thread *thread;
    /* Signal thread only. */
    unsigned stops_taken;
    /* Main thread only. */
    uint64_t stops_given, stops_told;
    bool is_reloading;
};

static void tell(struct pl_signals *s, int order)
{
    uint64_t one = 1;

    /* write() fails only if the count is at its maximum, 2^64 - 2; then an
     * order is pending anyway. */
    ssize_t put = write(s->orders[order], &one, sizeof one);
    (void)put;
}

/* --- The thread --- */

static void take(struct pl_signals *s, const struct signalfd_siginfo *got)
{
    int number = (int)got->ssi_signo;
    bool is_end = number == SIGTERM || number == SIGINT;

    PL_LOG(PL_LOG_INFO, "signal", pl_log_number("number", number),
           pl_log_number("from", got->ssi_pid));
    if (is_end && ++s->stops_taken == THIRD) {
        pl_log_flush_last();
        _exit(EXIT_FAILURE);
    }
    if (is_end)
        tell(s, STOPS);
    else if (number == SIGHUP && s->stops_taken == 0)
        tell(s, RELOADS);
}

static void run(void *arg)
{
    struct pl_signals *s = arg;
    struct pollfd p[] = {
        {.fd = s->orders[QUIT], .events = POLLIN},
        {.fd = s->ends, .events = POLLIN},
        {.fd = s->others, .events = POLLIN},
    };
    struct signalfd_siginfo got;

    for (;;) {
        if (poll(p, sizeof p / sizeof p[0], -1) < 0)
            continue;
        if (p[0].revents != 0)
            return;
        int fd = p[1].revents != 0 ? s->ends : s->others;
        if (read(fd, &got, sizeof got) == (ssize_t)sizeof got)
            take(s, &got);
    }
}

/* --- The main thread --- */

/* Take all pending orders of a kind.  Return false if there are none. */
static bool take_order(struct pl_signals *s, int order, uint64_t *count)
{
    return read(s->orders[order], count, sizeof *count) > 0;
}

enum pl_signals_order pl_signals_wait(struct pl_signals *s)
{
    struct pollfd p[] = {
        {.fd = s->orders[STOPPED], .events = POLLIN},
        {.fd = s->orders[STOPS], .events = POLLIN},
        {.fd = s->orders[RELOADED], .events = POLLIN},
        /* poll(2) ignores a negative descriptor */
        {.fd = s->is_reloading ? -1 : s->orders[RELOADS], .events = POLLIN},
    };
    uint64_t count;

    for (;;) {
        if (s->stops_given < s->stops_told)
            return s->stops_given++ == 0 ? PL_SIGNALS_STOP : PL_SIGNALS_HURRY;
        if (poll(p, sizeof p / sizeof p[0], -1) < 0)
            continue;
        if (p[0].revents != 0)
            return PL_SIGNALS_STOPPED;
        if (p[1].revents != 0) {
            if (take_order(s, STOPS, &count))
                s->stops_told += count;
        } else if (take_order(s, RELOADED, &count)) {
            s->is_reloading = false;
            return PL_SIGNALS_RELOADED;
        } else if (take_order(s, RELOADS, &count) && s->stops_given == 0) {
            s->is_reloading = true;
            return PL_SIGNALS_RELOAD;
        }
    }
}

void pl_signals_reloaded(void *signals)
{
    tell(signals, RELOADED);
}

void pl_signals_stopped(void *signals)
{
    tell(signals, STOPPED);
}

/* --- Crashes --- */

static void on_crash(int number)
{
    pl_log_flush_last();
    raise(number); /* SA_RESETHAND has removed the handler */
}

static void catch_crashes(void)
{
    static const int crashes[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    struct sigaction new = {.sa_handler = on_crash,
                            .sa_flags =
                                (int)SA_RESETHAND | SA_NODEFER | SA_ONSTACK};
    struct sigaction old;

    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++) {
        if (sigaction(crashes[i], NULL, &old) == 0 &&
            (old.sa_flags & SA_SIGINFO) == 0 && old.sa_handler == SIG_DFL)
            sigaction(crashes[i], &new, NULL);
    }
}

/* --- Life --- */

static enum pl_err open_all(struct pl_signals *s)
{
    sigset_t ends, others;
    bool is_open = true;

    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigemptyset(&others);
    sigaddset(&others, SIGHUP);
    sigaddset(&others, SIGUSR1);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    sigprocmask(SIG_BLOCK, &others, NULL);
    signal(SIGPIPE, SIG_IGN);
    s->ends = signalfd(-1, &ends, SFD_NONBLOCK | SFD_CLOEXEC);
    s->others = signalfd(-1, &others, SFD_NONBLOCK | SFD_CLOEXEC);
    for (int i = 0; i < ORDERS; i++) {
        s->orders[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        is_open = is_open && s->orders[i] >= 0;
    }
    return is_open && s->ends >= 0 && s->others >= 0 ? PL_OK : PL_EIO;
}

enum pl_err pl_signals_create(struct pl_signals **out)
{
    struct pl_signals *s = calloc(1, sizeof *s);

    if (s == NULL)
        return PL_ENOMEM;
    enum pl_err rc = open_all(s);
    if (rc == PL_OK)
        rc = pl_thread_start(&s->thread, "parley-signals", run, s);
    if (rc != PL_OK) {
        pl_signals_destroy(s);
        return rc;
    }
    catch_crashes();
    *out = s;
    return PL_OK;
}

static void close_one(int fd)
{
    if (fd >= 0)
        close(fd);
}

void pl_signals_destroy(struct pl_signals *s)
{
    if (s == NULL)
        return;
    tell(s, QUIT);
    if (pl_thread_join(s->thread, JOIN_MS) != PL_OK)
        return; /* the thread still uses all of this */
    close_one(s->ends);
    close_one(s->others);
    for (int i = 0; i < ORDERS; i++)
        close_one(s->orders[i]);
    free(s);
}
