/* SPDX-License-Identifier: Apache-2.0 */
/* pipes.h - the network of simulated clients of the library: streams
 * (client/net/network.h) that end in simulated connections of the broker
 * (tests/sim/link.h).
 *
 * Bytes wait on both ways until an event carries some of them on.  A server may
 * be out of reach, a connection may be lost or carry nothing for a while, and a
 * stream takes no more bytes than it has room for. */
#ifndef PIPES_H
#define PIPES_H

#include <stdbool.h>

#include "network.h"

struct pl_loop;
struct pipes; /* opaque */
struct program;

/* The network of the group of `p`, on `loop`. */
struct pipes *pipes_create(struct program *p, struct pl_loop *loop);

/* No stream may be open any more: the library has closed them all. */
void pipes_destroy(struct pipes *p);

struct plc_network *pipes_network(struct pipes *p);

/* One event of a stream, drawn by chance.  Return false if there was none. */
bool pipes_act(struct pipes *p);

/* Whether something was reported since the last call: a reactor has a turn
 * after its callbacks, also when they left no work. */
bool pipes_take_due(struct pipes *p);

/* Before a report of a stream to the library, which ends with
 * faults_leave(). */
void pipes_enter(struct pipes *p);

/* One is lost, goes silent, or carries on again. */
void pipes_trouble(struct pipes *p);

/* Heal all, and carry all that is on its way where it goes.  Return false if
 * nothing was. */
bool pipes_carry_all(struct pipes *p);

/* The server sees the end of those that the library has closed. */
void pipes_bury(struct pipes *p);

#endif
