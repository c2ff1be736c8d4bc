/* SPDX-License-Identifier: Apache-2.0 */
/* system.h - the loops of one process, numbered from 0. */
#ifndef PL_SYSTEM_H
#define PL_SYSTEM_H

#include <stdint.h>

#include "clock.h"
#include "err.h"
#include "loop.h"
#include "msg.h"

struct pl_system; /* opaque */

struct pl_system_options {
    uint16_t node;                /* the number of this process in addresses */
    unsigned loops;               /* 1 to 1024 */
    const struct pl_clock *clock; /* NULL: the machine's; outlives the system */
    uint64_t seed;                /* 0: unguessable random numbers */
    uint32_t inbox_limit;         /* most posts per loop; 0: 1,048,576.  More
                                     become PL_DEAD_FULL, except reserved
                                     mail */
};

/* Errors: PL_ENOMEM, PL_EINVAL. */
enum pl_err pl_system_create(struct pl_system **out,
                             const struct pl_system_options *options);

/* Wait for posts in progress through loop handles (loop_handle.h) and refuse
 * later ones.  Call it before the reactors are destroyed, because a post may
 * wake one.  A second call is allowed.
 * Thread: any, once no loop runs. */
void pl_system_close(struct pl_system *s);

/* Reap the remaining actors.  They may own events of a reactor's base: call it
 * before the reactors are destroyed.
 * Thread: any, once no loop runs. */
void pl_system_reap(struct pl_system *s);

/* Close, then free the loops.  Remaining mail is destroyed, remaining actors
 * are reaped.  NULL is allowed.
 * Thread: any, once no loop runs. */
void pl_system_destroy(struct pl_system *s);

/* Let the actor with this address receive mail to other nodes, in which `to` is
 * the destination.  It copies the bytes there, where another gateway passes
 * them to pl_actor_carry().  Without a gateway, or without PL_MSG_MAY_LEAVE,
 * such mail becomes a dead letter (PL_DEAD_UNREACHABLE).
 * Thread: any, before a loop runs. */
void pl_system_set_gateway(struct pl_system *s, struct pl_address gateway);

unsigned pl_system_loop_count(const struct pl_system *s);
struct pl_loop *pl_system_loop(struct pl_system *s, unsigned index);
const struct pl_clock *pl_system_clock(const struct pl_system *s);

/* Send from a thread that runs no loop: like pl_actor_send(), but `from` is no
 * actor, so nothing returns.  The system and the reactors of its loops must
 * outlive the call; a thread that cannot promise that uses a loop handle
 * (loop_handle.h).
 * Owner:  the runtime.
 * Thread: any. */
void pl_system_post(struct pl_system *s, struct pl_address to,
                    struct pl_msg *msg);

#endif
