/* SPDX-License-Identifier: Apache-2.0 */
/* actor.h - something with a mailbox that one loop runs.
 *
 * An actor is pinned to one loop for life; only that loop's thread touches
 * it.  Others know its address and send it mail.  The struct is embedded first
 * in the thing that it animates. */
#ifndef PL_ACTOR_H
#define PL_ACTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "err.h"
#include "mailbox.h"
#include "msg.h"

struct pl_actor;
struct pl_loop;
struct pl_monitor; /* monitor.h */

/* What a kind of actor does; one constant table a kind. */
struct pl_actor_ops {
    const char *name;              /* of the kind, for logs and status */
    struct pl_mail_policy mailbox; /* its bound, and what when it is full */
    /* One message.  Anybody who has the address may send one of any type: give
     * those that the actor does not know to pl_actor_refuse(), so that a sender
     * who waits for an answer gets one.  Owner: the callee has `msg` now. */
    void (*receive)(struct pl_actor *a, struct pl_msg *msg);
    /* Free the thing.  Called once, at the end of the turn in which the actor
     * exited, when no pointer to it is left with the loop. */
    void (*reap)(struct pl_actor *a);
};

/* Private to actors/run but for what the inline functions below read. */
struct pl_actor {
    const struct pl_actor_ops *ops;
    struct pl_loop *loop;
    struct pl_actor *next; /* the loop's run queue, later its reap list */
    struct pl_monitor *monitors;
    struct pl_mailbox mailbox;
    uint32_t slot;
    uint32_t generation;
};

/* Give the actor an address on `loop`; from now on it can get mail.
 * Owner:  the caller owns the memory until ops->reap() is called.
 * Thread: the loop's, or any before the loop runs.
 * Errors: PL_ENOMEM: the actor is then untouched. */
enum pl_err pl_actor_init(struct pl_actor *a, struct pl_loop *loop,
                          const struct pl_actor_ops *ops);

/* End the actor: its address becomes stale, mail in its box is settled as a
 * dead letter (PL_DEAD_CLOSING), monitors are told `reason` (constant text),
 * and it is reaped at the end of this turn.  A second call does nothing.
 * Thread: the loop's. */
void pl_actor_exit(struct pl_actor *a, const char *reason);

/* Its address.  Thread: the loop's. */
struct pl_address pl_actor_address(const struct pl_actor *a);

/* Send `msg` to `to` in the name of `from`.  Mail from one sender to one
 * address arrives in the order sent.  It is always settled: handled once, or
 * counted under its reason (enum pl_dead) and then destroyed or, with
 * PL_MSG_RETURN, handed back to the sender's mailbox with its status.  Sent
 * from a callback of the driver to an actor of the same loop, it first lets in
 * what other loops have posted here, which may let actors exit that
 * PL_FULL_CLOSE closes.
 * Owner:  the runtime.  Thread: the loop of `from`. */
void pl_actor_send(struct pl_actor *from, struct pl_address to,
                   struct pl_msg *msg);

/* A message that only an actor of the kind `kind` gets. */
struct pl_kind_msg {
    struct pl_msg msg; /* first */
    const struct pl_actor_ops *kind;
    uint32_t slot; /* the runtime's, while the message is on its way */
};

/* As pl_actor_send(), for an address that a stranger may have made up: an actor
 * of another kind than m->kind never sees the message, which is then settled as
 * PL_DEAD_STALE.  Set m->kind before.
 * Owner:  the runtime.  Thread: the loop of `from`. */
void pl_actor_send_kind(struct pl_actor *from, struct pl_address to,
                        struct pl_kind_msg *m);

/* Settle `msg`, which `a` has just received and whose type it does not know,
 * as PL_DEAD_REFUSED: hand it back, if its sender wants that (PL_MSG_RETURN),
 * or destroy it.
 * Owner:  the runtime.  Thread: the loop's, inside ops->receive(). */
void pl_actor_refuse(struct pl_actor *a, struct pl_msg *msg);

/* The actor with this address on this loop, or NULL when it is stale or lives
 * elsewhere.  Valid until the end of the turn.  Thread: the loop's. */
struct pl_actor *pl_actor_find(struct pl_loop *loop, struct pl_address address);

/* Call `visit` for each actor of the kind `ops` on this loop; it may let the
 * one it is given exit.  Looks at every actor of the loop.  Thread: the loop's.
 */
void pl_actor_each(struct pl_loop *loop, const struct pl_actor_ops *ops,
                   void (*visit)(struct pl_actor *a, void *arg), void *arg);

#endif
