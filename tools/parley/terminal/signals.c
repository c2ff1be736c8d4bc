/* SPDX-License-Identifier: Apache-2.0 */
/* signals.c - see signals.h. */
#include "signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void handled(sigset_t *set)
{
    static const int signals[] = {SIGINT,   SIGTERM, SIGHUP, SIGQUIT,
                                  SIGWINCH, SIGTSTP, SIGCONT};

    sigemptyset(set);
    for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaddset(set, signals[i]);
}

int pl_signals_open(void)
{
    sigset_t set;

    handled(&set);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return -1;
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int pl_signals_next(int fd)
{
    struct signalfd_siginfo info;

    return read(fd, &info, sizeof info) == (ssize_t)sizeof info
               ? (int)info.ssi_signo
               : 0;
}

static void unblocked_raise(int number)
{
    sigset_t set;

    signal(number, SIG_DFL);
    raise(number);
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void pl_signals_suspend(void)
{
    sigset_t set;

    unblocked_raise(SIGTSTP);
    sigemptyset(&set);
    sigaddset(&set, SIGTSTP);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

void pl_signals_die(int number)
{
    unblocked_raise(number);
}
