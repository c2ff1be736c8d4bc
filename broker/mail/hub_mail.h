/* SPDX-License-Identifier: Apache-2.0 */
/* hub_mail.h - what the owner of a channel sends to the hubs of its
 * subscribers. */
#ifndef PL_HUB_MAIL_H
#define PL_HUB_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "blob.h"
#include "client.h"
#include "msg.h"
#include "pub.h"

/* Sent to a hub if its loop has subscribers of the channel. */
struct pl_publication_mail {
    struct pl_msg msg;
    struct pl_pub *pub; /* reference */
};

struct pl_presence_event_mail {
    struct pl_msg msg;
    struct pl_blob *channel; /* reference */
    uint64_t hash;
    struct pl_client *client; /* reference */
    bool is_join;
};

/* Publications of the channel may be lost: unsubscribe its positioned
 * subscribers with code 2500, so that they recover. */
struct pl_gap_mail {
    struct pl_msg msg;
    struct pl_blob *channel; /* reference */
    uint64_t hash;
};

/* Create a message, all zero except type, destroy and flags.  NULL: out of
 * memory.
 * Owner:  the caller; msg.destroy() releases everything in it. */
struct pl_publication_mail *pl_publication_mail_create(void);
struct pl_presence_event_mail *pl_presence_event_mail_create(void);
struct pl_gap_mail *pl_gap_mail_create(void);

#endif
