/* SPDX-License-Identifier: Apache-2.0 */
/* pending_request.h - a request that a store processes: it carries the mail,
 * the store's request and its place in the channel's order.
 *
 * Thread: the owner's loop. */
#ifndef PL_PENDING_REQUEST_H
#define PL_PENDING_REQUEST_H

#include "bus.h"
#include "list.h"
#include "map.h"
#include "order.h"
#include "presence.h"
#include "reading.h"
#include "stream.h"

struct pl_channel;
struct pl_channels;
struct pl_msg;
struct pl_rules;

enum pl_pending_request_state {
    PL_WORK_BEGUN,
    PL_WORK_ATTACHING, /* attach: `attaching` is linked */
    PL_WORK_DETACHED,  /* attach: the client has detached meanwhile */
    PL_WORK_ON_BUS,    /* publish: the bus request is pending */
    PL_WORK_REPEAT     /* publish: stored before, with the same id */
};

struct pl_pending_request {
    struct pl_list link;          /* in the owner's `pending` */
    struct pl_map_node attaching; /* in the owner's `attaching` */
    struct pl_list out; /* in the channel's `waiting`, later `outbox` */
    struct pl_channels *owner;
    struct pl_channel *ch;    /* pinned; NULL: the request needs no channel */
    struct pl_rules *rules;   /* own reference; NULL: not looked up yet, or all
                                 stores are immediate */
    struct pl_msg *msg;       /* the request, owned; NULL after its result was
                                 sent, and of another owner's publication */
    struct pl_msg *mails;     /* of a publication: one per loop, not sent yet */
    struct pl_client *client; /* own reference: of a join or leave */
    struct pl_pub *pub;       /* own reference: the bus may use it after the
                                 result */
    uint32_t awaits;          /* another owner's publication: see order.c */
    uint64_t bytes;           /* its part of the owner's in_flight_bytes */
    uint64_t reserved;        /* query: units spent before the store replied */
    enum pl_err error;        /* attach: of any of its steps */
    pl_pending_request_step *go_on; /* while it is linked by `out` */
    uint8_t outstanding;            /* attach: steps before the position */
    uint8_t state;                  /* enum pl_pending_request_state */
    bool fan_out;    /* publish: the result also delivers the publication on
                       the publisher's loop */
    bool is_ready;   /* in the outbox: send the result in its turn */
    bool is_reading; /* store.reading holds publications */
    bool is_back;    /* attach: its last leave was not published, so no join
                        is */
    union {
        struct pl_store_op op; /* first in all of them */
        struct pl_stream_append append;
        struct pl_stream_top top;
        struct pl_reading reading; /* begins with a pl_stream_top */
        struct pl_bus_publish bus;
        struct pl_presence_change change;
        struct pl_presence_get get;
        struct pl_presence_stats stats;
    } store;
};

/* Create a pending request without a message, with a pin on `ch`, which may be
 * NULL.  NULL: out of memory. */
struct pl_pending_request *pl_pending_request_create(struct pl_channels *c,
                                                     struct pl_channel *ch);

/* Where a request is in the order of its channel. */
struct pl_place {
    uint64_t offset; /* 0: after all that is there */
    const char *epoch;
};
struct pl_place pl_pending_request_place(const struct pl_pending_request *rq);

/* The publication of a request; NULL: it has none. */
const struct pl_pub *
pl_pending_request_pub(const struct pl_pending_request *rq);

/* Free a pending request and all it owns; this may free its channel. */
void pl_pending_request_destroy(struct pl_pending_request *rq);

/* Whether the pending requests, and `more` that wait elsewhere, have reached
 * the limit. */
bool pl_pending_requests_are_full(const struct pl_channels *c, size_t more);

/* If so, return `msg` with error 111. */
bool pl_pending_requests_reject(struct pl_channels *c, struct pl_msg *msg,
                                size_t more);

/* Count `bytes` for `rq` until it is freed. */
void pl_pending_request_charge(struct pl_pending_request *rq, uint64_t bytes);

/* Add `by` to the number of pending requests; `by` may wrap. */
void pl_pending_requests_count(struct pl_channels *c, uint32_t by);

/* Prepare a store request of `rq`. */
void pl_pending_request_prepare(struct pl_pending_request *rq,
                                struct pl_span channel, uint64_t hash,
                                void (*done)(struct pl_store_op *op));

/* Likewise, a request for the position or for publications. */
void pl_pending_request_prepare_top(struct pl_pending_request *rq,
                                    struct pl_span channel, uint64_t hash,
                                    void (*done)(struct pl_store_op *op));

static inline struct pl_pending_request *
pl_pending_request_of(struct pl_store_op *op)
{
    return PL_CONTAINER(op, struct pl_pending_request, store);
}

/* Return `msg` with an error of code.h.
 * Owner: the runtime takes `msg`. */
void pl_answer_error(struct pl_channels *c, struct pl_msg *msg, uint32_t code);

/* Return the request with the code for `err`, and free `rq`. */
void pl_pending_request_fail(struct pl_pending_request *rq, enum pl_err err);

/* Publish the join or leave of rq->client on the bus, even if no subscriber
 * takes joins and leaves now, see channels.c.  Frees `rq` in the end. */
void pl_pending_request_publish_event(struct pl_pending_request *rq,
                                      enum pl_bus_kind kind);

/* Give error 503 to all pending requests. */
void pl_pending_requests_refuse(struct pl_channels *c);
void pl_pending_requests_free_all(struct pl_channels *c);

/* Count an event that could not be sent. */
void pl_channels_lose_event(struct pl_channels *c);

#endif
