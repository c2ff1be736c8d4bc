/* SPDX-License-Identifier: Apache-2.0 */
/* share.h - the part of the broker on one loop.  Private to this module. */
#ifndef PL_BROKER_SHARE_H
#define PL_BROKER_SHARE_H

#include "channels.h"
#include "conns.h"
#include "desk.h"
#include "hub.h"
#include "pool.h"
#include "reactor.h"
#include "relay.h"
#include "session_manager.h"
#include "status.h"
#include "tracer.h"

/* The control loop's part is the last.  The loop owns the actors. */
struct pl_share {
    struct pl_loop *loop;
    struct pl_reactor *reactor;
    struct pl_snapshot *snapshot; /* owned by the broker */
    struct pl_stalls *stalls;     /* owned by the broker */
    struct pl_pool *pool; /* the broker's, on the control loop; else NULL */
    struct pl_metrics metrics;
    struct pl_tracer tracer;
    struct pl_channels *channels;
    struct pl_desk *desk;
    struct pl_hub *hub;
    struct pl_session_manager *manager;
    struct pl_conns *conns;
    struct pl_relay relay; /* with a lent base */
};

/* numbers.c.  Copy the counts of the runtime to the metrics of the loop; or
 * copy and publish all, at the end of a turn. */
void pl_broker_copy_stats(struct pl_share *s);
void pl_broker_publish_numbers(void *share);

#endif
