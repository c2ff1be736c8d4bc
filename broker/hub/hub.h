/* SPDX-License-Identifier: Apache-2.0 */
/* hub.h - one actor a loop: who on this loop listens to what, and fan-out.
 *
 * All traffic of a channel between this loop's sessions and the channel's
 * owner goes through here, both ways, so one first-in-first-out path orders
 * everything.  Publications of one turn are joined into one segment a channel
 * and encoding, which all its subscribers share; so do those that take the same
 * other form of it.
 *
 * Thread: everything here is called on the hub's own loop. */
#ifndef PL_HUB_H
#define PL_HUB_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "codec.h"
#include "err.h"
#include "hash.h"
#include "mail.h"
#include "metrics.h"
#include "segment.h"
#include "span.h"

struct pl_hub;         /* opaque */
struct pl_hub_channel; /* hub_channel.h */
struct pl_loop;
struct pl_sub;
struct pl_subscriber;

/* The part [from, to) of a segment, `frames` whole frames: publications, or a
 * join or a leave. */
struct pl_delivery {
    struct pl_sub *sub;
    struct pl_segment *segment;
    uint32_t from, to;
    uint32_t frames;
    bool is_presence;
};

/* What a hub tells a subscriber.  None of these may subscribe, unsubscribe or
 * free the subscriber. */
struct pl_subscriber_ops {
    /* `d` is owed to it; it holds the segment itself as long as it needs it. */
    void (*deliver)(struct pl_subscriber *u, const struct pl_delivery *d);
    /* What it missed is here, and attached() comes next: whether there is room
     * for it, else it is told that it has not recovered.  NULL: always. */
    bool (*has_room)(struct pl_subscriber *u, const struct pl_attach_mail *m);
    /* The answer to pl_hub_subscribe().  With m->error the sub is gone when
     * this returns; else publications follow from now on. */
    void (*attached)(struct pl_subscriber *u, struct pl_sub *sub,
                     const struct pl_attach_mail *m);
    /* The hub ends the subscription with an unsubscribe code of code.h; the sub
     * is gone when this returns. */
    void (*dropped)(struct pl_subscriber *u, struct pl_sub *sub, uint32_t code);
    /* A publication that this encoding cannot carry: close it with 3506. */
    void (*unsuitable)(struct pl_subscriber *u);
    /* The answer to pl_hub_unsubscribe_ask(): the sub is gone. */
    void (*unsubscribed)(struct pl_subscriber *u, uint32_t command);
    /* The answers to pl_hub_publish() and pl_hub_query(). */
    void (*published)(struct pl_subscriber *u, const struct pl_publish_mail *m);
    void (*queried)(struct pl_subscriber *u, const struct pl_query_mail *m);
};

/* Embedded in a session or whatever else listens. */
struct pl_subscriber {
    const struct pl_subscriber_ops *ops;
    struct pl_client *client; /* held by the subscriber; set before it asks;
                                 answers to its address, once stale, end */
    struct pl_sub *subs;      /* all its subscriptions, the hub's to link */
    uint32_t sub_count;       /* of them, those that are not leaving */
    uint8_t encoding;         /* enum pl_encoding */
    uint8_t form;             /* enum pl_form: in which it is sent messages */
};

enum pl_sub_flag {
    PL_SUB_JOIN_LEAVE = 1,  /* gets joins and leaves */
    PL_SUB_RECOVER = 2,     /* wants what it missed */
    PL_SUB_HIDDEN = 4,      /* an inbox: no presence, no join and leave */
    PL_SUB_SERVER_SIDE = 8, /* made at connect, not by a subscribe command */
    PL_SUB_REJECT = 16      /* error 112 when it cannot be recovered */
};

enum pl_sub_state {
    PL_SUB_ATTACHING, /* its answer is on the way */
    PL_SUB_LIVE,      /* it gets publications */
    PL_SUB_ENDED,     /* it waits for its answer, or for memory to leave */
    PL_SUB_LOST       /* it missed a publication: 2500 at the end of the turn */
};

