/* SPDX-License-Identifier: Apache-2.0 */
/* crowd.c - see crowd.h.
 *
 * Processes, not threads: they share nothing, each may have as many
 * descriptors as the system lets a process have, and outside of actors/ this
 * project has no threads. */
#include "crowd.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpus.h"

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "parley-load: ");
    perror(what);
    exit(1);
}

static void become(struct crowd *c, const struct plan *plan,
                   const struct plan_kind *kind, uint16_t port, int control)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (unsigned i = 0; i < c->count; i++)
        close(c->control[i]);
    cpus_use(plan->client_cpus);
    worker_run(plan, kind, c->count, port, control);
    exit(0);
}

void crowd_start(struct crowd *c, const struct plan *plan,
                 const struct plan_kind *kind, uint16_t port)
{
    c->count = 0;
    fflush(NULL);
    while (c->count < plan->processes) {
        int ends[2];

        must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0,
             "socketpair");
        pid_t pid = fork();
        must(pid >= 0, "fork");
        if (pid == 0) {
            close(ends[0]);
            become(c, plan, kind, port, ends[1]);
        }
        close(ends[1]);
        c->control[c->count] = ends[0];
        c->pid[c->count++] = pid;
    }
}

void crowd_tell(struct crowd *c, enum worker_order order, unsigned count)
{
    struct worker_say say = {order, count};

    for (unsigned i = 0; i < c->count; i++)
        must(send(c->control[i], &say, sizeof say, MSG_NOSIGNAL) ==
                 (ssize_t)sizeof say,
             "a process of clients has ended");
}

static void add(struct worker_report *sum, const struct worker_report *r)
{
    struct crew_tally *a = &sum->tally;
    const struct crew_tally *b = &r->tally;

    a->checked.received += b->checked.received;
    a->checked.lost += b->checked.lost;
    a->checked.doubled += b->checked.doubled;
    a->checked.damaged += b->checked.damaged;
    a->subscribed += b->subscribed;
    a->recovered += b->recovered;
    a->unrecovered += b->unrecovered;
    a->published += b->published;
    a->refused += b->refused;
    a->ended += b->ended;
    if (b->last_code != 0)
        a->last_code = b->last_code;
    sum->owed += r->owed;
    sum->visits += r->visits;
    sum->failures += r->failures;
    sum->handshakes += r->handshakes;
    sum->resumed += r->resumed;
    sum->deflated += r->deflated;
    sum->bytes_in += r->bytes_in;
    sum->in += r->in;
}

void crowd_hear(struct crowd *c, struct worker_report *sum)
{
    struct worker_report r;

    memset(sum, 0, sizeof *sum);
    for (unsigned i = 0; i < c->count; i++) {
        must(recv(c->control[i], &r, sizeof r, 0) == (ssize_t)sizeof r,
             "a process of clients has ended");
        add(sum, &r);
    }
}

void crowd_do(struct crowd *c, enum worker_order order, unsigned count,
              struct worker_report *sum)
{
    crowd_tell(c, order, count);
    crowd_hear(c, sum);
}

void crowd_stop(struct crowd *c)
{
    for (unsigned i = 0; i < c->count; i++) {
        close(c->control[i]);
        waitpid(c->pid[i], NULL, 0);
    }
    c->count = 0;
}
