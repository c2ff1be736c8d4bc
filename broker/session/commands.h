/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - the commands of a client and the replies to them; see command.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_COMMANDS_H
#define PL_SESSION_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "metrics.h"
#include "span.h"

struct pl_command;
struct pl_named; /* session_private.h */
struct pl_reply;
struct pl_session;
struct pl_subscriber_ops;

void pl_session_commands(struct pl_session *s, struct pl_span message);
void pl_session_settle(struct pl_session *s, enum pl_metric as);
void pl_session_fail(struct pl_session *s, uint32_t id, uint32_t code);
void pl_session_fail_begin(struct pl_session *s, uint32_t id, enum pl_err rc);
void pl_session_violate(struct pl_session *s, uint32_t code, const char *why);
void pl_session_refuse_field(struct pl_session *s, uint32_t id,
                             const char *field);
/* Return the error for the unsupported `field`.  *text is its text, written to
 * `room`, which has PL_FIELD_TEXT_MAX bytes. */
enum { PL_FIELD_TEXT_MAX = 64 };
uint32_t pl_session_field_error(const char *field, char *room,
                                struct pl_span *text);
/* Check that the client has `grant` for `channel`.  If so, return true and set
 * *out to the hash and the rules of the name, found once per command.
 * Otherwise reply to command `id` with an error, or close the connection, and
 * return false. */
bool pl_session_may(struct pl_session *s, uint32_t id, struct pl_span channel,
                    uint8_t grant, struct pl_named *out);

/* True if the rules `n` grant `grant` to the client.  `channel` may be a name
 * that no client may use. */
bool pl_session_has_grant(struct pl_session *s, struct pl_span channel,
                          const struct pl_named *n, uint8_t grant);
void pl_session_refuse_text(struct pl_session *s, uint32_t id, uint32_t code,
                            struct pl_span text);
/* Like pl_session_refuse_text(); SDKs retry if `is_temporary`. */
void pl_session_refuse_as(struct pl_session *s, uint32_t id, uint32_t code,
                          struct pl_span text, bool is_temporary);
void pl_session_answer(struct pl_session *s, const struct pl_reply *reply);
extern const struct pl_subscriber_ops pl_session_subscriber_ops;

#endif
