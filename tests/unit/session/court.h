/* SPDX-License-Identifier: Apache-2.0 */
/* court.h - a judge for tests of sessions.
 *
 * It goes by the name of the channel: "n..." is refused, "f..." refused for
 * now, "x..." closed, "l..." kept, and all others allowed. */
#ifndef PL_COURT_H
#define PL_COURT_H

#include "rig.h"

enum { COURT_CALLS_MAX = 256 };
enum { SUBSCRIBES = 1 << PL_ASKS_SUBSCRIBE, PUBLISHES = 1 << PL_ASKS_PUBLISH };

struct court {
    struct rig *rig;
    struct pl_call *calls[COURT_CALLS_MAX]; /* kept, oldest first */
    unsigned count;                         /* of them */
    unsigned asked;
    bool is_careless; /* says LATER and keeps nothing */
    bool is_twofold;  /* decides what it also keeps */
    char data[32];    /* of the newest question */
};

/* Keep the question, as a judge that says LATER does. */
enum pl_verdict_kind court_keep(struct court *t, struct pl_question *q);

/* A rig whose judge of `which` (bits of enum pl_asks) is `t`. */
struct rig *court_open(const char *test, struct court *t, unsigned which,
                       const char *const *sets, size_t set_count);

/* Say yes to a call that is kept, and run. */
void court_allow(struct court *t, unsigned call);

/* Have `c` ask for a channel, and run. */
void court_ask(struct client *c, unsigned id, const char *channel);

/* The command `id` is answered with this error next. */
void court_expect_error(struct client *c, unsigned id, unsigned code,
                        const char *text, bool is_temporary);

#endif
