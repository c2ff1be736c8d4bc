/* SPDX-License-Identifier: Apache-2.0 */
/* hooks.h - what an embedding program is told of clients. */
#ifndef PL_HOOKS_H
#define PL_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

struct pl_client; /* broker/mail/client.h */

/* Called on the loop of the connection, one call at a time for a client, each
 * member may be NULL.  They must not block and must not change the session. */
struct pl_hooks {
    /* A client is logged in; its reply has not been written.  False: the
     * program cannot hear of it, for lack of memory; the connection closes, and
     * nothing more is told. */
    bool (*connected)(void *arg, struct pl_client *client);
    /* Once for each connected(), and last.  `code` is that of the Close, 0: the
     * connection ended without one. */
    void (*disconnected)(void *arg, struct pl_client *client, uint32_t code,
                         struct pl_span reason);
    /* A subscription begins; or ends with the code of the unsubscribe push or
     * of the Close, 0: the client asked for it.  Each that begins ends before
     * disconnected(). */
    void (*subscribed)(void *arg, struct pl_client *client,
                       struct pl_span channel, bool begins, uint32_t code);
    void *arg;
};

#endif
