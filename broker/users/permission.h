/* SPDX-License-Identifier: Apache-2.0 */
/* permission.h - the permissions of a connection, and the channel names that
 * clients may use. */
#ifndef PL_PERMISSION_H
#define PL_PERMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"
#include "rules_settings.h"

/* Bits; rules have their sum. */
enum pl_grant {
    PL_GRANT_SUBSCRIBE = 1 << 0,
    PL_GRANT_PUBLISH = 1 << 1,
    PL_GRANT_PRESENCE = 1 << 2, /* presence and presence_stats */
    PL_GRANT_HISTORY = 1 << 3,
    PL_GRANT_SEND = 1 << 4 /* actor.send to user/ and conn/ */
};

/* The grants of `s` for a connection that is, or is not, authenticated by a
 * token or a handler.  Thread: any. */
uint8_t pl_permission_grants(const struct pl_rules_settings *s,
                             bool authenticated);

enum {
    PL_CHANNEL_NAME_MAX = 255,   /* bytes */
    PL_CHANNEL_USER_INBOX = '#', /* first character */
    PL_CHANNEL_USERS = '#',      /* inside: a list of users; refused */
    PL_CHANNEL_PRIVATE = '$',    /* first character: private; refused */
    PL_CHANNEL_CONNECTION_INBOX = '@'
};

/* The result of checking a channel name from a command. */
enum pl_channel_name {
    PL_CHANNEL_NAME_OK,
    PL_CHANNEL_NAME_EMPTY,    /* close 3501 */
    PL_CHANNEL_NAME_TOO_LONG, /* error 107 */
    PL_CHANNEL_NAME_RESERVED  /* error 103: an inbox, or a name that Centrifugo
                                 restricts.  No client may subscribe to it,
                                 publish to it or query it, whatever its
                                 grants */
};

enum pl_channel_name pl_channel_name_check(struct pl_span name);

#endif
