/* SPDX-License-Identifier: Apache-2.0 */
/* channels_private.h - the state of a channel owner, for the files of this
 * module.
 *
 * A request that a store processes is a struct pl_pending_request: it carries
 * the mail, the store's request and its place in the channel's order.
 * channel.c has the channels, pending_request.c the pending requests, order.c
 * the order of their results and what other owners publish; publish.c,
 * attach.c, leave.c, query.c and listing.c have one kind of request each. */
#ifndef PL_CHANNELS_PRIVATE_H
#define PL_CHANNELS_PRIVATE_H

#include "actor.h"
#include "bus.h"
#include "channels.h"
#include "channels_mail.h"
#include "client_table.h"
#include "code.h"
#include "list.h"
#include "loop.h"
#include "makers.h"
#include "map.h"
#include "metrics.h"
#include "presence.h"
#include "rate.h"
#include "rules_use.h"
#include "stream.h"
#include "time_share.h"
#include "timer.h"
#include "tracer.h"

struct pl_pending_request;

enum { PL_CHANNELS_RETRY_MS = 100 };

/* Detaches to retry, oldest first and by client, see leave.c. */
struct pl_leaving {
    struct pl_msg *first;
    struct pl_msg *last;
    struct pl_map map;
    /* Without a client.  The map is never empty, so adding cannot fail. */
    struct pl_detach_mail placeholder;
};

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
    struct pl_list pending;
    struct pl_map attaching; /* attaches without a result, by client */
    uint32_t in_flight;      /* `pending`, and the channels' bus requests */
    uint64_t in_flight_bytes;
    struct pl_pending_request *free_list;
    unsigned free_count;
    struct pl_leaving leaving;
    struct pl_timer retry;        /* of `leaving` and of gaps */
    struct pl_time_share answers; /* bounds long replies to queries ... */
    struct pl_time_share lists;   /* ... and lists of channels */
    unsigned loop_count;
    struct pl_address hubs[]; /* by loop */
};

enum pl_bus_state {
    PL_BUS_APART,
    PL_BUS_ATTACHING,
    PL_BUS_ATTACHED,
    PL_BUS_DETACHING
};

/* A channel with subscribers or pending requests. */
/* The order of a channel among several owners, see order.c.  Not used with
 * stores that complete at once. */
struct pl_order {
    struct pl_list *found; /* the entry of the outbox that a search found last;
                              NULL: none, or it has gone */
    uint64_t seen;         /* newest offset that the hubs got */
    char epoch[8];         /* of `seen`; zeros: none yet */
    uint32_t asked;        /* appends submitted ... */
    uint32_t answered;     /* ... and complete; both wrap */
};

struct pl_channel {
    struct pl_map_node node;
    struct pl_rules_use *rules;     /* the newest that came; its owner is the
                                       owner */
    struct pl_blob *name;           /* own reference */
    struct pl_client_table members; /* all subscribers; marked: has joined */
    struct pl_list waiting;         /* attaches that wait for the bus */
    struct pl_list outbox;          /* requests in the order of their offsets */
    struct pl_order order;
    struct pl_store_op bus_op;
    uint8_t bus;     /* enum pl_bus_state */
    bool gap_is_due; /* out of memory for a gap mail */
    uint32_t users;  /* pins: requests, and callers that use the channel */
    uint32_t join_leave_subs; /* subscribers with PL_ATTACH_JOIN_LEAVE */
    struct pl_rate publications, bytes; /* delivered to subscribers */
    uint32_t at_loop[];                 /* subscribers on each loop */
};

static inline struct pl_channels *pl_channel_owner(const struct pl_channel *ch)
{
    return ch->rules->owner;
}

/* A read of publications in several parts, see reading.c. */
struct pl_reading {
    struct pl_stream_range range; /* first; the caller sets `reverse` */
    void (*done)(struct pl_pending_request *rq, enum pl_err err);
    uint64_t since;
    bool has_since;
    bool has_more;        /* result: limit or budget ended the range */
    uint32_t limit;       /* UINT32_MAX: none */
    uint32_t byte_budget; /* of pl_pub_cost() in all; 0: none */
    uint32_t count;       /* result: of pubs */
    uint32_t space;
    uint32_t parts;
    uint64_t bytes;
    struct pl_pub **pubs; /* result: references, see pl_reading_take() */
    char epoch[PL_EPOCH_MAX];
};

