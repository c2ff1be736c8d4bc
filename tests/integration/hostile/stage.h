/* SPDX-License-Identifier: Apache-2.0 */
/* stage.h - a broker in a process of its own, and what must hold of it when the
 * hostile clients of a test are gone. */
#ifndef STAGE_H
#define STAGE_H

#include <stddef.h>

#include "peer.h"
#include "remote.h"
#include "tls_client.h"

struct stage {
    struct remote broker;
    struct remote_census before; /* when nobody was connected */
};

/* $PARLEYD with these settings, the last one NULL. */
void stage_begin(struct stage *s, const char *const *sets);

/* The same with a sanitizer that keeps no freed memory back, so that its
 * resident memory tells something. */
void stage_begin_exact(struct stage *s, const char *const *sets);

/* A client that comes now can log in, subscribe, publish and hear itself. */
void stage_serves(const struct stage *s);

/* Nobody is connected any more: ledgers, gauges and descriptors are as they
 * were, the program ends with status 0 and no sanitizer has complained. */
void stage_end(struct stage *s);

/* $PL_HOSTILE_CONNECTIONS, or `usual`; fewer, with a line that says so, when
 * not even the hard limit of descriptors allows them. */
unsigned stage_connections(unsigned usual);

/* The settings of a broker that listens with TLS as well, on broker.tls_port;
 * `more` come behind them.  Good until the next call. */
const char *const *stage_tls(const struct tls_folder *f,
                             const char *const *more);

/* A connected blocking socket.  stage_send() gives up silently when the broker
 * has ended the connection. */
int stage_socket(const struct stage *s);
int stage_socket_at(uint16_t port);
void stage_send(int fd, const void *bytes, size_t len);

enum stage_leave { LEAVE_FIN, LEAVE_RESET, LEAVE_COUNT };
void stage_leave(int fd, enum stage_leave how);

/* A stream of numbers that a seed repeats. */
unsigned stage_random(unsigned *seed);

#endif
