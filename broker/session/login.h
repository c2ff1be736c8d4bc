/* SPDX-License-Identifier: Apache-2.0 */
/* login.h - the commands connect, refresh and sub_refresh; see login.c,
 * login_subs.c and refresh.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_LOGIN_H
#define PL_SESSION_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

struct pl_attach_mail;
struct pl_command;
struct pl_kept;
struct pl_login;
struct pl_loop;
struct pl_out_pool;
struct pl_outq;
struct pl_session;
struct pl_sub;
struct pl_verdict;
struct pl_watch_mail;

void pl_session_connect(struct pl_session *s, const struct pl_command *c);
void pl_session_refresh(struct pl_session *s, const struct pl_command *c);
void pl_session_sub_refresh(struct pl_session *s, const struct pl_command *c);
void pl_session_login_attached(struct pl_session *s, struct pl_sub *sub,
                               const struct pl_attach_mail *m);
/* Send the connect reply if the verdict and the results of all attaches are
 * there. */
void pl_session_resolve_login(struct pl_session *s);
void pl_session_login_answered(struct pl_session *s, uint32_t number,
                               const struct pl_verdict *v);
/* The login may go on: the key of its token is known, or known to be none. */
void pl_session_login_keyed(struct pl_session *s);
/* Fail a login that exceeds connect.timeout, with a temporary error. */
void pl_session_login_overdue(struct pl_session *s);
/* Keep the watch of the connect's call.  Return false if the login does not
 * wait for that call.
 * Owner: the login, unless the result is false. */
bool pl_session_login_watched(struct pl_session *s, struct pl_watch_mail *m);
/* Free the login, which is not NULL. */
void pl_login_destroy(struct pl_login *l, struct pl_loop *loop,
                      struct pl_out_pool *pool);

/* Return the queue of deliveries that wait for the connect reply, and the
 * messages after the connect. */
struct pl_outq *pl_login_deferred(struct pl_login *l);
struct pl_kept *pl_login_kept(struct pl_login *l);

/* End the subscription to `channel` with `code` after the connect reply. */
void pl_login_end_sub(struct pl_login *l, struct pl_span channel,
                      uint32_t code);

/* Add a server-side subscription to `channel`; the connect reply waits for it.
 * If the login has the channel already, only revoke pl_login_end_sub().  Does
 * nothing before the verdict, if the client may have no more channels, or if
 * the request fails.  `flags` as in pl_session_take_channel(). */
void pl_login_add_sub(struct pl_session *s, struct pl_span channel,
                      uint8_t flags);

#endif
