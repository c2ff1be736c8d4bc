/* SPDX-License-Identifier: Apache-2.0 */
/* hub.h - subscriptions and fan-out of one loop; one hub actor per loop.
 *
 * All traffic between the sessions of a loop and the owner of a channel passes
 * through the hub, in both directions.  This single FIFO path defines the order
 * of publications, replies and subscription changes.
 *
 * The hub gathers the publications of one turn in one output segment per
 * channel and encoding, which all subscribers share.  Another form of the
 * segment (compressed frames, lines) is derived once for all subscribers that
 * take it.
 *
 * Thread: the hub's loop, for every call and callback. */
#ifndef PL_HUB_H
#define PL_HUB_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "codec.h"
#include "err.h"
#include "hash.h"
#include "metrics.h"
#include "segment.h"
#include "span.h"

struct pl_attach_mail;
struct pl_publish_mail;
struct pl_query_mail;

struct pl_hub;         /* opaque */
struct pl_hub_channel; /* hub_channel.h */
struct pl_loop;
struct pl_sub;
struct pl_rules; /* rules.h */
struct pl_subscriber;
struct pl_tracer; /* tracer.h */

/* The byte range [from, to) of `segment`: `frames` complete messages that carry
 * publications, or one join or leave. */
struct pl_delivery {
    struct pl_sub *sub;
    struct pl_segment *segment;
    uint32_t from, to;
    uint32_t frames;
    bool is_presence;
    uint8_t slow; /* enum pl_config_slow: what the channel does to subscribers
                     that do not keep up */
};

/* Callbacks from the hub to a subscriber.  A callback must not subscribe,
 * unsubscribe or free the subscriber. */
struct pl_subscriber_ops {
    /* Queue `d` for output.  The subscriber takes its own reference to the
     * segment for as long as it needs the bytes. */
    void (*deliver)(struct pl_subscriber *u, const struct pl_delivery *d);
    /* Called before attached() if `m` has recovered publications.  Return false
     * if they exceed the allowance; attached() then reports no recovery, or
     * error 112 with PL_SUB_REJECT.  NULL: always true. */
    bool (*has_space)(struct pl_subscriber *u, const struct pl_attach_mail *m);
    /* Result of pl_hub_subscribe().  If m->error is not 0, the hub frees `sub`
     * after this returns, or with unsubscribed() if it is leaving; otherwise
     * publications follow from here on. */
    void (*attached)(struct pl_subscriber *u, struct pl_sub *sub,
                     const struct pl_attach_mail *m);
    /* The hub ends `sub` with `code`, an unsubscribe code of code.h, and frees
     * it after this returns. */
    void (*dropped)(struct pl_subscriber *u, struct pl_sub *sub, uint32_t code);
    /* A publication cannot be encoded for this subscriber (binary data, JSON
     * client): close the connection with 3506. */
    void (*cannot_encode)(struct pl_subscriber *u);
    /* Result of pl_hub_unsubscribe_ask(); the subscription no longer exists. */
    void (*unsubscribed)(struct pl_subscriber *u, uint32_t command);
    /* Results of pl_hub_publish() and pl_hub_query(). */
    void (*published)(struct pl_subscriber *u, const struct pl_publish_mail *m);
    void (*queried)(struct pl_subscriber *u, const struct pl_query_mail *m);
};

/* A receiver of publications, embedded in a session or in another receiver. */
struct pl_subscriber {
    const struct pl_subscriber_ops *ops;
    struct pl_client *client; /* reference of the subscriber, set before its
                                 first request; the hub discards replies once
                                 the client's address is stale */
    struct pl_sub *subs;      /* all subscriptions; linked by the hub */
    uint32_t sub_count;       /* subscriptions that are not leaving */
    uint8_t encoding;         /* enum pl_encoding */
    uint8_t form;             /* enum pl_form: the form of its messages */
};

