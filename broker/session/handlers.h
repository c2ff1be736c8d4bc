/* SPDX-License-Identifier: Apache-2.0 */
/* handlers.h - the functions of the embedding program: handlers of custom
 * messages, and judges that decide what clients may do.
 *
 * The table is immutable.  A registration creates a new table, and the session
 * manager of each loop gets it by mail, so that lookups need no lock. */
#ifndef PL_HANDLERS_H
#define PL_HANDLERS_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "err.h"
#include "ip.h"
#include "span.h"
#include "verdict.h"

struct pl_handlers; /* opaque; reference-counted */
struct pl_loop_handle;
struct pl_watch_mail;

/* One call of a handler, from its start to its result. */
struct pl_call;

/* Called on the loop of the client's connection; must not block.  The program
 * must resolve the call exactly once, now or later, from any thread. */
typedef void pl_handler(struct pl_call *call, void *context);

struct pl_call {
    struct pl_loop_handle *handle; /* reference: handle of the session's loop */
    struct pl_address session;
    uint32_t number;        /* of the call; 0: no command waits */
    bool is_connect;        /* the call decides on a login */
    bool is_watched;        /* pl_call_set_watch() succeeded */
    uint8_t asks;           /* enum pl_asks: the question that a judge kept */
    struct pl_span type;    /* of the message, or "connect" */
    struct pl_span data;    /* JSON, or bytes from a protobuf client */
    struct pl_span user;    /* of the client; empty: anonymous */
    struct pl_span client;  /* the client id */
    struct pl_span token;   /* sent by the client; "" in a publish */
    struct pl_span channel; /* of a judge's question; may be absent */
    struct pl_span headers; /* connect: of the request, as headers.h has them */
    struct pl_loop_handle *host; /* reference: of the program's loop; NULL: it
                                    has lent none.  The embedding sets it */
    struct pl_address host_at;   /* on that loop */
    char peer[PL_IP_TEXT_MAX]; /* connect, judges: the address of the client */
    char bytes[];              /* where the spans point */
};

/* Create an empty table with one reference.  NULL: out of memory. */
struct pl_handlers *pl_handlers_create(void);

/* Require a handler of "connect" for each client whose token the broker does
 * not verify itself (auth.hmac_secret).  While no such handler is registered,
 * these clients get error 100, even if auth.anonymous is true.  A table that is
 * derived from `t` inherits this, and so does one derived from a table that has
 * such a handler. */
void pl_handlers_set_judge(struct pl_handlers *t); /* only with one reference */
bool pl_handlers_judge(const struct pl_handlers *t);

/* Call the handler of "connect" for clients with a verified token as well. */
void pl_handlers_set_tokens_judged(struct pl_handlers *t); /* likewise */
bool pl_handlers_judges_tokens(const struct pl_handlers *t);

/* Create a table with the entries of `t` and one more; pl_handlers_without()
 * omits the entry of `type`.  `t` does not change.
 * Owner:  the caller, of *out, which has one reference.
 * Errors: PL_EEXIST, PL_ENOENT, PL_ENOMEM; PL_EINVAL: the type is empty or not
 *         UTF-8, or belongs to parley (actor.*, sys.*), or `call` is NULL. */
enum pl_err pl_handlers_with(const struct pl_handlers *t, const char *type,
                             pl_handler *call, void *context,
                             struct pl_handlers **out);

/* Like pl_handlers_with().  release(context), unless NULL, is called once, when
 * no table has the entry any more, on the thread that releases the last such
 * table.  On error it is not called. */
enum pl_err pl_handlers_with_release(const struct pl_handlers *t,
                                     const char *type, pl_handler *call,
                                     void *context,
                                     void (*release)(void *context),
                                     struct pl_handlers **out);
enum pl_err pl_handlers_without(const struct pl_handlers *t, const char *type,
                                struct pl_handlers **out);

/* Do not call release() for the entry that `t` got last: its registration
 * failed later.  Call this only while `t` has one reference. */
void pl_handlers_forget_newest(struct pl_handlers *t);

/* Thread: any. */
struct pl_handlers *pl_handlers_hold(struct pl_handlers *t);
void pl_handlers_release(struct pl_handlers *t);

