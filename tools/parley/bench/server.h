/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - the server that is measured: a parleyd that is started and
 * stopped, or one that runs.  Failures end the program. */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "memory.h"
#include "plan.h"

struct bench_server {
    pid_t pid;       /* 0: unknown */
    bool is_ours;    /* it was started */
    uint16_t port;   /* of ours */
    int log;         /* of ours: a file in memory */
    char folder[32]; /* has the certificate while it starts; empty: none */
    char url[512];
};

/* Start a parleyd, or take the server that the plan names. */
void bench_server_start(struct bench_server *s, const struct bench_plan *plan,
                        const struct bench_kind *kind);

/* Stop ours as SIGTERM does, and start it on the same port; return the seconds
 * that the stop took. */
double bench_server_restart(struct bench_server *s,
                            const struct bench_plan *plan,
                            const struct bench_kind *kind);

/* Ours must end with status 0. */
void bench_server_stop(struct bench_server *s);

/* Return the seconds of CPU time that it has used; 0: unknown. */
double bench_server_cpu(const struct bench_server *s);
/* Return false if its memory is unknown. */
bool bench_server_memory(const struct bench_server *s,
                         struct bench_memory *out);

#endif
