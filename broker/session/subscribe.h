/* SPDX-License-Identifier: Apache-2.0 */
/* subscribe.h - subscribe and unsubscribe; see subscribe.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_SUBSCRIBE_H
#define PL_SESSION_SUBSCRIBE_H

#include <stdbool.h>
#include <stdint.h>

#include "codec.h"
#include "reply.h"
#include "span.h"

struct pl_arena;
struct pl_attach_mail;
struct pl_command;
struct pl_pub;
struct pl_publication;
struct pl_rules;
struct pl_session;
struct pl_sub;
struct pl_token_sub;

void pl_session_subscribe(struct pl_session *s, const struct pl_command *c);
void pl_session_unsubscribe(struct pl_session *s, const struct pl_command *c);
/* Return the subscription to the channel; NULL: none. */
struct pl_sub *pl_session_find(struct pl_session *s, struct pl_span channel);
void pl_session_kick_channel(struct pl_session *s, struct pl_span channel,
                             uint32_t code);

/* Make publications for a reply, in `arena`.  If one of them cannot be sent in
 * this encoding, *out stays NULL although `count` is above 0.  Return false if
 * out of memory. */
bool pl_publications_make(struct pl_arena *arena, struct pl_pub *const *pubs,
                          uint32_t count, enum pl_encoding encoding,
                          const struct pl_publication **out);

/* Return the flags of a server-side subscription for which the program asks
 * `wanted`, as far as the rules of its channel, or the token that grants it,
 * allow.  `token` may be NULL. */
uint16_t pl_sub_flags_granted(const struct pl_rules *rules,
                              const struct pl_token_sub *token, uint8_t wanted);

/* Return the result of an attach, without its publications.  `offset` is the
 * one that the client sent. */
struct pl_subscribe_result
pl_subscribe_result_of(const struct pl_attach_mail *m, bool was_recovering,
                       uint64_t offset);
void pl_session_tell_unsubscribed(struct pl_session *s, uint32_t command);
void pl_session_tell_dropped(struct pl_session *s, struct pl_sub *sub,
                             uint32_t code);
void pl_session_tell_attached(struct pl_session *s, struct pl_sub *sub,
                              const struct pl_attach_mail *m);

#endif
