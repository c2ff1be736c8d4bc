/* SPDX-License-Identifier: Apache-2.0 */
/* rig_private.h - how the clients of a rig are linked to their sessions. */
#ifndef PL_RIG_PRIVATE_H
#define PL_RIG_PRIVATE_H

#include "rig.h"

struct rig_link {
    /* c->session, for a client that has its rig and loop. */
    enum pl_err (*create)(struct client *c);
    /* Make the session ready for messages. */
    void (*open)(struct client *c);
    /* A message waits in c->input. */
    void (*say)(struct client *c, const char *text);
    /* Hand over what waits, unless reading is paused.  True: something was. */
    bool (*feed)(struct client *c);
    /* Take what the session has to say. */
    void (*drain)(struct client *c);
};

extern const struct rig_link rig_link_ws, rig_link_memory;

/* What the server said. */
void client_keep(struct client *c, const char *text, size_t len);
void client_keep_lines(struct client *c, const char *text, size_t len);

/* What a callback of a reactor does first: the loop's clock is right again. */
void client_wake(struct client *c);

/* The connection is over. */
void client_end(struct client *c);

#endif
