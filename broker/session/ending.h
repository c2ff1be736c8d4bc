/* SPDX-License-Identifier: Apache-2.0 */
/* ending.h - how a session ends; see ending.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_ENDING_H
#define PL_SESSION_ENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

struct pl_session;

/* End the session logically: it is no longer a client, whatever happens to the
 * transport.  `code` and `reason` are for the program. */
void pl_session_teardown(struct pl_session *s, uint16_t code,
                         struct pl_span reason);
void pl_session_log_close(const struct pl_session *s, uint16_t code,
                          struct pl_span reason);

/* Remove the client from the supervisor.  Return false if out of memory. */
bool pl_session_unregister(struct pl_session *s);

/* Close the session with `code` because a command was invalid.  No later
 * command runs; the Close waits for the replies to earlier commands. */
void pl_session_end_commands(struct pl_session *s, uint16_t code);

/* Commands that came before the peer's Close, or before its violation, now wait
 * for the rate limit or for another turn.  Defer the end until they have run,
 * and stop its deadline. */
void pl_session_put_off_end(struct pl_session *s);

/* The deferred commands have run: an end that was put off now waits only for
 * pending replies. */
void pl_session_end_in_turn(struct pl_session *s);

/* Send the Close that has waited.  Call this when no command is pending any
 * more or the deadline has passed. */
void pl_session_conclude(struct pl_session *s);

#endif
