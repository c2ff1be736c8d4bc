/* SPDX-License-Identifier: Apache-2.0 */
/* worker.h - a process with its share of the clients, which takes orders
 * from a socket.  Each order is answered with exactly one report. */
#ifndef LOAD_WORKER_H
#define LOAD_WORKER_H

#include <stdint.h>

#include "client.h"
#include "plan.h"

enum worker_order {
    WORKER_OPEN,   /* `count` clients and the publisher are in; answered then */
    WORKER_RETURN, /* the same with all, as many at once as the plan says */
    WORKER_PUBLISH, /* `count` messages a channel; answered when all that is
                       connected has them */
    WORKER_ABORT,   /* reset all clients but the publisher */
    WORKER_ENDED,   /* answered when the broker has ended all connections */
    WORKER_STORM,   /* come and go until WORKER_STOP; answered at once */
    WORKER_FANOUT,  /* publish until WORKER_STOP; answered at once */
    WORKER_REPORT,  /* answered at once */
    WORKER_STOP     /* of storm and fanout; answered when all has come */
};

struct worker_say {
    enum worker_order order;
    unsigned count;
};

struct worker_report {
    struct crew_tally tally;
    uint64_t owed;     /* messages that subscribers are to have by now */
    uint64_t visits;   /* of a storm: logged in and left */
    uint64_t failures; /* connections that ended before they were in */
    uint64_t handshakes, resumed, deflated, bytes_in;
    uint32_t in; /* clients that are in now */
};

/* Serve orders from `control` until its other end is closed. */
void worker_run(const struct plan *plan, const struct plan_kind *kind,
                unsigned process, uint16_t port, int control);

#endif
