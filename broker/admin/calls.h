/* SPDX-License-Identifier: Apache-2.0 */
/* calls.h - server API requests on their way: the mails that they become, and
 * the answer that is made of what comes back.  Knows nothing of HTTP.
 *
 * Bounded: no call begins while PL_CALLS_MAX calls or PL_CALLS_MAILS_MAX mails
 * are out.  What one body asks for beyond these mails, or beyond
 * PL_CALLS_BYTES_MAX of publications and results of all calls, is error 111,
 * part by part; only the first of all may be larger.  A call ends
 * PL_CALLS_TIMEOUT_MS after it began: what has not been answered by then is
 * error 100. */
#ifndef PL_CALLS_H
#define PL_CALLS_H

#include "admin.h"
#include "api_command.h"
#include "arena.h"
#include "buf.h"
#include "list.h"

enum {
    PL_CALLS_MAX = 1024,
    PL_CALLS_MAILS_MAX = 16384,
    PL_CALLS_BYTES_MAX = 64 * 1024 * 1024,
    PL_CALLS_TIMEOUT_MS = 5000
};

struct pl_api_call; /* opaque */
struct pl_api_call_slot {
    struct pl_api_call *call; /* NULL: free */
    uint32_t generation;
};

/* Thread: the control loop's. */
struct pl_api_calls {
    struct pl_actor *actor; /* who sends and gets the mails */
    const struct pl_admin_options *options;
    struct pl_arena arena; /* for reading one body */
    struct pl_api_call_slot *slots;
    uint32_t in_flight; /* calls */
    uint32_t mails;     /* not answered yet */
    size_t bytes;       /* that calls in flight sent or got */
};

enum pl_api_call_form {
    PL_CALL_ONE,   /* /api/<method>: the body is its parameters */
    PL_CALL_LINES, /* /api: commands in the older form */
    PL_CALL_BATCH  /* /api/batch */
};

/* The answer, once; `arg` is the caller's.  `body` lives for the call and
 * fails when out of memory. */
typedef void pl_api_call_done(void *arg, const struct pl_buf *body);

/* Errors: PL_ENOMEM. */
enum pl_err pl_api_calls_init(struct pl_api_calls *c, struct pl_actor *actor,
                              const struct pl_admin_options *options);

/* Forget all calls: nobody is told any more.  Half-built too. */
void pl_api_calls_fini(struct pl_api_calls *c);

/* Begin a call; `body` is read at once and may be changed in place.
 * done() is never called before this returns: *out is set first, and
 * pl_api_call_start() lets it go on.
 * Errors: PL_EFULL, PL_ENOMEM. */
enum pl_err pl_api_call_create(struct pl_api_call **out, struct pl_api_calls *c,
                               enum pl_api_call_form form,
                               enum pl_api_method method, struct pl_span body,
                               pl_api_call_done *done, void *arg);

/* Whether the body is not JSON, or a member has another type than its method
 * expects.  The answer then is an error that says where.  A command of several
 * that is wrong by itself does not count: it has its own answer. */
bool pl_api_call_is_malformed(const struct pl_api_call *call);

/* Answer it if it waits for nothing: `call` may be gone when this returns. */
void pl_api_call_start(struct pl_api_call *call);

/* Nobody waits for it any more; its done() is not called. */
void pl_api_call_forget(struct pl_api_call *call);

/* A mail that came back.  Owner: the callee. */
void pl_api_calls_receive(struct pl_api_calls *c, struct pl_msg *msg);

#endif
