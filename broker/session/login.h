/* SPDX-License-Identifier: Apache-2.0 */
/* login.h - connect and refresh; see login.c and login_subs.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_LOGIN_H
#define PL_SESSION_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

struct pl_attach_mail;
struct pl_command;
struct pl_login;
struct pl_out_pool;
struct pl_outq;
struct pl_session;
struct pl_sub;
struct pl_verdict;

void pl_session_connect(struct pl_session *s, const struct pl_command *c);
void pl_session_refresh(struct pl_session *s, const struct pl_command *c);
void pl_session_login_attached(struct pl_session *s, struct pl_sub *sub,
                               const struct pl_attach_mail *m);
/* Answer the connect if nothing is missing any more. */
void pl_session_settle_login(struct pl_session *s);
void pl_session_login_answered(struct pl_session *s, uint32_t number,
                               const struct pl_verdict *v);
/* The login takes longer than connect.timeout: fail it with a temporary
 * error. */
void pl_session_login_overdue(struct pl_session *s);
void pl_login_destroy(struct pl_login *l, struct pl_out_pool *pool);

/* Where deliveries wait for the connect reply. */
struct pl_outq *pl_login_deferred(struct pl_login *l);

/* The subscription is to end as soon as the connect is answered. */
void pl_login_end_sub(struct pl_login *l, struct pl_span channel,
                      uint32_t code);

/* Subscribe it on the server side as well; the connect is answered after
 * that. */
void pl_login_add_sub(struct pl_session *s, struct pl_span channel);

#endif
