/* SPDX-License-Identifier: Apache-2.0 */
/* output.h - the output of a session, and the space for it in its queue; see
 * session_output.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_OUTPUT_H
#define PL_SESSION_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

struct pl_delivery;
struct pl_push;
struct pl_reply;
struct pl_session;
struct pl_subscriber;

/* Queue a reply, a push, or a ping. */
void pl_session_say(struct pl_session *s, const struct pl_reply *reply);
void pl_session_push(struct pl_session *s, const struct pl_push *push);

/* Like pl_session_push(), but within no limit: for the small push that ends a
 * subscription. */
void pl_session_push_over_limit(struct pl_session *s,
                                const struct pl_push *push);
void pl_session_say_ping(struct pl_session *s);

/* The `deliver` operation of a subscriber; see hub.h. */
void pl_session_deliver(struct pl_subscriber *u, const struct pl_delivery *it);

/* Return true if `bytes` of recovered publications fit into the allowance:
 * bytes beyond limits.outgoing_queue.  If so, the allowance grows by
 * `bytes`. */
bool pl_session_has_space(struct pl_session *s, uint64_t bytes);

/* Return true if a reply of `bytes` may be queued, within the limit or by use
 * of the allowance.  An empty queue accepts a reply of any size.  If the queue
 * has publications of channels whose readers may miss some, the result is true
 * as well: queueing the reply then drops publications. */
bool pl_session_can_wait(struct pl_session *s, uint64_t bytes);

/* Unsubscribe each subscription that is marked `is_dropping`. */
void pl_session_unsubscribe_dropping(struct pl_session *s);

/* Drop all output that is not partly sent, and close the session as slow at the
 * end of the turn. */
void pl_session_give_up_slow(struct pl_session *s);

#endif