enum pl_sub_flag {
    PL_SUB_JOIN_LEAVE = 1,     /* deliver joins and leaves */
    PL_SUB_RECOVER = 2,        /* recover missed publications */
    PL_SUB_HIDDEN = 4,         /* inbox: no presence, joins, leaves */
    PL_SUB_SERVER_SIDE = 8,    /* made at connect, not by a command */
    PL_SUB_REJECT = 16,        /* error 112 if recovery fails */
    PL_SUB_KEPT = 31,          /* the flags that a struct pl_sub has; the others
                                  are in the request and in its result alone */
    PL_SUB_UNPOSITIONED = 32,  /* gaps do not matter to it */
    PL_SUB_UNRECOVERABLE = 64, /* its client may not recover */
    PL_SUB_UNLISTED = 128,     /* not in presence ... */
    PL_SUB_LISTED = 256,       /* ... or there, whatever the rules say */
    PL_SUB_UNTOLD = 512,       /* no join and leave for it ... */
    PL_SUB_TOLD = 1024         /* ... or both, whatever the rules say */
};

enum pl_sub_state {
    PL_SUB_ATTACHING, /* attach sent, result pending */
    PL_SUB_LIVE,      /* receives publications */
    PL_SUB_ENDED,     /* waits for results, or for memory to detach */
    PL_SUB_LOST       /* missed a publication: ends with 2500 after the turn */
};

/* One subscription.  Owned and written by the hub, except is_dropping; the
 * subscriber may read it. */
struct pl_sub {
    struct pl_hub_channel *channel;
    union {
        struct pl_subscriber *subscriber; /* until ENDED */
        struct pl_client *client; /* ENDED: reference, until detach is sent */
    };
    struct pl_sub *next; /* list of the subscriber; ENDED: of the hub */
    union {
        uint32_t pos;       /* LIVE: bytes of the open segment delivered */
        uint32_t drop_code; /* ATTACHING: if not 0, unsubscribe with this code
                               after the attach result */
    };
    union {
        uint32_t pos_serial;    /* LIVE: the segment that `pos` refers to */
        uint32_t leave_command; /* ATTACHING: unsubscribe command to answer */
    };
    uint32_t index : 27;    /* in the array of the channel */
    uint32_t state : 2;     /* enum pl_sub_state */
    bool is_positioned : 1; /* the channel has offsets: detect gaps */
    bool is_leaving : 1;    /* detach and barrier are sent */
    bool is_dropping : 1;   /* set by the subscriber: accepts no more deliveries
                               and is about to be dropped */
    uint32_t serial : 24;   /* from 2 up; reused only after wrapping around */
    uint32_t flags : 5;     /* enum pl_sub_flag */
    uint32_t awaits : 3;    /* results in transit that refer to this struct */
};

struct pl_hub_options {
    const struct pl_hash_key *key;     /* the same in the whole broker */
    const struct pl_address *channels; /* channel owners, by hash % count */
    unsigned channel_owners;
    uint64_t backlog_limit; /* most messages waiting for an owner's loop */
    struct pl_metrics *metrics;
    struct pl_tracer *tracer; /* of the loop; NULL: none */
};

/* Create the hub of `loop`.  PL_MSG_STOP ends it; end all subscriptions first.
 * Owner:  the loop.
 * Errors: PL_ENOMEM. */
enum pl_err pl_hub_create(struct pl_hub **out, struct pl_loop *loop,
                          const struct pl_hub_options *options);

struct pl_address pl_hub_address(const struct pl_hub *h);

/* The object that derives the forms of segments on this loop.  Take a reference
 * to use it longer than the hub lives. */
struct pl_forms *pl_hub_forms(struct pl_hub *h);

/* The segment pool of pl_hub_forms(). */
struct pl_segment_pool *pl_hub_segments(struct pl_hub *h);

/* The key of the hashes of the broker; valid as long as the hub. */
const struct pl_hash_key *pl_hub_key(const struct pl_hub *h);

/* The keyed hash of `channel`, the same on every loop of the broker.  It costs
 * 111 instructions, so compute it once per command. */
uint64_t pl_hub_hash(const struct pl_hub *h, struct pl_span channel);

/* Arguments of pl_hub_subscribe().  `command` and `kind` come back in the
 * result. */
struct pl_subscribe_ask {
    struct pl_span channel;
    uint64_t hash;          /* pl_hub_hash() of `channel` */
    struct pl_rules *rules; /* of `channel`; the hub takes a reference */
    uint16_t flags;         /* enum pl_sub_flag */
    struct pl_span epoch;   /* with PL_SUB_RECOVER: recover after */
    uint64_t offset;
    struct pl_span data;  /* JSON for the reply; absent: none */
    struct pl_span info;  /* JSON that others see in this channel with the
                            client; absent: none */
    int64_t expires_at_s; /* comes back in the result; 0: never */
    uint32_t command;
    uint32_t kind;
};

