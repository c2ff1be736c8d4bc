/* SPDX-License-Identifier: Apache-2.0 */
/* channels_private.h - what the owner's own files share.
 *
 * A request that a store works at is a struct pl_work: it carries the mail, the
 * store's request and its place in the channel's order.  Files: channel.c the
 * channels, work.c the works, publish.c, attach.c, leave.c, query.c and
 * listing.c one request each. */
#ifndef PL_CHANNELS_PRIVATE_H
#define PL_CHANNELS_PRIVATE_H

#include "actor.h"
#include "bus.h"
#include "channels.h"
#include "client_table.h"
#include "code.h"
#include "list.h"
#include "loop.h"
#include "mail.h"
#include "makers.h"
#include "map.h"
#include "metrics.h"
#include "presence.h"
#include "share.h"
#include "stream.h"
#include "timer.h"

struct pl_work;

struct pl_channels {
    struct pl_actor actor;
    struct pl_channels_options options;
    struct pl_stream *stream; /* NULL: no history */
    struct pl_bus *bus;
    struct pl_presence *presence; /* NULL: off */
    bool is_immediate;            /* no store ever answers later */
    bool gaps_are_due;            /* of channels whose gap_is_due */
    struct pl_map map;            /* of struct pl_channel */
    struct pl_makers makers;
    struct pl_list works;
    struct pl_work *spares; /* kept for the next requests */
    unsigned spare_count;
    struct pl_msg *leaving;  /* detaches to try again, see leave.c */
    struct pl_timer retry;   /* of those and of gaps */
    struct pl_share answers; /* long answers to queries ... */
    struct pl_share lists;   /* ... and lists of channels */
    unsigned loop_count;
    struct pl_address hubs[]; /* by loop */
};

enum pl_bus_state {
    PL_BUS_APART,
    PL_BUS_ATTACHING,
    PL_BUS_ATTACHED,
    PL_BUS_DETACHING
};

/* A channel with subscribers or with requests in flight. */
struct pl_channel {
    struct pl_map_node node;
    struct pl_channels *owner;
    struct pl_blob *name;           /* held */
    struct pl_client_table members; /* all subscribers; marked: has joined */
    struct pl_list attaching;       /* works whose attach is not answered */
    struct pl_list waiting;         /* those of them that wait for the bus */
    struct pl_list outbox;          /* works in the order of their offsets */
    struct pl_store_op bus_op;
    uint8_t bus;        /* enum pl_bus_state */
    bool gap_is_due;    /* a loop could not be told of it */
    uint32_t users;     /* pins: works, and whoever looks at it just now */
    uint32_t takers;    /* subscribers who get joins and leaves */
    uint32_t at_loop[]; /* subscribers of each loop */
};

struct pl_work {
    struct pl_list link;      /* of the owner's works */
    struct pl_list attaching; /* of the channel's */
    struct pl_list out;       /* of the channel's waiting, later outbox */
    struct pl_channels *owner;
    struct pl_channel *ch;    /* pinned; NULL: the request needs none */
    struct pl_msg *msg;       /* the request, owned; NULL once answered */
    struct pl_msg *mails;     /* a publication's, one a loop, not sent yet */
    struct pl_client *client; /* held: of a join or leave */
    struct pl_pub *pub;       /* held: the bus may need it behind the answer */
    enum pl_err error;        /* attach: of any of its steps */
    uint8_t outstanding;      /* attach: steps to go before the position */
    bool fan_out;     /* publish: the publisher's loop gets the answer */
    bool is_ready;    /* in the outbox: to be answered in its turn */
    bool is_detached; /* attach: the client has left meanwhile */
    bool is_back;     /* attach: its leave was never told, so no join is */
    union {
        struct pl_store_op op; /* first in all of them */
        struct pl_stream_append append;
        struct pl_stream_range range; /* begins with a pl_stream_top */
        struct pl_bus_publish bus;
        struct pl_presence_change change;
        struct pl_presence_get get;
        struct pl_presence_stats stats;
    } store;
};

/* --- channel.c --- */

