/* SPDX-License-Identifier: Apache-2.0 */
/* handlers.h - an embedding program's own functions: for custom messages, and
 * its judges of what clients may do.
 *
 * The table is immutable: registering makes a new one, which each loop's
 * keeper takes over by mail, so that looking up takes no lock. */
#ifndef PL_HANDLERS_H
#define PL_HANDLERS_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "err.h"
#include "ip.h"
#include "span.h"
#include "verdict.h"

struct pl_handlers; /* opaque; counts its holders */
struct pl_line;

/* One call of a handler, from start to answer. */
struct pl_call;

/* Called on the loop of the caller's connection; must not block.  It answers
 * the call, now or later, from any thread, exactly once. */
typedef void pl_handler(struct pl_call *call, void *context);

struct pl_call {
    struct pl_line *line; /* to the session's loop; held */
    struct pl_address session;
    uint32_t number;     /* of the waiting call; 0: nothing waits for a reply */
    bool is_connect;     /* a connection asks to be let in */
    uint8_t asks;        /* enum pl_asks: what a judge keeps */
    struct pl_span type; /* the message's type, or "connect" */
    struct pl_span data; /* JSON, or bytes from a protobuf client */
    struct pl_span user; /* of the caller; empty: anonymous */
    struct pl_span client;     /* the caller's client id */
    struct pl_span token;      /* connect, refresh: what it sent */
    struct pl_span channel;    /* of a judge: it may be absent */
    char peer[PL_IP_TEXT_MAX]; /* connect, judges: the address of the client */
    char bytes[];              /* where the spans point */
};

/* A table without entries, with one holder, or NULL: out of memory. */
struct pl_handlers *pl_handlers_create(void);

/* A handler of "connect" judges every client whose token the broker does not
 * check itself (auth.hmac_secret).  While no such handler is registered, these
 * clients get error 100, also if auth.anonymous is on.  Set in a table, this
 * holds for each table that is made of it, and for each that had such a
 * handler. */
void pl_handlers_set_judge(struct pl_handlers *t); /* while it has one holder */
bool pl_handlers_judge(const struct pl_handlers *t);

/* The handler of "connect" judges clients with a verified token as well. */
void pl_handlers_set_tokens_judged(struct pl_handlers *t); /* the same */
bool pl_handlers_judges_tokens(const struct pl_handlers *t);

/* A new table, with one holder: `t` and one entry more, or without it.
 * Owner:  the caller, of *out; `t` stays as it is.
 * Errors: PL_EEXIST, PL_ENOENT, PL_ENOMEM; PL_EINVAL: no message has this type
 *         (it is empty or not UTF-8), or parley answers it itself (actor.*,
 *         sys.*), or `call` is NULL. */
enum pl_err pl_handlers_with(const struct pl_handlers *t, const char *type,
                             pl_handler *call, void *context,
                             struct pl_handlers **out);

/* Like pl_handlers_with().  release(context), unless NULL, is called once, when
 * no table has the entry any more, on the thread that releases the last one.
 * On error it is not called. */
enum pl_err pl_handlers_with_release(const struct pl_handlers *t,
                                     const char *type, pl_handler *call,
                                     void *context,
                                     void (*release)(void *context),
                                     struct pl_handlers **out);
enum pl_err pl_handlers_without(const struct pl_handlers *t, const char *type,
                                struct pl_handlers **out);

/* The program shall not hear of the release of the entry that the last
 * pl_handlers_with() added: its registration failed later.
 * Thread: only while `t` has one holder. */
void pl_handlers_forget_newest(struct pl_handlers *t);

/* Thread: any. */
struct pl_handlers *pl_handlers_hold(struct pl_handlers *t);
void pl_handlers_release(struct pl_handlers *t);

uint32_t pl_handlers_count(const struct pl_handlers *t);

/* The entry of `type`; false when there is none.  *name lives as long as the
 * table is held. */
bool pl_handlers_find(const struct pl_handlers *t, struct pl_span type,
                      pl_handler **call, void **context, const char **name);

/* A new table, with one holder: `t` with this judge of `asks` (REFRESH,
 * SUBSCRIBE or PUBLISH), or without one where `judge` is NULL.
 * Errors: PL_ENOMEM. */
enum pl_err pl_handlers_with_judge(const struct pl_handlers *t,
                                   enum pl_asks asks, pl_judge *judge,
                                   void *context, struct pl_handlers **out);

/* NULL: there is none. */
pl_judge *pl_handlers_find_judge(const struct pl_handlers *t, enum pl_asks asks,
                                 void **context);

/* One bit for each of enum pl_asks that has a judge. */
uint32_t pl_handlers_judged(const struct pl_handlers *t);

/* Answer a call.
 * _answer(): a custom message, with data (JSON for JSON clients).
 * _admit(): a connect, with the user it is, until `expires_at_s` (seconds since
 *   1970; 0: for ever).  NULL info is allowed.
 * _allow(): what a judge kept; a refresh is good until `expires_at_s`.
 * _refuse(): any, with a code and its text (absent: that of the code).  An
 *   error has 100 to 1999; what is no custom message may be closed, with 3000
 * to 4999.  _refuse_for_now(): the same, and SDKs try again. The call is freed.
 * Also when the system is gone: nobody hears it then. Thread: any. Errors: the
 * call is still there.  PL_ENOMEM: answer again later; PL_EINVAL: the text or
 * user is not UTF-8, the user longer than PL_TOKEN_USER_MAX, the info not JSON,
 * a connect is answered with data, or another call with a user, or the code is
 * none. */
enum pl_err pl_call_answer(struct pl_call *call, struct pl_span data);
enum pl_err pl_call_allow(struct pl_call *call, int64_t expires_at_s);
/* A publication, with `data`, which is JSON, in place of what it brings. */
enum pl_err pl_call_allow_data(struct pl_call *call, struct pl_span data);
enum pl_err pl_call_refuse_for_now(struct pl_call *call, uint32_t code,
                                   struct pl_span text);
enum pl_err pl_call_refuse(struct pl_call *call, uint32_t code,
                           struct pl_span text);
enum pl_err pl_call_admit(struct pl_call *call, struct pl_span user,
                          struct pl_span info);
enum pl_err pl_call_admit_until(struct pl_call *call, struct pl_span user,
                                struct pl_span info, int64_t expires_at_s);

/* Free a call that nobody will answer: what waits for it waits until it is
 * overdue. */
void pl_call_destroy(struct pl_call *call);

#endif
