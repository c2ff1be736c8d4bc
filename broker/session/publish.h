/* SPDX-License-Identifier: Apache-2.0 */
/* publish.h - the command publish.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_PUBLISH_H
#define PL_SESSION_PUBLISH_H

struct pl_command;
struct pl_publish_mail;
struct pl_session;

void pl_session_publish(struct pl_session *s, const struct pl_command *c);

/* The owner of the channel has the result. */
void pl_session_tell_published(struct pl_session *s,
                               const struct pl_publish_mail *m);

#endif
