/* SPDX-License-Identifier: Apache-2.0 */
/* calls_private.h - the state of a call, for the files of its parts.
 *
 * Thread: the control loop. */
#ifndef PL_CALLS_PRIVATE_H
#define PL_CALLS_PRIVATE_H

#include <inttypes.h>

#include "access.h"
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

/* What a call has still to begin. */
struct pl_api_steps {
    struct pl_list link; /* in calls->ring, while it may go on */
    enum pl_api_call_form form;
    char *body;               /* own copy; NULL: all began at once */
    size_t kept;              /* bytes of `body` */
    const char *text;         /* the body, for positions */
    struct pl_access *access; /* own reference: has the key of the caller */
    struct pl_arena commands; /* has `list` */
    struct pl_arena arena;    /* has the texts of `cast` */
    struct pl_api_command *list, one;
    size_t count, next;         /* commands */
    struct pl_api_request cast; /* the broadcast in progress */
    size_t channel;             /* its next channel */
    bool is_casting;
    bool is_parallel; /* commands wait for nothing */
    bool is_done;     /* all have begun */
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
    struct pl_api_steps steps;
    struct pl_timer timer;
    pl_api_call_done *done;
    void *arg;
    struct pl_api_caller caller;
    bool is_malformed; /* the body is malformed, see calls.h */
};

/* calls.c.  Add a part behind the others; NULL: out of memory. */
struct pl_api_part *pl_api_part_add(struct pl_api_call *call,
                                    enum pl_api_method method, bool is_named);

/* calls.c.  Count `n` bytes for the part.  Return false if that is too much
 * together with the other parts. */
bool pl_api_part_take_bytes(struct pl_api_call *call, struct pl_api_part *p,
                            size_t n);

/* calls.c.  Finish a call that waits for nothing, else give its results time;
 * `call` may be freed when this returns. */
void pl_api_call_resolve(struct pl_api_call *call);

static inline void pl_api_put_id(struct pl_buf *b, uint32_t id)
{
    if (id != 0)
        pl_buf_printf(b, "\"id\":%" PRIu32 ",", id);
}

/* calls_steps.c.  Read the body; begin its commands now, or in the next turns.
 * Errors: PL_EFULL (bodies of calls in progress), PL_ENOMEM. */
enum pl_err pl_api_steps_begin(struct pl_api_call *call,
                               enum pl_api_call_form form,
                               enum pl_api_method method, struct pl_span body);
void pl_api_steps_fini(struct pl_api_call *call);

/* calls_steps.c.  The results that the next command waits for are there. */
void pl_api_steps_go_on(struct pl_api_call *call);

/* calls_steps.c.  Each command that has not begun gets error 100. */
void pl_api_steps_give_up(struct pl_api_call *call);

/* calls_steps.c.  The task of all calls. */
void pl_api_steps_turn(struct pl_task *t);

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
