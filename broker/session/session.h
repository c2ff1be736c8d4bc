/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - the bytes of one client: what a transport (net, or a test) asks
 * of a session.
 *
 * A session is an actor, from the first byte of a connection to its last.  It
 * knows no file descriptor, and not how messages are framed: a link does
 * (session_link.h), which creates it.
 *
 * Thread: everything here is called on the session's loop. */
#ifndef PL_SESSION_H
#define PL_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "address.h"

struct pl_actor;
struct pl_actor_ops;
struct pl_loop;
struct pl_session; /* opaque */

/* The transport's bytes, freed with the session; aligned for pointers. */
void *pl_session_transport(struct pl_session *s);
struct pl_session *pl_session_of_transport(void *transport);

/* For mail from the session, and mail for sessions only (pl_kind_msg). */
extern const struct pl_actor_ops pl_session_actor_ops;
struct pl_actor *pl_session_actor(struct pl_session *s);
struct pl_session *pl_session_at(struct pl_loop *loop,
                                 struct pl_address address); /* NULL: gone */

/* Begin to read the connection: it gets its part of the turn's budget, see
 * pl_keeper_takes_input(). */
void pl_session_visit(struct pl_session *s);

/* Whether more input may be given in this visit. */
bool pl_session_may_go_on(const struct pl_session *s);

/* So many bytes were read. */
void pl_session_count_input(struct pl_session *s, size_t len);

/* The next pieces to send, at most `max`; gives how many. */
int pl_session_output(struct pl_session *s, struct iovec *iov, int max);

/* Whether the last words were said: nothing comes after what waits. */
bool pl_session_is_closing(const struct pl_session *s);

/* Bytes of output waiting. */
uint64_t pl_session_output_bytes(const struct pl_session *s);

/* The kernel took `bytes` of it. */
void pl_session_sent(struct pl_session *s, uint64_t bytes);

/* The kernel takes no more until an edge says that it has space. */
void pl_session_stalled(struct pl_session *s);

/* The kernel took no more before, and an edge is due: what was queued since
 * waits as well. */
void pl_session_waits(struct pl_session *s);

/* The connection is over: the peer ended it, it failed, or the link ended it;
 * `why` is for the log.  The session ends and is freed at the end of the turn.
 */
void pl_session_gone(struct pl_session *s, const char *why);

#endif
