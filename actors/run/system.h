/* SPDX-License-Identifier: Apache-2.0 */
/* system.h - the loops of one process, which know each other by number. */
#ifndef PL_SYSTEM_H
#define PL_SYSTEM_H

#include <stdint.h>

#include "clock.h"
#include "err.h"
#include "loop.h"
#include "msg.h"

struct pl_system; /* opaque */

struct pl_system_options {
    uint16_t node;                /* this process's number in addresses */
    unsigned loops;               /* 1 to 1024 */
    const struct pl_clock *clock; /* NULL: the machine's; outlives the system */
    uint64_t seed;                /* 0: unguessable random numbers */
    uint32_t inbox_limit;         /* posts a loop holds; 0: 1,048,576.  What is
                                     over it becomes PL_DEAD_FULL, but for
                                     reserved mail */
};

/* Errors: PL_ENOMEM, PL_EINVAL. */
enum pl_err pl_system_create(struct pl_system **out,
                             const struct pl_system_options *options);

/* Nobody posts through a line (line.h) from now on; who does it now is waited
 * for.  Call it before the reactors are destroyed, since a post may wake one.
 * Twice is allowed.  Thread: any, once no loop runs. */
void pl_system_close(struct pl_system *s);

/* Reap the actors that are left, which may hold events of a reactor's base:
 * call it before the reactors are destroyed.  Thread: any, once no loop runs.
 */
void pl_system_reap(struct pl_system *s);

/* Close, and free the loops.  Mail that is left is destroyed; actors that are
 * left are reaped.  NULL is allowed.  Thread: any, once no loop runs. */
void pl_system_destroy(struct pl_system *s);

unsigned pl_system_loop_count(const struct pl_system *s);
struct pl_loop *pl_system_loop(struct pl_system *s, unsigned index);
const struct pl_clock *pl_system_clock(const struct pl_system *s);

/* Send from a thread that runs no loop: as pl_actor_send(), but `from` is
 * nobody, so nothing is returned.  The system outlives the call, and so do the
 * reactors of its loops: see line.h for who cannot promise that.
 * Owner:  the runtime.
 * Thread: any. */
void pl_system_post(struct pl_system *s, struct pl_address to,
                    struct pl_msg *msg);

#endif
