/* SPDX-License-Identifier: Apache-2.0 */
/* requests.h - the commands of a client that wait for a reply.
 *
 * Thread: the loop's. */
#ifndef PLC_REQUESTS_H
#define PLC_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "command.h"
#include "deadline.h"
#include "list.h"
#include "map.h"
#include "parley_client.h"
#include "received.h"

struct pl_loop;
struct plc_request;

/* How a request ended.  PLC_DONE has `reply`, which is no error; PLC_REFUSED
 * has one that is. */
struct plc_answer {
    enum plc_outcome outcome;
    enum pl_err err;
    const struct pl_received *reply; /* or NULL */
};

/* Called once; the request is in no list any more. */
typedef void plc_answered(struct plc_request *r, const struct plc_answer *s);

/* Embedded in its owner; all zero but the first three members. */
struct plc_request {
    plc_answered *answered;
    enum pl_received_kind wants; /* the reply, if it is no error */
    uint32_t id;
    bool is_sent;  /* its bytes have been given to the link */
    uint64_t from; /* the position in the output of the link from which on its
                      bytes may have left */
    struct pl_map_node node;
    struct pl_list link;
    struct plc_deadline timeout;
    struct plc_requests *all;
};

struct plc_requests {
    struct pl_loop *loop;
    void (*ended)(struct plc_requests *all); /* after each answered() */
    struct pl_list waiting;                  /* not sent, in their order */
    struct pl_list sent;
    struct pl_map by_id;
};

void plc_requests_init(struct plc_requests *all, struct pl_loop *loop,
                       void (*ended)(struct plc_requests *all));
void plc_requests_fini(struct plc_requests *all); /* there are none left */

/* Add `r`, which waits to be sent, for `timeout_ms` at most until its reply.
 * Errors: PL_ENOMEM: `r` is unchanged. */
enum pl_err plc_requests_add(struct plc_requests *all, struct plc_request *r,
                             uint32_t timeout_ms);

/* The oldest that waits, or NULL. */
struct plc_request *plc_requests_next(struct plc_requests *all);

/* `r` has been given to the link at the position `from`. */
void plc_requests_sent(struct plc_request *r, uint64_t from);

/* Forget `r` without a call of answered(), if it is there. */
void plc_requests_remove(struct plc_request *r);

enum plc_reply {
    PLC_REPLY_TAKEN,
    PLC_REPLY_UNEXPECTED, /* no request has its id */
    PLC_REPLY_WRONG       /* the request wants another kind, and still waits */
};

/* Answer the request with the id of `reply`. */
enum plc_reply plc_requests_reply(struct plc_requests *all,
                                  const struct pl_received *reply);

/* The kind of reply that a command with `verb` gets. */
enum pl_received_kind plc_requests_kind(enum pl_verb verb);

/* End `r` with `err`: as PLC_UNKNOWN if its bytes may have left, because the
 * kernel has taken more than r->from, else as PLC_NOT_SENT. */
void plc_requests_fail(struct plc_request *r, enum pl_err err, uint64_t taken);

/* Fail all that were sent, and with `waiting_too` all the others. */
void plc_requests_fail_all(struct plc_requests *all, enum pl_err err,
                           uint64_t taken, bool waiting_too);

#endif
