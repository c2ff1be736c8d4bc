/* SPDX-License-Identifier: Apache-2.0 */
/* channel_requests.h - each kind of request to an owner has a file: publish.c,
 * attach.c, leave.c, query.c, listing.c and ranking.c.
 *
 * Owner:  each callee takes the message.
 * Thread: the owner's loop. */
#ifndef PL_CHANNEL_REQUESTS_H
#define PL_CHANNEL_REQUESTS_H

#include "bus.h"
#include "channels_mail.h"

struct pl_actor;
struct pl_channels;
struct pl_look_mail;
struct pl_map;

void pl_channels_publish(struct pl_channels *c, struct pl_publish_mail *m);
void pl_channels_attach(struct pl_channels *c, struct pl_attach_mail *m);
void pl_channels_detach(struct pl_channels *c, struct pl_detach_mail *m);
void pl_channels_query(struct pl_channels *c, struct pl_query_mail *m);
void pl_channels_list(struct pl_channels *c, struct pl_list_mail *m);

/* Answer a PL_LOOK_TOP_CHANNELS about `channels`, the map of `owner`. */
void pl_channels_rank(struct pl_actor *owner, struct pl_map *channels,
                      struct pl_look_mail *m);

/* The bus has brought a publication. */
void pl_channels_on_publication(void *owner, struct pl_pub *pub,
                                struct pl_bus_publish *own);

#endif
