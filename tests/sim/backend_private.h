/* SPDX-License-Identifier: Apache-2.0 */
/* backend_private.h - a backend of the simulation, for backend.c, which knows
 * the answers, and backend_say.c, which publishes. */
#ifndef BACKEND_PRIVATE_H
#define BACKEND_PRIVATE_H

#include "api_request.h"
#include "backend.h"
#include "buf.h"

enum { WAITING_MAX = 64, BODY = 600 };

/* A call that was not answered yet. */
struct waiting {
    struct backend *backend;
    bool is_used;
    enum pl_api_method method;
    unsigned channel;
    uint64_t number; /* what it says */
    bool is_reverse;
    bool is_stale;    /* it must not be published */
    uint64_t version; /* 0: none */
    uint64_t asked_ms, asked_step;
    /* Who was meant, and in which state. */
    uint32_t connections[CLIENTS + 1];
    uint32_t generations[CLIENTS + 1];
    uint32_t
        asked[CLIENTS + 1]; /* the generation of one that waits for a verdict */
};

/* The latest publication with an idempotency key. */
struct keyed {
    uint64_t number; /* 0: none */
    unsigned channel;
    uint64_t asked_ms;
};

/* The newest version that was published in a channel. */
struct newest {
    uint64_t version; /* 0: none */
    uint64_t done_ms;
};

struct backend {
    struct world *world;
    struct keyed keyed;
    struct newest newest[CHANNELS];
    struct truth *truth;
    struct client *const *clients;
    struct waiting waiting[WAITING_MAX];
    uint32_t
        gone[CLIENTS + 1]; /* connections that must not be there any more */
    unsigned removing[CHANNELS];
    struct watch watch;
    bool has_answer;
    bool has_failed;
    struct pl_buf text; /* the result of the last answer */
};

/* Begin a call; NULL: too many wait. */
struct waiting *backend_call(struct backend *b, enum pl_api_method method,
                             unsigned channel);

/* Send the body of a call.  Return false if it could not begin. */
bool backend_ask(struct waiting *q, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* backend_say.c: publish to one channel, or to several. */
void backend_publish(struct backend *b);
void backend_broadcast(struct backend *b);

#endif
