/* SPDX-License-Identifier: Apache-2.0 */
/* subscriber.h - what the hub calls of a session. */
#ifndef PL_SESSION_SUBSCRIBER_H
#define PL_SESSION_SUBSCRIBER_H

extern const struct pl_subscriber_ops pl_session_subscriber_ops;

#endif
