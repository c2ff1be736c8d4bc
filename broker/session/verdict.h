/* SPDX-License-Identifier: Apache-2.0 */
/* verdict.h - decisions about what a client requests: yes, no, or later.
 *
 * The broker checks its own rules first: names, permissions, limits.  A judge
 * of the embedding program may refuse what they allow.  There is at most one
 * judge per kind of request (pl_handlers_with_judge()).
 *
 * Thread: the loop of the client's connection. */
#ifndef PL_VERDICT_H
#define PL_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

struct pl_call; /* handlers.h */

/* What a client requests.  A connect goes to the handler of "connect". */
enum pl_asks {
    PL_ASKS_NOTHING, /* a custom message: it needs no verdict */
    PL_ASKS_CONNECT,
    PL_ASKS_REFRESH,   /* with auth.hmac_secret: after the token is verified */
    PL_ASKS_SUBSCRIBE, /* the client's own command; not at a login */
    PL_ASKS_PUBLISH,   /* also by actor.send to a channel */
    PL_ASKS_SUB_REFRESH, /* of a subscription that expires */
    PL_ASKS_COUNT
};

enum pl_verdict_kind { PL_YES, PL_NO, PL_LATER };

/* The spans are valid during the call. */
struct pl_verdict {
    enum pl_verdict_kind kind;
    uint32_t code;       /* NO: an error below 3000; from 3000 on the code of a
                            Close; 0: PL_ERROR_INTERNAL */
    bool is_temporary;   /* NO: SDKs try again */
    struct pl_span text; /* NO: for the client; absent: the text of the code */
    struct pl_span user; /* YES to a connect */
    struct pl_span info; /* YES to a connect or subscribe: JSON; absent: none */
    struct pl_span data; /* YES, JSON: to a publish, in place of its data
                            (absent: unchanged); to a connect or subscribe, for
                            the reply */
    struct pl_span channels; /* YES to a connect: names, a zero byte after each;
                                absent: those of the token */
    bool is_anonymous;       /* YES to a connect */
    int64_t expires_at_s;    /* YES to a connect, a subscribe or either
                               refresh; 0: never */
};

struct pl_question {
    enum pl_asks asks;
    struct pl_span channel; /* subscribe, publish, sub_refresh */
    struct pl_span data;    /* of a publish, where a YES may replace it, or of a
                               subscribe */
    struct pl_span token;   /* subscribe, both refreshes */
    struct pl_span user;    /* of the client; empty: anonymous */
    struct pl_span client;  /* its id */
    /* Private to the module: */
    void *asker;
    uint32_t number;      /* of the call; 0: not kept */
    uint32_t error;       /* why it was not kept; 0: no error */
    int64_t expires_at_s; /* these two: the values of a YES */
    struct pl_span reply; /* to a subscribe: JSON; absent: none */
    struct pl_span info;  /* the same, for others */
};

/* Decide at once: fill in *out and return YES or NO.  Or keep the question and
 * return LATER: the command then waits for the answer to the call, and so do
 * later commands of the client about this channel; nothing else waits.  Must
 * not block. */
typedef enum pl_verdict_kind pl_judge(struct pl_question *q, void *context,
                                      struct pl_verdict *out);

/* Keep the question, once: answer the call now or later, from any thread, with
 * pl_call_allow() or pl_call_refuse().  Return NULL if it cannot be kept (too
 * many are, or out of memory).  Whatever the judge then returns, the client
 * gets a temporary error.
 * Owner: the caller, until it answers. */
struct pl_call *pl_question_keep(struct pl_question *q);

#endif
