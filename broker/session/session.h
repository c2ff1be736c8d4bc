/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - the interface of a session to its transport (net, or a test),
 * which moves the bytes of one client.
 *
 * A session is an actor, from the first byte of a connection to the last.  It
 * has no file descriptor and does not know how messages are framed.  Its link
 * (session_link.h) does, and creates the session.
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
                                 struct pl_address address); /* NULL: exited */

/* Begin a visit: the transport reads this connection, which gets its part of
 * the turn's budget.  See pl_session_manager_takes_input(). */
void pl_session_visit(struct pl_session *s);

/* Return true if this visit may bring more input. */
bool pl_session_may_go_on(const struct pl_session *s);

/* Count `len` bytes as read. */
void pl_session_count_input(struct pl_session *s, size_t len);

/* Fill `iov` with the next ranges to send, at most `max`.  Return their
 * number. */
int pl_session_output(struct pl_session *s, struct iovec *iov, int max);

/* Return true if the session has closed: nothing follows the output that is
 * queued. */
bool pl_session_is_closing(const struct pl_session *s);

/* Return the bytes of queued output. */
uint64_t pl_session_output_bytes(const struct pl_session *s);

/* Remove `bytes` of output: the kernel has accepted them. */
void pl_session_sent(struct pl_session *s, uint64_t bytes);

/* The socket is blocked: an edge will report when the kernel accepts more. */
void pl_session_stalled(struct pl_session *s);

/* The socket is still blocked and an edge is due: output queued since then is
 * stalled too. */
void pl_session_waits(struct pl_session *s);

/* End the session: the peer closed, the connection failed, or the link ended
 * it; `why` is for the log.  The session is freed at the end of the turn. */
void pl_session_gone(struct pl_session *s, const char *why);

#endif