/* One subscription.  The hub's; subscribers read it. */
struct pl_sub {
    struct pl_hub_channel *channel;
    union {
        struct pl_subscriber *subscriber; /* until it has ended */
        struct pl_client *client; /* ended: held until its detach is sent */
    };
    struct pl_sub *next; /* of the same subscriber; ended: the hub's */
    union {
        uint32_t cut;       /* what of the open segment it has had ... */
        uint32_t drop_code; /* attaching: not 0: to be dropped behind its
                               answer, with this */
    };
    union {
        uint32_t cut_serial;    /* ... if this is still the open one */
        uint32_t leave_command; /* attaching: to be answered when it left */
    };
    uint32_t index : 27;    /* in the channel's array */
    uint32_t state : 2;     /* enum pl_sub_state */
    bool is_positioned : 1; /* the channel has offsets: gaps matter */
    bool is_leaving : 1;    /* its detach is sent, and a barrier behind it */
    bool is_behind : 1;     /* the subscriber's: it takes no more, and
                               is about to be dropped */
    uint32_t serial : 24;   /* never 0 or 1, and not soon that of another */
    uint32_t flags : 5;     /* enum pl_sub_flag */
    uint32_t awaits : 3;    /* answers on their way that name it */
};

struct pl_hub_options {
    const struct pl_hash_key *key;     /* of the whole broker */
    const struct pl_address *channels; /* the owners; hash modulo count */
    unsigned channel_owners;
    uint64_t backlog_limit; /* posts an owner's loop may be behind */
    struct pl_metrics *metrics;
};

/* It ends by PL_MSG_STOP; every subscription has ended before.
 * Errors: PL_ENOMEM. */
enum pl_err pl_hub_create(struct pl_hub **out, struct pl_loop *loop,
                          const struct pl_hub_options *options);

struct pl_address pl_hub_address(const struct pl_hub *h);

/* What derives the forms of segments on this loop.  Hold it to use it longer
 * than the hub lives. */
struct pl_forms *pl_hub_forms(struct pl_hub *h);

/* The pool of pl_hub_forms(). */
struct pl_segment_pool *pl_hub_segments(struct pl_hub *h);

uint64_t pl_hub_hash(const struct pl_hub *h, struct pl_span channel);

/* A subscriber's wish, to be answered by attached(). */
struct pl_subscribe_ask {
    struct pl_span channel;
    uint8_t flags;        /* enum pl_sub_flag */
    struct pl_span epoch; /* with PL_SUB_RECOVER */
    uint64_t offset;
    uint32_t command;
    uint32_t kind;
};

/* Errors: PL_EEXIST (it has this channel already), PL_EFULL (the owner is
 *         behind: error 111), PL_ENOMEM. */
enum pl_err pl_hub_subscribe(struct pl_hub *h, struct pl_subscriber *u,
                             const struct pl_subscribe_ask *ask);

/* The subscription to `channel`, or NULL. */
struct pl_sub *pl_hub_find(struct pl_hub *h, const struct pl_subscriber *u,
                           struct pl_span channel);

/* End a subscription in the order of the channel, when what its subscriber
 * asked before is answered; told by unsubscribed().  Until then it is no longer
 * found, and may be subscribed to again.
 * Errors: PL_ENOMEM: nothing has changed. */
enum pl_err pl_hub_unsubscribe_ask(struct pl_hub *h, struct pl_sub *sub,
                                   uint32_t command);

/* End a subscription with an unsubscribe code of code.h: told by dropped(); one
 * that is attaching when that was answered.  2500: its subscriber cannot
 * follow, and may recover. */
void pl_hub_drop(struct pl_hub *h, struct pl_sub *sub, uint32_t code);

/* End all of a subscriber that closes. */
void pl_hub_leave(struct pl_hub *h, struct pl_subscriber *u);

struct pl_span pl_sub_channel(const struct pl_sub *sub);

struct pl_publish_ask {
    struct pl_span channel;
    struct pl_span data;
    bool is_json; /* data is known to be one JSON value without CR and LF */
    uint32_t command;
    uint32_t kind;
};

/* Publish in the name of u->client; answered by published().
 * Errors: PL_EFULL (error 111), PL_ENOMEM. */
enum pl_err pl_hub_publish(struct pl_hub *h, struct pl_subscriber *u,
                           const struct pl_publish_ask *ask);

/* Send `q`, with kind and arguments filled in, to the owner of `channel`;
 * answered by queried().
 * Owner:  the hub, also on error.
 * Errors: PL_EFULL, PL_ENOMEM. */
enum pl_err pl_hub_query(struct pl_hub *h, struct pl_subscriber *u,
                         struct pl_query_mail *q, struct pl_span channel,
                         uint32_t command, uint32_t kind);

/* What others are told of a client; spans live as long as it. */
struct pl_client_info pl_client_info_of(const struct pl_client *c);

#endif
