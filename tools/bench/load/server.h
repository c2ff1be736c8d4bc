/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - the parleyd that is measured: started, stopped, and what it and
 * the kernel use.  Failures end the program. */
#ifndef LOAD_SERVER_H
#define LOAD_SERVER_H

#include <stdint.h>
#include <sys/types.h>

#include "plan.h"

struct server {
    pid_t pid;
    uint16_t port;
    int log;         /* a file in memory */
    char folder[32]; /* has the certificate while it starts; empty: none */
};

/* Bytes. */
struct server_memory {
    double private_bytes; /* of the broker: pages of no other process */
    double pss;           /* of the broker: shared pages divided */
    double page_tables;   /* of the broker, the kernel's */
    double slab;          /* of the kernel, whole machine */
    double sockets;       /* in socket buffers, whole machine */
};

void server_start(struct server *s, const struct plan *plan,
                  const struct plan_kind *kind);

/* Stop it as SIGTERM does, and start it on the same port; gives the seconds
 * that the stop took. */
double server_restart(struct server *s, const struct plan *plan,
                      const struct plan_kind *kind);

/* It must end with status 0. */
void server_stop(struct server *s);

/* Seconds of CPU time it has used. */
double server_cpu(const struct server *s);
void server_memory(const struct server *s, struct server_memory *out);

/* Seconds of a clock that runs. */
double server_now(void);

#endif
