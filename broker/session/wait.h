/* SPDX-License-Identifier: Apache-2.0 */
/* wait.h - the commands of a session that wait for a verdict, in one queue per
 * channel.
 *
 * Thread: the session's loop. */
#ifndef PL_WAIT_H
#define PL_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "map.h"
#include "span.h"

struct pl_command;
struct pl_session;
struct pl_verdict;
struct pl_wait_queue; /* the commands that wait about one channel */

/* One command that waits. */
struct pl_parked {
    struct pl_parked *next;
    uint32_t order;     /* among the commands of its session that waited */
    uint32_t drop_code; /* its subscription ends at once, with this code; 0:
                           none */
    uint32_t len;
    char raw[];
};

/* Of a loop: the sessions that wait for verdicts, and the command that runs
 * now. */
struct pl_waits {
    struct pl_map sessions;
    struct pl_span raw;             /* its bytes */
    struct pl_parked *parked;       /* it waited before; NULL: it did not */
    const struct pl_verdict *given; /* its verdict, if it waited for one */
};

enum {
    PL_WAITS_MAX = 64 /* commands per session; websocket.max_message limits
                         their bytes */
};

/* Return true if one more command of the session may wait: the one that runs
 * now. */
bool pl_wait_has_space(const struct pl_session *s);

/* Let the command that runs now wait for the answer to call `number`.  Later
 * commands of the client about `channel` wait after it.  For a refresh,
 * `channel` is absent.  Return false if out of memory. */
bool pl_wait_begin(struct pl_session *s, struct pl_span channel,
                   uint32_t number);

enum pl_wait_place {
    PL_WAIT_NONE,     /* no other command about the channel waits */
    PL_WAIT_JOINED,   /* the command waits after another one */
    PL_WAIT_FULL,     /* it would, but no more commands may wait */
    PL_WAIT_NO_MEMORY /* it would, but it cannot be kept */
};

/* Let `c`, which has just arrived, wait if another command about its channel
 * does. */
enum pl_wait_place pl_wait_takes(struct pl_session *s,
                                 const struct pl_command *c);

/* Like pl_wait_takes(), for the command about `channel` that runs now. */
enum pl_wait_place pl_wait_joins(struct pl_session *s, struct pl_span channel);

/* Return the queue whose first command waits for call `number`; NULL: none. */
struct pl_wait_queue *pl_wait_find(struct pl_session *s, uint32_t number);

/* Take the next command of the queue, to run it; NULL: there is none.  The
 * queue stays in its list until pl_wait_end_queue(), so that new commands about
 * its channel wait after its commands. Owner: the caller. */
struct pl_parked *pl_wait_next(struct pl_session *s, struct pl_wait_queue *q);
void pl_wait_end_queue(struct pl_session *s, struct pl_wait_queue *q);

/* A command with this order proved wrong: cancel all that the client sent after
 * it, and return their number.  `running`, the queue of that command, stays,
 * though it may be empty. */
unsigned pl_wait_cancel_later(struct pl_session *s, uint32_t order,
                              struct pl_wait_queue *running);

/* Read the client again if half of the space is free. */
void pl_wait_relax(struct pl_session *s);

/* The client was unsubscribed from `channel` with `code`: end the subscriptions
 * that commands about it will make, too.  `code` 0 revokes this: the client was
 * subscribed again. */
void pl_wait_kick(struct pl_session *s, struct pl_span channel, uint32_t code);

/* Return the bytes of the commands that wait. */
uint64_t pl_wait_bytes(const struct pl_session *s);

/* Free all commands that wait: the session closes. */
void pl_wait_forget(struct pl_session *s);

#endif
