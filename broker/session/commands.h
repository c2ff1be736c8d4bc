/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - runs the commands of a client; see command.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_COMMANDS_H
#define PL_SESSION_COMMANDS_H

#include "span.h"

struct pl_session;

/* Run the commands of `message` in order, or keep what has to wait. */
void pl_session_commands(struct pl_session *s, struct pl_span message);

#endif
