/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - what is to be measured, as the command line says it, and what
 * follows from it for each client. */
#ifndef LOAD_PLAN_H
#define LOAD_PLAN_H

#include <stdbool.h>
#include <stdint.h>

enum plan_mode { PLAN_IDLE, PLAN_RETURN, PLAN_STORM, PLAN_FANOUT };

/* One way to connect; several are measured in turn. */
struct plan_kind {
    const char *name;
    bool tls;
    bool resumes;
    bool deflate;
};

enum { PLAN_KINDS_MAX = 8, PLAN_SETS_MAX = 32, PLAN_CHANNEL_MAX = 64 };

struct plan {
    enum plan_mode mode;
    struct plan_kind kinds[PLAN_KINDS_MAX];
    unsigned kind_count;
    unsigned rounds;
    unsigned processes;  /* of clients */
    unsigned clients;    /* of all processes */
    unsigned channels;   /* of each client */
    unsigned share;      /* clients of each channel */
    unsigned at_once;    /* return: of a process in the making */
    unsigned missed;     /* return: messages a channel while all are away */
    unsigned window;     /* fanout: messages under way */
    unsigned size;       /* bytes of a message */
    double seconds;      /* measured, or waited before memory is read */
    bool token;          /* each client is a user, with its inbox */
    bool inbox;          /* and has an inbox of its connection */
    bool restart;        /* return: the broker is stopped and started */
    bool json;           /* one object a line */
    const char *parleyd; /* path */
    const char *server_cpus;
    const char *client_cpus;
    const char *sets[PLAN_SETS_MAX]; /* further --set of the broker */
    unsigned set_count;
};

/* The secret of the tokens of a measurement. */
extern const char plan_secret[];

/* The first client of process `p`; that of `processes` is one behind the last.
 * A process has whole groups of `share` clients, so that a channel's
 * subscribers are all in one. */
unsigned plan_first(const struct plan *plan, unsigned p);

/* The name of a client's channel `k`. */
void plan_channel(const struct plan *plan, unsigned client, unsigned k,
                  char out[PLAN_CHANNEL_MAX]);

#endif
