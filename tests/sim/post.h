/* SPDX-License-Identifier: Apache-2.0 */
/* post.h - actors that send the input of clients by mail (links/posted.h), as
 * servers do to which the client of an HTTP stream posts. */
#ifndef POST_H
#define POST_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "session_mail.h"
#include "span.h"

struct postman; /* opaque */
struct world;

/* One mail on its way.  Letters are freed when they are answered, or by
 * post_fini(). */
struct letter {
    struct letter *next;
    void *from; /* whoever sent it; NULL: forgotten */
    uint32_t connection;
    uint32_t first, last; /* the ids of its commands */
    bool is_bad;          /* nobody may take it */
    int16_t why;          /* enum pl_err: nobody got the mail, and why not */
    void (*answered)(struct letter *l, enum pl_input_status status);
};

/* Where a letter goes: what a client knows of its session. */
struct post_address {
    struct pl_address session;
    uint64_t secret[2];
};

/* One on each loop, if this world has any.  They take part in a stop. */
void post_init(struct world *w);
struct pl_address post_postman(const struct world *w, unsigned loop);
void post_fini(struct world *w);

/* Have the postman of `loop` send a copy of `l`, with `data`.  Return false if
 * there is none any more, or no memory. */
bool post_send(struct world *w, unsigned loop, const struct post_address *to,
               const struct letter *l, struct pl_span data);

/* Nobody is told of the letters of `from` any more. */
void post_forget(struct world *w, const void *from);

/* At rest each letter has its answer. */
void post_check(const struct world *w);

#endif
