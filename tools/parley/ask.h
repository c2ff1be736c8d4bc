/* SPDX-License-Identifier: Apache-2.0 */
/* ask.h - a command that makes one call of the client protocol. */
#ifndef PL_TOOL_ASK_H
#define PL_TOOL_ASK_H

#include "client.h"

struct ask {
    struct client client; /* first */
    const char *what;     /* for complaints */
    /* Make the call, with ask_done() and the ask as its end. */
    enum pl_err (*call)(struct ask *a);
    /* The call was done; ask_again() or the end of the command follows. */
    void (*answer)(struct ask *a, const struct plc_result *r);
    bool stays; /* the command ends itself, by client_end() */
};

/* Gives what to exit with. */
int ask_run(struct ask *a, const struct target *t);

/* Make the call once more; in answer(). */
void ask_again(struct ask *a);

void ask_done(const struct plc_result *r, void *arg);

#endif
