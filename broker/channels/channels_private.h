/* SPDX-License-Identifier: Apache-2.0 */
/* channels_private.h - the state of a channel owner, for the files of this
 * module.
 *
 * A request that a store processes is a struct pl_work: it carries the mail,
 * the store's request and its place in the channel's order.  channel.c has the
 * channels, work.c the pending requests; publish.c, attach.c, leave.c, query.c
 * and listing.c have one kind of request each. */
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
#include "stream.h"
#include "time_share.h"
#include "timer.h"

struct pl_work;

/* Detaches to try again, see leave.c: the oldest first, and by client. */
struct pl_leaving {
    struct pl_msg *first;
    struct pl_msg *last;
    struct pl_map map;
    struct pl_detach_mail guest; /* without a client: the map is not empty */
};

struct pl_channels {
    struct pl_actor actor;
    struct pl_channels_options options;
    struct pl_stream *stream; /* NULL: no history */
    struct pl_bus *bus;
    struct pl_presence *presence; /* NULL: no presence */
    bool is_immediate;            /* all stores complete at once */
    bool gaps_are_due;            /* of channels with gap_is_due */
    struct pl_map map;            /* of struct pl_channel */
    struct pl_makers makers;
    struct pl_list works;
    struct pl_map attaching; /* those of them whose attach is not answered */
    uint32_t in_flight;      /* works, and requests of channels to the bus */
    uint64_t in_flight_bytes;
    struct pl_work *spares; /* kept for the next requests */
    unsigned spare_count;
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
struct pl_channel {
    struct pl_map_node node;
    struct pl_channels *owner;
    struct pl_blob *name;           /* own reference */
    struct pl_client_table members; /* all subscribers; marked: has joined */
    struct pl_list waiting;         /* attaches that wait for the bus */
    struct pl_list outbox;          /* works in the order of their offsets */
    struct pl_store_op bus_op;
    uint8_t bus;        /* enum pl_bus_state */
    bool gap_is_due;    /* out of memory for a gap mail */
    uint32_t users;     /* pins: requests, and callers that use the channel */
    uint32_t takers;    /* subscribers with PL_ATTACH_JOIN_LEAVE */
    uint32_t at_loop[]; /* subscribers on each loop */
};

/* Publications read in parts, see reading.c. */
struct pl_reading {
    struct pl_stream_range range; /* first; reverse is the caller's to set */
    void (*done)(struct pl_work *w, enum pl_err err);
    uint64_t since;
    bool has_since;
    bool is_cut;          /* result: limit or budget left something out */
    uint32_t limit;       /* UINT32_MAX: none */
    uint32_t byte_budget; /* of pl_pub_cost() in all; 0: none */
    uint32_t count;       /* result: of pubs */
    uint32_t room;
    uint32_t parts;
    uint64_t bytes;
    struct pl_pub **pubs; /* result: held; see pl_reading_take() */
    char epoch[PL_EPOCH_MAX];
};

struct pl_work {
    struct pl_list link;          /* of the owner's works */
    struct pl_map_node attaching; /* of the owner's attaching */
    struct pl_list out;           /* of the channel's waiting, later outbox */
    struct pl_channels *owner;
    struct pl_channel *ch;    /* pinned; NULL: the request needs none */
    struct pl_msg *msg;       /* the request, owned; NULL once answered */
    struct pl_msg *mails;     /* a publication's, one a loop, not sent yet */
    struct pl_client *client; /* held: of a join or leave */
    struct pl_pub *pub;       /* held: the bus may need it behind the answer */
    uint64_t bytes;           /* of the owner's in_flight_bytes */
    uint64_t reserved;        /* query: of the owner's share of answers */
    enum pl_err error;        /* attach: of any of its steps */
    uint8_t outstanding;      /* attach: steps to go before the position */
    bool fan_out;      /* publish: the publisher's loop gets the answer */
    bool is_attaching; /* in the owner's map */
    bool is_ready;     /* in the outbox: to be answered in its turn */
    bool is_reading;   /* store.reading holds publications */
    bool is_on_bus;    /* publish: the bus has not answered */
    bool is_detached;  /* attach: the client has left meanwhile */
    bool is_back;      /* attach: its leave was never told, so no join is */
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

/* Find or create a channel and pin it; release it with pl_channel_unpin().
 * NULL: out of memory. */
struct pl_channel *pl_channel_pin(struct pl_channels *c, struct pl_span channel,
                                  uint64_t hash);

/* Release a pin.  A channel without pins and subscribers detaches from the bus
 * and is freed. */
void pl_channel_unpin(struct pl_channel *ch);

static inline uint32_t pl_channel_subscribers(const struct pl_channel *ch)
{
    return ch->members.count;
}

/* Start receiving the channel's events.  True: `w` waits, and pl_attach_step()
 * follows.  False: complete, with *error. */
bool pl_channel_join_bus(struct pl_channel *ch, struct pl_work *w,
                         enum pl_err *error);

/* Free all channels without notifying hubs or the bus. */
void pl_channels_free_all(struct pl_channels *c);

/* --- work.c --- */

/* Create a pending request without a message, with a pin on `ch`, which may be
 * NULL.  NULL: out of memory. */
struct pl_work *pl_work_create(struct pl_channels *c, struct pl_channel *ch);

/* Free a pending request and all it owns; this may free its channel. */
void pl_work_destroy(struct pl_work *w);

/* Whether stores have as much to do for `c` as may be; `more` are to be counted
 * with it. */
bool pl_works_are_full(const struct pl_channels *c, size_t more);

/* The same, and `msg` was answered 111. */
bool pl_works_turn_away(struct pl_channels *c, struct pl_msg *msg, size_t more);

/* The work keeps so many bytes more until it ends. */
void pl_work_charge(struct pl_work *w, uint64_t bytes);

/* So many requests more, or less: `by` wraps. */
void pl_works_count(struct pl_channels *c, uint32_t by);

/* Begin a store's request of `w`. */
void pl_work_prepare(struct pl_work *w, struct pl_span channel, uint64_t hash,
                     void (*done)(struct pl_store_op *op));

static inline struct pl_work *pl_work_of(struct pl_store_op *op)
{
    return PL_CONTAINER(op, struct pl_work, store);
}

/* Return `msg` with an error of code.h.
 * Owner: the runtime takes `msg`. */
void pl_answer_error(struct pl_channels *c, struct pl_msg *msg, uint32_t code);

/* Return the request with the code for `err`, and free `w`. */
void pl_work_fail(struct pl_work *w, enum pl_err err);

/* Publish the join or leave of w->client on the bus, even if no subscriber
 * takes joins and leaves now, see channels.c.  Frees `w` in the end. */
void pl_work_tell(struct pl_work *w, enum pl_bus_kind kind);

/* `w`, which is in the outbox, may be answered: do so when its turn has come,
 * and behind it the others that are ready. */
void pl_outbox_ready(struct pl_work *w);

/* `w`, which is in the outbox, has failed: it needs no turn. */
void pl_outbox_fail(struct pl_work *w, enum pl_err err);

/* Give error 503 to all pending requests. */
void pl_works_refuse(struct pl_channels *c);
void pl_works_free_all(struct pl_channels *c);

/* --- reading.c --- */

/* Read what w->store.reading asks for, which was prepared with channel and
 * hash.  Its done() is called when it has all, or an error; then position and
 * epoch are those of range.top. */
void pl_reading_begin(struct pl_work *w);

/* What was read is the caller's: an array, NULL when empty. */
struct pl_pub **pl_reading_take(struct pl_reading *r, uint32_t *count);

/* Let go of it. */
void pl_reading_drop(struct pl_reading *r);

/* --- The requests.  Owner: the callee has the message. --- */

void pl_channels_publish(struct pl_channels *c, struct pl_publish_mail *m);
void pl_channels_attach(struct pl_channels *c, struct pl_attach_mail *m);
void pl_channels_detach(struct pl_channels *c, struct pl_detach_mail *m);
void pl_channels_query(struct pl_channels *c, struct pl_query_mail *m);
void pl_channels_list(struct pl_channels *c, struct pl_list_mail *m);

/* publish.c.  Process an event of the bus. */
void pl_channels_on_publication(void *owner, struct pl_pub *pub,
                                struct pl_bus_publish *own);

/* publish.c.  Report a publication that has reached its turn in the outbox. */
void pl_publish_answer(struct pl_work *w);

/* attach.c.  The bus or the presence store completed a step; the attach reached
 * its turn in the outbox. */
void pl_attach_step(struct pl_work *w, enum pl_err error);
void pl_attach_answer(struct pl_work *w);

/* attach.c: the attach of `client` that is in flight, if any, makes no join. */
void pl_attach_cancel(struct pl_channel *ch, const struct pl_client *client);

/* leave.c: the beginning and the end of c->leaving. */
enum pl_err pl_leaving_init(struct pl_channels *c);
void pl_leaving_fini(struct pl_channels *c);

/* leave.c: how many there are. */
static inline size_t pl_leaving_count(const struct pl_channels *c)
{
    return c->leaving.map.count - 1;
}

/* leave.c: try again what found no memory, or whose store failed. */
void pl_leave_retry(struct pl_channels *c);

/* leave.c.  Return true if `client` attaches again before its leave was
 * published; that leave is then never published. */
bool pl_leave_cancel(struct pl_channel *ch, const struct pl_client *client);

/* channels.c.  Start the retry timer. */
void pl_channels_try_later(struct pl_channels *c);

/* channels.c.  Return true if the sender of `msg` may create another channel.
 * Requests that are not of a client always may. */
bool pl_channels_may_begin(struct pl_channels *c, const struct pl_msg *msg);

/* channels.c.  Count an event that could not be sent. */
void pl_channels_lose_event(struct pl_channels *c);

#endif
