/* SPDX-License-Identifier: Apache-2.0 */
/* host.h - the loop of an embedding program that has lent its event_base: what
 * the broker calls of the program runs there.  Private to this module. */
#ifndef PL_BROKER_HOST_H
#define PL_BROKER_HOST_H

#include <stdbool.h>

#include "address.h"
#include "err.h"
#include "msg.h"

struct event_base;
struct pl_call;
struct pl_host; /* opaque */
struct pl_loop_handle;
struct pl_log;

/* Something to run on the program's loop.  The first member of what it needs;
 * set `run` and msg.destroy. */
struct pl_host_mail {
    struct pl_msg msg; /* first */
    /* Run it, on the thread of the base.  Owner: the callee, of the mail. */
    void (*run)(struct pl_host_mail *m);
};

/* A loop on `base`, which outlives it; `log` is that of the broker.
 * Owner:  the caller.
 * Thread: that of the base, or any while it does not run.
 * Errors: PL_ENOMEM, PL_EIO. */
enum pl_err pl_host_create(struct pl_host **out, struct event_base *base,
                           const struct pl_log *log);

/* Run `m` on the loop; the mails of one thread run in their sequence.
 * Owner:  the runtime.
 * Thread: any, until pl_host_destroy(). */
void pl_host_post(struct pl_host *h, struct pl_host_mail *m);

/* What watches `call`, if anything does, runs on this loop.  Call it once. */
void pl_host_mark(const struct pl_host *h, struct pl_call *call);

/* Like pl_host_post(), to the loop of a call that was marked.  After
 * pl_host_destroy() the mail is destroyed instead. */
void pl_host_post_late(struct pl_loop_handle *line, struct pl_address to,
                       struct pl_host_mail *m);

/* Whether a mail runs now.  Thread: that of the base. */
bool pl_host_is_busy(const struct pl_host *h);

/* Run all that waits, and end; the base has nothing of it any more.  NULL is
 * allowed.
 * Thread: that of the base, not inside a mail, after the last post. */
void pl_host_destroy(struct pl_host *h);

#endif
