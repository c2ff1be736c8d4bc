/* SPDX-License-Identifier: Apache-2.0 */
/* wait.h - the commands of a session that wait for a verdict, in one queue per
 * channel.
 *
 * Thread: the session's loop. */
#ifndef PL_WAIT_H
#define PL_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

struct pl_command;
struct pl_session;
struct pl_verdict;

enum {
    PL_WAITS_MAX = 64 /* commands per session; websocket.max_message limits
                         their bytes */
};

/* Return true if one more command of the session may wait: the one that runs
 * now. */
bool pl_wait_has_room(const struct pl_session *s);

/* Let the command that runs now wait for the answer to call `number`.  Later
 * commands of the client about `channel` wait after it.  For a refresh,
 * `channel` is absent.  Return false if out of memory. */
bool pl_wait_begin(struct pl_session *s, struct pl_span channel,
                   uint32_t number);

/* Return true if another command about the channel of `c`, which has just
 * arrived, waits.  `c` then waits after it, or was refused.  Call this only
 * while s->has_waits. */
bool pl_wait_takes(struct pl_session *s, const struct pl_command *c);

/* Like pl_wait_takes(), for command `id` about `channel`, which runs now. */
bool pl_wait_joins(struct pl_session *s, struct pl_span channel, uint32_t id);

/* Run the command that waits for call `number`, whose verdict is `v`, and then
 * the commands that wait after it.  Return false if no command waits for
 * `number`. */
bool pl_wait_end(struct pl_session *s, uint32_t number,
                 const struct pl_verdict *v);

/* The client was unsubscribed from `channel` with `code`: end the subscriptions
 * that commands about it will make, too.  `code` 0 revokes this: the client was
 * subscribed again. */
void pl_wait_kick(struct pl_session *s, struct pl_span channel, uint32_t code);

/* Return the bytes of the commands that wait. */
uint64_t pl_wait_bytes(const struct pl_session *s);

/* Free all commands that wait: the session closes. */
void pl_wait_forget(struct pl_session *s);

#endif
