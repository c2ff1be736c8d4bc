/* SPDX-License-Identifier: Apache-2.0 */
/* channels_private.h - the state of a channel owner: its stores, and what its
 * channels and requests share.
 *
 * channel.h has a channel, pending_request.h a request that a store processes,
 * order.h the order of their results and what other owners publish, reading.h a
 * long read, leave.h the detaches to retry, request_rules.h the rules of a
 * request.  channel_requests.h names the files of the requests.
 *
 * Thread: the owner's loop. */
#ifndef PL_CHANNELS_PRIVATE_H
#define PL_CHANNELS_PRIVATE_H

#include "actor.h"
#include "bus.h"
#include "channels.h"
#include "id_table.h"
#include "joined_users.h"
#include "leave.h"
#include "list.h"
#include "loop.h"
#include "makers.h"
#include "map.h"
#include "metrics.h"
#include "publish_rate.h"
#include "presence.h"
#include "rules_use.h"
#include "stream.h"
#include "time_share.h"
#include "timer.h"
#include "tracer.h"

struct pl_pending_request;

enum { PL_CHANNELS_RETRY_MS = 100 };

struct pl_channels {
    struct pl_actor actor;
    struct pl_channels_options options;
    struct pl_tracer *tracer; /* never NULL */
    struct pl_stream *stream;
    struct pl_bus *bus;
    struct pl_presence *presence;
    bool is_immediate;          /* all stores complete at once */
    bool gaps_are_due;          /* of channels with gap_is_due */
    struct pl_map map;          /* of struct pl_channel */
    struct pl_rules_uses uses;  /* rules of the channels in `map` */
    struct pl_rule_cache rules; /* of all others */
    struct pl_makers makers;
    struct pl_publish_rate publish_rate;
    struct pl_id_table ids; /* of publications that no stream keeps */
    struct pl_list pending;
    struct pl_map attaching; /* attaches without a result, by client */
    uint32_t in_flight;      /* `pending`, and the channels' bus requests */
    uint64_t in_flight_bytes;
    struct pl_pending_request *free_list;
    unsigned free_count;
    struct pl_leaving leaving;
    struct pl_joined_users joined;
    struct pl_timer retry;        /* of `leaving` and of gaps */
    struct pl_time_share answers; /* bounds long replies to queries ... */
    struct pl_time_share lists;   /* ... and lists of channels */
    unsigned loop_count;
    struct pl_address hubs[]; /* by loop */
};

/* Start the timer that retries detaches and gaps. */
static inline void pl_channels_try_later(struct pl_channels *c)
{
    if (!pl_timer_is_running(&c->retry))
        pl_timer_start(c->actor.loop, &c->retry, PL_CHANNELS_RETRY_MS);
}

#endif
