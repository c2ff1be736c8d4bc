/* SPDX-License-Identifier: Apache-2.0 */
/* attach.h - the attaches that have no result yet.
 *
 * Thread: the owner's loop. */
#ifndef PL_ATTACH_H
#define PL_ATTACH_H

struct pl_channel;
struct pl_client;

/* The pending attach of `client`, if any, publishes no join. */
void pl_attach_cancel(struct pl_channel *ch, const struct pl_client *client);

#endif
