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

struct pl_answer_mail;
struct pl_call;
struct pl_call_overdue;
struct pl_command;
struct pl_connect_request;
struct pl_direct_mail;
struct pl_publish_mail;
struct pl_session;
struct pl_user_mail;
struct pl_watch_mail;

void pl_session_rpc(struct pl_session *s, const struct pl_command *c);
void pl_session_send(struct pl_session *s, const struct pl_command *c);
void pl_session_ask_connect(struct pl_session *s,
                            const struct pl_connect_request *r,
                            uint32_t number);
void pl_session_answered(struct pl_session *s, struct pl_answer_mail *m);
/* Owner: takes `m`. */
void pl_session_watched(struct pl_session *s, struct pl_watch_mail *m);
void pl_session_overdue(void *keeper, const struct pl_call_overdue *call);

/* Call these before and after code `name` of the embedding program, which must
 * not block.  pl_session_enter() returns `began_ms`. */
uint64_t pl_session_enter(struct pl_session *s, const char *name);
void pl_session_leave(struct pl_session *s, const char *name,
                      uint64_t began_ms);

/* Set fields->peer to the address of the client. */
void pl_session_note_peer(struct pl_session *s, struct pl_call *fields);

/* Set the members of `fields` that identify the session and its client. */
void pl_session_sign_call(struct pl_session *s, struct pl_call *fields);
void pl_session_counted(struct pl_session *s, const struct pl_user_mail *m);

/* actor_send.c: `id` 0 means that the client expects no reply. */
void pl_session_refuse(struct pl_session *s, uint32_t id, uint32_t code);
bool pl_session_is_letter(struct pl_session *s, struct pl_span data);
void pl_session_actor_send(struct pl_session *s, uint32_t id,
                           struct pl_span data);
void pl_session_actor_published(struct pl_session *s,
                                const struct pl_publish_mail *m);
void pl_session_direct(struct pl_session *s, struct pl_direct_mail *m);

#endif
