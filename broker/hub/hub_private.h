/* SPDX-License-Identifier: Apache-2.0 */
/* hub_private.h - what hub.c and hub_sub.c share. */
#ifndef PL_HUB_PRIVATE_H
#define PL_HUB_PRIVATE_H

#include "hub.h"
#include "hub_channel.h"

struct pl_hub {
    struct pl_actor actor; /* first */
    struct pl_hub_options options;
    struct pl_map channels;
    struct pl_segment *aside[PL_ENCODING_COUNT]; /* joins and leaves */
    struct pl_task seal_aside;
    struct pl_forms *forms;           /* held */
    struct pl_segment_pool *segments; /* of `forms` */
    uint32_t lost;                    /* subs in PL_SUB_LOST */
    struct pl_sub *leaving; /* ended, waiting for memory for their detach */
    struct pl_timer retry;
    uint32_t serial;        /* of the newest sub */
    struct pl_msg *answers; /* publish mails whose publishers are still to be
                               told, in order */
    struct pl_msg **answers_end;
    struct pl_task tell;
    struct pl_msg *spares; /* publish mails for the next publications */
    uint32_t spare_count;
};

/* hub.c: the channel with this name; the same, made if need be (NULL: out of
 * memory); and away with it if nobody is in it. */
struct pl_hub_channel *pl_hub_channel_find(struct pl_hub *h, uint64_t hash,
                                           struct pl_span name);
struct pl_hub_channel *pl_hub_channel_get(struct pl_hub *h, uint64_t hash,
                                          struct pl_span name);
void pl_hub_channel_drop(struct pl_hub *h, struct pl_hub_channel *c);

/* The owner of a channel, and whether its loop is too far behind. */
struct pl_address pl_hub_owner(const struct pl_hub *h, uint64_t hash);
bool pl_hub_is_behind(const struct pl_hub *h, struct pl_address owner);

struct pl_origin pl_hub_origin(struct pl_subscriber *u, struct pl_sub *sub,
                               uint32_t command, uint32_t kind);

/* hub_sub.c: the answers that concern subscriptions. */
void pl_hub_on_attached(struct pl_hub *h, struct pl_attach_mail *m);
void pl_hub_on_barrier(struct pl_hub *h, struct pl_query_mail *m);

/* Publications may be missing: who has positions is dropped with 2500. */
void pl_hub_drop_positioned(struct pl_hub *h, struct pl_hub_channel *c);

/* hub.c: tell the publishers now, ahead of another answer. */
void pl_hub_tell_publishers(struct pl_hub *h);

void pl_hub_retry_leaving(struct pl_timer *t);

#endif
