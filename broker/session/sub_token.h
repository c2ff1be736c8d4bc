/* SPDX-License-Identifier: Apache-2.0 */
/* sub_token.h - the tokens of subscribe and sub_refresh.
 *
 * Thread: the loop of the session. */
#ifndef PL_SUB_TOKEN_H
#define PL_SUB_TOKEN_H

#include <stdbool.h>

#include "span.h"

struct pl_command;
struct pl_session;
struct pl_token_claims;

/* Return true if the broker checks tokens of subscriptions itself. */
bool pl_session_checks_sub_tokens(const struct pl_session *s);

/* Check the token of command `c`, a subscribe or a sub_refresh, for `channel`.
 * If it lets this client have the channel, return its claims.  Otherwise reply
 * with an error, close the connection, or let the command wait for the key of
 * the token; and return NULL.
 * Owner: the caller destroys the claims. */
struct pl_token_claims *pl_session_read_sub_token(struct pl_session *s,
                                                  const struct pl_command *c,
                                                  struct pl_span channel,
                                                  struct pl_span token);

#endif
