/* SPDX-License-Identifier: Apache-2.0 */
/* queried.h - replies to queries, as the subscriber's operations of hub.h; see
 * queried.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_QUERIED_H
#define PL_SESSION_QUERIED_H

#include <stdbool.h>
#include <stdint.h>

struct pl_attach_mail;
struct pl_query_mail;
struct pl_subscriber;

void pl_session_tell_queried(struct pl_subscriber *u,
                             const struct pl_query_mail *m);
bool pl_session_may_recover(struct pl_subscriber *u,
                            const struct pl_attach_mail *m);

#endif
