/* SPDX-License-Identifier: Apache-2.0 */
/* hooks.h - notifies the embedding program of clients and subscriptions. */
#ifndef PL_HOOKS_H
#define PL_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

struct pl_client; /* broker/mail/client.h */

/* Callbacks on the loop of the connection, one at a time per client.  Each may
 * be NULL.  A callback must not block and must not change the session. */
struct pl_hooks {
    /* A client has logged in; its connect reply is not sent yet.  Return false
     * if allocation fails: the connection closes, without further callbacks. */
    bool (*connected)(void *arg, struct pl_client *client);
    /* The last callback of a client, exactly once unless connected() returned
     * false.  `code` is that of the Close; 0: the connection ended without
     * one. */
    void (*disconnected)(void *arg, struct pl_client *client, uint32_t code,
                         struct pl_span reason);
    /* A subscription begins, or ends with the code of the unsubscribe push or
     * of the Close; 0: at the request of the client, or without a Close.  Each
     * subscription ends before disconnected(). */
    void (*subscribed)(void *arg, struct pl_client *client,
                       struct pl_span channel, bool begins, uint32_t code);
    void *arg;
};

#endif
