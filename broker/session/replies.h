/* SPDX-License-Identifier: Apache-2.0 */
/* replies.h - the results of commands; see replies.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_REPLIES_H
#define PL_SESSION_REPLIES_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "metrics.h"
#include "span.h"

struct pl_reply;
struct pl_session;

/* Count a command that is about to run; or undo that, because it was counted
 * before. */
void pl_session_count(struct pl_session *s);
void pl_session_uncount(struct pl_session *s);

/* Each ends one pending command.  pl_session_resolve() counts it `as`, and
 * sends nothing. */
void pl_session_resolve(struct pl_session *s, enum pl_metric as);
void pl_session_answer(struct pl_session *s, const struct pl_reply *reply);
void pl_session_fail(struct pl_session *s, uint32_t id, uint32_t code);

/* Like pl_session_fail(); `id` 0 means that the client expects no reply. */
void pl_session_refuse(struct pl_session *s, uint32_t id, uint32_t code);
void pl_session_refuse_text(struct pl_session *s, uint32_t id, uint32_t code,
                            struct pl_span text);
/* Like pl_session_refuse_text(); SDKs retry if `is_temporary`. */
void pl_session_refuse_as(struct pl_session *s, uint32_t id, uint32_t code,
                          struct pl_span text, bool is_temporary);

/* Reply to a command whose request to the hub failed with `rc`. */
void pl_session_fail_begin(struct pl_session *s, uint32_t id, enum pl_err rc);

/* The command is a violation of the protocol: close the connection. */
void pl_session_violate(struct pl_session *s, uint32_t code, const char *why);

void pl_session_refuse_field(struct pl_session *s, uint32_t id,
                             const char *field);
/* Return the error for the unsupported `field`.  *text is its text, written to
 * `space`, which has PL_FIELD_TEXT_MAX bytes. */
enum { PL_FIELD_TEXT_MAX = 64 };
uint32_t pl_session_field_error(const char *field, char *space,
                                struct pl_span *text);

#endif