struct pl_channel *pl_channel_find(struct pl_channels *c,
                                   struct pl_span channel, uint64_t hash);

/* Find or make it.  NULL: out of memory.  Pinned: pl_channel_unpin(). */
struct pl_channel *pl_channel_pin(struct pl_channels *c, struct pl_span channel,
                                  uint64_t hash);

/* Without pins and subscribers the channel leaves the bus and goes. */
void pl_channel_unpin(struct pl_channel *ch);

static inline uint32_t pl_channel_subscribers(const struct pl_channel *ch)
{
    return ch->members.count;
}

/* Have the channel's events come up.  True: `w` waits for it, and
 * pl_attach_step() follows; false: done, *error says how. */
bool pl_channel_join_bus(struct pl_channel *ch, struct pl_work *w,
                         enum pl_err *error);

/* Free all channels without telling anybody. */
void pl_channels_free_all(struct pl_channels *c);

/* --- work.c --- */

/* A work with a pin on `ch`, which may be NULL, and without a message.
 * NULL: out of memory. */
struct pl_work *pl_work_create(struct pl_channels *c, struct pl_channel *ch);

/* Free it with all it holds; the channel may go with it. */
void pl_work_destroy(struct pl_work *w);

/* Begin a store's request of `w`. */
void pl_work_prepare(struct pl_work *w, struct pl_span channel, uint64_t hash,
                     void (*done)(struct pl_store_op *op));

static inline struct pl_work *pl_work_of(struct pl_store_op *op)
{
    return PL_CONTAINER(op, struct pl_work, store);
}

/* Answer `msg` with an error of code.h.  Owner: the runtime. */
void pl_answer_error(struct pl_channels *c, struct pl_msg *msg, uint32_t code);

/* Answer the work's request with the code for `err`, and destroy the work. */
void pl_work_fail(struct pl_work *w, enum pl_err err);

/* Tell the bus that w->client has come or gone, whether or not there are takers
 * just now, see channels.c; destroys the work in the end. */
void pl_work_tell(struct pl_work *w, enum pl_bus_kind kind);

/* Answer what waits in the outbox up to the next that is not ready. */
void pl_outbox_flush(struct pl_channel *ch);

/* Answer all requests in flight with 503. */
void pl_works_refuse(struct pl_channels *c);
void pl_works_free_all(struct pl_channels *c);

/* --- The requests.  Owner: the callee has the message. --- */

void pl_channels_publish(struct pl_channels *c, struct pl_publish_mail *m);
void pl_channels_attach(struct pl_channels *c, struct pl_attach_mail *m);
void pl_channels_detach(struct pl_channels *c, struct pl_detach_mail *m);
void pl_channels_query(struct pl_channels *c, struct pl_query_mail *m);
void pl_channels_list(struct pl_channels *c, struct pl_list_mail *m);

/* publish.c: an event of the bus. */
void pl_channels_on_publication(void *owner, struct pl_pub *pub,
                                struct pl_bus_publish *own);

/* publish.c: the outbox has come to a publication that the bus failed. */
void pl_publish_answer(struct pl_work *w);

/* attach.c: the bus, or the presence store, has answered an attach; and the
 * outbox has come to it. */
void pl_attach_step(struct pl_work *w, enum pl_err error);
void pl_attach_answer(struct pl_work *w);

/* leave.c: try again what found no memory, or whose store failed. */
void pl_leave_retry(struct pl_channels *c);

/* leave.c: `client` comes back before its leave was told: true, and it never
 * will be. */
bool pl_leave_cancel(struct pl_channel *ch, const struct pl_client *client);

/* channels.c: have it tried again, soon. */
void pl_channels_try_later(struct pl_channels *c);

/* channels.c: a channel is about to begin for the request `msg`: whether who
 * asks for it may make another one.  What no client wished passes. */
bool pl_channels_may_begin(struct pl_channels *c, const struct pl_msg *msg);

/* channels.c: an event of a channel could not be told. */
void pl_channels_lose_event(struct pl_channels *c);

#endif
