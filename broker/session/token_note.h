/* SPDX-License-Identifier: Apache-2.0 */
/* token_note.h - those claims of the token of a connection that are needed
 * later: the server-side subscriptions that it granted, to compare them with
 * those of the token that refreshes it; its id and its time of issue, to revoke
 * it; its meta, for backends.
 *
 * Thread: the loop of the session. */
#ifndef PL_TOKEN_NOTE_H
#define PL_TOKEN_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

struct pl_session;
struct pl_session_manager;
struct pl_token_claims;

/* Note what `claims` say, at the login or, in place of the old note, at a
 * refresh.  Return false if out of memory; nothing has changed. */
bool pl_token_note_make(struct pl_session *s,
                        const struct pl_token_claims *claims);

/* Return true if `claims` grant the same channels as the noted ones. */
bool pl_token_note_grants(const struct pl_session *s,
                          const struct pl_token_claims *claims);

/* Whether a token admitted the client, issued before `time_s` or not saying
 * when. */
bool pl_token_note_is_before(const struct pl_session *s, int64_t time_s);

/* Claims of the token; .at NULL, 0: nothing.  The spans are valid until the
 * next note. */
struct pl_span pl_token_note_id(const struct pl_session *s);
struct pl_span pl_token_note_meta(const struct pl_session *s);
int64_t pl_token_note_issued_at_s(const struct pl_session *s);

/* Call `visit` for each session that a token with this id admitted.  It may
 * close the session. */
void pl_token_note_each(struct pl_session_manager *k, struct pl_span id,
                        void (*visit)(struct pl_session *s));

/* Forget the note: the session ends. */
void pl_token_note_forget(struct pl_session *s);

#endif
