/* SPDX-License-Identifier: Apache-2.0 */
/* token_check.h - verifies tokens; a key may have to be fetched first.
 *
 * Thread: the loop of the session. */
#ifndef PL_TOKEN_CHECK_H
#define PL_TOKEN_CHECK_H

#include <stdint.h>

#include "token.h"

struct pl_session;

/* Verify the token of a connect.
 * Errors: those of pl_token_verify(); PL_EAGAIN (its key is not known yet:
 *         pl_session_login_keyed() follows), PL_EIO (it cannot be known for
 *         now). */
enum pl_err pl_session_check_login(struct pl_session *s, struct pl_span token,
                                   struct pl_token_claims **out,
                                   const char **why);

/* Verify the token of command `id` about `channel`, which is absent for a
 * refresh.
 * Errors: likewise; PL_EAGAIN (the command runs again when the key is known, or
 *         was refused). */
enum pl_err pl_session_check_token(struct pl_session *s, uint32_t id,
                                   struct pl_span channel,
                                   enum pl_token_kind kind,
                                   struct pl_span token,
                                   struct pl_token_claims **out,
                                   const char **why);

#endif
