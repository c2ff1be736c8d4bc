/* SPDX-License-Identifier: Apache-2.0 */
/* custom.h - rpc and send, handlers, sys.*, actor.send; see custom.c and
 * actor_send.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_CUSTOM_H
#define PL_SESSION_CUSTOM_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

struct pl_command;
struct pl_connect_request;
struct pl_direct_mail;
struct pl_publish_mail;
struct pl_session;
struct pl_user_mail;
struct pl_verdict;

void pl_session_rpc(struct pl_session *s, const struct pl_command *c);
void pl_session_send(struct pl_session *s, const struct pl_command *c);
/* Ask the connect handler.  `user` is that of a token; absent: there is none.
 */
void pl_session_ask_connect(struct pl_session *s,
                            const struct pl_connect_request *r,
                            struct pl_span user, uint32_t number);
/* The handler of rpc `command` has answered. */
void pl_session_answer_rpc(struct pl_session *s, uint32_t command,
                           const struct pl_verdict *v);

void pl_session_counted(struct pl_session *s, const struct pl_user_mail *m);

/* actor_send.c: `id` 0 means that the client expects no reply. */
bool pl_session_is_envelope(struct pl_session *s, struct pl_span data);
void pl_session_actor_send(struct pl_session *s, uint32_t id,
                           struct pl_span data);
void pl_session_actor_published(struct pl_session *s,
                                const struct pl_publish_mail *m);
void pl_session_direct(struct pl_session *s, struct pl_direct_mail *m);

#endif
