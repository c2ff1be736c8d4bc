/* SPDX-License-Identifier: Apache-2.0 */
/* denied.h - revoked tokens and blocked users, as the sessions of a loop meet
 * them.
 *
 * Thread: the loop. */
#ifndef PL_SESSION_DENIED_H
#define PL_SESSION_DENIED_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

struct pl_denied_mail;
struct pl_session;
struct pl_session_manager;
struct pl_token_claims;

/* Why a client may not log in as `user`, and *code, with which it is closed;
 * NULL: it may.  `claims` is NULL if it has no token. */
const char *pl_session_denial(const struct pl_session *s,
                              const struct pl_token_claims *claims,
                              struct pl_span user, uint16_t *code);

/* Whether the token, of a connection of `user`, is revoked. */
bool pl_session_denies_token(const struct pl_session *s,
                             const struct pl_token_claims *claims,
                             struct pl_span user);

/* The same of a subscription token. */
bool pl_session_denies_sub_token(const struct pl_session *s,
                                 const struct pl_token_claims *claims);

/* The supervisor has changed its table: change the copy, and close the
 * connections of a token that is revoked by its id.
 * Owner: takes `m`. */
void pl_session_manager_on_denied(struct pl_session_manager *k,
                                  struct pl_denied_mail *m);

#endif