/* Continues a pending request: the bus is attached, or not; or its turn in the
 * outbox has come, with PL_OK. */
typedef void pl_pending_request_step(struct pl_pending_request *rq,
                                     enum pl_err err);

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

/* --- channel.c --- */

struct pl_channel *pl_channel_find(struct pl_channels *c,
                                   struct pl_span channel, uint64_t hash);

/* Find or create a channel and pin it; release it with pl_channel_unpin().  It
 * gets `rules` if it is new or they are newer than its own; NULL: it keeps its
 * own, or gets those of the newest rulebook.
 * NULL: out of memory. */
struct pl_channel *pl_channel_pin(struct pl_channels *c, struct pl_span channel,
                                  uint64_t hash, struct pl_rules *rules);

/* The rules of a channel: those of `ch`, or if it is NULL those of the newest
 * rulebook.  A name without a namespace has the rules of names without one: its
 * sender had them from a rulebook that had it. */
struct pl_rules *pl_channels_find_rules(struct pl_channels *c,
                                        struct pl_span channel, uint64_t hash);

static inline struct pl_rules *pl_channel_rules(struct pl_channels *c,
                                                const struct pl_channel *ch,
                                                struct pl_span channel,
                                                uint64_t hash)
{
    if (ch != NULL)
        return ch->rules->rules;
    if (c->rules.only != NULL)
        return c->rules.only;
    return pl_channels_find_rules(c, channel, hash);
}

/* Release a pin.  A channel without pins and subscribers detaches from the bus
 * and is freed. */
void pl_channel_unpin(struct pl_channel *ch);

static inline uint32_t pl_channel_subscribers(const struct pl_channel *ch)
{
    return ch->members.count;
}

/* Count the channel when its first subscriber has come, and no more when its
 * last one has gone; and notify the program. */
void pl_channel_note_first(struct pl_channel *ch);
void pl_channel_note_last(struct pl_channel *ch);

/* Start receiving the channel's events.  True: `rq` waits, and `go_on` follows.
 * False: complete, with *error. */
bool pl_channel_join_bus(struct pl_channel *ch, struct pl_pending_request *rq,
                         pl_pending_request_step *go_on, enum pl_err *error);

/* Return true if the sender of `msg` may create another channel.  Requests that
 * are not of a client always may. */
bool pl_channels_may_begin(struct pl_channels *c, const struct pl_msg *msg);

/* Free all channels without notifying hubs or the bus. */
void pl_channels_free_all(struct pl_channels *c);

/* --- pending_request.c --- */

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

/* The rules of the channel, those that the request has found first.  With
 * immediate stores no time passes between, so nothing is kept. */
struct pl_rules *pl_pending_request_keep_rules(struct pl_pending_request *rq,
                                               struct pl_span channel,
                                               uint64_t hash);

static inline struct pl_rules *
pl_pending_request_rules(struct pl_pending_request *rq, struct pl_span channel,
                         uint64_t hash)
{
    return rq->owner->is_immediate
               ? pl_channel_rules(rq->owner, rq->ch, channel, hash)
               : pl_pending_request_keep_rules(rq, channel, hash);
}

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

/* Count an event that could not be sent. */
void pl_channels_lose_event(struct pl_channels *c);

/* Start the timer that retries detaches and gaps. */
static inline void pl_channels_try_later(struct pl_channels *c)
{
    if (!pl_timer_is_running(&c->retry))
        pl_timer_start(c->actor.loop, &c->retry, PL_CHANNELS_RETRY_MS);
}

/* Give error 503 to all pending requests. */
void pl_pending_requests_refuse(struct pl_channels *c);
void pl_pending_requests_free_all(struct pl_channels *c);

