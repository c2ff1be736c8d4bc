/* SPDX-License-Identifier: Apache-2.0 */
/* order.h - the order of a channel: its outbox, and publications from several
 * owners.
 *
 * Thread: the owner's loop. */
#ifndef PL_ORDER_H
#define PL_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "list.h"

struct pl_channel;
struct pl_channels;
struct pl_pending_request;
struct pl_pub;

/* Continues a pending request: the bus is attached, or not; or its turn in the
 * outbox has come, with PL_OK. */
typedef void pl_pending_request_step(struct pl_pending_request *rq,
                                     enum pl_err err);

/* The order of a channel among several owners, see order.c. */
struct pl_order {
    struct pl_list *found; /* the entry of the outbox that a search found last;
                              NULL: none, or it has gone */
    uint64_t seen;         /* newest offset that the hubs got */
    char epoch[8];         /* of `seen`; zeros: none yet */
    uint32_t asked;        /* appends submitted ... */
    uint32_t answered;     /* ... and complete; both wrap */
};

/* Return true if the hubs got `pub` before. */
bool pl_order_has_seen(const struct pl_channel *ch, const struct pl_pub *pub);

/* Note that the hubs get `pub` now.  Return false if they got it before. */
bool pl_order_pass(struct pl_channel *ch, const struct pl_pub *pub);

/* Note the position of the first subscriber. */
void pl_order_begin(struct pl_channel *ch, uint64_t offset, const char *epoch);

/* Put `rq`, which has its position, into the outbox.  `go_on` sends its result
 * in its turn. */
void pl_order_put(struct pl_pending_request *rq,
                  pl_pending_request_step *go_on);

/* Take `rq` out of the outbox, or of the list of those that wait for the
 * bus. */
void pl_outbox_remove(struct pl_pending_request *rq);

/* Mark `rq`, which is in the outbox, as ready.  Send all results at the head of
 * the outbox that are ready. */
void pl_outbox_ready(struct pl_pending_request *rq);

/* Send the results at the head of the outbox that are ready. */
void pl_outbox_flush(struct pl_channel *ch);

/* Fail `rq`, which is in the outbox, out of turn. */
void pl_outbox_fail(struct pl_pending_request *rq, enum pl_err err);

/* Report a gap to all loops with subscribers; if allocation fails, later. */
void pl_order_tell_gaps(struct pl_channel *ch);
void pl_order_retry_gaps(struct pl_channels *c);

/* The bus brought a publication without its request. */
void pl_order_bring(struct pl_channels *c, struct pl_pub *pub);

#endif
