/* SPDX-License-Identifier: Apache-2.0 */
/* query.h - the commands presence, presence_stats and history; see query.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_QUERY_H
#define PL_SESSION_QUERY_H

#include <stdbool.h>
#include <stdint.h>

struct pl_attach_mail;
struct pl_command;
struct pl_query_mail;
struct pl_session;
struct pl_subscriber;

void pl_session_presence(struct pl_session *s, const struct pl_command *c);
void pl_session_history(struct pl_session *s, const struct pl_command *c);

/* Operations of a subscriber; see hub.h. */
void pl_session_tell_queried(struct pl_subscriber *u,
                             const struct pl_query_mail *m);
bool pl_session_may_recover(struct pl_subscriber *u,
                            const struct pl_attach_mail *m);

#endif
