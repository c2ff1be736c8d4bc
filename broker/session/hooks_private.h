/* SPDX-License-Identifier: Apache-2.0 */
/* hooks_private.h - calls of the hooks of the embedding program; see hooks.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_HOOKS_PRIVATE_H
#define PL_SESSION_HOOKS_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

struct pl_session;
struct pl_sub;

/* Call the hooks.  All but pl_session_tell_connected() do nothing unless the
 * program knows the client.  Return false if the program is out of memory: the
 * session has to close. */
bool pl_session_tell_connected(struct pl_session *s);
void pl_session_tell_disconnected(struct pl_session *s, uint32_t code,
                                  struct pl_span reason);
void pl_session_tell_reaped(struct pl_session *s);
void pl_session_tell_begun(struct pl_session *s, const struct pl_sub *sub);
void pl_session_tell_ended(struct pl_session *s, const struct pl_sub *sub,
                           uint32_t code);
void pl_session_tell_left(struct pl_session *s, const struct pl_sub *sub);

#endif
