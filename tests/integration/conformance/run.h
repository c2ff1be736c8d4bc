/* SPDX-License-Identifier: Apache-2.0 */
/* run.h - one case against a server, in one way of cutting its bytes. */
#ifndef RUN_H
#define RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "suite.h"

enum way {
    WAY_WHOLE,     /* one write, after the opening was answered */
    WAY_PIPELINED, /* one write, together with the opening request */
    WAY_BYTES,     /* a byte a write; large scripts in pieces of 997 */
    WAY_CUTS,      /* pieces of random sizes; a Close of the server's is not
                      answered, which must not keep it from ending */
    WAY_COUNT
};

const char *way_name(enum way w);

/* The server under test, and how it is spoken to. */
struct target {
    uint16_t port;
    bool is_tls;
    bool deflates; /* permessage-deflate is offered and must be taken; in each
                      way of cutting another offer and other blocks */
};

struct pl_buf;

/* Append a good request, with this Sec-WebSocket-Extensions; NULL: none. */
void run_put_opening(struct pl_buf *out, const struct target *t,
                     const char *offer);

/* False: a line on stdout says what was expected and what came. */
bool run_exchange(const struct target *t, const struct exchange *e, enum way w);
bool run_opening(const struct target *t, const struct opening *o, enum way w);
bool run_offer(const struct target *t, const struct offer *o, enum way w);

#endif
