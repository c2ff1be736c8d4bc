/* SPDX-License-Identifier: Apache-2.0 */
/* leave.h - the detaches of an owner that are to be retried.
 *
 * Thread: the owner's loop. */
#ifndef PL_LEAVE_H
#define PL_LEAVE_H

#include <stdbool.h>
#include <stddef.h>

#include "channels_mail.h"
#include "err.h"
#include "map.h"

struct pl_channel;
struct pl_channels;
struct pl_client;

/* Detaches to retry, oldest first and by client, see leave.c. */
struct pl_leaving {
    struct pl_msg *first;
    struct pl_msg *last;
    struct pl_map map;
    /* Without a client.  The map is never empty, so adding cannot fail. */
    struct pl_detach_mail placeholder;
};

/* Make and free them. */
enum pl_err pl_leaving_init(struct pl_leaving *l);
void pl_leaving_fini(struct pl_channels *c);

static inline size_t pl_leaving_count(const struct pl_leaving *l)
{
    return l->map.count - 1;
}

/* Retry detaches that failed. */
void pl_leave_retry(struct pl_channels *c);

/* Return true if `client`, a member, attaches again before its leave was
 * published; that leave is then never published, and the client has joined. */
bool pl_leave_cancel(struct pl_channel *ch, const struct pl_client *client);

#endif
