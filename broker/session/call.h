/* SPDX-License-Identifier: Apache-2.0 */
/* call.h - a call of code of the embedding program; see call.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_CALL_H
#define PL_SESSION_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct pl_call;
struct pl_session;

/* handlers.c: create a call with these fields; NULL: out of memory. */
struct pl_call *pl_call_create(const struct pl_call *fields);

/* Call these before and after code `name` of the embedding program, which must
 * not block.  pl_session_enter() returns `began_ms`. */
uint64_t pl_session_enter(struct pl_session *s, const char *name);
void pl_session_leave(struct pl_session *s, const char *name,
                      uint64_t began_ms);

/* Set fields->peer to the address of the client. */
void pl_session_note_peer(struct pl_session *s, struct pl_call *fields);

/* Set the members of `fields` that identify the session and its client. */
void pl_session_sign_call(struct pl_session *s, struct pl_call *fields);

/* Create a call with these fields, of the handler or judge `name`.  If
 * `is_listed`, add it to the call table: `command` waits for it; 0: it waits
 * for a verdict. Errors: PL_ENOMEM, PL_EFULL. */
enum pl_err pl_session_create_call(struct pl_session *s,
                                   const struct pl_call *fields,
                                   const char *name, bool is_listed,
                                   uint32_t command, struct pl_call **out);

#endif
