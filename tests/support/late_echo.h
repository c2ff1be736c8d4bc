/* SPDX-License-Identifier: Apache-2.0 */
/* late_echo.h - publications that a late bus brings again: the newest ones that
 * went over it, also those of epochs that are forgotten. */
#ifndef PL_LATE_ECHO_H
#define PL_LATE_ECHO_H

#include "pub.h"
#include "random.h"

enum { PL_LATE_ECHOES = 64 };

struct pl_late_ring {
    struct pl_pub *at[PL_LATE_ECHOES]; /* held, or NULL */
    unsigned next;
};

struct pl_late_echo {
    struct pl_late_ring newest;
    struct pl_late_ring first; /* the newest of those with a low offset */
};

/* Remember `pub`; it is held. */
void pl_late_echo_put(struct pl_late_echo *e, struct pl_pub *pub);

/* One of the same channel as `newest`, with an offset: one of another epoch
 * whose offset would be the next, if there is one.  NULL: none.
 * Owner: the caller holds it. */
struct pl_pub *pl_late_echo_pick(const struct pl_late_echo *e,
                                 const struct pl_pub *newest,
                                 struct pl_random *random);

void pl_late_echo_fini(struct pl_late_echo *e);

#endif
