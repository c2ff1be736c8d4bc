/* SPDX-License-Identifier: Apache-2.0 */
/* wait.h - the commands of a session that wait for a verdict, one queue for
 * each channel.
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
    PL_WAITS_MAX = 64 /* commands of a session; their bytes are bounded by
                         websocket.max_message */
};

/* Whether the session may have one command more wait: the one that runs now. */
bool pl_wait_has_room(const struct pl_session *s);

/* The command that runs now waits for the answer to call `number`; what the
 * client says later about `channel` waits behind it.  A refresh has no channel:
 * its span is absent.
 * Errors: false: out of memory. */
bool pl_wait_begin(struct pl_session *s, struct pl_span channel,
                   uint32_t number);

/* Whether `c`, which has just come, waits behind another command about its
 * channel.  If so it is taken: it waits, or was refused for want of room.  Call
 * this only while s->has_waits. */
bool pl_wait_takes(struct pl_session *s, const struct pl_command *c);

/* Whether a command about `channel` waits, so that another is to wait too.  It
 * is taken as above. */
bool pl_wait_joins(struct pl_session *s, struct pl_span channel, uint32_t id);

/* The verdict of call `number`: run the command that waits for it, and what
 * waits behind that.  False: nothing waits for this number. */
bool pl_wait_end(struct pl_session *s, uint32_t number,
                 const struct pl_verdict *v);

/* The client was unsubscribed from `channel` with `code`: so are the
 * subscriptions to it that wait.  Call this only while s->has_waits. */
void pl_wait_kick(struct pl_session *s, struct pl_span channel, uint32_t code);

/* Bytes of commands that wait. */
uint64_t pl_wait_bytes(const struct pl_session *s);

/* The session closes: nothing waits any more. */
void pl_wait_forget(struct pl_session *s);

#endif
