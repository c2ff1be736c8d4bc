/* SPDX-License-Identifier: Apache-2.0 */
/* verdict.h - may this client do that?  Yes, no, or later.
 *
 * The broker's own rules come first: names, permissions, limits.  What they
 * allow, a judge of the embedding program may still refuse.  There is at most
 * one judge for each thing that a client asks for (pl_handlers_with_judge()).
 *
 * Thread: the loop of the client's connection. */
#ifndef PL_VERDICT_H
#define PL_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

struct pl_call; /* handlers.h */

/* What a client asks for.  A connect goes to the handler of "connect". */
enum pl_asks {
    PL_ASKS_NOTHING, /* a custom message: no verdict is due */
    PL_ASKS_CONNECT,
    PL_ASKS_REFRESH, /* with auth.hmac_secret: once it has verified the token */
    PL_ASKS_SUBSCRIBE, /* the client's own command; not those of a login */
    PL_ASKS_PUBLISH,   /* also by actor.send to a channel */
    PL_ASKS_COUNT
};

enum pl_verdict_kind { PL_YES, PL_NO, PL_LATER };

/* The spans are valid for the time of the call. */
struct pl_verdict {
    enum pl_verdict_kind kind;
    uint32_t code;       /* NO: an error below 3000; from 3000 on the code of a
                            Close; 0: PL_ERROR_INTERNAL */
    bool is_temporary;   /* NO: SDKs try again */
    struct pl_span text; /* NO: for the client; absent: that of the code */
    struct pl_span user; /* YES to a connect */
    struct pl_span info; /* YES to a connect: JSON; absent: none */
    struct pl_span data; /* YES to a publish: JSON in place of its data; absent:
                            as it is */
    int64_t expires_at_s; /* YES to a connect or refresh; 0: never */
};

struct pl_question {
    enum pl_asks asks;
    struct pl_span channel; /* subscribe, publish */
    struct pl_span data;    /* publish, where a YES may replace it; what a
                               subscribe brings */
    struct pl_span token;   /* refresh */
    struct pl_span user;    /* of the client; empty: anonymous */
    struct pl_span client;  /* its id */
    /* Private to the room: */
    void *asker;
    uint32_t number;      /* of the call; 0: it was not kept */
    uint32_t error;       /* why it could not be; 0: it could */
    int64_t expires_at_s; /* what a YES says */
};

/* Decide at once: fill in *out, and return YES or NO.  Or keep the question and
 * return LATER: then the command waits for the answer to the call, and with it
 * what the client asks of this channel afterwards; nothing else waits.  Must
 * not block. */
typedef enum pl_verdict_kind pl_judge(struct pl_question *q, void *context,
                                      struct pl_verdict *out);

/* Keep the question, once: answer the call now or later, from any thread, with
 * pl_call_allow() or pl_call_refuse().  NULL: it cannot be kept (too many are,
 * or out of memory); whatever the judge returns then, the client is told to try
 * again.
 * Owner: the caller, until it answers. */
struct pl_call *pl_question_keep(struct pl_question *q);

/* "connect", "subscribe", ... as logs say it. */
const char *pl_asks_name(enum pl_asks asks);

#endif
