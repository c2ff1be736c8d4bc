/* SPDX-License-Identifier: Apache-2.0 */
/* granted.h - which server-side subscriptions the token of a connection
 * granted, to compare them with those of the token that refreshes it.
 *
 * Thread: the loop of the session. */
#ifndef PL_GRANTED_H
#define PL_GRANTED_H

#include <stdbool.h>

struct pl_session;
struct pl_token_claims;

/* Note what `claims` grant at the login.  Return false if out of memory. */
bool pl_granted_note(struct pl_session *s,
                     const struct pl_token_claims *claims);

/* Return true if `claims` grant the same channels as the noted ones. */
bool pl_granted_equals(const struct pl_session *s,
                       const struct pl_token_claims *claims);

/* Forget the note: the session ends. */
void pl_granted_forget(struct pl_session *s);

#endif
