/* SPDX-License-Identifier: Apache-2.0 */
/* hub_private.h - the state of a hub, for the files of this module. */
#ifndef PL_HUB_PRIVATE_H
#define PL_HUB_PRIVATE_H

#include "hub.h"
#include "hub_channel.h"
#include "mail_origin.h"
#include "rules_use.h"
#include "tracer.h"

/* hub_publisher.c. */
struct pl_publishers {
    struct pl_msg *answers; /* results of publications to report to their
                               publishers, in order */
    struct pl_msg **answers_end;
    struct pl_task tell;      /* reports them */
    struct pl_msg *free_list; /* of publish mails */
    uint32_t free_count;
};

struct pl_hub {
    struct pl_actor actor; /* first member */
    struct pl_hub_options options;
    struct pl_tracer *tracer; /* never NULL */
    struct pl_map channels;
    struct pl_rules_uses rules;                     /* of `channels` */
    struct pl_segment *presence[PL_ENCODING_COUNT]; /* of joins and leaves */
    struct pl_task seal_presence;
    struct pl_forms *forms;           /* own reference */
    struct pl_segment_pool *segments; /* of `forms` */
    uint32_t lost;                    /* subscriptions in PL_SUB_LOST */
    struct pl_sub *leaving; /* ended, but out of memory for their detach */
    struct pl_timer retry;
    struct pl_map shown; /* hub_shown.c */
    uint32_t serial;     /* of the newest subscription */
    struct pl_publishers publishers;
};

/* hub.c.  Find the channel of this name; find or create it (NULL: out of
 * memory); free it if it has no subscription. */
struct pl_hub_channel *pl_hub_channel_find(struct pl_hub *h, uint64_t hash,
                                           struct pl_span name);
struct pl_hub_channel *pl_hub_channel_get(struct pl_hub *h, uint64_t hash,
                                          struct pl_span name,
                                          struct pl_rules *rules);
void pl_hub_channel_drop(struct pl_hub *h, struct pl_hub_channel *c);

/* The owner of a channel; whether the owner's loop has a backlog. */
struct pl_address pl_hub_owner(const struct pl_hub *h, uint64_t hash);
bool pl_hub_is_backlogged(const struct pl_hub *h, struct pl_address owner);

struct pl_origin pl_hub_origin(struct pl_subscriber *u, struct pl_sub *sub,
                               uint32_t command, uint32_t kind);

/* hub_sub.c.  Process the results that concern subscriptions. */
void pl_hub_on_attached(struct pl_hub *h, struct pl_attach_mail *m);
void pl_hub_on_barrier(struct pl_hub *h, struct pl_query_mail *m);

/* Publications of `c` may be lost: unsubscribe its positioned subscribers with
 * code 2500. */
void pl_hub_drop_positioned(struct pl_hub *h, struct pl_hub_channel *c);

/* Return the subscriber that gets a result, or NULL if its session has
 * exited. */
struct pl_subscriber *pl_hub_asker(struct pl_hub *h, const struct pl_origin *o);

/* The error for a request that returned undelivered. */
uint32_t pl_hub_undelivered(const struct pl_msg *msg);

/* Deliver pending publications of the channel to `u` before a reply about that
 * channel. */
void pl_hub_deliver_pending(struct pl_hub *h, struct pl_subscriber *u,
                            uint64_t hash, struct pl_span channel);

/* Deliver a publication to the subscribers of its channel. */
void pl_hub_fan_out(struct pl_hub *h, const struct pl_pub *p);

/* hub_shown.c.  Show the client of `sub` as `client` from now on; NULL: as it
 * is.  Errors: PL_ENOMEM. */
enum pl_err pl_hub_show(struct pl_hub *h, const struct pl_sub *sub,
                        struct pl_client *client);

/* Return the identity under which `sub` is shown, which the caller then owns;
 * NULL: its own. */
struct pl_client *pl_hub_take_shown(struct pl_hub *h, const struct pl_sub *sub);
void pl_hub_forget_shown(struct pl_hub *h);

/* hub_trace.c.  Report a publication that reached this loop, and what its
 * channels queue for their subscribers in this turn.  Call these only while a
 * trace runs. */
PL_TRACE_COLD void pl_hub_trace_publication(struct pl_hub *h,
                                            const struct pl_hub_channel *c,
                                            const struct pl_pub *p,
                                            const char *skipped);
PL_TRACE_COLD void pl_hub_trace_deliveries(struct pl_hub *h,
                                           const struct pl_hub_channel *c);

/* hub_publisher.c. */
void pl_hub_init_publishers(struct pl_hub *h);
void pl_hub_free_publishers(struct pl_hub *h);
void pl_hub_on_published(struct pl_hub *h, struct pl_publish_mail *m);

/* Report the waiting results of publications now, before another reply. */
void pl_hub_tell_publishers(struct pl_hub *h);

void pl_hub_retry_leaving(struct pl_timer *t);

#endif
