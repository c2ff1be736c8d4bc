/* SPDX-License-Identifier: Apache-2.0 */
/* worker.h - a process with its share of the clients, which takes orders from a
 * socket.  Each order is answered with one report, when it is done. */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include <stdint.h>

#include "crew.h"

enum bench_order {
    BENCH_ORDER_OPEN,    /* the first `count` clients of all, and the publisher,
                            come in; done then */
    BENCH_ORDER_RETURN,  /* all come in as the plan says; done then */
    BENCH_ORDER_PUBLISH, /* `count` messages to each channel; done when all that
                            are in have them */
    BENCH_ORDER_LEAVE,   /* all but the publisher leave; done then */
    BENCH_ORDER_ENDED,   /* done when the server has ended all connections,
                            which do not come again */
    BENCH_ORDER_START,   /* of traffic or a storm, with `rate`; done at once */
    BENCH_ORDER_MEASURE, /* latencies of what is due from now on count; done at
                            once */
    BENCH_ORDER_STOP,    /* what was started; done when all has come */
    BENCH_ORDER_REPORT   /* done at once, beside an order that is not done */
};

struct bench_say {
    enum bench_order order;
    uint32_t number; /* comes back in the answer */
    uint32_t count;
    double rate; /* of this process; 0: a closed loop */
};

struct bench_report_mail {
    uint32_t number;
    uint32_t in; /* clients that are in, with the publishers */
    struct bench_counts counts;
    uint64_t bytes_in, handshakes, resumed;
    uint64_t private_bytes; /* of the memory of the process */
    struct bench_hist latency, lag;
};

/* Serve orders from `control` until its other end is closed. */
void bench_worker_run(const struct bench_plan *plan,
                      const struct bench_kind *kind, unsigned process,
                      const char *url, int control);

#endif
