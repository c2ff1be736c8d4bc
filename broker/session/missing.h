/* SPDX-License-Identifier: Apache-2.0 */
/* missing.h - server-side subscriptions that a login could not have; see
 * missing.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_MISSING_H
#define PL_SESSION_MISSING_H

#include <stdbool.h>
#include <stdint.h>

#include "list.h"
#include "map.h"
#include "span.h"
#include "timer.h"

struct pl_attach_mail;
struct pl_login;
struct pl_loop;
struct pl_session;
struct pl_sub;
struct pl_sub_terms; /* sub_terms.h */

/* Of a loop: the sessions that lack some. */
struct pl_missings {
    struct pl_loop *loop;
    struct pl_list entries; /* in the order in which they are due */
    struct pl_map at;       /* the same by slot */
    struct pl_timer timer;  /* tries them again */
};

void pl_missings_init(struct pl_missings *m, struct pl_loop *loop);

/* missing.c: subscribe a client that is logging in or logged in, on the server
 * side.  Revoke an unsubscribe that waits for an attach, a connect reply or a
 * verdict.  Otherwise a client that has the channel, or may have no more
 * channels, does not change.  `flags` are those that the program asks for, of
 * enum pl_sub_flag.  A client that is logging in does not get a channel with
 * terms: a login has no place for them, and the subscription must not begin
 * without them. */
void pl_session_take_channel(struct pl_session *s, struct pl_span channel,
                             uint8_t flags, const struct pl_sub_terms *terms);

/* missing.c: note the subscriptions that the login could not have, to try them
 * again. */
void pl_missing_note(struct pl_session *s, const struct pl_login *l);
void pl_missing_attached(struct pl_session *s, struct pl_sub *sub,
                         const struct pl_attach_mail *m);

/* missing.c: the server unsubscribes the client from `channel`: do not try it
 * again. */
void pl_missing_cancel(struct pl_session *s, struct pl_span channel);

/* Free all entries: the session manager is about to be freed. */
void pl_missings_fini(struct pl_missings *m);

#endif
