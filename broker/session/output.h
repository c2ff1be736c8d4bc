/* SPDX-License-Identifier: Apache-2.0 */
/* output.h - what a session says, and how it makes room for it; see
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
void pl_session_say_ping(struct pl_session *s);

/* The hub's delivery. */
void pl_session_deliver(struct pl_subscriber *u, const struct pl_delivery *it);

/* May what it recovers, so many bytes, wait for it besides the out-queue's
 * limit?  If so, that is made room for. */
bool pl_session_has_room(struct pl_session *s, uint64_t bytes);

/* May an answer of so many bytes wait for it, besides the limit where need be?
 * An empty queue takes any, and one that can drop others is to try. */
bool pl_session_can_wait(struct pl_session *s, uint64_t bytes);

/* End the subscriptions that fell behind. */
void pl_session_give_up_behind(struct pl_session *s);

/* It does not keep up: drop what it has not begun to get, and close it. */
void pl_session_give_up_slow(struct pl_session *s);

#endif
