/* SPDX-License-Identifier: Apache-2.0 */
/* permission.h - what a connection may do, and with which channel names. */
#ifndef PL_PERMISSION_H
#define PL_PERMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "span.h"

/* Bits; a connection caches their sum at login. */
enum pl_grant {
    PL_GRANT_SUBSCRIBE = 1 << 0,
    PL_GRANT_PUBLISH = 1 << 1,
    PL_GRANT_PRESENCE = 1 << 2, /* presence and presence_stats */
    PL_GRANT_HISTORY = 1 << 3,
    PL_GRANT_SEND = 1 << 4 /* actor.send to user/ and conn/ */
};

/* What `c` allows a connection that is, or is not, authenticated: that a
 * token or a handler vouched for.  Thread: any. */
uint8_t pl_permission_grants(const struct pl_config *c, bool authenticated);

enum {
    PL_CHANNEL_NAME_MAX = 255,   /* bytes */
    PL_CHANNEL_USER_INBOX = '#', /* in front */
    PL_CHANNEL_USERS = '#',      /* inside: a list of users; refused */
    PL_CHANNEL_PRIVATE = '$',    /* in front: private; refused */
    PL_CHANNEL_CONNECTION_INBOX = '@'
};

/* Of a channel name that a client names in a command. */
enum pl_channel_name {
    PL_CHANNEL_NAME_OK,
    PL_CHANNEL_NAME_EMPTY,    /* close 3501 */
    PL_CHANNEL_NAME_TOO_LONG, /* error 107 */
    PL_CHANNEL_NAME_RESERVED  /* error 103: an inbox, or a name that elsewhere
                               * restricts the use of the channel.  No client
                               * may subscribe to it, publish into it or
                               * inspect it, whatever its grants are */
};

enum pl_channel_name pl_channel_name_check(struct pl_span name);

#endif