uint32_t pl_handlers_count(const struct pl_handlers *t);

/* Find the entry of `type`; false: there is none.  *name is valid as long as
 * the caller holds the table. */
bool pl_handlers_find(const struct pl_handlers *t, struct pl_span type,
                      pl_handler **call, void **context, const char **name);

/* Create a table like `t` with `judge` for `asks` (REFRESH, SUBSCRIBE or
 * PUBLISH); NULL: without one.
 * Owner:  the caller, of *out, which has one reference.
 * Errors: PL_ENOMEM. */
enum pl_err pl_handlers_with_judge(const struct pl_handlers *t,
                                   enum pl_asks asks, pl_judge *judge,
                                   void *context, struct pl_handlers **out);

/* Return the judge of `asks`; NULL: there is none. */
pl_judge *pl_handlers_find_judge(const struct pl_handlers *t, enum pl_asks asks,
                                 void **context);

/* Return one bit for each value of enum pl_asks that has a judge. */
uint32_t pl_handlers_judged(const struct pl_handlers *t);

/* Resolve a call and free it, also if the system has ended: the result is then
 * dropped.  pl_call_answer() resolves a custom message with `data`, which is
 * JSON for a JSON client.  pl_call_allow() allows what a judge kept; a refresh
 * is valid until `expires_at_s`, in seconds since 1970; 0: as long as a
 * verified token, or without a limit if there is none.
 *
 * Thread: any.
 *
 * Errors: on an error the call still exists.  PL_ENOMEM: call again later.
 * PL_EINVAL: the text or the user is not UTF-8, the user is longer than
 * PL_TOKEN_USER_MAX, the info or data of terms is not JSON, a channel is none
 * that clients can have, the terms or the function does not fit the kind
 * of the call, or the code is invalid. */
enum pl_err pl_call_answer(struct pl_call *call, struct pl_span data);
enum pl_err pl_call_allow(struct pl_call *call, int64_t expires_at_s);
/* Refuse any call with `code` and `text`; absent: the text of the code.  An
 * error is 100 to 1999.  Calls that are not custom messages may also close the
 * connection with 3000 to 4999.  After pl_call_refuse_for_now() SDKs retry. */
enum pl_err pl_call_refuse_for_now(struct pl_call *call, uint32_t code,
                                   struct pl_span text);
enum pl_err pl_call_refuse(struct pl_call *call, uint32_t code,
                           struct pl_span text);
/* Admit the client of a connect as `user`.  An absent `info` means that of a
 * verified token, or none. */
enum pl_err pl_call_admit(struct pl_call *call, struct pl_span user,
                          struct pl_span info);

/* What is granted with a YES.  What is absent or 0 is as asked: as the verified
 * token says, or none. */
struct pl_call_terms {
    struct pl_span user; /* connect; absent: anonymous */
    struct pl_span info; /* connect, subscribe: JSON */
    struct pl_span data; /* JSON: connect, subscribe: for the reply; publish: in
                            place of its data */
    const char *const *channels; /* connect: server-side subscriptions */
    size_t channel_count;
    int64_t expires_at_s; /* all but a publish */
    bool is_anonymous;    /* connect: with the rights of anonymous clients */
};

/* Admit the client of a connect, or allow what a judge kept.  A user that has
 * more channels than limits.connection_channels gets error 106 instead. */
enum pl_err pl_call_grant(struct pl_call *call,
                          const struct pl_call_terms *terms);

/* Notify `m` when the call has its answer, or when nothing waits for the answer
 * any more: the session has closed or the call is overdue.  Call this before
 * the answer, with a mail of pl_watch_mail_init(). Owner:  the call, on PL_OK.
 * Thread: any; m->end() runs on the loop of the session, or without one on any
 *         thread.
 * Errors: PL_EEXIST: it is watched; PL_EINVAL: no command waits for it. */
enum pl_err pl_call_set_watch(struct pl_call *call, struct pl_watch_mail *m);

/* Free a call without a result.  A command that waits for it waits until the
 * deadline. */
void pl_call_destroy(struct pl_call *call);

#endif