/* --- order.c --- */

/* Return true if the hubs got `pub` before. */
bool pl_order_has_seen(const struct pl_channel *ch, const struct pl_pub *pub);

/* Note that the hubs get `pub` now.  Return false if they got it before. */
bool pl_order_pass(struct pl_channel *ch, const struct pl_pub *pub);

/* Note the position of the first subscriber. */
void pl_order_begin(struct pl_channel *ch, uint64_t offset, const char *epoch);

/* Put `rq`, which has its position, into the outbox.  `go_on` sends its result
 * in its turn. */
void pl_order_put(struct pl_pending_request *rq,
                  pl_pending_request_step *go_on);

/* Take `rq` out of the outbox, or of the list of those that wait for the
 * bus. */
void pl_outbox_remove(struct pl_pending_request *rq);

/* Mark `rq`, which is in the outbox, as ready.  Send all results at the head of
 * the outbox that are ready. */
void pl_outbox_ready(struct pl_pending_request *rq);

/* Send the results at the head of the outbox that are ready. */
void pl_outbox_flush(struct pl_channel *ch);

/* Fail `rq`, which is in the outbox, out of turn. */
void pl_outbox_fail(struct pl_pending_request *rq, enum pl_err err);

/* Report a gap to all loops with subscribers; if allocation fails, later. */
void pl_order_tell_gaps(struct pl_channel *ch);
void pl_order_retry_gaps(struct pl_channels *c);

/* The bus brought a publication without its request. */
void pl_order_bring(struct pl_channels *c, struct pl_pub *pub);

/* --- reading.c --- */

/* Read the publications that rq->store.reading describes;
 * pl_pending_request_prepare() has set channel and hash.  done() is called
 * once, with all of them or an error.  With PL_OK, range.top has the position
 * and epoch of the last part. */
void pl_reading_begin(struct pl_pending_request *rq);

/* Move the array of publications to the caller; NULL when empty. */
struct pl_pub **pl_reading_take(struct pl_reading *r, uint32_t *count);

/* Free the publications. */
void pl_reading_drop(struct pl_reading *r);

/* --- The requests; each callee takes the message --- */

void pl_channels_publish(struct pl_channels *c, struct pl_publish_mail *m);
void pl_channels_attach(struct pl_channels *c, struct pl_attach_mail *m);
void pl_channels_detach(struct pl_channels *c, struct pl_detach_mail *m);
void pl_channels_query(struct pl_channels *c, struct pl_query_mail *m);
void pl_channels_list(struct pl_channels *c, struct pl_list_mail *m);

/* trace.c.  Report a publication, or with `error` that it was refused.  Call
 * this only while a trace runs. */
PL_TRACE_COLD void pl_channels_trace(struct pl_channels *c,
                                     const struct pl_channel *ch,
                                     const struct pl_publish_mail *m,
                                     uint32_t error);

/* ranking.c.  Answer a PL_LOOK_TOP_CHANNELS.
 * Owner: the callee takes `m`. */
struct pl_look_mail;
void pl_channels_rank(struct pl_channels *c, struct pl_look_mail *m);

/* publish.c.  Process an event of the bus. */
void pl_channels_on_publication(void *owner, struct pl_pub *pub,
                                struct pl_bus_publish *own);

/* attach.c.  The pending attach of `client`, if any, publishes no join. */
void pl_attach_cancel(struct pl_channel *ch, const struct pl_client *client);

/* leave.c.  Make and free c->leaving. */
enum pl_err pl_leaving_init(struct pl_channels *c);
void pl_leaving_fini(struct pl_channels *c);

/* The number of detaches to retry. */
static inline size_t pl_leaving_count(const struct pl_channels *c)
{
    return c->leaving.map.count - 1;
}

/* leave.c.  Retry detaches that failed. */
void pl_leave_retry(struct pl_channels *c);

/* leave.c.  Return true if `client` attaches again before its leave was
 * published; that leave is then never published. */
bool pl_leave_cancel(struct pl_channel *ch, const struct pl_client *client);

#endif
