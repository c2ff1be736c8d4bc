/* SPDX-License-Identifier: Apache-2.0 */
/* calls.h - server API calls in progress: the mails that each sends, and the
 * response made of their results.  Knows nothing of HTTP.
 *
 * Bounds: no call starts while PL_CALLS_MAX calls or PL_CALLS_MAILS_MAX mails
 * are pending.  A part of a call that exceeds these mails, or
 * PL_CALLS_BYTES_MAX of publications and results of all calls, gets error 111;
 * only a part that is alone may be larger.  Copies of bodies that
 * are begun in pieces take PL_CALLS_BYTES_MAX, or one body.  A call ends
 * PL_CALLS_TIMEOUT_MS after it began to wait for results: parts without one get
 * error 100.
 *
 * Thread: the control loop. */
#ifndef PL_CALLS_H
#define PL_CALLS_H

#include "admin.h"
#include "api_command.h"
#include "api_key.h"
#include "arena.h"
#include "buf.h"
#include "list.h"
#include "rules.h"

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

/* All calls of the admin actor. */
struct pl_api_calls {
    struct pl_actor *actor; /* sends the mails and receives their results */
    const struct pl_admin_options *options;
    struct pl_rule_cache rules; /* of channels */
    struct pl_arena arena;      /* for reading one body */
    struct pl_api_call_slot *slots;
    struct pl_list ring; /* of calls that have more to begin */
    struct pl_task task; /* begins the next piece of them */
    size_t kept;         /* bytes of bodies of pending calls */
    uint32_t in_flight;  /* pending calls */
    uint32_t mails;      /* mails without a result yet */
    size_t bytes;        /* publications and results of pending calls */
};

enum pl_api_call_form {
    PL_CALL_ONE,   /* /api/<method>: the body holds its parameters */
    PL_CALL_LINES, /* /api: commands in the older form */
    PL_CALL_BATCH  /* /api/batch */
};

/* Called once with the response.  `body` is valid during the call; it is marked
 * failed if allocation failed.  `error` is the error of the whole call, a
 * number of code.h; 0: none, or one of several commands. */
typedef void pl_api_call_done(void *arg, const struct pl_buf *body,
                              uint32_t error);

/* Whose call it is. */
struct pl_api_caller {
    const struct pl_api_key *key; /* NULL: it may do everything */
    struct pl_access *access;     /* has `key`; the call takes its own
                                     reference if it outlives its create() */
    bool is_bare; /* an error of the whole call is the body by itself, without
                     "error" around it */
};

/* Errors: PL_ENOMEM. */
enum pl_err pl_api_calls_init(struct pl_api_calls *c, struct pl_actor *actor,
                              const struct pl_admin_options *options);

/* Forget all calls without calling done().  Allowed after a failed init. */
void pl_api_calls_fini(struct pl_api_calls *c);

/* Create a call and send its mails.  `caller` NULL may do everything.  `body`
 * is read at once and may be changed in place.  done() is called by
 * pl_api_call_start() or later, never before. Errors: PL_EFULL (too many calls
 * or mails), PL_ENOMEM. */
enum pl_err pl_api_call_create(struct pl_api_call **out, struct pl_api_calls *c,
                               const struct pl_api_caller *caller,
                               enum pl_api_call_form form,
                               enum pl_api_method method, struct pl_span body,
                               pl_api_call_done *done, void *arg);

/* Return true if the body is not JSON, or a member has another type than its
 * method expects.  The response then is an error that names the position.  A
 * bad command among several does not count: it has its own reply. */
bool pl_api_call_is_malformed(const struct pl_api_call *call);

/* Finish the call at once if it waits for nothing; `call` may be freed when
 * this returns. */
void pl_api_call_start(struct pl_api_call *call);

/* Free the call; its done() is not called. */
void pl_api_call_forget(struct pl_api_call *call);

/* Process a mail that came back.
 * Owner: the callee takes `msg`. */
void pl_api_calls_receive(struct pl_api_calls *c, struct pl_msg *msg);

#endif