/* Subscribe `u` to ask->channel.  attached() reports the result.
 * Errors: PL_EEXIST (already subscribed), PL_EFULL (the loop of the channel's
 *         owner has a backlog; reply with error 111), PL_ENOMEM. */
enum pl_err pl_hub_subscribe(struct pl_hub *h, struct pl_subscriber *u,
                             const struct pl_subscribe_ask *ask);

/* Return the subscription of `u` to `channel`, or NULL.  A subscription that is
 * leaving is not found.  `hash` is that of `channel`. */
struct pl_sub *pl_hub_find(struct pl_hub *h, const struct pl_subscriber *u,
                           struct pl_span channel, uint64_t hash);

/* Unsubscribe in channel order: after the results of all earlier requests of
 * the subscriber on this channel.  unsubscribed() reports the end.  From now on
 * pl_hub_find() no longer returns `sub`, and the subscriber may subscribe to
 * the channel again.
 * Errors: PL_ENOMEM (nothing has changed). */
enum pl_err pl_hub_unsubscribe_ask(struct pl_hub *h, struct pl_sub *sub,
                                   uint32_t command);

/* Unsubscribe `sub` from the server side with `code`, an unsubscribe code of
 * code.h, and report it by dropped(): at once, or after the attach result if
 * `sub` is ATTACHING.  Use 2500 if publications were lost and the client may
 * recover. */
void pl_hub_drop(struct pl_hub *h, struct pl_sub *sub, uint32_t code);

/* Revoke a pl_hub_drop() of `sub` that waits for the attach result. */
void pl_hub_keep(struct pl_sub *sub);

/* End all subscriptions of `u` at once, without callbacks.  Call this when the
 * connection closes. */
void pl_hub_leave(struct pl_hub *h, struct pl_subscriber *u);

/* The channel name and the rules of the channel; valid as long as `sub`, but
 * another subscription may bring newer rules. */
struct pl_span pl_sub_channel(const struct pl_sub *sub);
const struct pl_rules *pl_sub_rules(const struct pl_sub *sub);

/* Return the publications per second of the channels of `u`, of at most
 * PL_HUB_RATE_SUBS subscriptions. */
enum { PL_HUB_RATE_SUBS = 64 };
uint64_t pl_hub_rate(const struct pl_hub *h, const struct pl_subscriber *u);

/* Arguments of pl_hub_publish(). */
struct pl_publish_ask {
    struct pl_span channel;
    uint64_t hash; /* pl_hub_hash() of `channel` */
    struct pl_span data;
    bool is_json; /* `data` is known to be one JSON value without CR or LF */
    uint32_t command;
    uint32_t kind;
};

/* Publish as `client`: u->client, or pl_hub_shown().  published() reports the
 * result, after the subscriber's own copy of the publication.
 * Errors: PL_EFULL (backlog; reply with error 111), PL_ENOMEM. */
enum pl_err pl_hub_publish(struct pl_hub *h, struct pl_subscriber *u,
                           struct pl_client *client,
                           const struct pl_publish_ask *ask);

/* Return `u` as others see it in the channel of `sub`, a subscription of it or
 * NULL: under the identity of `sub`, if that is live and has an info of its
 * own, else as u->client. */
struct pl_client *pl_hub_shown(struct pl_hub *h, const struct pl_subscriber *u,
                               const struct pl_sub *sub);

/* Send the query `q` to the owner of `channel`.  The caller fills in q->kind,
 * q->hash and the arguments of the kind.  queried() reports the result.
 * Owner:  the hub takes `q`, also on error.
 * Errors: PL_EFULL (backlog; reply with error 111), PL_ENOMEM. */
enum pl_err pl_hub_query(struct pl_hub *h, struct pl_subscriber *u,
                         struct pl_query_mail *q, struct pl_span channel,
                         uint32_t command, uint32_t kind);

/* The public identity of `c`, as other clients see it.  The spans are valid as
 * long as `c`. */
struct pl_client_info pl_client_info_of(const struct pl_client *c);

#endif
