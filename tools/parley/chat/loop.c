/* SPDX-License-Identifier: Apache-2.0 */
/* loop.c - see loop.h: one poll(). */
#include "loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "signals.h"

enum { INPUT, OUTPUT, SIGNALS, GROUP, FDS };

static int wait_of(int64_t due)
{
    int64_t now = pl_chat_now_ms();

    if (due == 0)
        return -1;
    return due <= now ? 0 : due - now > INT_MAX ? INT_MAX : (int)(due - now);
}

static void read_input(struct pl_chat_loop *l)
{
    char bytes[4096];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);

    if (n > 0) {
        l->input(bytes, (size_t)n, l->arg);
        return;
    }
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    l->has_no_input = true;
    l->end_of_input(l->arg);
}

static void run_once(struct pl_chat_loop *l, int64_t due)
{
    struct pollfd fds[FDS] = {
        [INPUT] = {l->has_no_input ? -1 : STDIN_FILENO, POLLIN, 0},
        [OUTPUT] = {STDOUT_FILENO, 0, 0},
        [SIGNALS] = {l->signals, POLLIN, 0},
        [GROUP] = {pl_chat_fd(l->chat), POLLIN, 0},
    };
    int number;

    if (poll(fds, FDS, wait_of(due)) < 0)
        return;
    if (fds[SIGNALS].revents != 0) {
        while ((number = pl_signals_next(l->signals)) != 0)
            l->signal(number, l->arg);
    }
    if (fds[GROUP].revents != 0)
        pl_chat_dispatch(l->chat);
    if (fds[INPUT].revents != 0 && !l->has_ended)
        read_input(l);
    if (fds[OUTPUT].revents & POLLERR)
        l->is_unread = l->has_ended = true;
}

void pl_chat_loop_run(struct pl_chat_loop *l)
{
    while (!l->has_ended && !l->chat->has_quit) {
        int64_t due = pl_chat_tick(l->chat);
        int64_t own = l->step(l->arg);

        if (own != 0 && (due == 0 || own < due))
            due = own;
        if (!l->has_ended && !l->chat->has_quit)
            run_once(l, due);
    }
}
