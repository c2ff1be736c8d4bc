/* SPDX-License-Identifier: Apache-2.0 */
/* desk.h - carries out the orders of the embedding program: sends the request
 * of each, and reports the outcome to the program.  Private to this module. */
#ifndef PL_BROKER_DESK_H
#define PL_BROKER_DESK_H

#include "actor.h"
#include "cell.h"
#include "host.h"
#include "list.h"
#include "parley.h"

struct pl_desk; /* opaque: an actor, one a worker */

enum {
    /* Pending orders of a broker, and their bytes; an order that is alone may
     * be larger. */
    PL_ORDERS_MAX = 65536,
    PL_ORDERS_BYTES_MAX = 256 * 1024 * 1024
};

/* Any thread. */
struct pl_order_count {
    struct pl_cell orders, bytes; /* that have no outcome yet */
};

/* An order, and its mail to the desk. */
struct pl_order {
    struct pl_host_mail mail; /* first */
    struct pl_list link;      /* of the desk: the request has not come back */
    struct pl_msg *request; /* owned until it is sent: a mail with an origin */
    struct pl_msg *result;  /* owned: what came back; NULL: nothing */
    enum pl_err err;        /* of the outcome without a result */
    struct pl_address to;   /* of the request */
    const char *name;       /* constant: names report() while it blocks */
    pl_report *report;      /* NULL: the outcome is not wanted */
    void *arg;
    struct pl_host *host; /* report() is called on its loop; NULL: here */
    struct pl_order_count *count;
    size_t bytes; /* counted */
};

/* Create an order with its request, which has `bytes` of data.
 * Owner:  takes `request`, also on error.  The caller owns the order; once it
 *         is posted to a desk, report() is called exactly once, also if the
 * mail is destroyed in transit.  pl_order_forget() frees one that was not
 *         posted.
 * Errors: PL_ENOMEM, PL_EFULL. */
enum pl_err pl_order_create(struct pl_order **out, struct pl_msg *request,
                            size_t bytes, struct pl_order_count *count);
void pl_order_forget(struct pl_order *o);

/* Errors: PL_ENOMEM. */
enum pl_err pl_desk_create(struct pl_desk **out, struct pl_loop *loop);

struct pl_address pl_desk_address(const struct pl_desk *d);

#endif
