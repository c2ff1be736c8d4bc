/* SPDX-License-Identifier: Apache-2.0 */
/* permission.h - the permissions of a kind of connection. */
#ifndef PL_PERMISSION_H
#define PL_PERMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "rules_settings.h"

/* Bits; rules have their sum. */
enum pl_grant {
    PL_GRANT_SUBSCRIBE = 1 << 0,
    PL_GRANT_PUBLISH = 1 << 1,
    PL_GRANT_PRESENCE = 1 << 2, /* presence and presence_stats */
    PL_GRANT_HISTORY = 1 << 3,
    PL_GRANT_SEND = 1 << 4 /* actor.send to user/ and conn/ */
};

/* The grants of `s` for a client.  `is_user` says that a token or a handler
 * authenticated it as a user, `subscribes` that it is subscribed to the
 * channel.
 * Thread: any. */
uint8_t pl_permission_grants(const struct pl_rules_settings *s, bool is_user,
                             bool subscribes);

#endif
