/* SPDX-License-Identifier: Apache-2.0 */
/* calls_private.h - the state of a call, for calls.c and calls_send.c.
 *
 * Thread: the control loop. */
#ifndef PL_CALLS_PRIVATE_H
#define PL_CALLS_PRIVATE_H

#include "calls.h"
#include "timer.h"

struct pl_look_mail;

/* The page of a list that a part gathers, in several mails. */
struct pl_api_page {
    uint32_t left;       /* rows until it is full */
    uint32_t mails;      /* that were sent */
    unsigned loop;       /* whose part is looked at */
    uint8_t kind;        /* enum pl_look_kind */
    uint8_t by;          /* enum pl_look_by */
    uint64_t give_up_ms; /* loop time: return what is there */
};

struct pl_api_part {
    struct pl_buf before;      /* text before the result */
    struct pl_buf result;      /* a JSON object, once complete */
    struct pl_api_fault fault; /* details of `error`, if it has the same code */
    uint32_t error;            /* of code.h; if not 0, `result` is not used */
    uint32_t id;               /* of the older form, copied to the reply; 0:
                                  none */
    uint32_t waiting;          /* pending mails */
    size_t bytes;              /* of its publication, or of `result` */
    struct pl_api_page page;   /* connections and users */
    uint8_t method;            /* enum pl_api_method */
    bool is_empty;             /* channels: no member was written yet */
    bool is_named;             /* batch: the result has the name of its
                                  method */
};

struct pl_api_call {
    struct pl_api_calls *calls;
    uint32_t id;
    uint32_t waiting;
    size_t bytes;
    struct pl_api_part *parts;
    size_t count;
    size_t cap;
    struct pl_buf after; /* text after the last part */
    struct pl_timer timer;
    pl_api_call_done *done;
    void *arg;
    struct pl_api_caller caller;
    bool is_malformed; /* the body is malformed, see calls.h */
    bool is_lone;      /* it is one command with one result */
};

/* calls_send.c.  Send the mails of a part, or write its result if it needs no
 * mail.  Return false if allocation fails; mails that were sent stay
 * pending. */
bool pl_api_part_send(struct pl_api_call *call, struct pl_api_part *p,
                      const struct pl_api_request *r);

/* calls_send.c.  Send one mail of a part.
 * Owner: the callee takes `msg`, which contains `origin`. */
struct pl_origin;
void pl_api_part_mail(struct pl_api_call *call, struct pl_api_part *p,
                      struct pl_address to, struct pl_origin *origin,
                      struct pl_msg *msg);

/* calls_page.c.  Send the first mail of a page, otherwise like
 * pl_api_part_send(). */
bool pl_api_page_send(struct pl_api_call *call, struct pl_api_part *p,
                      const struct pl_api_request *r);

/* calls_page.c.  Append the rows of a result, which have no error. */
void pl_api_page_take(struct pl_api_part *p, const struct pl_look_mail *m);

/* calls_page.c.  Send `m` again for the next rows and return true, or end the
 * page and return false: it is full, the list has ended, or time is up.
 * Owner: the callee takes `m` if it returns true. */
bool pl_api_page_go_on(struct pl_api_call *call, struct pl_api_part *p,
                       struct pl_look_mail *m);

/* calls_send.c.  Publish to one channel of a broadcast, otherwise like
 * pl_api_part_send(). */
bool pl_api_part_publish(struct pl_api_call *call, struct pl_api_part *p,
                         const struct pl_api_request *r,
                         struct pl_span channel);

#endif
